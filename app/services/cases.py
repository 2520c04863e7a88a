"""Cases of public services as they are read: who sees them, as what, by which kind."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.casework.kind import Kind, KindVersion, Role
from app.casework.kind_files import KINDS
from app.core.clock import business_date
from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.cases import Case, CaseEntry
from app.services import case_parts
from app.services.actor import Actor


class NoSuchKind(NotFound):
    message = "No such kind of case is accepted today."


def visible_cases(actor: Actor) -> Select[Case]:
    """The cases the actor opened, handles, or is drawn into; the authority sees all."""
    cases = select(Case)
    if actor.is_staff:
        return cases
    org = actor.organisation_id
    return cases.where(
        or_(Case.applicant_id == org, Case.handler_id == org, Case.respondent_id == org)
    )


def roles_of(actor: Actor, case: Case) -> set[Role]:
    roles = set()
    if case.applicant_id == actor.organisation_id:
        roles.add(Role.APPLICANT)
    if actor.kind is OrganisationKind.AUTHORITY:
        roles.add(Role.AUTHORITY)
    if case.handler_id == actor.organisation_id or (
        case.handler_id is None and actor.kind is OrganisationKind.AUTHORITY
    ):
        roles.add(Role.HANDLER)
    if case.respondent_id == actor.organisation_id:
        roles.add(Role.RESPONDENT)
    return roles


def find_kind(kind: str, *, on: date) -> tuple[Kind, KindVersion]:
    """The kind and what it is on a day; NoSuchKind if there is none then."""
    found = KINDS.get(kind)
    version = None if found is None else found.version_on(on)
    if found is None or version is None:
        raise NoSuchKind
    return found, version


def version_of(case: Case) -> KindVersion:
    return KINDS[case.kind].version_from(case.kind_from)


def number_of(case: Case) -> str:
    """As people quote it: the kind's letters, the year, the serial number."""
    year = business_date(case.opened_at).year
    return f"{KINDS[case.kind].prefix}-{year}-{case.serial:06}"


async def get_case(session: AsyncSession, *, actor: Actor, case_id: UUID) -> Case:
    case: Case | None = await session.scalar(visible_cases(actor).where(Case.id == case_id))
    if case is None:
        raise NotFound
    return case


async def list_cases(
    session: AsyncSession,
    *,
    actor: Actor,
    kind: str | None,
    state: str | None,
    parent_id: UUID | None,
    overdue_on: date | None,
    limit: int,
    after: UUID | None = None,
) -> Sequence[Case]:
    """The cases the actor sees, newest first."""
    cases = visible_cases(actor).order_by(Case.id.desc()).limit(limit)
    if kind is not None:
        cases = cases.where(Case.kind == kind)
    if state is not None:
        cases = cases.where(Case.state == state)
    if parent_id is not None:
        cases = cases.where(Case.parent_id == parent_id)
    if overdue_on is not None:
        cases = cases.where(Case.due_on < overdue_on)
    if after is not None:
        cases = cases.where(Case.id < after)
    return (await session.scalars(cases)).all()


async def list_entries(session: AsyncSession, *, case: Case) -> Sequence[CaseEntry]:
    """Every entry of a case that the actor sees, in order."""
    rows = select(CaseEntry).where(CaseEntry.case_id == case.id).order_by(CaseEntry.number)
    return (await session.scalars(rows)).all()


async def verify(session: AsyncSession, *, actor: Actor, case_id: UUID) -> tuple[Case, int | None]:
    """The case, and the number of its first entry that is not what it was."""
    case = await get_case(session, actor=actor, case_id=case_id)
    return case, await case_parts.broken_at(session, case)
