"""What must still hold of a fund when a claim on it is made, approved or paid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict
from app.lifecycle.funds import FILING, FilingStatus
from app.lifecycle.words import state_of
from app.models.claims import Claim
from app.models.funds import FundFiling
from app.risk.scheme import Stops
from app.services import fuses
from app.services.actor import as_platform


@dataclass(eq=False)
class FilingNotAcknowledged(Conflict):
    """The fund stands behind what it has taken in, and for nothing else."""

    message = (
        "The filing {status}; the fund compensates only loans whose filing it acknowledged before"
        " cash and that is still live."
    )

    status: FilingStatus

    def words(self) -> Mapping[str, Any]:
        return {"status": state_of(FILING.name, self.status)}


def must_be_acknowledged(filing: FundFiling) -> None:
    """Raise FilingNotAcknowledged unless the fund has taken the loan in, and not let it go."""
    if filing.status is not FilingStatus.ACKNOWLEDGED:
        raise FilingNotAcknowledged(filing.status)


async def must_be_filed(session: AsyncSession, claim: Claim) -> None:
    """Raise FilingNotAcknowledged of a claim on a fund whose filing is live no more."""
    if claim.filing_id is None:
        return
    async with as_platform(session):
        filing = await session.scalars(
            select(FundFiling)
            .where(FundFiling.id == claim.filing_id)
            .execution_options(populate_existing=True)
        )
    must_be_acknowledged(filing.one())


async def must_stand(session: AsyncSession, claim: Claim, *, on: date | None = None) -> None:
    """Raise what stands against a claim on a fund by now, or by the day ``on`` of its payment.

    Claims on others stand.
    """
    if claim.fund_id is None:
        return
    await must_be_filed(session, claim)
    await fuses.must_be_whole(
        session, claim.fund_id, bank_id=claim.bank_id, stops=Stops.COMPENSATION, on=on
    )
