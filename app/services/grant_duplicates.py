"""No award twice: across measures, years and related firms, against every stored application."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict
from app.grants.duplication import Given, conflicts
from app.grants.measure import Dimension, MeasureVersion
from app.lifecycle.grants import ApplicationStatus
from app.models.grants import GrantApplication
from app.services import grant_related
from app.services.actor import as_platform

_S = ApplicationStatus
OVER = (_S.DRAFT, _S.REJECTED, _S.REFUSED, _S.WITHDRAWN, _S.CLAWED_BACK)
"""Applications that ask for nothing and have been given nothing."""

_LOCK = 0x7A68_6772


@dataclass(eq=False)
class AwardedTwice(Conflict):
    """One who has asked for the same, or has been given it, is not given it again."""

    message = "The same was asked for or given already: measure {measures}, {keys}."

    measures: list[int]
    keys: list[str]


async def refuse_duplicate(
    session: AsyncSession, application: GrantApplication, rules: MeasureVersion
) -> None:
    """AwardedTwice if what stands on the platform repeats ``application``.

    Of two that ask at once, the second waits for the first.
    """
    rule = rules.duplication
    if rule is None:
        return
    measures = sorted({application.measure, *rule.with_measures})
    for measure in measures:
        await session.execute(
            text("SELECT pg_advisory_xact_lock(:space, :measure)"),
            {"space": _LOCK, "measure": measure},
        )
    group = {application.applicant_id}
    if rule.related_firms:
        group = await grant_related.group_of(session, application.applicant_id)
    previous = await _previous(session, application, measures, by_key=Dimension.KEY in rule.same)
    found = conflicts(
        rule,
        given(application),
        [given(one) for one in previous],
        related=[str(firm) for firm in group],
    )
    if found:
        raise AwardedTwice(
            sorted({one.measure for one in found}), sorted({one.key for one in found})
        )


def given(application: GrantApplication) -> Given:
    return Given(
        measure=application.measure,
        key=normal(application.key),
        firm=str(application.applicant_id),
        year=application.year,
    )


def normal(key: str) -> str:
    """One number written in two ways is one number."""
    return "".join(key.split()).upper()


async def _previous(
    session: AsyncSession, application: GrantApplication, measures: Sequence[int], *, by_key: bool
) -> Sequence[GrantApplication]:
    others = select(GrantApplication).where(
        GrantApplication.measure.in_(measures),
        GrantApplication.id != application.id,
        GrantApplication.status.not_in(OVER),
    )
    if by_key:
        others = others.where(GrantApplication.key == normal(application.key))
    async with as_platform(session):
        return (await session.scalars(others)).all()
