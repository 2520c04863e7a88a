"""The letter of recommendation (优先审查推荐函) that goes with a place, once it is given."""

from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict
from app.lifecycle.grants import ApplicationStatus
from app.models.accounts import User
from app.models.organisations import Organisation
from app.services import grant_applications, grant_programmes, report_files
from app.services.actor import Actor, as_platform

TEMPLATE = report_files.TEMPLATES / "recommendation_letter.typ"


class NoLetter(Conflict):
    message = "A letter goes with a place, once it is given; this application has none."


@dataclass(frozen=True, slots=True)
class Letter:
    """Whom the authority recommends, what for, and when; in Chinese, as the office reads it."""

    title: str
    facts: list[tuple[str, str]]
    body: str
    number: str
    authority: str
    on: date


async def write(session: AsyncSession, *, actor: Actor, application_id: UUID) -> Letter:
    """What the letter says; NoLetter unless a place is given and was not withdrawn."""
    application = await grant_applications.get_application(
        session, actor=actor, application_id=application_id
    )
    given = application.status is ApplicationStatus.APPROVED and application.slots is not None
    if not given or application.approved_at is None:
        raise NoLetter
    programme = await grant_programmes.get_programme(session, programme_id=application.programme_id)
    async with as_platform(session):
        authority = await session.scalars(
            select(Organisation.name)
            .join(User, User.organisation_id == Organisation.id)
            .where(User.id == application.approved_by)
        )
    clause = application.trace[-1]["clause_zh"]
    return Letter(
        title=f"{programme.name_zh}函",
        facts=[
            ("申请人", application.applicant_name),
            ("项目名称", application.title),
            ("申请号", application.key),
        ],
        body=f"依据“{clause}”，经评审择优并公示，现推荐上述申请优先审查。",
        number=str(application.id),
        authority=authority.one(),
        on=business_date(application.approved_at),
    )


async def to_pdf(letter: Letter) -> bytes:
    """The letter as PDF/A; the same letter, the same bytes. No transaction is open."""
    content = asdict(letter) | {"on": letter.on.isoformat()}
    return await report_files.typeset(TEMPLATE, content, on=letter.on)
