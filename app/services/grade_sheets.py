"""Grade sheets: a patent graded for one use, by the register where it answers, by people elsewhere.

Facts are those of the day the sheet was begun. Once finished it is never computed again: its
result stays with the table, the facts and the engine that made it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import Pair, all_of, say
from app.identifiers.rights import KIND_NAMES, RightKind
from app.lifecycle.appraisals import GRADE_SHEET, GradeSheetEvent, GradeSheetStatus
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.models.appraisals import GradeAnswer, GradeSheet
from app.models.documents import Document
from app.models.rights import Right
from app.schemas.grading import GradeAnswerIn, GradeSheetIn
from app.services import documents, grade_facts, grade_results, history, outbox, rights
from app.services.actor import Actor, as_platform
from app.services.constraints import refusing
from app.valuation import ENGINE
from app.valuation.grading_table import TABLES, Table, table_on

OPEN = "uq_grade_sheets_open"


class SheetStands(Conflict):
    message = "An open grade sheet of this right for this use stands already; finish or discard it."


class TableChanged(Conflict):
    message = "The table of indicators has changed since the sheet was begun; discard it."


class NoTableInForce(Conflict):
    message = "No table of indicators is in force."


@dataclass(eq=False)
class NotGraded(Conflict):
    message = "The indicators are for {covers} only, not for {kind}."

    kind: RightKind
    covers: list[RightKind]

    def words(self) -> Mapping[str, Any]:
        names = [KIND_NAMES[kind] for kind in self.covers]
        return {"kind": KIND_NAMES[self.kind], "covers": all_of(names)}


def visible_sheets(actor: Actor) -> Select[GradeSheet]:
    """A firm its own; a lender the finished ones of rights it may see; the authority all."""
    sheets = select(GradeSheet)
    if actor.is_staff:
        return sheets
    if actor.kind is OrganisationKind.ENTERPRISE:
        return sheets.where(GradeSheet.firm_id == actor.organisation_id)
    if actor.kind in LENDERS:
        shown = rights.visible_rights(actor).with_only_columns(Right.id)
        finished = GradeSheet.status == GradeSheetStatus.FINISHED
        return sheets.where(finished, GradeSheet.right_id.in_(shown))
    return sheets.where(false())


async def get_sheet(session: AsyncSession, *, actor: Actor, sheet_id: UUID) -> GradeSheet:
    sheet: GradeSheet | None = await session.scalar(
        visible_sheets(actor).where(GradeSheet.id == sheet_id)
    )
    if sheet is None:
        raise NotFound
    return sheet


async def list_sheets(
    session: AsyncSession,
    *,
    actor: Actor,
    right_id: UUID | None = None,
    limit: int,
    after: UUID | None = None,
) -> Sequence[GradeSheet]:
    """Newest first."""
    statement = visible_sheets(actor).order_by(GradeSheet.id.desc()).limit(limit)
    if right_id is not None:
        statement = statement.where(GradeSheet.right_id == right_id)
    if after is not None:
        statement = statement.where(GradeSheet.id < after)
    return (await session.scalars(statement)).all()


async def start(
    session: AsyncSession, *, actor: Actor, right_id: UUID, stated: GradeSheetIn, now: datetime
) -> GradeSheet:
    """Begin a sheet on one of the firm's own patents, with what the register answers today."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    right = await rights.get_right(session, actor=actor, right_id=right_id)
    on = business_date(now)
    table = table_on(on)
    if table is None:
        raise NoTableInForce
    if right.kind not in table.covers:
        raise NotGraded(right.kind, sorted(table.covers))
    if stated.use not in table.uses:
        raise FieldRefused("use", say("is none of {known}", known=", ".join(table.uses)))
    known = await grade_facts.gather(session, right, stated=stated.measures, on=on)
    sheet = GradeSheet(
        id=new_id(),
        right_id=right.id,
        firm_id=right.owner_id,
        use=stated.use,
        table_id=table.id,
        table_sha256=table.sha256,
        graded_on=on,
        facts=known.as_json(),
        engine=ENGINE,
        status=GradeSheetStatus.OPEN,
        started_at=now,
    )
    async with refusing(session, {OPEN: SheetStands()}):
        session.add(sheet)
    history.begin(session, sheet, GRADE_SHEET, actor=actor, now=now)
    return sheet


