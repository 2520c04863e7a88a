"""The report of a valuation run: gathered in one transaction, rendered after it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, NotFound
from app.models.organisations import Organisation
from app.services import valuation_records, valuation_runs
from app.services.actor import Actor
from app.services.valuation_runs import Worked
from app.valuation.report.content import content
from app.valuation.report.model import Report, Side, Stored

SIDES = 20
"""A report holds so many challenges; the list of all is an endpoint of its own."""


class NotWorkedOut(Conflict):
    message = "The valuation is still being worked out; ask again in a moment."
    retry_after_s = 5


async def gather(session: AsyncSession, *, actor: Actor, run_id: UUID) -> Report:
    """What the report of a run says to who may read the run; NotWorkedOut before a worker did."""
    worked = await valuation_runs.get_run(session, actor=actor, run_id=run_id)
    if worked.result is None:
        raise NotWorkedOut
    sides = await valuation_runs.list_challenges(session, actor=actor, run_id=run_id, limit=SIDES)
    challenged = await _challenged(session, worked, actor=actor)
    shown = [worked, *(side.worked for side in sides), *([challenged] if challenged else [])]
    names = await _names(session, shown)
    return content(
        _stored(worked, names),
        challenges=[Side(_stored(side.worked, names), side.differences) for side in sides],
        challenged=None if challenged is None else _opposed(worked, challenged, names),
    )


async def _challenged(session: AsyncSession, worked: Worked, *, actor: Actor) -> Worked | None:
    """The run that this one challenges, if the actor may still see it."""
    if worked.run.challenges_id is None:
        return None
    try:
        return await valuation_runs.get_run(session, actor=actor, run_id=worked.run.challenges_id)
    except NotFound:
        return None


def _opposed(worked: Worked, challenged: Worked, names: dict[UUID, str]) -> Side:
    differences = valuation_records.differences(worked.run.inputs, challenged.run.inputs)
    return Side(_stored(challenged, names), differences)


async def _names(session: AsyncSession, shown: Sequence[Worked]) -> dict[UUID, str]:
    ids = {one.run.firm_id for one in shown} | {one.run.made_by for one in shown}
    rows = await session.execute(
        select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids - {None}))
    )
    return {row.id: row.name for row in rows}


def _stored(worked: Worked, names: dict[UUID, str]) -> Stored:
    run, result = worked.run, worked.result
    return Stored(
        run_id=str(run.id),
        kind=run.kind.value,
        firm=names[run.firm_id],
        made_by=None if run.made_by is None else names[run.made_by],
        reason=run.reason,
        valued_on=run.valued_on,
        inputs=run.inputs,
        inputs_sha256=run.inputs_sha256.hex(),
        engine=None if result is None else result.engine,
        results=None if result is None else result.results,
        results_sha256=None if result is None else result.results_sha256.hex(),
        computed_at=None if result is None else result.computed_at,
    )
