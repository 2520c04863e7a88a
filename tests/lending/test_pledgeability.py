"""Refusal grounds by register, and the due days of annual fees."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from app.identifiers.rights import Register
from app.lending.annuity_fees import AnnuityStatus, annuity_state
from app.lending.pledgeability import TESTS, Finding, RightFacts, Severity, findings
from app.reference.files import read_all
from app.services.prechecks import read_grounds

ON, LOAN_ENDS = date(2026, 11, 23), date(2028, 11, 23)
GROUNDS = read_grounds(
    next(version.body for version in read_all() if version.key == "refusal_grounds")
)
CLEAN = RightFacts(
    register=Register.PATENTS,
    jurisdiction="CN",
    granted=True,
    ended_on=None,
    expires_on=date(2041, 1, 4),
    annuity=AnnuityStatus.PAID,
    pledgor_holds=True,
)


def find(facts: RightFacts) -> tuple[Finding, ...]:
    return findings(facts, grounds=GROUNDS[facts.register], on=ON, loan_ends_on=LOAN_ENDS)


@pytest.mark.parametrize("register", list(Register))
def test_a_clean_right_meets_no_ground(register: Register) -> None:
    assert find(replace(CLEAN, register=register)) == ()


@pytest.mark.parametrize("register", list(Register))
def test_every_ground_of_the_data_has_its_test_and_the_reverse(register: Register) -> None:
    assert set(GROUNDS[register]) == set(TESTS[register])


@pytest.mark.parametrize(
    ("register", "change", "ground", "severity"),
    [
        ("patents", {"pledgor_holds": False}, "pledgor_not_owner", "block"),
        ("patents", {"ended_on": date(2026, 1, 1)}, "ended", "block"),
        ("patents", {"granted": False}, "not_granted", "block"),
        ("patents", {"annuity": AnnuityStatus.IN_GRACE}, "annuity_unpaid", "block"),
        ("patents", {"annuity": AnnuityStatus.LAPSED}, "annuity_unpaid", "block"),
        ("patents", {"annuity": AnnuityStatus.UNKNOWN}, "annuity_unknown", "warn"),
        ("patents", {"disputed": True}, "disputed", "block"),
        ("patents", {"preserved": True}, "preserved", "block"),
        ("patents", {"expires_on": LOAN_ENDS}, "term_too_short", "leave_out"),
        ("patents", {"expires_on": None}, "term_unknown", "block"),
        ("patents", {"silent_owners": ("某院",)}, "co_owner_consent", "block"),
        ("patents", {"pledged": True}, "already_pledged", "block"),
        ("patents", {"same_day_invention": True}, "same_day_invention", "warn"),
        ("patents", {"invalidation_pending": True}, "invalidation_pending", "warn"),
        ("patents", {"unclear_events": True}, "register_unclear", "warn"),
        ("trademarks", {"granted": False}, "not_granted", "block"),
        ("trademarks", {"expires_on": date(2026, 11, 22)}, "ended", "block"),
        ("trademarks", {"expires_on": date(2027, 1, 1)}, "term_too_short", "warn"),
        ("trademarks", {"preserved": True}, "preserved", "block"),
        ("trademarks", {"cancellation_pending": True}, "cancellation_pending", "block"),
        ("trademarks", {"invalidation_pending": True}, "cancellation_pending", "block"),
        ("trademarks", {"similar_marks_outside": True}, "similar_marks_outside", "block"),
        ("trademarks", {"silent_owners": ("某院",)}, "co_owner_consent", "block"),
        ("copyrights", {"granted": False}, "not_granted", "block"),
        ("copyrights", {"expires_on": date(2025, 12, 31)}, "ended", "block"),
        ("copyrights", {"expires_on": date(2027, 12, 31)}, "term_too_short", "leave_out"),
        ("copyrights", {"disputed": True}, "disputed", "block"),
        ("copyrights", {"exclusive_licence": True}, "exclusive_licence", "block"),
        ("copyrights", {"silent_owners": ("某院",)}, "co_owner_consent", "block"),
    ],
)
def test_each_fact_meets_its_ground_alone(
    register: str, change: dict[str, Any], ground: str, severity: str
) -> None:
    found = find(replace(CLEAN, register=Register(register), **change))

    assert [(finding.ground, finding.severity) for finding in found] == [
        (ground, Severity(severity))
    ]


def test_a_foreign_right_is_refused_as_such_only() -> None:
    found = find(replace(CLEAN, jurisdiction="EP", granted=False, expires_on=None))

    assert [finding.ground for finding in found] == ["foreign"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = find(replace(CLEAN, disputed=True, pledged=True, same_day_invention=True))

    assert [finding.ground for finding in found] == [
        "disputed",
        "already_pledged",
        "same_day_invention",
    ]


def test_a_patent_that_ends_the_day_after_the_loan_lives_long_enough() -> None:
    assert find(replace(CLEAN, expires_on=date(2028, 11, 24))) == ()


def test_an_event_to_come_has_not_ended_the_right() -> None:
    assert find(replace(CLEAN, ended_on=date(2026, 11, 24))) == ()


class TestAnnuityState:
    @pytest.mark.parametrize(
        ("on", "status"),
        [
            (date(2026, 11, 23), AnnuityStatus.PAID),
            (date(2027, 3, 10), AnnuityStatus.PAID),
            (date(2027, 3, 11), AnnuityStatus.IN_GRACE),
            (date(2027, 9, 10), AnnuityStatus.IN_GRACE),
            (date(2027, 9, 11), AnnuityStatus.LAPSED),
        ],
    )
    def test_the_example_of_the_calculators(self, on: date, status: AnnuityStatus) -> None:
        state = annuity_state(
            filed_on=date(2019, 3, 10),
            expires_on=date(2039, 3, 10),
            paid_through_year=8,
            on=on,
            grace_months=6,
        )

        assert state.status is status
        assert (state.next_year, state.next_due_on) == (9, date(2027, 3, 10))
        assert state.grace_ends_on == date(2027, 9, 10)

    def test_after_the_last_year_nothing_falls_due(self) -> None:
        state = annuity_state(
            filed_on=date(2019, 3, 10),
            expires_on=date(2029, 3, 10),
            paid_through_year=10,
            on=date(2029, 3, 9),
            grace_months=6,
        )

        assert (state.status, state.next_due_on) == (AnnuityStatus.PAID, None)

    @pytest.mark.parametrize("missing", ["filed_on", "paid_through_year"])
    def test_what_nobody_recorded_is_unknown(self, missing: str) -> None:
        known: dict[str, Any] = {"filed_on": date(2019, 3, 10), "paid_through_year": 8}

        state = annuity_state(expires_on=None, on=ON, grace_months=6, **(known | {missing: None}))

        assert state.status is AnnuityStatus.UNKNOWN
