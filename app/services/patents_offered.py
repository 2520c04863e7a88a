"""Patents as they are offered and transferred: whose they are, and what their pledgee allows."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.identifiers.identifier import IdentifierKind, identify
from app.identifiers.rights import Register
from app.lifecycle.funds import DisposalKind, DisposalStatus
from app.lifecycle.market import LICENCES, TransferForm
from app.models.claims import Disposal
from app.models.deals import DealRight
from app.models.rights import Right
from app.services.actor import Actor, as_platform
from app.services.disposals import EscrowFirst

_GIVEN = (DisposalStatus.CONSENTED, DisposalStatus.ESCROWED, DisposalStatus.SETTLED)


@dataclass(eq=False)
class PledgeeConsentNeeded(Conflict):
    message = (
        "The patent {number} is pledged: name the pledgee's recorded consent to this form and"
        " price."
    )

    number: str


@dataclass(frozen=True, slots=True)
class Patent:
    """A patent by its number, and its row where the platform has one."""

    number: str
    right_id: UUID | None
    holder_name: str | None


def read_number(value: str, *, today: date) -> str:
    """The number in its stored form; FieldRefused for one that is none."""
    answer = identify(IdentifierKind.PATENT, value, today=today)
    if answer.normalised is None:
        raise FieldRefused("patent_number", answer.reason or say("is no patent number"))
    return str(answer.facts["application_number"])  # without ZL, as rights are stored


async def find(session: AsyncSession, *, actor: Actor, number: str, today: date) -> Patent:
    """The patent, locked against a pledge at the same moment; FieldRefused for another's.

    One that the platform has no row of is believed to be the actor's: the register decides.
    """
    read = read_number(number, today=today)
    async with as_platform(session):  # whether it is another's is refused, not told
        right: Right | None = await session.scalar(
            select(Right)
            .where(
                Right.register == Register.PATENTS,
                Right.jurisdiction == "CN",
                Right.number == read,
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    if right is None:
        return Patent(read, None, None)
    if right.owner_id != actor.organisation_id:
        raise FieldRefused("patent_number", say("is registered here for another owner"))
    if right.ended_on is not None and right.ended_on <= today:
        raise FieldRefused("patent_number", say("is in force no more"))
    return Patent(read, right.id, right.holder_name)


async def check_consent(
    session: AsyncSession,
    patent: Patent,
    *,
    form: TransferForm,
    disposal_id: UUID | None,
    amount: Money | None,
) -> UUID | None:
    """The consent that the pledge asks for, in force for ``form`` and at least ``amount``.

    None where the patent is free. PledgeeConsentNeeded, or EscrowFirst while the money that the
    pledgee wants in escrow is not there.
    """
    if patent.right_id is None:
        return None
    async with as_platform(session):  # the buyer, too, may not conclude without it
        deal_id = await session.scalar(
            select(DealRight.deal_id).where(
                DealRight.right_id == patent.right_id, DealRight.released_at.is_(None)
            )
        )
        if deal_id is None:
            return None
        disposal: Disposal | None = await session.scalar(
            select(Disposal)
            .where(Disposal.id == disposal_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    kinds = {DisposalKind.LICENCE} if form in LICENCES else {DisposalKind.SALE}
    if (
        disposal is None
        or (disposal.deal_id, disposal.right_id) != (deal_id, patent.right_id)
        or disposal.kind not in kinds
        or disposal.status not in _GIVEN
        or amount is None
        or amount < disposal.price
    ):
        raise PledgeeConsentNeeded(patent.number)
    if (
        disposal.escrow is not None
        and disposal.status is DisposalStatus.CONSENTED
        and form is not TransferForm.OPEN_LICENCE  # its fees come in one by one
    ):
        raise EscrowFirst
    return disposal.id
