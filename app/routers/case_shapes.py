"""Cases and their kinds as answers."""

from datetime import date

from app.casework.kind import Kind, KindVersion, Move
from app.casework.reading import moves_from
from app.models.cases import Case, CaseClock, CaseEntry
from app.routers.deps import Session
from app.schemas.cases import (
    CaseDetailOut,
    CaseOut,
    ClockOut,
    ClockRuleOut,
    EntryOut,
    FieldOut,
    KindOut,
    MoveOut,
    StateOut,
)
from app.services import case_parts, cases
from app.services.actor import Actor


def kind_out(kind: Kind, version: KindVersion) -> KindOut:
    """A kind in one of its versions."""
    return KindOut(
        id=kind.id,
        group=kind.group,
        measure=kind.measure,
        text=kind.text,
        source=version.source,
        uncalibrated=version.uncalibrated,
        opened_by=list(version.opened_by),
        parent=version.parent,
        fields=[
            FieldOut(
                name=field.name,
                text=field.text,
                type=field.type,
                required=field.required,
                choices=list(field.choices),
            )
            for field in version.fields
        ],
        states=[StateOut(id=one.id, text=one.text, final=one.final) for one in version.states],
        moves=[_move(move) for move in version.moves],
        clocks=[
            ClockRuleOut(
                id=clock.id,
                text=clock.text,
                days=clock.days,
                unit=clock.unit,
                due_field=clock.due_field,
                uncalibrated=clock.uncalibrated,
            )
            for clock in version.clocks
        ],
    )


def case_out(case: Case) -> CaseOut:
    """A case in a list."""
    return CaseOut(
        id=case.id,
        number=cases.number_of(case),
        kind=case.kind,
        title=case.title,
        state=case.state,
        state_text=cases.version_of(case).state(case.state).text,
        applicant_id=case.applicant_id,
        handler_id=case.handler_id,
        respondent_id=case.respondent_id,
        parent_id=case.parent_id,
        fields=case.fields,
        due_on=case.due_on,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
    )


async def detail(session: Session, actor: Actor, case: Case, *, today: date) -> CaseDetailOut:
    """A case with its clocks and entries, and what the actor may do in it."""
    version = cases.version_of(case)
    roles = cases.roles_of(actor, case)
    entries = await cases.list_entries(session, case=case)
    clocks = await case_parts.clocks_of(session, case.id)
    return CaseDetailOut(
        **dict(case_out(case)),
        roles=sorted(roles),
        moves=[_move(one) for one in moves_from(version, state=case.state, roles=roles)],
        clocks=[_clock(row, version, today=today) for row in clocks],
        entries=[_entry(entry) for entry in entries],
    )


def _move(move: Move) -> MoveOut:
    return MoveOut(
        id=move.id,
        text=move.text,
        to=move.to,
        by=list(move.by),
        takes=list(move.takes),
        needs=list(move.needs),
        note=move.note,
        document=move.document,
    )


def _clock(row: CaseClock, version: KindVersion, *, today: date) -> ClockOut:
    overdue = row.due_on is not None and row.paused_on is None and today > row.due_on
    return ClockOut(
        clock=row.clock,
        text=next(clock.text for clock in version.clocks if clock.id == row.clock),
        started_on=row.started_on,
        due_on=row.due_on,
        paused_on=row.paused_on,
        stopped_on=row.stopped_on,
        working_days=row.working_days,
        late=overdue if row.late is None else row.late,
    )


def _entry(entry: CaseEntry) -> EntryOut:
    return EntryOut(
        number=entry.number,
        move=entry.move,
        source=entry.source,
        target=entry.target,
        organisation_id=entry.organisation_id,
        user_id=entry.user_id,
        note=entry.note,
        fields=entry.fields,
        document_id=entry.document_id,
        document_sha256=entry.document_sha256,
        at=entry.at,
        previous=entry.previous.hex(),
        digest=entry.digest.hex(),
    )
