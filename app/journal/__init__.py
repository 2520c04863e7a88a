"""The ledger's journal: its canonical form, its hash chain, and the replay that proves it.

Documented for outsiders in docs/ledger.md. Pure: a database and a file are read the same way.
"""
