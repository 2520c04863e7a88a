"""What a change of the programme does: the test that it may take effect, and its postings.

A test reads what it decides on under the ledger's own locks, so what it allowed cannot be gone
when the posting follows in the same transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict, Unprocessable
from app.core.money import Money
from app.models.accounts import User
from app.models.ledger import LedgerAccount
from app.models.organisations import Park
from app.models.programme import ProgrammeChange
from app.reference.files import RuleFile
from app.schemas.programme import (
    FACTS,
    RESERVE,
    CalendarFacts,
    CapacityFacts,
    GuarantorTermsFacts,
    ParkFacts,
    TransferFacts,
)
from app.schemas.programme_rules import (
    AlertsFacts,
    CapsFacts,
    KeyIndustriesFacts,
    QueueRuleFacts,
    RenewalFacts,
)
from app.services import fund_effects, guarantors, ledger, rules, work_calendar
from app.services.ledger import AccountRole, Book
from app.services.programme import balance
from app.services.reference import PROGRAMME, open_quota
from app.services.tasks import Task, enqueue


@dataclass(eq=False)
class UnknownPark(Unprocessable):
    """No quota account has this code."""

    message = "{park_code} is not the code of a park; GET /v1/public/parks lists them."

    park_code: str


@dataclass(eq=False)
class ParkExists(Conflict):
    message = "The park {park_code} is there already."

    park_code: str


class NothingToChange(Conflict):
    message = "This is in force already."


@dataclass(eq=False)
class OverAllocation(Conflict):
    """More would leave the reserve than is in it."""

    message = "The reserve holds {reserve}; {asked} was asked of it."

    reserve: Money
    asked: Money


@dataclass(eq=False)
class CapacityBelowUse(Conflict):
    """Capacity is never set below held + outstanding + called."""

    message = "{used} of the capacity is used; it can be set to that or more, not to {capacity}."

    capacity: Money
    used: Money


@dataclass(eq=False)
class AllocationBelowUse(Conflict):
    """An allocation is never set below held + outstanding + called."""

    message = "{used} of {park_code} is used; its allocation cannot be set to {allocated}."

    park_code: str
    allocated: Money
    used: Money


@dataclass(frozen=True, slots=True)
class _Account:
    """A quota account, its three rows locked."""

    available: LedgerAccount
    outstanding: LedgerAccount
    called: LedgerAccount

    @property
    def used(self) -> Money:
        """Held + outstanding + called."""
        held = Money(self.available.debits_pending)
        return Money.sum([held, balance(self.outstanding), balance(self.called)])

    @property
    def allocated(self) -> Money:
        return Money.sum([balance(a) for a in (self.available, self.outstanding, self.called)])


async def test(session: AsyncSession, change: ProgrammeChange) -> None:
    """Raise what stands against the change as things are now."""
    match FACTS.validate_python(change.facts):
        case CapacityFacts() as facts:
            await _test_capacity(session, facts)
        case TransferFacts() as facts:
            await _test_transfer(session, facts)
        case ParkFacts() as facts:
            if await session.get(Park, facts.code) is not None:
                raise ParkExists(facts.code)
        case GuarantorTermsFacts() as facts:
            await guarantors.must_be_verified(session, facts.guarantor_id)
            terms = await guarantors.find_terms(session, facts.guarantor_id, on=change.effective_on)
            if terms is not None and guarantors.are_in_force(terms, facts):
                raise NothingToChange
        case AlertsFacts() | RenewalFacts() | KeyIndustriesFacts() as facts:
            version = await rules.find_version(session, facts.kind, on=change.effective_on)
            if version is not None and _is_of(version.body, facts):
                raise NothingToChange
        case CalendarFacts() as facts:
            await work_calendar.must_be_decreed(
                session, facts, year=facts.year, on=business_date(change.proposed_at), at="facts."
            )
            if await work_calendar.are_in_force(session, facts):
                raise NothingToChange
        case CapsFacts() | QueueRuleFacts():
            pass
        case facts:
            await fund_effects.test(session, facts, change)


async def apply(session: AsyncSession, change: ProgrammeChange, *, now: datetime) -> None:
    """Test the change and do it; every posting names the change."""
    await test(session, change)
    match FACTS.validate_python(change.facts):
        case CapacityFacts() as facts:
            await _set_capacity(session, facts, change.id)
        case TransferFacts() as facts:
            accounts = await _lock_quotas(session)
            source, target = _side(accounts, facts.source), _side(accounts, facts.target)
            step = ledger.transfer("transfer", source.id, target.id, facts.amount, change.id)
            await ledger.apply(session, [step])
            await enqueue(session, Task.PROMOTE_QUEUE)
        case ParkFacts() as facts:
            session.add(Park(**facts.model_dump(exclude={"kind"})))
            await session.flush()
            await open_quota(session, facts.code)
        case GuarantorTermsFacts() as facts:
            await guarantors.put_in_force(
                session, facts, change_id=change.id, on=change.effective_on
            )
            await enqueue(session, Task.PROMOTE_QUEUE)
        case CalendarFacts() as facts:
            proposer = await session.get_one(User, change.proposed_by)
            await work_calendar.put_days(session, facts, set_by=proposer.organisation_id, now=now)
        case CapsFacts() | QueueRuleFacts():
            await _write_rule(session, change, _body(change.facts))
            await enqueue(session, Task.PROMOTE_QUEUE)
        case AlertsFacts() | RenewalFacts():
            await _write_rule(session, change, _body(change.facts))
        case KeyIndustriesFacts() as facts:
            await _write_rule(session, change, dict(facts.as_body()))
        case facts:
            await fund_effects.apply(session, facts, change, now=now)


async def _test_capacity(session: AsyncSession, facts: CapacityFacts) -> None:
    accounts = await _lock_quotas(session)
    capacity = -balance(accounts[PROGRAMME, AccountRole.SOURCE])
    if facts.capacity == capacity:
        raise NothingToChange
    used = Money.sum([_quota(accounts, park).used for park in _parks(accounts)])
    if facts.capacity < used:
        raise CapacityBelowUse(facts.capacity, used)
    reserve = balance(accounts[PROGRAMME, AccountRole.RESERVE])
    if capacity - facts.capacity > reserve:
        raise OverAllocation(reserve, capacity - facts.capacity)


async def _set_capacity(session: AsyncSession, facts: CapacityFacts, change_id: UUID) -> None:
    accounts = await _lock_quotas(session)
    source = accounts[PROGRAMME, AccountRole.SOURCE]
    reserve = accounts[PROGRAMME, AccountRole.RESERVE]
    more = facts.capacity + balance(source)
    if more.fen > 0:
        step = ledger.transfer("capacity", source.id, reserve.id, more, change_id)
    else:
        step = ledger.transfer("capacity", reserve.id, source.id, -more, change_id)
    await ledger.apply(session, [step])


async def _test_transfer(session: AsyncSession, facts: TransferFacts) -> None:
    accounts = await _lock_quotas(session)
    for code in (facts.source, facts.target):
        if code != RESERVE and code not in _parks(accounts):
            raise UnknownPark(code)
    if facts.source == RESERVE:
        reserve = balance(accounts[PROGRAMME, AccountRole.RESERVE])
        if reserve < facts.amount:
            raise OverAllocation(reserve, facts.amount)
        return
    quota = _quota(accounts, facts.source)
    if quota.allocated - facts.amount < quota.used:
        raise AllocationBelowUse(facts.source, quota.allocated - facts.amount, quota.used)


Quotas = dict[tuple[str, str], LedgerAccount]


async def _lock_quotas(session: AsyncSession) -> Quotas:
    """Every account of the quota's book, locked in the order of the ledger's functions."""
    rows = await session.scalars(
        select(LedgerAccount)
        .where(LedgerAccount.book == Book.QUOTA)
        .order_by(LedgerAccount.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {(row.owner, row.role): row for row in rows}


def _parks(accounts: Quotas) -> set[str]:
    return {owner for owner, _ in accounts} - {PROGRAMME}


def _quota(accounts: Quotas, park: str) -> _Account:
    roles = (AccountRole.AVAILABLE, AccountRole.OUTSTANDING, AccountRole.CALLED)
    return _Account(*(accounts[park, role] for role in roles))


def _side(accounts: Quotas, code: str) -> LedgerAccount:
    if code == RESERVE:
        return accounts[PROGRAMME, AccountRole.RESERVE]
    return accounts[code, AccountRole.AVAILABLE]


def _body(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "kind"}


def _is_of(body: dict[str, Any], facts: AlertsFacts | RenewalFacts | KeyIndustriesFacts) -> bool:
    """Whether the body says what the change proposes, however its decimals are written."""
    if isinstance(facts, KeyIndustriesFacts):
        return body == facts.as_body()
    try:
        return type(facts).model_validate({"kind": facts.kind} | body) == facts
    except ValidationError:
        return False  # of an earlier shape


async def _write_rule(session: AsyncSession, change: ProgrammeChange, body: dict[str, Any]) -> None:
    """A version of the rule from the change's day on; a file that comes later is another one.

    The change's kind is the key of its rule.
    """
    version = RuleFile(
        key=change.kind,
        valid_from=change.effective_on,
        source=f"programme change {change.id}: {change.reason}",
        body=body,
    )
    await rules.load(session, [version])
