"""Loans for the tests of this room: a plain one, and any one at all."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from app.core.money import Money, Rounding
from app.lending.daycount import DayCount
from app.lending.periods import Frequency
from app.lending.terms import RepaymentMethod, ScheduleTerms

PLAIN: dict[str, Any] = {
    "principal": Money.yuan("5000.00"),
    "annual_rate_pct": Decimal(12),
    "term_months": 18,
    "method": RepaymentMethod.EQUAL_INSTALMENT,
    "day_count": DayCount.THIRTY_360,
    "first_day": date(2022, 11, 1),
}


def terms(**changes: Any) -> ScheduleTerms:
    """5,000 yuan at 12 % over 18 months by equal instalments, but for ``changes``."""
    return ScheduleTerms(**(PLAIN | changes))


@st.composite
def any_terms(draw: st.DrawFn, /, **fixed: Any) -> ScheduleTerms:
    """Any loan without an instalment multiple; ``fixed`` fields are not drawn."""
    term_months = fixed.pop("term_months", None) or draw(st.integers(1, 60))
    drawn = {
        "principal": Money(draw(st.integers(1, 10**11))),
        "annual_rate_pct": draw(st.decimals(0, 60, places=3)),
        "term_months": term_months,
        "method": draw(st.sampled_from(RepaymentMethod)),
        "day_count": draw(st.sampled_from(DayCount)),
        "first_day": draw(st.dates(date(2015, 1, 1), date(2035, 12, 31))),
        "grace_months": draw(st.integers(0, term_months - 1)),
        "rounding": draw(st.sampled_from([Rounding.HALF_UP, Rounding.HALF_EVEN])),
        "frequency": draw(st.sampled_from(Frequency)),
        "settlement_day": draw(st.none() | st.integers(1, 31)),
    }
    return ScheduleTerms(**(drawn | fixed))
