"""The loan prime rate on a day, and rates stated on it."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from app.schemas.quotes import FixedRate, LprRate, LprTenor
from app.services import lpr
from app.services.rules import NoRuleInForce

TABLE = lpr.LprTable(
    on=date(2025, 5, 20),
    announced_on=date(2025, 5, 20),
    pct={LprTenor.ONE_YEAR: Decimal("3.00"), LprTenor.FIVE_YEARS: Decimal("3.50")},
    uncalibrated=True,
)


def on_lpr(tenor: LprTenor, spread_bp: int) -> LprRate:
    return LprRate(type="lpr", tenor=tenor, spread_bp=spread_bp)


@pytest.mark.parametrize(
    ("tenor", "spread_bp", "rate"),
    [("1Y", 85, "3.85"), ("1Y", 0, "3.00"), ("5Y", -35, "3.15"), ("1Y", -301, "0")],
)
def test_basis_points_are_hundredths_of_a_per_cent_and_nobody_lends_below_nought(
    tenor: str, spread_bp: int, rate: str
) -> None:
    resolved = TABLE.resolve(on_lpr(LprTenor(tenor), spread_bp))

    assert resolved.annual_rate_pct == Decimal(rate)
    assert (resolved.on, resolved.lpr_announced_on) == (TABLE.on, TABLE.announced_on)


@given(st.integers(-300, 2000), st.integers(0, 2000))
def test_a_higher_spread_is_a_higher_rate_by_as_much(spread_bp: int, more: int) -> None:
    more = min(more, 2000 - spread_bp)
    low = TABLE.resolve(on_lpr(LprTenor.ONE_YEAR, spread_bp)).annual_rate_pct
    high = TABLE.resolve(on_lpr(LprTenor.ONE_YEAR, spread_bp + more)).annual_rate_pct

    assert (high - low) * 100 == more


def test_a_fixed_rate_stays_and_names_no_announcement() -> None:
    fixed = FixedRate.model_validate({"type": "fixed", "annual_rate_pct": "4.35"})

    resolved = TABLE.resolve(fixed)

    assert resolved.annual_rate_pct == Decimal("4.35")
    assert (resolved.lpr_pct, resolved.lpr_announced_on) == (None, None)
    assert not resolved.uncalibrated


async def test_the_announcement_in_force_is_found_by_day(session: AsyncSession) -> None:
    table = await lpr.load_table(session, on=date(2026, 11, 23))

    assert table.announced_on == date(2025, 5, 20)
    assert table.pct[LprTenor.FIVE_YEARS] == Decimal("3.50")
    with pytest.raises(NoRuleInForce):
        await lpr.load_table(session, on=date(2025, 5, 19))
