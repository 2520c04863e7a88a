"""Dated reference data with its sources: parks, programme, rates, caps, lists. No I/O but files."""
