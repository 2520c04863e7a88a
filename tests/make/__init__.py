"""Builders: each makes one valid row, and takes only what the test is about."""
