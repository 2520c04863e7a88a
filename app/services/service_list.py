"""The list of public services: one person proposes a version, another publishes it for all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, Forbidden, NotFound
from app.core.grams import grams_of, grams_of_query
from app.core.messages import say
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.public_services import SERVICE_VERSION, VersionEvent, VersionStatus
from app.models.public_services import ServiceVersion
from app.schemas.public_services import CategoryOut, ServiceVersionIn
from app.services import history, outbox, rules
from app.services.actor import Actor
from app.services.searching import matches
from app.services.sheets import Sheet

CATEGORIES = "service_categories"
OPEN_DATA_MAX = 5000

# The first version of a service has no row to lock.
_LOCK = 0x7A68_5356

COLUMNS = (
    ("编码", "code"),
    ("版本", "number"),
    ("类别", "category"),
    ("名称", "name"),
    ("英文名称", "name_en"),
    ("内容", "content"),
    ("形式", "form"),
    ("流程", "process"),
    ("依据", "basis"),
    ("联系方式", "contact"),
    ("生效日期", "in_force_from"),
)


@dataclass(eq=False)
class VersionProposed(Conflict):
    message = "Version {number} of {code} waits for a decision; withdraw or decide it first."

    code: str
    number: int


class OwnVersion(Forbidden):
    message = "Whoever proposed a version does not decide on it: another person must."


def published(on: date) -> Select[ServiceVersion]:
    """The services on offer on a day, each in the version that was in force then."""
    row = ServiceVersion
    return select(row).where(
        row.offered,
        row.in_force_from <= on,
        or_(row.in_force_until.is_(None), row.in_force_until > on),
    )


async def propose(
    session: AsyncSession, *, actor: Actor, code: str, data: ServiceVersionIn, now: datetime
) -> ServiceVersion:
    """Put the next version of a service, or a new service, before another person."""
    actor.must_be(OrganisationKind.AUTHORITY)
    await _check_category(session, data.category, on=business_date(now))
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    versions = await _versions(session, code)
    for version in versions:
        if version.status is VersionStatus.PROPOSED:
            raise VersionProposed(code, version.number)
    row = ServiceVersion(
        id=new_id(),
        code=code,
        number=len(versions) + 1,
        status=VersionStatus.PROPOSED,
        grams=grams_of(data.name, data.name_en, data.content, data.form, *data.process),
        proposed_by=_person(actor),
        proposed_at=now,
        **data.model_dump(),
    )
    session.add(row)
    history.begin(session, row, SERVICE_VERSION, actor=actor, now=now)
    await session.flush()
    return row


async def publish(
    session: AsyncSession, *, actor: Actor, version_id: UUID, now: datetime
) -> ServiceVersion:
    """Put the version in force today in place of the one before; never by who proposed it."""
    row = await _lock(session, actor, version_id)
    _must_be_another(actor, row)
    today = business_date(now)
    for earlier in await _versions(session, row.code):
        if earlier.status is VersionStatus.PUBLISHED:
            history.move(
                session, earlier, SERVICE_VERSION, VersionEvent.SUPERSEDE, actor=actor, now=now
            )
            earlier.in_force_until = today
    await session.flush()  # one published version at a time
    history.move(session, row, SERVICE_VERSION, VersionEvent.PUBLISH, actor=actor, now=now)
    row.decided_by, row.decided_at = _person(actor), now
    row.published_at, row.in_force_from = now, today
    outbox.announce(session, "service.published", row.id, now=now)
    await session.flush()
    return row


async def refuse(
    session: AsyncSession, *, actor: Actor, version_id: UUID, reason: str, now: datetime
) -> ServiceVersion:
    """The list stays as it is."""
    row = await _lock(session, actor, version_id)
    _must_be_another(actor, row)
    history.move(session, row, SERVICE_VERSION, VersionEvent.REFUSE, actor=actor, now=now)
    row.decided_by, row.decided_at, row.refusal = _person(actor), now, reason
    await session.flush()
    return row


async def withdraw(
    session: AsyncSession, *, actor: Actor, version_id: UUID, now: datetime
) -> ServiceVersion:
    """Take a proposal back."""
    row = await _lock(session, actor, version_id)
    history.move(session, row, SERVICE_VERSION, VersionEvent.WITHDRAW, actor=actor, now=now)
    row.decided_by, row.decided_at = _person(actor), now
    await session.flush()
    return row


async def list_versions(
    session: AsyncSession,
    *,
    actor: Actor,
    status: VersionStatus | None,
    limit: int,
    after: UUID | None = None,
) -> Sequence[ServiceVersion]:
    """Every version whatever became of it, newest first."""
    actor.must_be(OrganisationKind.AUTHORITY)
    statement = select(ServiceVersion).order_by(ServiceVersion.id.desc()).limit(limit)
    if status is not None:
        statement = statement.where(ServiceVersion.status == status)
    if after is not None:
        statement = statement.where(ServiceVersion.id < after)
    return (await session.scalars(statement)).all()


async def search(
    session: AsyncSession,
    *,
    on: date,
    query: str | None,
    category: str | None,
    limit: int,
    after: str | None,
) -> Sequence[ServiceVersion]:
    """What is on offer on a day: the best matches of a query first, else in order of the codes."""
    statement = published(on).limit(limit)
    if category is not None:
        statement = statement.where(ServiceVersion.category == category)
    if query is None:
        statement = statement.order_by(ServiceVersion.code)
        if after is not None:
            statement = statement.where(ServiceVersion.code > after)
    else:
        if not grams_of_query(query):
            raise FieldRefused("q", say("holds nothing to search for"))
        found, order = matches(ServiceVersion.grams, query)
        statement = statement.where(found).order_by(order, ServiceVersion.code)
    return (await session.scalars(statement)).all()


async def list_published(session: AsyncSession, *, code: str) -> Sequence[ServiceVersion]:
    """Every version of a service that ever was in force, newest first; NotFound if none was."""
    rows = (
        await session.scalars(
            select(ServiceVersion)
            .where(ServiceVersion.code == code, ServiceVersion.published_at.is_not(None))
            .order_by(ServiceVersion.number.desc())
        )
    ).all()
    if not rows:
        raise NotFound
    return rows


async def list_categories(session: AsyncSession, *, on: date) -> list[CategoryOut]:
    """The categories with how many services each has on offer."""
    rule = await rules.get(session, CATEGORIES, on=on)
    offered = published(on).subquery()
    rows = await session.execute(
        select(offered.c.category, func.count()).group_by(offered.c.category)
    )
    counts = Counter({row[0]: row[1] for row in rows})
    return [CategoryOut(**one, services=counts[one["code"]]) for one in rule["categories"]]


async def list_all(session: AsyncSession, *, on: date) -> Sequence[ServiceVersion]:
    """The whole list for open data."""
    rows = published(on).order_by(ServiceVersion.code).limit(OPEN_DATA_MAX)
    return (await session.scalars(rows)).all()


def sheet_of(services: Sequence[ServiceVersion]) -> Sheet:
    """The list as a table."""
    return Sheet(
        "公共服务事项清单",
        COLUMNS,
        [
            (
                row.code,
                row.number,
                row.category,
                row.name,
                row.name_en,
                row.content,
                row.form,
                " → ".join(row.process),
                row.basis,
                row.contact,
                row.in_force_from,
            )
            for row in services
        ],
    )


async def _check_category(session: AsyncSession, category: str, *, on: date) -> None:
    rule = await rules.get(session, CATEGORIES, on=on)
    known = [one["code"] for one in rule["categories"]]
    if category not in known:
        raise FieldRefused("category", say("is none of {known}", known=", ".join(known)))


async def _versions(session: AsyncSession, code: str) -> Sequence[ServiceVersion]:
    return (
        await session.scalars(
            select(ServiceVersion)
            .where(ServiceVersion.code == code)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).all()


async def _lock(session: AsyncSession, actor: Actor, version_id: UUID) -> ServiceVersion:
    actor.must_be(OrganisationKind.AUTHORITY)
    row = await session.get(
        ServiceVersion, version_id, with_for_update=True, populate_existing=True
    )
    if row is None:
        raise NotFound
    return row


def _must_be_another(actor: Actor, row: ServiceVersion) -> None:
    if row.proposed_by == _person(actor):
        raise OwnVersion


def _person(actor: Actor) -> UUID:
    """The list is changed by people; a program has no name to answer with."""
    if actor.user_id is None:
        raise Forbidden
    return actor.user_id
