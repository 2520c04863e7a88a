"""A row of a firm's in every table of grants."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.documents import Document
from app.models.grants import (
    FirmRelation,
    GrantObjection,
    GrantPaper,
    GrantReview,
    Recognition,
)
from app.services.actor import Actor
from tests.make.grants import TODAY, make_desk, make_recommended
from tests.make.market import make_firm
from tests.make.parties import NOW


async def make_grants(session: AsyncSession, firm: Actor, document: Document) -> None:
    """A row of the firm's in every table of grants."""
    desk = await make_desk(session)
    desk.firm = firm
    [application] = await make_recommended(session, desk, 1)
    person, now = desk.first.user_id, NOW
    assert person is not None
    other = (await make_firm(session)).organisation_id
    first, second = sorted((firm.organisation_id, other))
    session.add_all(
        [
            GrantPaper(application_id=application.id, document_id=document.id),
            GrantReview(
                application_id=application.id,
                round=1,
                organisation_id=desk.reviewers[0].organisation_id,
                assigned_by=person,
                assigned_at=now,
            ),
            GrantObjection(
                application_id=application.id,
                organisation_id=firm.organisation_id,
                text="异议",
                objected_at=now,
            ),
            Recognition(
                measure=10,
                organisation_id=firm.organisation_id,
                key="R-1",
                title="托管机构",
                facts={"accredited": True},
                recognised_on=TODAY,
                recorded_by=person,
                recorded_at=now,
            ),
            FirmRelation(
                firm_id=first, related_id=second, ground="控股", recorded_by=person, recorded_at=now
            ),
        ]
    )
    await session.flush()
