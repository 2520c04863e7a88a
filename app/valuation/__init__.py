"""Pure sums of what a right is worth. The answer is a model value, not an appraisal (资产评估)."""

ENGINE = "zhirong-value-1"
"""Changes whenever the same inputs would give another fen."""
