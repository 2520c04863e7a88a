"""The letter of recommendation (优先审查推荐函) that goes with a place, once it is given."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict
from app.grants import letter
from app.lifecycle.grants import ApplicationStatus
from app.models.accounts import User
from app.models.organisations import Organisation
from app.services import grant_applications, grant_programmes
from app.services.actor import Actor, as_platform


class NoLetter(Conflict):
    message = "A letter goes with a place, once it is given; this application has none."


async def write(session: AsyncSession, *, actor: Actor, application_id: UUID) -> bytes:
    """The letter as PDF: whom the authority recommends, what for, when; always the same bytes."""
    application = await grant_applications.get_application(
        session, actor=actor, application_id=application_id
    )
    given = application.status is ApplicationStatus.APPROVED and application.slots is not None
    if not given or application.approved_at is None:
        raise NoLetter
    programme = await grant_programmes.get_programme(session, programme_id=application.programme_id)
    async with as_platform(session):
        authority = await session.scalar(
            select(Organisation.name)
            .join(User, User.organisation_id == Organisation.id)
            .where(User.id == application.approved_by)
        )
    day = business_date(application.approved_at)
    clause = application.trace[-1]["clause_zh"]
    return letter.write(
        [
            f"{programme.name_zh}函",
            "",
            f"申请人：{application.applicant_name}",
            f"项目名称：{application.title}",
            f"申请号：{application.key}",
            "",
            f"依据“{clause}”，经评审择优并公示，现推荐上述申请优先审查。",
            "",
            f"推荐编号：{application.id}",
            f"{authority}",
            f"{day.year} 年 {day.month} 月 {day.day} 日",
        ]
    )
