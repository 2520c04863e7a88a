"""Annual fees: due days, surcharge by started month, lapse back to the last paid year."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.core.money import Money
from app.identifiers.rights import RightKind
from app.lending.annuity_plan import FeePlan, FeeRule, FeeStatus, fee_plan
from app.reference import files

BODY = files.in_force("annuity_fees", on=date(2026, 11, 23)).body


def plan(kind: RightKind = RightKind.INVENTION, **facts: Any) -> FeePlan:
    asked: dict[str, Any] = {
        "filed_on": date(2019, 3, 10),
        "granted_on": None,
        "as_of": date(2026, 11, 23),
        "paid_through_year": 8,
    }
    return fee_plan(kind, FeeRule.of(kind, BODY), **(asked | facts))


@pytest.mark.parametrize(
    ("as_of", "status", "surcharge"),
    [
        (date(2027, 3, 10), FeeStatus.IN_FORCE, "0.00"),
        (date(2027, 3, 11), FeeStatus.IN_GRACE, "0.00"),
        (date(2027, 4, 10), FeeStatus.IN_GRACE, "0.00"),
        (date(2027, 4, 11), FeeStatus.IN_GRACE, "100.00"),
        (date(2027, 8, 11), FeeStatus.IN_GRACE, "500.00"),
        (date(2027, 9, 10), FeeStatus.IN_GRACE, "500.00"),
        (date(2027, 9, 11), FeeStatus.LAPSED, "500.00"),
    ],
)
def test_the_surcharge_grows_by_started_month_until_the_right_lapses(
    as_of: date, status: FeeStatus, surcharge: str
) -> None:
    found = plan(as_of=as_of, reduction_pct=Decimal(85))

    assert found.status is status
    assert found.surcharge == Money.yuan(surcharge)  # of the full fee
    assert found.next is not None
    assert found.next.fee == Money.yuan(300)
    assert found.next.due_on == date(2027, 3, 10)


@pytest.mark.parametrize(
    ("kind", "filed_on", "ends_on"),
    [
        (RightKind.INVENTION, date(2019, 3, 10), date(2039, 3, 10)),
        (RightKind.UTILITY_MODEL, date(2019, 3, 10), date(2029, 3, 10)),
        (RightKind.DESIGN, date(2021, 5, 31), date(2031, 5, 31)),
        (RightKind.DESIGN, date(2021, 6, 1), date(2036, 6, 1)),
    ],
)
def test_the_last_fee_is_due_a_year_before_the_end(
    kind: RightKind, filed_on: date, ends_on: date
) -> None:
    found = plan(kind, filed_on=filed_on, as_of=date(2022, 1, 1), paid_through_year=3)

    assert found.expires_on == ends_on
    assert found.schedule[-1].due_on == ends_on.replace(year=ends_on.year - 1)


def test_with_every_year_paid_it_is_in_force_until_the_term_ends() -> None:
    last = date(2039, 3, 9)

    assert plan(as_of=last, paid_through_year=20).status is FeeStatus.IN_FORCE
    assert plan(as_of=last + timedelta(1), paid_through_year=20).status is FeeStatus.EXPIRED
    assert plan(as_of=last, paid_through_year=20).schedule == ()


def test_a_leap_day_keeps_its_day_in_leap_years() -> None:
    found = plan(filed_on=date(2020, 2, 29), as_of=date(2022, 1, 1), paid_through_year=2)

    assert [fee.due_on for fee in found.schedule[:3]] == [
        date(2022, 2, 28),
        date(2023, 2, 28),
        date(2024, 2, 29),
    ]
