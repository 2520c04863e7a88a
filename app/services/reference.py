"""Brings the database's reference data in line with the files of ``app/reference``."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.models.ledger import LedgerAccount, LedgerTransfer
from app.models.organisations import Park
from app.reference import files
from app.services import ledger, rules
from app.services.actor import SYSTEM, bind
from app.services.ledger import AccountRole, Book

PROGRAMME = "programme"

REGION = "REGION"
"""The code of the regional account of firms outside every park; it is no park."""
"""The owner of the accounts that belong to the whole programme."""


async def load(session: AsyncSession) -> None:
    """Rules, parks and, once, the programme's capacity and first allocations."""
    await bind(session, SYSTEM)
    versions = files.read_all()
    await rules.load(session, versions)
    bodies = {version.key: version.body for version in versions}
    await _load_parks(session, bodies["parks"]["parks"])
    await _open_programme(session, bodies[PROGRAMME])


async def _load_parks(session: AsyncSession, parks: list[dict[str, Any]]) -> None:
    statement = insert(Park).values(parks)
    names = ("name_zh", "name_en", "city", "key_park")
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["code"],
            set_={name: statement.excluded[name] for name in names},
        )
    )


async def _open_programme(session: AsyncSession, programme: dict[str, Any]) -> None:
    """Accounts for the reserve and every park; capacity and allocations on the very first load."""
    source = await ledger.open_account(
        session, book=Book.QUOTA, owner=PROGRAMME, role=AccountRole.SOURCE
    )
    reserve = await ledger.open_account(
        session, book=Book.QUOTA, owner=PROGRAMME, role=AccountRole.RESERVE
    )
    await ledger.open_account(session, book=Book.FLOOR, owner=PROGRAMME, role=AccountRole.SOURCE)
    allocations = []
    for park in await session.scalars(select(Park.code).order_by(Park.code)):
        available = await open_quota(session, park)
        if amount := programme["allocations"].get(park):
            allocations.append(
                ledger.transfer("allocate", reserve.id, available.id, Money.yuan(amount), source.id)
            )
    if await session.scalar(select(func.count()).select_from(LedgerTransfer)):
        return
    capacity = Money.yuan(programme["capacity"])
    first = ledger.transfer("capacity", source.id, reserve.id, capacity, source.id)
    await ledger.apply(session, [first, *allocations])


async def open_quota(session: AsyncSession, park_code: str) -> LedgerAccount:
    """The accounts of a park, made if they are not there yet; what is available in it."""
    available = await ledger.open_account(
        session, book=Book.QUOTA, owner=park_code, role=AccountRole.AVAILABLE
    )
    for role in (AccountRole.OUTSTANDING, AccountRole.CALLED):
        await ledger.open_account(session, book=Book.QUOTA, owner=park_code, role=role)
    await ledger.open_account(session, book=Book.FLOOR, owner=park_code, role=AccountRole.PROGRESS)
    return available
