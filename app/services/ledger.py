"""The ledger: accounts, linked transfers, holds, and the replay that proves them.

Every limit is a pair of accounts: *available* is credited when room is given and debited when it
is used; *outstanding* and *called* say what for. Available = credits − debits − pending debits.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, NotFound
from app.core.messages import Text, say
from app.core.money import Money
from app.models.ledger import LedgerAccount


class Book(StrEnum):
    QUOTA = "quota"  # capacity of the programme: reserve and accounts per park
    GUARANTOR = "guarantor"  # each guarantor's own limit
    FLOOR = "floor"  # principal guaranteed by government guarantors, never falling
    FUND = "fund"  # money of a compensation fund: paid in, paid out, come back
    FUND_BASE = "fund_base"  # IP principal filed with a fund, which its leverage is measured by
    FUND_EXPOSURE = "fund_exposure"  # the fund's share of it
    GRANT = "grant"  # money of a measure of the policy, in all or of a year
    GRANT_SLOTS = "grant_slots"  # places of a measure; one place is one unit


class AccountRole(StrEnum):
    SOURCE = "source"  # where room comes from; the only accounts without a limit
    RESERVE = "reserve"
    AVAILABLE = "available"
    OUTSTANDING = "outstanding"
    CALLED = "called"
    PROGRESS = "progress"
    RESERVED = "reserved"  # filed with a fund and not drawn
    COMMITTED = "committed"  # awarded and not paid
    PAID = "paid"  # compensation or grants, less what came back


class OperationKind(StrEnum):
    TRANSFER = "transfer"
    HOLD = "hold"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"


BALANCES_AT = text("""
    SELECT w.asked, a.id,
           coalesce(e.debits_posted, 0) AS debits_posted,
           coalesce(e.debits_pending, 0) AS debits_pending,
           coalesce(e.credits_posted, 0) AS credits_posted,
           coalesce(e.credits_pending, 0) AS credits_pending
    FROM unnest(CAST(:ids AS uuid[])) AS w(asked)
    LEFT JOIN ledger_accounts a ON a.id = w.asked
    LEFT JOIN LATERAL (
        SELECT * FROM ledger_entries
        WHERE account_id = a.id AND at <= CAST(:at AS timestamptz)
        ORDER BY at DESC LIMIT 1) e ON true
""")


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a linked list. Transfers and holds name accounts; the others name their hold.

    Its id is the client's: an operation sent again is done once.
    """

    kind: OperationKind
    code: str
    reference: UUID
    id: UUID
    debit: UUID | None = None
    credit: UUID | None = None
    amount: Money | None = None
    hold: UUID | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "kind": self.kind.value,
            "code": self.code,
            "debit": self.debit and str(self.debit),
            "credit": self.credit and str(self.credit),
            "amount": None if self.amount is None else self.amount.fen,
            "hold": self.hold and str(self.hold),
            "reference": str(self.reference),
        }


def transfer(code: str, debit: UUID, credit: UUID, amount: Money, reference: UUID) -> Operation:
    kind = OperationKind.TRANSFER
    return Operation(kind, code, reference, new_id(), debit, credit, amount)


def hold(code: str, debit: UUID, credit: UUID, amount: Money, reference: UUID) -> Operation:
    return Operation(OperationKind.HOLD, code, reference, new_id(), debit, credit, amount)


def post(code: str, hold_id: UUID, amount: Money, reference: UUID) -> Operation:
    """Use up to the held amount; the rest of the hold is restored."""
    return Operation(OperationKind.POST, code, reference, new_id(), amount=amount, hold=hold_id)


def void(code: str, hold_id: UUID, reference: UUID) -> Operation:
    return Operation(OperationKind.VOID, code, reference, new_id(), hold=hold_id)


def expire(code: str, hold_id: UUID, reference: UUID) -> Operation:
    return Operation(OperationKind.EXPIRE, code, reference, new_id(), hold=hold_id)


REASON_NAMES: dict[str, Text] = {
    "exceeds": say("the amount exceeds what the account has"),
    "exceeds_hold": say("the amount exceeds what is left of the hold"),
    "already_resolved": say("the hold was used or given up before"),
    "no_such_hold": say("there is no such hold"),
    "no_such_account": say("there is no such account"),
    "same_account": say("both sides are the same account"),
    "amount_out_of_range": say("the amount is none that can be booked"),
    "no_such_kind": say("there is no such kind of operation"),
    "exists_in_part": say("only some of the linked operations were done before"),
}
OTHER_CONTENT = say("the same id was used for something else")
"""What people call the reasons of the ledger's functions; the last for every other field."""


