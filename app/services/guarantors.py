"""A guarantor's own limit: opened when it is verified, moved when it signs for more or less."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.lifecycle.parties import OrganisationKind
from app.models.ledger import LedgerAccount
from app.models.organisations import Organisation
from app.services import ledger, outbox
from app.services.actor import Actor
from app.services.ledger import AccountRole, Book
from app.services.programme import balance
from app.services.tasks import Task, enqueue

ROLES = (
    AccountRole.SOURCE,
    AccountRole.AVAILABLE,
    AccountRole.OUTSTANDING,
    AccountRole.CALLED,
)


class GuarantorNotVerified(Conflict):
    message = "The guarantor has not been verified, so it has no limit yet."


async def open_accounts(session: AsyncSession, *, guarantor_id: UUID) -> None:
    """The accounts of the guarantor's limit, empty: nothing is available until it signs for it."""
    for role in ROLES:
        await ledger.open_account(session, book=Book.GUARANTOR, owner=str(guarantor_id), role=role)


async def set_guarantor_capacity(
    session: AsyncSession, *, actor: Actor, guarantor_id: UUID, capacity: Money, now: datetime
) -> tuple[Organisation, Money]:
    """Store what the guarantor signed for, and move its limit there as far as that can be.

    The guarantor, and its limit = max(signed capacity, what is used): lowering takes at most
    what is free.
    """
    actor.must_be(OrganisationKind.AUTHORITY, manager=True)
    guarantor: Organisation | None = await session.scalar(
        select(Organisation)
        .where(Organisation.id == guarantor_id, Organisation.kind == OrganisationKind.GUARANTOR)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if guarantor is None:
        raise NotFound
    guarantor.signed_capacity = capacity
    await session.flush()
    limit = await align_limit(session, guarantor_id=guarantor_id)
    outbox.announce(
        session, "guarantor.capacity_set", guarantor_id, organisation_id=guarantor_id, now=now
    )
    return guarantor, limit


async def align_limit(session: AsyncSession, *, guarantor_id: UUID) -> Money:
    """Bring the limit to max(signed capacity, what is used); the limit as it is then.

    To be called again whenever liability was freed of a guarantor that signed for less than it
    had in use. GuarantorNotVerified without accounts.
    """
    signed = await session.scalar(
        select(Organisation.signed_capacity).where(Organisation.id == guarantor_id)
    )
    accounts = await _lock_accounts(session, guarantor_id)
    available = accounts[AccountRole.AVAILABLE]
    free = balance(available) - Money(available.debits_pending)
    limit = Money.sum([balance(accounts[role]) for role in ROLES if role is not AccountRole.SOURCE])
    change = (signed or Money(0)) - limit
    source = accounts[AccountRole.SOURCE]
    if change.fen > 0:
        debit, credit, amount = source, available, change
    else:
        debit, credit, amount = available, source, min(free, Money(-change.fen))
    if amount.fen == 0:
        return limit
    step = ledger.transfer("capacity", debit.id, credit.id, amount, guarantor_id)
    await ledger.apply(session, [step])
    if change.fen > 0:
        await enqueue(session, Task.PROMOTE_QUEUE)  # a waiting deal may fit now
        return limit + amount
    return limit - amount


async def _lock_accounts(
    session: AsyncSession, guarantor_id: UUID
) -> dict[AccountRole, LedgerAccount]:
    """The four accounts, locked in the order in which the ledger's functions lock them."""
    rows = await session.scalars(
        select(LedgerAccount)
        .where(LedgerAccount.book == Book.GUARANTOR, LedgerAccount.owner == str(guarantor_id))
        .order_by(LedgerAccount.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    accounts = {AccountRole(account.role): account for account in rows}
    if not accounts:
        raise GuarantorNotVerified
    return accounts
