"""Interest subsidies: the rules of the product's files, their caps, what they count."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import ZERO, Money
from app.lending.subsidy import Certainty, Subsidy, read_rule, subsidy_amount
from app.reference.files import read_all

RULES = {
    file.key: read_rule(file.body) for file in read_all() if file.key.startswith("interest_subsidy")
}
NINGXIA, BEIJING = RULES["interest_subsidy_ningxia"], RULES["interest_subsidy_beijing"]


def amount(subsidy: Subsidy, **changes: Any) -> Money:
    loan: dict[str, Any] = {
        "principal": Money.yuan(10_000_000),
        "annual_rate_pct": Decimal("4.35"),
        "first_day": date(2022, 3, 1),
        "last_day": date(2023, 3, 1),
        "interest": [(date(2023, 3, 1), Money.yuan(435_000))],
    }
    return subsidy_amount(subsidy, **(loan | changes))


@pytest.mark.parametrize(
    ("principal", "lpr", "award"),
    [(10_000_000, "3.70", 370_000), (10_000_000, "3.65", 365_000), (8_000_000, "3.65", 292_000)],
)
def test_ningxia_gives_principal_at_the_lpr_as_its_published_awards(
    principal: int, lpr: str, award: int
) -> None:
    subsidy = NINGXIA.on_loan(lpr_pct=Decimal(lpr))

    assert amount(subsidy, principal=Money.yuan(principal)) == Money.yuan(award)


def test_ningxia_counts_actual_days_and_one_year_at_most() -> None:
    subsidy = NINGXIA.on_loan(lpr_pct=Decimal("3.65"))

    assert amount(subsidy, last_day=date(2022, 3, 11)) == Money.yuan(10_000)
    assert amount(subsidy, last_day=date(2025, 3, 1)) == Money.yuan(365_000)


def test_beijing_counts_a_rate_up_to_the_lpr_times_1_4() -> None:
    subsidy = BEIJING.on_loan(lpr_pct=Decimal(3))
    interest = [(date(2023, 3, 1), Money.yuan(84_000))]

    assert subsidy.counted_rate_max_pct == Decimal("4.2")
    counted = amount(subsidy, annual_rate_pct=Decimal("8.4"), interest=interest)
    assert counted == Money.yuan(21_000)
    assert amount(subsidy, annual_rate_pct=Decimal("4.2"), interest=interest) == Money.yuan(42_000)


def test_beijing_caps_a_firms_year_with_what_it_had_already() -> None:
    subsidy = BEIJING.on_loan(lpr_pct=Decimal("3.65"))
    interest = [(date(2022, 12, 20), Money.yuan(700_000)), (date(2023, 3, 1), Money.yuan(100_000))]

    assert amount(subsidy, interest=interest) == Money.yuan(350_000)
    granted = {2022: Money.yuan(290_000), 2023: Money.yuan(400_000)}
    assert amount(subsidy, interest=interest, granted=granted) == Money.yuan(10_000)


def test_only_the_ip_share_of_a_mixed_pledge_is_subsidised() -> None:
    half = NINGXIA.on_loan(lpr_pct=Decimal("3.65"), ip_share_pct=Decimal(50))

    assert amount(half) == Money.yuan(182_500)


def test_the_cap_of_a_loan_holds_over_all_its_years() -> None:
    subsidy = Subsidy(
        "both",
        Decimal(50),
        0,
        Certainty.LIKELY,
        cap=Money.yuan(150),
        cap_per_year=Money.yuan(100),
    )
    interest = [(date(year, 1, 1), Money.yuan(1000)) for year in (2022, 2023)]

    assert amount(subsidy, interest=interest[:1]) == Money.yuan(100)
    assert amount(subsidy, interest=interest) == Money.yuan(150)


@given(
    interest=st.lists(st.integers(0, 10**9), max_size=5),
    rate=st.decimals("0", "24", places=2),
    granted=st.integers(0, 10**8),
    ip=st.integers(0, 100),
)
def test_a_subsidy_never_exceeds_its_share_or_its_yearly_cap(
    interest: list[int], rate: Decimal, granted: int, ip: int
) -> None:
    paid = [(date(2022, 1, 1 + day), Money(fen)) for day, fen in enumerate(interest)]
    subsidy = BEIJING.on_loan(lpr_pct=Decimal(3), ip_share_pct=Decimal(ip))

    given_ = amount(subsidy, annual_rate_pct=rate, interest=paid, granted={2022: Money(granted)})

    assert ZERO <= given_ <= Money(sum(interest)).times(Decimal("0.5"))
    assert given_ <= max(ZERO, Money.yuan(300_000) - Money(granted))
