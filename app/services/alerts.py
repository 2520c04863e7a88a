"""Alerts on parks and guarantors: raised and cleared by the worker, acknowledged by a person.

The sweep of each minute raises them, not the transaction that crosses a threshold: that one holds
the locks of money, and a new threshold in the dated rule counts without any transaction at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import SHANGHAI, business_date
from app.core.db import new_id
from app.core.errors import Conflict, NotFound
from app.core.messages import say
from app.lifecycle.alerts import ALERT, AlertEvent, AlertStatus
from app.lifecycle.parties import OrganisationKind
from app.models.accounts import User
from app.models.alerts import Alert
from app.models.organisations import Organisation
from app.models.records import StatusChange
from app.services import guarantor_limits, guarantors, history, outbox, rules
from app.services.actor import SYSTEM, Actor, as_platform, bind
from app.services.figures import ALERT_RULE, hhi, last_figures, share_pct, utilisation
from app.services.programme import get_quota

UTILISATION = "utilisation_pct"

_SWEEP_LOCK = 0x7A68_A1E7

Measures = dict[tuple[str, str], Decimal]
"""(subject, measure) → its value now; a measure that says nothing yet is left out."""


@dataclass(eq=False)
class AlertAcknowledged(Conflict):
    """Somebody has seen to it; one note stands on each alert."""

    message = "{by} acknowledged the alert at {acknowledged_at}, noting: {note}"

    by: str
    acknowledged_at: datetime
    note: str

    def words(self) -> Mapping[str, Any]:
        return {"acknowledged_at": f"{self.acknowledged_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"}


def visible_alerts(actor: Actor) -> Select[Alert]:
    """A park sees those of its account, a guarantor its own, the authority all."""
    alerts = select(Alert)
    match actor.kind:
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return alerts
        case OrganisationKind.GUARANTOR:
            return alerts.where(Alert.subject == str(actor.organisation_id))
        case OrganisationKind.PARK:
            own = select(Organisation.park_code).where(Organisation.id == actor.organisation_id)
            return alerts.where(Alert.subject == own.scalar_subquery())
        case _:
            return alerts.where(false())


async def list_alerts(
    session: AsyncSession,
    *,
    actor: Actor,
    status: AlertStatus | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[Alert]:
    """Visible alerts, newest first."""
    alerts = visible_alerts(actor).order_by(Alert.id.desc()).limit(limit)
    if status is not None:
        alerts = alerts.where(Alert.status == status)
    if after is not None:
        alerts = alerts.where(Alert.id < after)
    return (await session.scalars(alerts)).all()


async def acknowledge(
    session: AsyncSession, *, actor: Actor, alert_id: UUID, note: str, now: datetime
) -> Alert:
    """A person has seen it, and says what comes of it; the same again answers what is there.

    AlertAcknowledged when it has been, by another or with another note.
    """
    alert: Alert | None = await session.scalar(
        visible_alerts(actor)
        .where(Alert.id == alert_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if alert is None:
        raise NotFound
    if alert.status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_at is not None:
        if (alert.acknowledged_by, alert.note) == (actor.user_id, note):
            return alert
        by = await _who_acknowledged(session, actor, alert)
        raise AlertAcknowledged(by, alert.acknowledged_at, alert.note or "")
    history.move(session, alert, ALERT, AlertEvent.ACKNOWLEDGE, actor=actor, now=now)
    alert.acknowledged_at, alert.acknowledged_by, alert.note = now, actor.user_id, note
    await session.flush()
    return alert


async def _who_acknowledged(session: AsyncSession, actor: Actor, alert: Alert) -> str:
    """The organisation, and to its own people the person too."""
    async with as_platform(session):
        found = await session.execute(
            select(Organisation.id, Organisation.name, User.name)
            .join(StatusChange, StatusChange.organisation_id == Organisation.id)
            .outerjoin(User, User.id == StatusChange.user_id)
            .where(
                StatusChange.subject_id == alert.id, StatusChange.event == AlertEvent.ACKNOWLEDGE
            )
        )
    organisation_id, organisation, person = found.one()
    if organisation_id != actor.organisation_id or person is None:
        return str(organisation)
    return str(say("{person} ({organisation})", person=person, organisation=organisation))


async def sweep(session: AsyncSession, *, now: datetime) -> int:
    """Raise what a threshold is passed for, clear what no longer holds; how many of both."""
    await bind(session, SYSTEM)
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SWEEP_LOCK})
    on = business_date(now)
    rule = await rules.get(session, ALERT_RULE, on=on)
    measures = await _measure(session, loans_min=rule["loans_min"], on=on)
    passed = {
        (subject, measure, Decimal(level)): value
        for (subject, measure), value in measures.items()
        for level in rule["levels"].get(measure, ())
        if value >= Decimal(level)
    }
    alerts = await session.scalars(
        select(Alert)
        .where(Alert.status != AlertStatus.CLEARED)
        .order_by(Alert.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    changed = 0
    known = set()
    for alert in alerts.all():
        key = (alert.subject, alert.measure, alert.level)
        if key in passed:
            known.add(key)
        else:
            history.move(session, alert, ALERT, AlertEvent.CLEAR, actor=SYSTEM, now=now)
            alert.cleared_at = now
            changed += 1
    for key in sorted(passed.keys() - known):
        await _raise(session, *key, value=passed[key], now=now)
        changed += 1
    await session.flush()
    return changed


async def _raise(
    session: AsyncSession,
    subject: str,
    measure: str,
    level: Decimal,
    *,
    value: Decimal,
    now: datetime,
) -> None:
    alert = Alert(
        id=new_id(),
        subject=subject,
        measure=measure,
        level=level,
        value=value,
        status=AlertStatus.RAISED,
        raised_at=now,
    )
    session.add(alert)
    history.begin(session, alert, ALERT, actor=SYSTEM, now=now)
    outbox.announce(session, "alert.raised", alert.id, now=now)


async def _measure(session: AsyncSession, *, loans_min: int, on: date) -> Measures:
    measures: Measures = {}
    for quota in await get_quota(session):
        measures[quota.park_code, UTILISATION] = utilisation(quota)
        row = await last_figures(session, quota.park_code, at=None)
        if row is None or row.live_loans < loans_min:
            continue
        liability = row.liability
        measures |= {
            (quota.park_code, "bank_hhi"): hhi(row.bank_squares, liability),
            (quota.park_code, "firm_hhi"): hhi(row.firm_squares, liability),
            (quota.park_code, "largest_bank_pct"): share_pct(row.largest_bank_liability, liability),
            (quota.park_code, "largest_firm_pct"): share_pct(row.largest_firm_liability, liability),
        }
    limits = await guarantor_limits.list_limits(session, on=on)
    for limit in limits:
        measures[str(limit.guarantor_id), UTILISATION] = limit.utilisation_pct
    for (guarantor_id, measure), over in (
        await guarantor_limits.list_over(session, limits)
    ).items():
        measures[str(guarantor_id), measure] = over
    for (guarantor_id, share), points in (await guarantors.list_short(session, on=on)).items():
        measures[str(guarantor_id), f"{share}_short_pct"] = points
    return measures
