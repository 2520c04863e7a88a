"""What the measures award: every cell of the policy, below, at and above every cap."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.messages import Language, told
from app.core.money import ZERO, Money
from app.grants.award import Award, decide
from app.grants.measure_files import MEASURES, find_version

FEN = st.integers(min_value=0, max_value=10**13).map(Money)


def award(measure: int, **facts: Any) -> Award:
    return decide(find_version(measure, None), facts)


@pytest.mark.parametrize(
    ("measure", "facts", "amount"),
    [
        (1, {"designation": "demonstration", "level": "city"}, "1000000.00"),
        (1, {"designation": "demonstration", "level": "county"}, "500000.00"),
        (1, {"designation": "demonstration", "level": "park"}, "300000.00"),
        (1, {"designation": "pilot", "level": "city"}, "500000.00"),  # 石嘴山, 2024
        (1, {"designation": "pilot", "level": "county"}, "300000.00"),  # 中宁, 2024
        (1, {"designation": "pilot", "level": "park"}, "200000.00"),
        (2, {"requested": "1099999.99"}, "1099999.99"),
        (2, {"requested": "1100000.00"}, "1100000.00"),
        (2, {"requested": "1100000.01"}, "1100000.00"),
        (2, {"requested": "50.00", "pot_left": "49.99"}, "49.99"),
        (3, {}, "200000.00"),
        (4, {"deal_amount": "0.19"}, "0.00"),
        (4, {"deal_amount": "0.20"}, "0.01"),
        (4, {"deal_amount": "19999999.00"}, "999999.95"),
        (4, {"deal_amount": "19999999.99"}, "999999.99"),
        (4, {"deal_amount": "20000000.00"}, "1000000.00"),
        (4, {"deal_amount": "20000001.00"}, "1000000.00"),
        (5, {"requested": "1999999.99"}, "1999999.99"),
        (5, {"requested": "2000000.00"}, "2000000.00"),
        (5, {"requested": "2000000.01"}, "2000000.00"),
        (10, {"accredited": True}, "200000.00"),
        (14, {"designation": "protection_zone_pilot"}, "200000.00"),
        (14, {"designation": "adjudication_pilot"}, "200000.00"),
        (14, {"designation": "gi_protection_zone"}, "200000.00"),
        (14, {"designation": "standardised_market"}, "200000.00"),
    ],
)
def test_the_figures_of_the_policy(measure: int, facts: dict[str, Any], amount: str) -> None:
    assert str(award(measure, **facts).award) == amount


@pytest.mark.parametrize(
    ("measure", "facts", "rule"),
    [
        (1, {"designation": "pilot", "level": "city", "nationally_recognised": False}, "national"),
        (2, {"requested": "1.00", "pot_left": "0.00"}, "award"),
        (3, {"outstanding": False}, "outstanding"),
        (4, {"deal_amount": "100.00", "buyer_size": "large"}, "buyer-size"),
        (4, {"deal_amount": "100.00", "buyer_in_region": False}, "buyer-region"),
        (4, {"deal_amount": "100.00", "benefit_shown": False}, "benefit"),
        (9, {"application_kind": "utility_model"}, "invention"),
        (9, {"application_kind": "design"}, "invention"),
        (9, {"application_kind": "invention", "slots_left": 0}, "award"),
        (10, {"accredited": False}, "accredited"),
    ],
)
def test_a_refusal_names_its_rule(measure: int, facts: dict[str, Any], rule: str) -> None:
    refused = award(measure, **facts)

    assert refused.award == ZERO
    assert refused.refused_by == [rule]
    assert refused.slots == (0 if measure == 9 else None)


@pytest.mark.parametrize("field", ["smart_equipment", "new_materials", "modern_chemicals", "other"])
def test_an_invention_takes_one_place(field: str) -> None:
    given_one = award(9, application_kind="invention", field=field, slots_left=1)

    assert (given_one.slots, given_one.award) == (1, ZERO)


@pytest.mark.parametrize("kind", ["licence", "transfer", "equity"])
@pytest.mark.parametrize("size", ["micro", "small", "medium"])
def test_every_kind_of_deal_with_every_small_buyer_is_paid(kind: str, size: str) -> None:
    paid = award(4, deal_amount="100.00", kind=kind, buyer_size=size)

    assert str(paid.award) == "5.00"
    assert paid.assumed == ["buyer_in_region", "benefit_shown"]


@pytest.mark.parametrize(
    ("measure", "facts", "field"),
    [
        (1, {"level": "city"}, "facts.designation"),
        (1, {"designation": "pilot", "level": "village"}, "facts.level"),
        (1, {"designation": "demonstration", "level": "city", "size": 3}, "facts.size"),
        (2, {}, "facts.requested"),
        (2, {"requested": 5}, "facts.requested"),
        (2, {"requested": "-1.00"}, "facts.requested"),
        (2, {"requested": "1.00", "pot_left": "1100000.01"}, "facts.pot_left"),
        (3, {"outstanding": "true"}, "facts.outstanding"),
        (3, {"outstanding": 1}, "facts.outstanding"),
        (4, {"deal_amount": "1.001"}, "facts.deal_amount"),
        (4, {"deal_amount": True}, "facts.deal_amount"),
        (9, {"application_kind": "invention", "slots_left": -1}, "facts.slots_left"),
        (9, {"application_kind": "invention", "slots_left": True}, "facts.slots_left"),
        (9, {"application_kind": "invention", "slots_left": 101}, "facts.slots_left"),
        (7, {}, "measure"),
        (15, {}, "measure"),
    ],
)
def test_strange_facts_are_refused_by_name(measure: int, facts: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldRefused) as refusal:
        award(measure, **facts)
    assert refusal.value.field == field


def test_before_the_policy_there_are_no_rules() -> None:
    with pytest.raises(FieldRefused) as refusal:
        find_version(4, date(2021, 12, 31))
    assert refusal.value.field == "on"


def test_the_trace_speaks_both_languages_and_names_the_clause() -> None:
    step = award(1, designation="pilot", level="county").trace[-1]

    assert (step.rule, step.clause) == ("award", "pilot")
    assert told(step.text, Language.ENGLISH) == "a fixed 300000.00"
    assert told(step.text, Language.CHINESE) == "定额 300000.00 元"
    assert step.figures == {"designation": "pilot", "level": "county"}


@given(deal=FEN)
def test_a_share_is_cut_down_to_the_fen_and_never_above_the_cap(deal: Money) -> None:
    paid = award(4, deal_amount=str(deal)).award

    assert paid == min(Money(deal.fen * 5 // 100), Money.yuan(Decimal(1_000_000)))


@given(one=FEN, other=FEN)
def test_a_larger_deal_is_never_paid_less(one: Money, other: Money) -> None:
    less, more = sorted((one, other))

    assert award(4, deal_amount=str(less)).award <= award(4, deal_amount=str(more)).award


@given(requested=FEN, left=st.integers(min_value=0, max_value=110_000_000).map(Money))
def test_a_request_is_paid_up_to_what_the_pot_has_left(requested: Money, left: Money) -> None:
    paid = award(2, requested=str(requested), pot_left=str(left)).award

    assert paid == min(requested, left)


def test_fourteen_measures_and_a_ceiling_only_where_the_policy_states_one() -> None:
    assert list(MEASURES) == list(range(1, 15))
    ceilings = {
        number: measure.versions[-1].budget.kind
        for number, measure in MEASURES.items()
        if measure.versions[-1].budget is not None
    }
    assert ceilings == {
        1: "none", 2: "pot", 3: "none", 4: "none", 5: "yearly", 9: "slots", 10: "none", 14: "none",
    }  # fmt: skip
