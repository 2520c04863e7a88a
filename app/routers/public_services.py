"""The list of public services (公共服务事项清单): open to all, kept by the authority."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.public_services import VersionStatus
from app.models.public_services import ServiceVersion
from app.routers.access import may, public
from app.routers.deps import CurrentActor, Limit, Now, Session, Today
from app.routers.files import CSV_FILE, csv_file
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Day, Page
from app.schemas.public_services import (
    CategoryOut,
    OpenServicesOut,
    ServiceCode,
    ServiceOut,
    ServicesOut,
    ServiceVersionIn,
    ServiceVersionOut,
    VersionRefusalIn,
)
from app.services import service_list
from app.services.service_list import OwnVersion, VersionProposed

open_list = APIRouter(prefix="/public/services", tags=["public"], dependencies=[public()])
router = APIRouter(prefix="/authority/service-versions", tags=["authority"], route_class=KeyedRoute)

READS = may(OrganisationKind.AUTHORITY, scope="programme:read")
ACTS = may(OrganisationKind.AUTHORITY)

On = Annotated[Day | None, Query(description="The list as it was on a day, today by default.")]
Code = Annotated[ServiceCode, Path(description="The service's code, such as pledge-registration.")]


@open_list.get("", responses=problems(FieldRefused), summary="Public services")
async def search_services(
    *,
    session: Session,
    today: Today,
    q: Annotated[
        str | None,
        Query(max_length=100, description="Words of name, content, form or process, in Chinese."),
    ] = None,
    category: ServiceCode | None = None,
    on: On = None,
    limit: Limit = 50,
    after: ServiceCode | None = None,
) -> ServicesOut:
    """What is on offer; with `q` the best matches first, in one page."""
    rows = await service_list.search(
        session, on=on or today, query=q, category=category, limit=limit, after=after
    )
    return ServicesOut(
        items=[ServiceOut.model_validate(row) for row in rows],
        next=rows[-1].code if q is None and len(rows) == limit else None,
    )


@open_list.get("/categories", summary="Categories of public services")
async def list_categories(session: Session, today: Today) -> list[CategoryOut]:
    """With how many services each has on offer today."""
    return await service_list.list_categories(session, on=today)


@open_list.get("/open-data.json", summary="The list of public services as JSON")
async def get_open_data(session: Session, today: Today, on: On = None) -> OpenServicesOut:
    """The whole list of a day, free to use."""
    day = on or today
    rows = await service_list.list_all(session, on=day)
    return OpenServicesOut(on=day, services=[ServiceOut.model_validate(row) for row in rows])


@open_list.get(
    "/open-data.csv",
    response_class=Response,
    responses=CSV_FILE,
    summary="The list of public services as CSV",
)
async def get_open_data_csv(session: Session, today: Today, on: On = None) -> Response:
    """The whole list of a day, free to use."""
    rows = await service_list.list_all(session, on=on or today)
    return csv_file(service_list.sheet_of(rows), name="public-services")


@open_list.get(
    "/{code}",
    response_model=list[ServiceOut],
    responses=problems(NotFound),
    summary="A public service in all its versions",
)
async def list_published(code: Code, session: Session) -> Sequence[ServiceVersion]:
    """Those that are or were in force, the newest first."""
    return await service_list.list_published(session, code=code)


@router.get("", dependencies=[READS], summary="Versions of public services")
async def list_versions(
    actor: CurrentActor,
    session: Session,
    status: VersionStatus | None = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[ServiceVersionOut]:
    """Whatever became of them, newest first."""
    rows = await service_list.list_versions(
        session, actor=actor, status=status, limit=limit, after=after
    )
    return Page(
        items=[ServiceVersionOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/{code}",
    status_code=201,
    response_model=ServiceVersionOut,
    dependencies=[ACTS],
    responses=problems(FieldRefused, VersionProposed),
    summary="Propose a version of a public service",
)
async def propose(
    code: Code, given: ServiceVersionIn, actor: CurrentActor, session: Session, now: Now
) -> ServiceVersion:
    """A new code is a new service. Another person publishes it."""
    return await service_list.propose(session, actor=actor, code=code, data=given, now=now)


@router.post(
    "/{version_id}/publication",
    response_model=ServiceVersionOut,
    dependencies=[ACTS],
    responses=problems(NotFound, OwnVersion, IllegalMove),
    summary="Publish a version",
)
async def publish(
    version_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ServiceVersion:
    """In force today, in place of the one before."""
    return await service_list.publish(session, actor=actor, version_id=version_id, now=now)


@router.post(
    "/{version_id}/refusal",
    response_model=ServiceVersionOut,
    dependencies=[ACTS],
    responses=problems(NotFound, OwnVersion, IllegalMove),
    summary="Refuse a version",
)
async def refuse(
    version_id: UUID, given: VersionRefusalIn, actor: CurrentActor, session: Session, now: Now
) -> ServiceVersion:
    """The list stays as it is."""
    return await service_list.refuse(
        session, actor=actor, version_id=version_id, reason=given.reason, now=now
    )


@router.post(
    "/{version_id}/withdrawal",
    response_model=ServiceVersionOut,
    dependencies=[ACTS],
    responses=problems(NotFound, IllegalMove),
    summary="Take a proposed version back",
)
async def withdraw(
    version_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ServiceVersion:
    """Also by whoever proposed it."""
    return await service_list.withdraw(session, actor=actor, version_id=version_id, now=now)
