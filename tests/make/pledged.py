"""Rights pledged for a drawn deal, and the registrations of the pledge."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.identifiers.rights import Register, RightKind
from app.lifecycle.deals import RegistrationStatus
from app.models.deals import Deal, DealRight, Registration
from app.models.organisations import Organisation
from app.models.rights import Right
from tests.make.parties import NOW

REGISTERED_ON = date(2026, 5, 20)


async def make_rights(session: AsyncSession, firm: Organisation, deal: Deal) -> list[Right]:
    """A patent and a trademark, pledged for ``deal``."""
    rights = [
        Right(
            id=new_id(),
            owner_id=firm.id,
            kind=kind,
            register=register,
            jurisdiction="CN",
            number=f"{register}-{new_id()}",
            title="示例权利",
            holder_name=firm.name,
            expires_on=date(2036, 1, 1),
            source="manual",
            updated_at=NOW,
        )
        for kind, register in (
            (RightKind.INVENTION, Register.PATENTS),
            (RightKind.TRADEMARK, Register.TRADEMARKS),
        )
    ]
    session.add_all(rights)
    await session.flush()
    session.add_all(
        DealRight(deal_id=deal.id, right_id=right.id, register=right.register, locked_at=NOW)
        for right in rights
    )
    await session.flush()
    return rights


async def make_registrations(
    session: AsyncSession,
    deal: Deal,
    *,
    status: RegistrationStatus = RegistrationStatus.REGISTERED,
) -> list[Registration]:
    """One registration per register of ``make_rights``."""
    registrations = [
        Registration(
            id=new_id(),
            deal_id=deal.id,
            register=register,
            pledgee=deal.pledgee,
            status=status,
            number=f"Y-{new_id()}",
            registered_on=REGISTERED_ON,
        )
        for register in (Register.PATENTS, Register.TRADEMARKS)
    ]
    session.add_all(registrations)
    await session.flush()
    return registrations
