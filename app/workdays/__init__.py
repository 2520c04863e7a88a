"""Chinese working days, and the clocks of service levels that count in them. Pure: no I/O."""
