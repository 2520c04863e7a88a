"""What valuation runs are made for, and what a pledgee may decide where cover fell."""

from enum import StrEnum


class RunKind(StrEnum):
    FIRST = "first"  # the firm values its portfolio
    CHALLENGE = "challenge"  # another party's inputs beside those of a run
    REVALUATION = "revaluation"  # of what is pledged, on another day


class RevaluationOutcome(StrEnum):
    REVALUED = "revalued"
    NO_INPUTS = "no_inputs"  # the request stands on no valuation that says what was put in
    ENDED = "ended"  # the loan was repaid, or the rights were released, before its turn came


class CoverChoice(StrEnum):
    """What follows from a signal, by the contract (deal.md, Grading)."""

    TOP_UP = "top_up"
    SWAP = "swap"
    PREPAY = "prepay"
    NOTHING = "nothing"
