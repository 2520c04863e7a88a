"""What every method asks of its inputs, refused by field, and the discounting they share."""

from collections.abc import Sequence
from decimal import Context, Decimal
from enum import StrEnum
from fractions import Fraction

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money, Rounding, round_fen

WHOLE_PCT = 100
YEARS_MAX = 100

_ROOT = Context(prec=60)
"""More digits than any amount has, for what has no exact fraction: roots and powers."""


class Timing(StrEnum):
    """When in its year a flow arrives."""

    END_OF_YEAR = "end_of_year"
    MID_YEAR = "mid_year"


def money(fen: Fraction | int) -> Money:
    return Money(round_fen(Fraction(fen), Rounding.HALF_UP))


def share(field: str, pct: Decimal) -> Fraction:
    """``pct`` as a fraction of one; refused outside 0–100 %."""
    if not 0 <= pct <= WHOLE_PCT:
        raise FieldRefused(field, say("must be from 0 to 100"))
    return Fraction(pct) / WHOLE_PCT


def refuse_negative(**figures: int | Decimal | Money) -> None:
    for field, figure in figures.items():
        if (figure.fen if isinstance(figure, Money) else figure) < 0:
            raise FieldRefused(field, say("must not be negative"))


def flows_of(field: str, amounts: Sequence[Money], *, negative: bool = False) -> list[Fraction]:
    """The amounts of the years in fen; refused if too many years or, by default, one below zero."""
    if len(amounts) > YEARS_MAX:
        raise FieldRefused(field, say("has more than {years} years", years=YEARS_MAX))
    if not negative and any(amount.fen < 0 for amount in amounts):
        raise FieldRefused(field, say("must not be negative"))
    return [Fraction(amount.fen) for amount in amounts]


def same_length(field: str, values: Sequence[object], years: int) -> None:
    if len(values) != years:
        raise FieldRefused(field, say("must have one entry for each of the {n} years", n=years))


def power(base: Fraction, exponent: Decimal) -> Fraction:
    """``base`` to ``exponent``, to 60 digits."""
    numerator = _ROOT.divide(Decimal(base.numerator), Decimal(base.denominator))
    return Fraction(_ROOT.power(numerator, exponent))


def present_values(
    flows: Sequence[Fraction], discount_rate_pct: Decimal, timing: Timing = Timing.END_OF_YEAR
) -> list[Fraction]:
    """Fₜ/(1+k)ᵗ for t = 1 … n, with t−½ in place of t in mid-year; a negative k is refused."""
    refuse_negative(discount_rate_pct=discount_rate_pct)
    growth = 1 + Fraction(discount_rate_pct) / WHOLE_PCT
    factor = Fraction(1)
    if timing is Timing.MID_YEAR:
        factor = power(growth, Decimal("0.5"))
    present = []
    for flow in flows:
        factor /= growth
        present.append(flow * factor)
    return present
