"""The mathematics of a loan: schedules, accrual, all-in cost, allocation, the best package."""

# Raised by whoever changes a formula, so that an answer names the rules that made it.
ENGINE_VERSION = "lending-1"
