"""The ledger: accounts, linked transfers, holds, and the replay that proves them.

Every limit is a pair of accounts: *available* is credited when room is given and debited when it
is used; *outstanding* and *called* say what for. Available = credits − debits − pending debits.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict
from app.core.money import Money
from app.models.ledger import LedgerAccount


class Book(StrEnum):
    QUOTA = "quota"  # capacity of the programme: reserve and accounts per park
    GUARANTOR = "guarantor"  # each guarantor's own limit
    FLOOR = "floor"  # principal guaranteed by government guarantors, never falling


class AccountRole(StrEnum):
    SOURCE = "source"  # where room comes from; the only accounts without a limit
    RESERVE = "reserve"
    AVAILABLE = "available"
    OUTSTANDING = "outstanding"
    CALLED = "called"
    PROGRESS = "progress"


class OperationKind(StrEnum):
    TRANSFER = "transfer"
    HOLD = "hold"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a linked list. Transfers and holds name accounts; the others name their hold."""

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
            "amount": self.amount and self.amount.fen,
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


@dataclass(eq=False)
class LedgerRefused(Conflict):
    """The ledger did none of a linked list. ``reason``: exceeds, already_resolved, …"""

    message = "The ledger refused: {reason} (account {account})."

    reason: str
    account: str
    operation: int


async def apply(session: AsyncSession, operations: Sequence[Operation]) -> None:
    """Do all of ``operations`` or none, in one round trip; LedgerRefused if none."""
    problem = await session.scalar(
        text("SELECT ledger_apply(CAST(:ops AS jsonb))"),
        {"ops": json.dumps([operation.as_json() for operation in operations])},
    )
    if problem is not None:
        raise LedgerRefused(
            reason=problem["error"], account=problem.get("account", ""), operation=problem["op"]
        )


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
