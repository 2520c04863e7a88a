"""Why a register would refuse the pledge of a right, or a lender should: found before anyone asks.

Each register has its own grounds, with severity and text as dated data (refusal-grounds.toml).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.identifiers.rights import Register
from app.lending.annuity_fees import AnnuityStatus

PLEDGEABLE_JURISDICTION = "CN"


class Severity(StrEnum):
    BLOCK = "block"
    WARN = "warn"  # may be pledged once the firm's consent to it is recorded
    LEAVE_OUT = "leave_out"  # ends before the loan: the others may carry the request


@dataclass(frozen=True, slots=True)
class RightFacts:
    """What the grounds ask about one right, on the day of the question."""

    register: Register
    jurisdiction: str
    granted: bool  # or registered, or recorded
    ended_on: date | None
    expires_on: date | None
    annuity: AnnuityStatus
    pledgor_holds: bool  # the pledgor is among the holders the register names
    silent_owners: tuple[str, ...] = ()  # other holders whose consent is not on file
    disputed: bool = False
    preserved: bool = False
    pledged: bool = False
    exclusive_licence: bool = False
    same_day_invention: bool = False
    invalidation_pending: bool = False
    cancellation_pending: bool = False
    similar_marks_outside: bool = False
    unclear_events: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """One refusal ground of a register: its severity, and its text in both languages."""

    severity: Severity
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Finding:
    ground: str
    severity: Severity
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Question:
    """The facts with the two days they are held against."""

    facts: RightFacts
    on: date
    loan_ends_on: date

    @property
    def ended(self) -> bool:
        """Ended by an event, or its term is over. A patent's last day is the one before."""
        facts = self.facts
        ended = facts.ended_on is not None and facts.ended_on <= self.on
        return ended or self._over(self.on)

    @property
    def ends_before_the_loan(self) -> bool:
        return not self.ended and self._over(self.loan_ends_on)

    def _over(self, day: date) -> bool:
        expires_on = self.facts.expires_on
        if expires_on is None:
            return False
        # The term of patents ends with the anniversary's eve, of marks and copyrights on the day.
        if self.facts.register is Register.PATENTS:
            return expires_on <= day
        return expires_on < day


Test = Callable[[Question], bool]

_COMMON: dict[str, Test] = {
    "foreign": lambda q: q.facts.jurisdiction != PLEDGEABLE_JURISDICTION,
    "pledgor_not_owner": lambda q: not q.facts.pledgor_holds,
    "ended": lambda q: q.ended,
    "not_granted": lambda q: not q.facts.granted,
    "disputed": lambda q: q.facts.disputed,
    "preserved": lambda q: q.facts.preserved,
    "term_too_short": lambda q: q.ends_before_the_loan,
    "term_unknown": lambda q: q.facts.expires_on is None,
    "co_owner_consent": lambda q: bool(q.facts.silent_owners),
    "already_pledged": lambda q: q.facts.pledged,
    "register_unclear": lambda q: q.facts.unclear_events,
}

TESTS: Mapping[Register, Mapping[str, Test]] = {
    Register.PATENTS: _COMMON
    | {
        "annuity_unpaid": lambda q: (
            q.facts.annuity in {AnnuityStatus.IN_GRACE, AnnuityStatus.LAPSED}
        ),
        "annuity_unknown": lambda q: q.facts.annuity is AnnuityStatus.UNKNOWN,
        "same_day_invention": lambda q: q.facts.same_day_invention,
        "invalidation_pending": lambda q: q.facts.invalidation_pending,
    },
    Register.TRADEMARKS: _COMMON
    | {
        "cancellation_pending": lambda q: (
            q.facts.cancellation_pending or q.facts.invalidation_pending
        ),
        "similar_marks_outside": lambda q: q.facts.similar_marks_outside,
    },
    Register.COPYRIGHTS: _COMMON | {"exclusive_licence": lambda q: q.facts.exclusive_licence},
}
"""Which facts meet which ground. A ground of the contract (the 7th of patents) is not here: the
contract does not exist yet when a right is checked."""


def findings(
    facts: RightFacts, *, grounds: Mapping[str, Ground], on: date, loan_ends_on: date
) -> tuple[Finding, ...]:
    """Every ground the right meets of its own register's ``grounds``, in the order of ``TESTS``.

    A foreign right is refused as such and for nothing else: no other ground was looked into.
    """
    question = Question(facts, on, loan_ends_on)
    tests = TESTS[facts.register]
    met = [name for name in tests if name in grounds and tests[name](question)]
    if "foreign" in met:
        met = ["foreign"]
    return tuple(
        Finding(name, grounds[name].severity, grounds[name].text_zh, grounds[name].text_en)
        for name in met
    )
