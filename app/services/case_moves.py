"""Opens cases and moves them on, by the rules of their kind."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.casework.chain import GENESIS
from app.casework.kind import OPEN_MOVE, Handling, KindVersion, Move
from app.casework.reading import Finding, find_move, findings, must_stand, read_fields
from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, Forbidden, NotFound
from app.core.messages import Pair, say
from app.lending.pledgeability import Severity
from app.lifecycle.parties import OrganisationKind, OrganisationStatus
from app.models.cases import Case, CaseEntry
from app.models.documents import Document
from app.models.organisations import Organisation
from app.schemas.cases import CaseIn, MoveIn
from app.services import case_parts, cases, documents, outbox, prechecks, work_calendar
from app.services.actor import Actor, as_platform


class PrecheckFailed(Conflict):
    message = "The pre-check found: {findings}."

    def __init__(self, found: Sequence[Finding]) -> None:
        self.found = found
        super().__init__()

    def facts(self) -> dict[str, Any]:
        return {
            "findings": "; ".join(str(one.text) for one in self.found),
            "checks": [one.check for one in self.found],
        }


class SamePersonAgain(Forbidden):
    message = "Whoever made the step before does not make this one: another person must."


async def precheck(
    session: AsyncSession, *, actor: Actor, kind: str, fields: Mapping[str, Any], now: datetime
) -> list[Finding]:
    """What speaks against a case as it is stated, before anything is opened."""
    today = business_date(now)
    _, version = cases.find_kind(kind, on=today)
    calendar = await work_calendar.load(session)
    allowed = [field.name for field in version.fields]
    read = read_fields(version, fields, allowed=allowed, today=today, calendar=calendar)
    return await _check(session, actor, version, read, on=today)


async def open_case(
    session: AsyncSession, *, actor: Actor, kind: str, data: CaseIn, now: datetime
) -> Case:
    """Open a case of a kind in force today; PrecheckFailed for what its checks block."""
    today = business_date(now)
    found, version = cases.find_kind(kind, on=today)
    actor.must_be(*version.opened_by)
    calendar = await work_calendar.load(session)
    fields = read_fields(
        version,
        data.fields,
        allowed=[field.name for field in version.fields],
        today=today,
        calendar=calendar,
    )
    required = [field.name for field in version.fields if field.required]
    must_stand(version, fields, required)
    checked = await _check(session, actor, version, fields, on=today)
    if blocking := [finding for finding in checked if finding.blocks]:
        raise PrecheckFailed(blocking)
    parent = await _parent(session, actor, version, data.parent_id)
    case = Case(
        id=new_id(),
        kind=found.id,
        kind_from=version.valid_from,
        title=data.title,
        applicant_id=actor.organisation_id,
        handler_id=await _handler(session, actor, version, parent, data.handler_id),
        parent_id=None if parent is None else parent.id,
        state=version.initial,
        fields=fields,
        entries=0,
        head=GENESIS,
        opened_at=now,
    )
    session.add(case)
    await session.flush()
    document = await _document(session, actor, case, data.document_id)
    case_parts.append_entry(
        session,
        case,
        move=OPEN_MOVE,
        source="",
        note=data.note,
        fields=fields,
        document=document,
        actor=actor,
        now=now,
    )
    await case_parts.turn_clocks(session, case, version, entered=True, calendar=calendar, on=today)
    await case_parts.publish(session, case, version, now=now)
    _announce(session, case, actor, "case.opened", now=now)
    await session.flush()
    return case


async def act(
    session: AsyncSession, *, actor: Actor, case_id: UUID, data: MoveIn, now: datetime
) -> Case:
    """Make one move of the case: its kind says from where, by whom, and what it asks."""
    case = await _lock(session, actor, case_id)
    version = cases.version_of(case)
    move = find_move(version, state=case.state, move=data.move, roles=cases.roles_of(actor, case))
    today = business_date(now)
    calendar = await work_calendar.load(session)
    stated = read_fields(version, data.fields, allowed=move.takes, today=today, calendar=calendar)
    fields = case.fields | stated
    must_stand(version, fields, move.needs)
    if move.note and not data.note:
        raise FieldRefused("note", say("is missing"))
    if move.document and data.document_id is None:
        raise FieldRefused("document_id", say("is missing"))
    await _must_be_another(session, actor, case, move)
    if move.joins is not None and move.joins in fields:
        case.respondent_id = await _respondent(session, fields[move.joins])
    source, entered = case.state, move.to is not None
    case.state = move.to or case.state
    case.fields = fields
    if version.state(case.state).final:
        case.closed_at = now
    document = await _document(session, actor, case, data.document_id)
    case_parts.append_entry(
        session,
        case,
        move=move.id,
        source=source,
        note=data.note,
        fields=stated,
        document=document,
        actor=actor,
        now=now,
    )
    await case_parts.turn_clocks(
        session, case, version, entered=entered, calendar=calendar, on=today
    )
    await case_parts.publish(session, case, version, now=now)
    _announce(session, case, actor, "case.moved", now=now)
    await session.flush()
    return case


async def _check(
    session: AsyncSession,
    actor: Actor,
    version: KindVersion,
    fields: dict[str, Any],
    *,
    on: date,
) -> list[Finding]:
    found = findings(version, fields)
    if version.pledge_check is None or version.pledge_check not in fields:
        return found
    right_id = UUID(fields[version.pledge_check])
    try:
        [checked] = await prechecks.check_rights(
            session, actor=actor, right_ids=[right_id], on=on, loan_ends_on=_debt_ends(fields, on)
        )
    except NotFound:
        raise FieldRefused(f"fields.{version.pledge_check}", say("is no right of yours")) from None
    return found + [
        Finding(
            one.ground,
            Pair(one.text_en, one.text_zh),
            one.severity is not Severity.WARN or one.ground in checked.unconsented,
        )
        for one in checked.findings
    ]


async def _parent(
    session: AsyncSession, actor: Actor, version: KindVersion, parent_id: UUID | None
) -> Case | None:
    if version.parent is None:
        if parent_id is not None:
            raise FieldRefused("parent_id", say("belongs to no case of this kind"))
        return None
    async with as_platform(session):  # a public one, or the actor's own; of others nothing is told
        parent: Case | None = await session.scalar(
            select(Case)
            .where(Case.id == parent_id)
            .with_for_update(read=True)
            .execution_options(populate_existing=True)
        )
    if (
        parent is None
        or parent.kind != version.parent
        or (version.parents_own and parent.applicant_id != actor.organisation_id)
    ):
        raise FieldRefused("parent_id", say("is no case above that this one could belong to"))
    if parent.state not in version.parent_states:
        state = cases.version_of(parent).state(parent.state).text
        raise FieldRefused("parent_id", say("is at “{state}” and takes none", state=state))
    return parent


async def _handler(
    session: AsyncSession,
    actor: Actor,
    version: KindVersion,
    parent: Case | None,
    chosen: UUID | None,
) -> UUID | None:
    if version.handling is not Handling.CHOSEN and chosen is not None:
        raise FieldRefused("handler_id", say("is not chosen for this kind of case"))
    match version.handling:
        case Handling.APPLICANT:
            return actor.organisation_id
        case Handling.PARENT:
            assert parent is not None
            return parent.applicant_id
        case Handling.CHOSEN:
            return await _chosen(session, version, chosen)
    return None


async def _chosen(session: AsyncSession, version: KindVersion, chosen: UUID | None) -> UUID:
    """The organisation named; a firm works from sign-up on, everybody else once verified."""
    async with as_platform(session):  # a firm may be named by its id; nothing of it is told
        handler = None if chosen is None else await session.get(Organisation, chosen)
    if (
        handler is None
        or handler.kind not in version.handler_kinds
        or handler.status is OrganisationStatus.SUSPENDED
        or (
            handler.kind is not OrganisationKind.ENTERPRISE
            and handler.status is not OrganisationStatus.VERIFIED
        )
    ):
        raise FieldRefused("handler_id", say("is none who handles such cases"))
    return handler.id


async def _respondent(session: AsyncSession, uscc: str) -> UUID | None:
    """Whoever has the credit code on this platform; it then sees the case."""
    async with as_platform(session):
        found: UUID | None = await session.scalar(
            select(Organisation.id).where(Organisation.uscc == uscc)
        )
    return found


async def _document(
    session: AsyncSession, actor: Actor, case: Case, document_id: UUID | None
) -> Document | None:
    """A document the actor may read, which the case's parties may read from now on."""
    if document_id is None:
        return None
    document = await documents.get_document(session, actor=actor, document_id=document_id)
    parties = {case.applicant_id, case.handler_id, case.respondent_id}
    others = {one for one in parties if one is not None} - {document.owner_id}
    if document.owner_id == actor.organisation_id:
        await documents.share(session, document, organisation_ids=others)
    return document


