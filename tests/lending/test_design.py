"""The terms designer: what it proposes really keeps the cover, and more cash never loses terms."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lending.daycount import DayCount
from app.lending.design import Allowed, Basis, CashPlan, Design, Proposal, design
from app.lending.periods import Frequency, months_after
from app.lending.schedule import schedule
from app.lending.terms import RepaymentMethod, ScheduleTerms

MILLION = Money.yuan(1_000_000)
BASE = ScheduleTerms(
    principal=MILLION,
    annual_rate_pct=Decimal("4.35"),
    term_months=6,
    method=RepaymentMethod.BULLET,
    day_count=DayCount.ACT_360,
    first_day=date(2026, 1, 31),
)
ALLOWED = Allowed([6, 12, 24], [0, 3, 6], list(RepaymentMethod))
RATIO = Decimal("1.2")

fen = st.integers(0, 40_000_000)
flows = st.lists(fen, min_size=6, max_size=26)
ratios = st.decimals("0.5", "3", places=2)


def run(
    amounts: list[int],
    *,
    opening: int = 0,
    ratio: Decimal = RATIO,
    basis: Basis = Basis.CUMULATIVE,
    frequency: Frequency = Frequency.MONTHLY,
) -> Design:
    cash = CashPlan(Money(opening), [Money(amount) for amount in amounts], frequency)
    return design(BASE, cash=cash, cover_ratio=ratio, basis=basis, allowed=ALLOWED)


def keys(found: Design) -> set[tuple[int, int, str]]:
    return {(p.term_months, p.grace_months, p.method) for p in found.proposals}


def covered(
    proposal: Proposal, amounts: list[int], *, opening: int, ratio: Decimal, basis: Basis
) -> bool:
    """Once more, in another way: day by day, with exact fractions."""
    plan = schedule(
        replace(
            BASE,
            term_months=proposal.term_months,
            grace_months=proposal.grace_months,
            method=proposal.method,
        )
    )
    arrivals = {months_after(BASE.first_day, k + 1): amount for k, amount in enumerate(amounts)}
    for index, line in enumerate(plan):
        cumulative = basis is Basis.CUMULATIVE
        since = BASE.first_day if cumulative or not index else plan[index - 1].due_on
        came = sum(amount for day, amount in arrivals.items() if since < day <= line.due_on)
        lines = plan[: index + 1] if cumulative else [line]
        if cumulative:
            came += opening
        if came < Fraction(ratio) * sum(one.payment.fen for one in lines):
            return False
    return True


@settings(max_examples=40)
@given(flows, fen, ratios, st.sampled_from(Basis))
def test_every_proposal_keeps_the_cover_and_nothing_that_does_is_left_out(
    amounts: list[int], opening: int, ratio: Decimal, basis: Basis
) -> None:
    found = run(amounts, opening=opening, ratio=ratio, basis=basis)
    # A ratio of nearly nothing lets all pass, so that every candidate is seen.
    everything = run(
        [10**14] * len(amounts), opening=0, ratio=Decimal("0.01"), basis=Basis.EVERY_PERIOD
    )

    proposed = keys(found)
    for proposal in everything.proposals:
        fits = covered(proposal, amounts, opening=opening, ratio=ratio, basis=basis)
        key = (proposal.term_months, proposal.grace_months, proposal.method)
        assert (key in proposed) is fits
    assert found.tried == len(everything.proposals)


@settings(max_examples=40)
@given(flows, fen, st.data(), st.sampled_from(Basis))
def test_more_cash_never_loses_a_proposal(
    amounts: list[int], opening: int, data: st.DataObject, basis: Basis
) -> None:
    more = [amount + data.draw(fen) for amount in amounts]

    assert keys(run(amounts, opening=opening, basis=basis)) <= keys(
        run(more, opening=opening + data.draw(fen), basis=basis)
    )


@settings(max_examples=40)
@given(flows, fen)
def test_cover_in_every_period_implies_the_cumulative_one(amounts: list[int], opening: int) -> None:
    assert keys(run(amounts, opening=opening, basis=Basis.EVERY_PERIOD)) <= keys(
        run(amounts, opening=opening, basis=Basis.CUMULATIVE)
    )


@settings(max_examples=40)
@given(flows, fen)
def test_the_cash_that_is_missing_is_exactly_enough_in_the_cumulative_sum(
    amounts: list[int], opening: int
) -> None:
    found = run(amounts, opening=opening)
    if found.nearest is None:
        return
    lacks = found.nearest.shortfall.fen
    key = (found.nearest.term_months, found.nearest.grace_months, found.nearest.method)

    assert key in keys(run(amounts, opening=opening + lacks))
    assert not keys(run(amounts, opening=opening + lacks - 1))


def test_the_least_interest_comes_first() -> None:
    found = run([10**9] * 24)
    interest = [proposal.total_interest for proposal in found.proposals]

    assert interest == sorted(interest)
    assert len(interest) == found.tried


def test_terms_beyond_the_months_foreseen_are_not_tried() -> None:
    assert {proposal.term_months for proposal in run([10**9] * 12).proposals} == {6, 12}


def test_twelve_even_months_carry_a_year_in_instalments_and_no_half_year() -> None:
    # 85 375 a month are due on a year's instalments at 4.35 %; a half year asks for twice that.
    found = run([11_000_000] * 12, basis=Basis.EVERY_PERIOD)

    assert keys(found) == {
        (12, 0, RepaymentMethod.EQUAL_INSTALMENT),
        (12, 0, RepaymentMethod.EQUAL_PRINCIPAL),
        (12, 0, RepaymentMethod.BULLET),  # its one period is the whole year: 1 320 000 came in
    }
    assert found.proposals[0].lowest_cover >= RATIO


def test_nothing_fits_without_cash_and_all_of_the_first_payment_is_missing() -> None:
    found = run([0] * 12)

    assert (found.proposals, found.nearest is not None) == ((), True)
    assert found.nearest is not None
    assert found.nearest.shortfall > ZERO


def test_quarterly_cash_cannot_cover_monthly_payments() -> None:
    with pytest.raises(FieldRefused, match="frequency"):
        run([10**9] * 8, frequency=Frequency.QUARTERLY)


def test_quarterly_cash_covers_quarterly_payments() -> None:
    cash = CashPlan(ZERO, [Money(10**9)] * 4, Frequency.QUARTERLY)
    found = design(
        replace(BASE, frequency=Frequency.QUARTERLY),
        cash=cash,
        cover_ratio=RATIO,
        basis=Basis.EVERY_PERIOD,
        allowed=ALLOWED,
    )

    assert {proposal.term_months for proposal in found.proposals} == {6, 12}
