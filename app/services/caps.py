"""The caps at acceptance: lack of room queues, a cap refuses and names its rule."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict
from app.core.messages import Text, say
from app.core.money import Money
from app.models.deals import Deal
from app.risk.caps import (
    Breach,
    Caps,
    Used,
    find_breach,
    find_client_breach,
    find_shared_breach,
)
from app.schemas.programme_rules import CapsBody

CAPS = "caps"
"""The key of the dated rule."""

_LOCK = text("SELECT lock_caps(:firms, :banks, :parks)")
_BOUNDS = text("SELECT * FROM cap_bounds(:firms, :banks, :parks, :guarantor, :park)")
_MEASURE = text("SELECT * FROM cap_figures(:firm, :bank, :guarantor, :park)")


CAP_NAMES: dict[str, Text] = {
    "per_loan": say("cap per loan"),
    "per_firm": say("cap per firm"),
    "per_bank": say("cap per bank"),
    "per_park": say("cap per park"),
    "client_cap": say("guarantor's cap per client"),
}
"""What people call the rules that a cap may come from."""


@dataclass(eq=False)
class CapExceeded(Conflict):
    """``rule``: per_loan, per_firm, per_bank, per_park, or client_cap (the guarantor's own)."""

    message = "The {rule} is {limit}: {used} is used and {asked} was asked."

    rule: str
    limit: Money
    used: Money
    asked: Money

    def words(self) -> Mapping[str, Any]:
        return {"rule": CAP_NAMES[self.rule]}


def read_caps(body: dict[str, Any]) -> Caps:
    return CapsBody.model_validate(body).as_caps()


async def check(
    session: AsyncSession,
    *,
    caps: Caps | None,
    firm_id: UUID,
    bank_id: UUID,
    guarantor_id: UUID,
    park_code: str,
    principal: Money,
    liability: Money,
) -> None:
    """CapExceeded if the deal would exceed a cap. ``caps`` is None outside the programme.

    Locks the firm, and in the programme the bank and the park, until the transaction ends, so of
    two at once the second counts the first. To be called before any ledger account is locked.
    """

    def breach_of(used: Used) -> Breach | None:
        if caps is None:
            return find_client_breach(used, liability=liability)
        return find_breach(caps, used, principal=principal, liability=liability)

    bounds = await _lock_and_bound(
        session,
        firm_id=firm_id,
        bank_id=bank_id if caps else None,
        guarantor_id=guarantor_id,
        park_code=park_code,
    )
    if breach_of(bounds) is None:
        return
    breach = breach_of(await _measure(session, firm_id, bank_id, guarantor_id, park_code))
    if breach is not None:
        raise CapExceeded(breach.rule, breach.limit, breach.used, breach.asked)


async def foresee(
    session: AsyncSession,
    *,
    caps: Caps | None,
    firm_id: UUID,
    bank_id: UUID,
    guarantor_id: UUID,
    park_code: str,
    principal: Money,
    liability: Money,
) -> str | None:
    """The cap that would refuse such a deal now; nothing is locked, so it may change."""
    used = await _measure(session, firm_id, bank_id, guarantor_id, park_code)
    if caps is None:
        breach = find_client_breach(used, liability=liability)
    else:
        breach = find_breach(caps, used, principal=principal, liability=liability)
    return None if breach is None else breach.rule


async def find_shared(
    session: AsyncSession,
    *,
    caps: Caps,
    firm_id: UUID,
    bank_id: UUID,
    guarantor_id: UUID,
    park_code: str,
    liability: Money,
) -> Breach | None:
    """The cap of bank or park that a deal which waits would exceed if it got its room now.

    A firm's caps have counted it since it was accepted. The caller has locked bank and park.
    """
    used = await _measure(session, firm_id, bank_id, guarantor_id, park_code)
    return find_shared_breach(caps, used, liability=liability)


async def lock_shared(session: AsyncSession, deals: Collection[Deal]) -> None:
    """Lock the banks and parks of the programme's deals, before any account is locked."""
    programme = [deal for deal in deals if deal.in_programme]
    if programme:
        await lock(
            session,
            banks={deal.bank_id for deal in programme},
            parks={deal.park_code for deal in programme},
        )


async def lock(
    session: AsyncSession,
    *,
    firms: Collection[UUID] = (),
    banks: Collection[UUID] = (),
    parks: Collection[str] = (),
) -> None:
    """Let nobody else count against the caps of these until the transaction ends."""
    await session.execute(
        _LOCK,
        {
            "firms": [str(id_) for id_ in firms],
            "banks": [str(id_) for id_ in banks],
            "parks": list(parks),
        },
    )


async def _lock_and_bound(
    session: AsyncSession,
    *,
    firm_id: UUID,
    bank_id: UUID | None,
    guarantor_id: UUID,
    park_code: str,
) -> Used:
    """Figures that are never too low, read from a few rows: most deals need no others."""
    row = (
        await session.execute(
            _BOUNDS,
            {
                "firms": [str(firm_id)],
                "banks": [] if bank_id is None else [str(bank_id)],
                "parks": [] if bank_id is None else [park_code],
                "guarantor": guarantor_id,
                "park": park_code,
            },
        )
    ).one()
    programme, waiting = Money(int(row.programme_used)), Money(int(row.waiting))
    return Used(
        capacity=Money(int(row.capacity)),
        client_cap=None if row.client_cap is None else Money(row.client_cap),
        client=Money(int(row.guarantor_used)) + waiting,
        firm=programme + waiting,
        bank=programme,
        park=Money(int(row.park_used)),
    )


async def _measure(
    session: AsyncSession, firm_id: UUID, bank_id: UUID, guarantor_id: UUID, park_code: str
) -> Used:
    row = (
        await session.execute(
            _MEASURE,
            {"firm": firm_id, "bank": bank_id, "guarantor": guarantor_id, "park": park_code},
        )
    ).one()
    return Used(
        capacity=Money(row.capacity or 0),
        client_cap=None if row.client_cap is None else Money(row.client_cap),
        client=Money(int(row.client_used)),
        firm=Money(int(row.firm_used)),
        bank=Money(int(row.bank_used)),
        park=Money(int(row.park_used)),
    )