async def answer(
    session: AsyncSession,
    *,
    actor: Actor,
    sheet_id: UUID,
    indicator: str,
    stated: GradeAnswerIn,
    now: datetime,
) -> GradeAnswer:
    """What a person says to an indicator that the register does not answer, with the evidence."""
    sheet = await _lock_open(session, actor, sheet_id, GradeSheetEvent.FINISH)
    table = must_be_current(sheet)
    asked = next(
        (place.indicator for place in table.places() if place.indicator.id == indicator), None
    )
    if asked is None:
        raise NotFound
    if asked.fact is not None and asked.fact.value in sheet.facts["facts"]:
        name = Pair(asked.text_en, asked.text_zh)
        raise FieldRefused("indicator", say("{name} is answered by the register", name=name))
    if stated.note is None and stated.document_id is None:
        raise FieldRefused("note", say("an answer needs evidence: a note, a document or both"))
    if stated.document_id is not None:
        await _must_be_own(session, actor, stated.document_id)
    given = {**dict(stated), "answered_by": actor.user_id, "answered_at": now}
    statement = insert(GradeAnswer).values(sheet_id=sheet.id, indicator=indicator, **given)
    row: GradeAnswer | None = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=["sheet_id", "indicator"], set_=given
        ).returning(GradeAnswer),
        execution_options={"populate_existing": True},
    )
    assert row is not None
    return row


async def _must_be_own(session: AsyncSession, actor: Actor, document_id: UUID) -> None:
    """Lenders read the evidence with the sheet; what others shared is not the firm's to show."""
    own = documents.visible_documents(actor).where(Document.owner_id == actor.organisation_id)
    if await session.scalar(own.where(Document.id == document_id)) is None:
        raise FieldRefused("document_id", say("is no document of yours"))


async def finish(
    session: AsyncSession, *, actor: Actor, sheet_id: UUID, now: datetime
) -> GradeSheet:
    """Keep the grade as it is; what is missing stays missing, and is shown as such."""
    sheet = await _lock_open(session, actor, sheet_id, GradeSheetEvent.FINISH)
    table = must_be_current(sheet)
    answers = await list_answers(session, sheet)
    result = await grade_results.compute(session, sheet, table, answers)
    sheet.result = result.model_dump(mode="json")
    sheet.finished_at = now
    history.move(session, sheet, GRADE_SHEET, GradeSheetEvent.FINISH, actor=actor, now=now)
    outbox.announce(session, "grade.finished", sheet.id, organisation_id=sheet.firm_id, now=now)
    return sheet


async def discard(
    session: AsyncSession, *, actor: Actor, sheet_id: UUID, now: datetime
) -> GradeSheet:
    """Give up an open sheet; its answers stay on record and count for nothing."""
    sheet = await _lock_open(session, actor, sheet_id, GradeSheetEvent.DISCARD)
    sheet.finished_at = now
    history.move(session, sheet, GRADE_SHEET, GradeSheetEvent.DISCARD, actor=actor, now=now)
    return sheet


async def list_answers(session: AsyncSession, sheet: GradeSheet) -> Sequence[GradeAnswer]:
    """What people answered on a sheet the caller may see."""
    found = await session.scalars(
        select(GradeAnswer)
        .where(GradeAnswer.sheet_id == sheet.id)
        .order_by(GradeAnswer.indicator)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def get_evidence(
    session: AsyncSession, *, actor: Actor, sheet_id: UUID, indicator: str
) -> Document:
    """The document behind an answer, for whoever may see the sheet, shared with them or not."""
    sheet = await get_sheet(session, actor=actor, sheet_id=sheet_id)
    given = await session.get(GradeAnswer, (sheet.id, indicator))
    if given is None or given.document_id is None:
        raise NotFound
    async with as_platform(session):
        return await session.get_one(Document, given.document_id)


def find_table(sheet: GradeSheet, tables: Sequence[Table] = TABLES) -> Table | None:
    """The table by which the sheet was begun; None if it is not the same any more."""
    return next(
        (
            table
            for table in tables
            if (table.id, table.sha256) == (sheet.table_id, sheet.table_sha256)
        ),
        None,
    )


def must_be_current(sheet: GradeSheet) -> Table:
    table = find_table(sheet)
    if table is None:
        raise TableChanged
    return table


async def _lock_open(
    session: AsyncSession, actor: Actor, sheet_id: UUID, event: GradeSheetEvent
) -> GradeSheet:
    actor.must_be(OrganisationKind.ENTERPRISE)
    sheet: GradeSheet | None = await session.scalar(
        visible_sheets(actor)
        .where(GradeSheet.id == sheet_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if sheet is None:
        raise NotFound
    GRADE_SHEET.after(sheet.status, event)
    return sheet
