"""Two people of the authority, changes of the programme, and terms that a guarantor signed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.money import Money
from app.lifecycle.parties import OrganisationKind
from app.models.programme import GuarantorTerms, ProgrammeChange
from app.schemas.programme import ChangeIn
from app.services import programme_changes
from app.services.actor import Actor
from tests.make.parties import NOW, make_actor, make_organisation

TODAY = business_date(NOW)

NO_CAPS: dict[str, Any] = dict.fromkeys(("per_loan", "per_firm", "per_bank", "per_park"))


@dataclass
class Pair:
    """Two managers of one authority."""

    maker: Actor
    checker: Actor


async def make_pair(session: AsyncSession) -> Pair:
    authority = await make_organisation(session, OrganisationKind.AUTHORITY)
    return Pair(await make_actor(session, authority), await make_actor(session, authority))


def make_change(kind: str, *, on: str | None = None, **facts: Any) -> ChangeIn:
    return ChangeIn.model_validate(
        {
            "facts": {"kind": kind} | facts,
            "effective_on": on or TODAY.isoformat(),
            "reason": "园区额度不足",
        }
    )


async def propose(
    session: AsyncSession, pair: Pair, kind: str, *, now: datetime = NOW, **facts: Any
) -> ProgrammeChange:
    return await programme_changes.propose(
        session, actor=pair.maker, form=make_change(kind, **facts), now=now
    )


async def approve(
    session: AsyncSession, pair: Pair, change: ProgrammeChange, *, now: datetime = NOW
) -> ProgrammeChange:
    return await programme_changes.approve(
        session, actor=pair.checker, change_id=change.id, now=now
    )


async def decide(session: AsyncSession, pair: Pair, kind: str, **facts: Any) -> ProgrammeChange:
    """Proposed by one and approved by the other, both now."""
    return await approve(session, pair, await propose(session, pair, kind, **facts))


async def transfer(
    session: AsyncSession, pair: Pair, source: str, target: str, amount: str, **more: Any
) -> ProgrammeChange:
    return await decide(
        session, pair, "transfer", source=source, target=target, amount=amount, **more
    )


async def set_terms(
    session: AsyncSession, guarantor_id: UUID | None, capacity: Money, **columns: Any
) -> GuarantorTerms:
    """Terms in force, as a row: its limit stays as it is."""
    values: dict[str, Any] = {"signed_capacity": capacity, "capacity": capacity}
    terms = GuarantorTerms(
        id=new_id(), guarantor_id=guarantor_id, valid_from=TODAY, **(values | columns)
    )
    session.add(terms)
    await session.flush()
    return terms
