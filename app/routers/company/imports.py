"""Bulk imports of rights: start one, watch it, read what was refused and why."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.imports import Import
from app.registers.records import RegisterFormat
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.imports import ImportOut, ImportRowOut
from app.services import imports

_READ = may(OrganisationKind.ENTERPRISE, scope="rights:read")
_WRITE = may(OrganisationKind.ENTERPRISE, scope="rights:write")

router = APIRouter(prefix="/company/imports", tags=["rights"], route_class=KeyedRoute)


@router.post(
    "",
    status_code=202,
    response_model=ImportOut,
    summary="Import rights from a file",
    dependencies=[_WRITE],
    responses=problems(FieldRefused),
)
async def create_import(
    actor: CurrentActor,
    session: Session,
    now: Now,
    document_id: Annotated[UUID, Query(description="A document uploaded with kind `import`.")],
    format: Annotated[
        RegisterFormat | None, Query(description="Told by the content if not given.")
    ] = None,
) -> Import:
    """Queued for the worker. Importing the same file again makes no duplicates.

    What the file says of a right you have is taken over; such a row is `changed` and tells what it
    replaced. A right pledged for a live deal keeps its record.
    """
    return await imports.create_import(
        session, actor=actor, document_id=document_id, format=format, now=now
    )


@router.get("", summary="Your imports", dependencies=[_READ])
async def list_imports(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[ImportOut]:
    """Newest first."""
    found = await imports.list_imports(session, actor=actor, limit=limit, after=after)
    items = [ImportOut.model_validate(job) for job in found]
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.get(
    "/{import_id}",
    response_model=ImportOut,
    summary="Progress of an import",
    dependencies=[_READ],
    responses=problems(NotFound),
)
async def get_import(import_id: UUID, actor: CurrentActor, session: Session) -> Import:
    """`rows_done` of `rows_total`, and how many were accepted, changed, unchanged and refused."""
    return await imports.get_import(session, actor=actor, import_id=import_id)


@router.get(
    "/{import_id}/rows",
    summary="Rows of an import",
    dependencies=[_READ],
    responses=problems(NotFound),
)
async def list_rows(
    *,
    import_id: UUID,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 100,
    after: UUID | None = None,
    outcome: Literal["accepted", "changed", "unchanged", "refused"] | None = None,
) -> Page[ImportRowOut]:
    """Each row's right and what it replaced, or the field and reason of its refusal."""
    found = await imports.list_rows(
        session, actor=actor, import_id=import_id, limit=limit, after=after, outcome=outcome
    )
    items = [ImportRowOut.model_validate(row) for row in found]
    return Page(items=items, next=items[-1].id if len(items) == limit else None)
