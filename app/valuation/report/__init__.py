"""The report of a stored run: what it says (content), its words and its charts. No I/O."""
