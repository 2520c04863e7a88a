"""Benchmarks: ratios against a fair opponent on the same machine in the same run. Never tests."""
