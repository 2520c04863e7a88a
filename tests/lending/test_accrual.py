"""Interest between days, penalty interest, days past due."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lending.accrual import interest_between, penalty_interest
from app.lending.daycount import DayCount


def test_daily_interest_is_principal_times_rate_times_days() -> None:
    interest = interest_between(
        Money.yuan(5_000_000),
        annual_rate_pct=Decimal("4.35"),
        day_count=DayCount.ACT_360,
        start=date(2025, 1, 15),
        end=date(2025, 2, 15),
    )

    assert str(interest) == "18729.17"  # 5,000,000 × 4.35 % × 31 / 360


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(FieldRefused, match="end"):
        interest_between(
            Money.yuan(1),
            annual_rate_pct=Decimal(1),
            day_count=DayCount.ACT_360,
            start=date(2025, 1, 2),
            end=date(2025, 1, 1),
        )


def test_penalty_interest_is_a_multiple_of_the_rate() -> None:
    penalty = penalty_interest(
        Money.yuan(305),
        annual_rate_pct=Decimal(12),
        multiple=Decimal("1.5"),
        day_count=DayCount.ACT_360,
        from_day=date(2022, 12, 1),
        to_day=date(2022, 12, 31),
    )

    assert str(penalty) == "4.58"  # 305 × 18 % × 30 / 360 = 4.575


@given(
    principal=st.integers(0, 10**12),
    days=st.integers(0, 2000),
    day_count=st.sampled_from(DayCount),
)
def test_interest_grows_with_time(principal: int, days: int, day_count: DayCount) -> None:
    start = date(2024, 1, 31)

    def until(later: int) -> Money:
        return interest_between(
            Money(principal),
            annual_rate_pct=Decimal("4.35"),
            day_count=day_count,
            start=start,
            end=date.fromordinal(start.toordinal() + later),
        )

    assert ZERO <= until(days) <= until(days + 2)