async def _must_be_another(session: AsyncSession, actor: Actor, case: Case, move: Move) -> None:
    if not move.other_than:
        return
    if actor.user_id is None:
        raise Forbidden
    made = select(CaseEntry.number).where(
        CaseEntry.case_id == case.id,
        CaseEntry.move.in_(move.other_than),
        CaseEntry.user_id == actor.user_id,
    )
    if await session.scalar(made.limit(1)) is not None:
        raise SamePersonAgain


def _announce(session: AsyncSession, case: Case, actor: Actor, what: str, *, now: datetime) -> None:
    """To the case's parties besides the actor."""
    parties = {case.applicant_id, case.handler_id, case.respondent_id}
    others = sorted(one for one in parties if one not in {None, actor.organisation_id})
    outbox.announce_to(session, others, what, case.id, now=now)


def _debt_ends(fields: dict[str, Any], on: date) -> date:
    """Until when the pledge must last: as stated, else today."""
    return date.fromisoformat(fields["debt_ends_on"]) if "debt_ends_on" in fields else on


async def _lock(session: AsyncSession, actor: Actor, case_id: UUID) -> Case:
    case: Case | None = await session.scalar(
        cases.visible_cases(actor)
        .where(Case.id == case_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if case is None:
        raise NotFound
    return case
