"""What a recovery goes to, and to whom."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.risk.recovery import Lost, Recovered, RecoveryAboveDebt, split_recovery
from app.risk.scheme import RecoveryStep

ORDER = [RecoveryStep.COSTS, RecoveryStep.BORNE, RecoveryStep.INTEREST]
BORNE = {"fund": Money(5400), "bank": Money(2600), "insurer": Money(1600), "appraiser": Money(400)}


def recovered(fen: int, **changes: object) -> Recovered:
    given_ = {"costs": Money(100), "borne": BORNE, "returned": {}, "interest": Money(50)}
    return split_recovery(ORDER, Money(fen), **(given_ | changes))  # type: ignore[arg-type]


def test_costs_come_first_then_who_bore_the_loss_then_interest() -> None:
    assert recovered(60) == Recovered(Money(60), dict.fromkeys(BORNE, ZERO), ZERO)
    assert recovered(1100) == Recovered(
        Money(100),
        {
            "fund": Money(540),
            "bank": Money(260),
            "insurer": Money(160),
            "appraiser": Money(40),
        },
        ZERO,
    )
    assert recovered(10_150) == Recovered(Money(100), BORNE, Money(50))


def test_another_order_is_followed() -> None:
    found = split_recovery(
        [RecoveryStep.INTEREST, RecoveryStep.COSTS, RecoveryStep.BORNE],
        Money(70),
        costs=Money(100),
        borne=BORNE,
        returned={},
        interest=Money(50),
    )

    assert (found.costs, found.interest) == (Money(20), Money(50))


def test_a_recovery_above_what_is_owed_is_refused() -> None:
    with pytest.raises(RecoveryAboveDebt) as refused:
        recovered(10_151)

    assert refused.value.error_code() == "recovery-above-debt"
    assert "101.51" in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"costs": Money(-1)},
        {"interest": Money(-1)},
        {"returned": {"fund": Money(5401)}},
    ],
)
def test_figures_that_cannot_be_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(FieldRefused):
        recovered(10, **changes)


def test_nothing_recovered_is_refused() -> None:
    with pytest.raises(FieldRefused):
        recovered(0)


@given(
    borne=st.lists(st.integers(0, 1000), min_size=1, max_size=5),
    costs=st.integers(0, 50),
    parts=st.lists(st.integers(1, 400), min_size=1, max_size=6),
)
def test_recoveries_one_by_one_sum_and_return_no_party_more_than_it_bore(
    borne: list[int], costs: int, parts: list[int]
) -> None:
    bore = {f"p{i}": Money(fen) for i, fen in enumerate(borne)}
    returned = dict.fromkeys(bore, ZERO)
    unpaid = Money(costs)

    for fen in parts:
        room = unpaid + Money(sum(borne)) - Money.sum(list(returned.values()))
        if Money(fen) > room:
            break
        found = split_recovery(
            ORDER, Money(fen), costs=unpaid, borne=bore, returned=returned, interest=ZERO
        )
        assert min(found.parties.values()) >= ZERO
        assert found.costs + Money.sum(list(found.parties.values())) == Money(fen)
        unpaid -= found.costs
        returned = {party: part + found.parties[party] for party, part in returned.items()}
        assert all(returned[party] <= bore[party] for party in bore)
        back = Money.sum(list(returned.values()))
        for party, part in bore.items():
            fair = Decimal(back.fen) * part.fen / max(1, sum(borne))
            assert abs(returned[party].fen - fair) < 2


AMOUNTS = st.integers(0, 10**13)


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
def test_a_claim_settles_the_part_of_which_it_is_what_is_left(
    principal: int, recovered: int, of: int, claimed: int
) -> None:
    lost = Lost(Money(principal), Money(min(recovered, principal)))
    part = Money(min(of, principal))

    settles = lost.settles(Money(claimed), of=part)

    assert ZERO <= settles <= part
    named = min(Money(claimed), lost.still(part))
    assert abs((lost.still(part) - lost.still(part - settles) - named).fen) <= 1
    assert settles >= named
    assert lost.still(lost.principal) == lost.principal - lost.recovered