@dataclass(eq=False)
class LedgerRefused(Conflict):
    """The ledger did none of a linked list. ``operation``: its place in the list.

    ``reason``: exceeds, exceeds_hold, already_resolved, no_such_hold, no_such_account,
    same_account, amount_out_of_range, no_such_kind; exists_with_different_FIELD for an id that was
    used for something else; exists_in_part if only some of the list was done before.
    """

    message = "The ledger refused: {reason} (account {account})."

    reason: str
    account: str
    operation: int

    def words(self) -> Mapping[str, Any]:
        return {"reason": REASON_NAMES.get(self.reason, OTHER_CONTENT)}

    def __str__(self) -> str:
        if self.account:
            return super().__str__()
        return str(say("The ledger refused: {reason}.", **self.words()))


class Outcome(StrEnum):
    CREATED = "created"
    EXISTS = "exists"  # the same ids with the same content were done before; nothing was done


@dataclass(eq=False)
class NoSuchAccount(NotFound):
    message = "The ledger has no account {accounts}."

    accounts: list[str]


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's four counters at one instant."""

    debits_posted: Money
    debits_pending: Money
    credits_posted: Money
    credits_pending: Money

    @property
    def posted(self) -> Money:
        """What was credited and not debited."""
        return self.credits_posted - self.debits_posted

    @property
    def held(self) -> Money:
        """What of it is reserved."""
        return self.debits_pending

    @property
    def available(self) -> Money:
        """What is left when every hold is used."""
        return self.posted - self.debits_pending


NOTHING = Balance(*(Money(0) for _ in range(4)))


async def apply(session: AsyncSession, operations: Sequence[Operation]) -> Outcome:
    """Do all of ``operations`` or none, in one round trip; LedgerRefused if none."""
    answer = await session.scalar(
        text("SELECT ledger_apply(CAST(:ops AS jsonb))"),
        {"ops": json.dumps([operation.as_json() for operation in operations])},
    )
    return Outcome.CREATED if answer is None else _outcome(answer)


async def apply_batch(
    session: AsyncSession, lists: Sequence[Sequence[Operation]]
) -> list[Outcome | LedgerRefused]:
    """Do each linked list or refuse it, whatever becomes of the others, in one round trip.

    An answer per list, in order. The lists run in order too, so a later one finds the room that an
    earlier one made.
    """
    answers = await session.scalar(
        text("SELECT ledger_apply_batch(CAST(:lists AS jsonb))"),
        {"lists": json.dumps([[step.as_json() for step in each] for each in lists])},
    )
    outcomes: list[Outcome | LedgerRefused] = []
    for answer in answers:
        try:
            outcomes.append(_outcome(answer))
        except LedgerRefused as refused:
            outcomes.append(refused)
    return outcomes


def _outcome(answer: dict[str, Any]) -> Outcome:
    if answer["status"] == "refused":
        raise LedgerRefused(
            reason=answer["error"], account=answer["account"] or "", operation=answer["op"]
        )
    return Outcome(answer["status"])


async def balances_at(
    session: AsyncSession, account_ids: Collection[UUID], at: datetime
) -> dict[UUID, Balance]:
    """Each account's counters as they were at ``at``: zeros before its first entry.

    One statement, one index look-up per account (the last entry up to ``at``). An account that
    does not exist is NoSuchAccount, never left out. An instant that is not over yet may still
    change.
    """
    rows = (await session.execute(BALANCES_AT, {"ids": list(account_ids), "at": at})).all()
    if unknown := [str(row.asked) for row in rows if row.id is None]:
        raise NoSuchAccount(unknown)
    return {
        row.id: Balance(
            Money(row.debits_posted),
            Money(row.debits_pending),
            Money(row.credits_posted),
            Money(row.credits_pending),
        )
        for row in rows
    }


async def open_account(
    session: AsyncSession, *, book: Book, owner: str, role: AccountRole
) -> LedgerAccount:
    """The account, made if it is not there yet. Sources have no limit, all others do."""
    account = await find_account(session, book=book, owner=owner, role=role)
    if account is None:
        account = LedgerAccount(
            id=new_id(), book=book, owner=owner, role=role, limited=role is not AccountRole.SOURCE
        )
        session.add(account)
        await session.flush()
    return account


async def find_account(
    session: AsyncSession, *, book: Book, owner: str, role: AccountRole
) -> LedgerAccount | None:
    account: LedgerAccount | None = await session.scalar(
        select(LedgerAccount).where(
            LedgerAccount.book == book, LedgerAccount.owner == owner, LedgerAccount.role == role
        )
    )
    return account
