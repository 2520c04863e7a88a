"""Cases of public services: kinds as dated data, and the rules that read them. Pure: no I/O."""
