"""Eligibility: every rule speaks, and no refusal hides another."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import Money
from app.identifiers.enterprise_size import EnterpriseSize, classify
from app.lending.eligibility import (
    PURPOSE_NAMES,
    Bounds,
    CarriedRight,
    Firm,
    Outcome,
    Verdict,
    assess,
    reasons,
)
from app.reference.files import read_all

ON = date(2026, 11, 23)

BOUNDS = Bounds(
    sizes=("micro", "small", "medium"),
    registered_months_min=12,
    credit_authorisation_days_max=180,
    purposes=("working_capital", "research"),
    purposes_refused=("securities",),
)

SOUND = Firm(
    size="small",
    size_basis="工业: employees at least 20",
    size_field="industry",
    registered_on=date(2018, 5, 1),
    credit_authorised_on=date(2026, 11, 1),
    dishonest=False,
    abnormal=False,
)


def right(lendable: int = 6_000_000, **changes: Any) -> CarriedRight:
    return CarriedRight(
        right_id=changes.pop("right_id", "R1"),
        lendable=Money.yuan(lendable),
        obstacles=changes.pop("obstacles", ()),
        pledgeable=changes.pop("pledgeable", True),
    )


def blocked(**changes: Any) -> CarriedRight:
    return right(
        pledgeable=False, obstacles=(("already_pledged", "已质押", "is pledged"),), **changes
    )


def judge(**changes: Any) -> list[Verdict]:
    facts: dict[str, Any] = {
        "firm": SOUND,
        "amount": Money.yuan(5_000_000),
        "purpose": "working_capital",
        "rights": [right()],
        "on": ON,
    }
    return assess(BOUNDS, **(facts | changes))


def refused(trace: list[Verdict]) -> list[str]:
    return [verdict.rule for verdict in trace if verdict.outcome is Outcome.REFUSED]


def test_a_sound_request_passes_every_rule_and_the_trace_names_them_all() -> None:
    trace = judge()

    assert reasons(trace) == []
    assert [verdict.rule for verdict in trace] == [
        "size",
        "registration_age",
        "credit_authorisation",
        "dishonest",
        "abnormal",
        "purpose",
        "rights",
        "lendable",
    ]


@pytest.mark.parametrize("size", EnterpriseSize)
@pytest.mark.parametrize("purpose", PURPOSE_NAMES)
def test_what_is_said_in_chinese_names_no_code(size: EnterpriseSize, purpose: str) -> None:
    basis = classify("工业", employees=20, revenue=Money.yuan(3_000_000), assets=None).rule

    trace = judge(firm=replace(SOUND, size=size, size_basis=basis), purpose=purpose)

    assert [v.reason_zh for v in trace if re.search("[A-Za-z]", v.reason_zh)] == []


def test_every_use_of_funds_that_the_rule_names_has_a_name() -> None:
    bodies = [rule.body for rule in read_all() if rule.key == "eligibility"]

    named = {name for body in bodies for name in (*body["purposes"], *body["purposes_refused"])}
    assert named == PURPOSE_NAMES.keys()


@pytest.mark.parametrize(
    ("changes", "rule", "field"),
    [
        ({"size": "large"}, "size", "profile.industry"),
        ({"size": None, "size_field": "employees"}, "size", "profile.employees"),
        ({"registered_on": date(2025, 11, 24)}, "registration_age", "profile.registered_on"),
        ({"credit_authorised_on": None}, "credit_authorisation", "profile.credit_authorised_on"),
        (
            {"credit_authorised_on": date(2026, 5, 26)},  # 181 days ago
            "credit_authorisation",
            "profile.credit_authorised_on",
        ),
        (
            {"credit_authorised_on": date(2026, 11, 24)},  # tomorrow
            "credit_authorisation",
            "profile.credit_authorised_on",
        ),
        ({"dishonest": True}, "dishonest", "profile.dishonest"),
        ({"abnormal": True}, "abnormal", "profile.abnormal"),
    ],
)
def test_a_firm_that_fails_one_rule_is_told_that_one(
    changes: dict[str, Any], rule: str, field: str
) -> None:
    (reason,) = reasons(judge(firm=replace(SOUND, **changes)))

    assert (reason.rule, reason.field) == (rule, field)
    assert reason.reason_zh
    assert reason.reason_en


@pytest.mark.parametrize(
    "changes",
    [
        {"registered_on": date(2025, 11, 23)},
        {"credit_authorised_on": date(2026, 5, 27)},  # 180 days ago
        {"credit_authorised_on": ON},
        {"size": "micro"},
    ],
)
def test_the_bounds_themselves_pass(changes: dict[str, Any]) -> None:
    assert reasons(judge(firm=replace(SOUND, **changes))) == []


@pytest.mark.parametrize("purpose", ["securities", "holidays"])
def test_only_listed_uses_of_funds_are_allowed(purpose: str) -> None:
    assert refused(judge(purpose=purpose)) == ["purpose"]


def test_a_forbidden_use_is_called_forbidden() -> None:
    (reason,) = reasons(judge(purpose="securities"))

    assert "is forbidden" in reason.reason_en
    assert "禁止" in reason.reason_zh


def test_everything_wrong_is_said_at_once() -> None:
    worst = Firm(None, "employees is missing", "employees", ON, None, True, True)

    trace = judge(firm=worst, purpose="securities", rights=[blocked()])

    assert refused(trace) == [
        "size",
        "registration_age",
        "credit_authorisation",
        "dishonest",
        "abnormal",
        "purpose",
        "rights",
        "lendable",
    ]


def test_without_profile_or_valuation_it_says_so_and_tries_the_rest() -> None:
    assert refused(judge(firm=None, rights=None, purpose="securities")) == [
        "profile",
        "purpose",
        "valuation",
    ]


def test_a_right_left_out_does_not_fail_what_the_others_carry() -> None:
    trace = judge(rights=[blocked(), right(right_id="R2")])

    assert reasons(trace) == []
    (left_out,) = (verdict for verdict in trace if verdict.outcome is Outcome.LEFT_OUT)
    assert (left_out.rule, left_out.field) == ("right.already_pledged", "rights.R1")


def test_a_right_that_would_have_been_needed_is_among_the_reasons() -> None:
    trace = judge(rights=[blocked(), right(4_999_999, right_id="R2")])

    assert [reason.rule for reason in reasons(trace)] == ["right.already_pledged", "lendable"]


def test_a_right_on_which_nothing_is_lent_carries_nothing() -> None:
    assert refused(judge(rights=[right(0)])) == ["rights", "lendable"]


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.booleans()), max_size=6), st.integers(1, 30_000)
)
def test_the_amount_passes_exactly_up_to_what_pledgeable_rights_carry(
    rights: list[tuple[int, bool]], amount: int
) -> None:
    lendable = sum(value for value, pledgeable in rights if pledgeable)

    trace = judge(
        rights=[
            right(value) if pledgeable else blocked(lendable=value) for value, pledgeable in rights
        ],
        amount=Money.yuan(amount),
    )

    assert ("lendable" not in refused(trace)) == (amount <= lendable)
