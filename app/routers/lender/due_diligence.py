"""The bank's file for 尽职免责."""

from uuid import UUID

from fastapi import APIRouter, Response

from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Snapshot
from app.routers.documents import Store
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.services import due_diligence
from app.services.documents import DocumentDamaged

router = APIRouter(prefix="/lender", tags=["lost loans"], route_class=KeyedRoute)


@router.get(
    "/loans/{loan_id}/due-diligence.zip",
    dependencies=[may(OrganisationKind.BANK, scope="loans:read")],
    response_class=Response,
    responses=problems(NotFound, DocumentDamaged)
    | {200: {"description": "A ZIP archive.", "content": {"application/zip": {}}}},
    summary="The bank's file on a loan: what was done, with the proof",
)
async def get_due_diligence(
    loan_id: UUID, actor: CurrentActor, session: Snapshot, store: Store, now: Now
) -> Response:
    """For 尽职免责: deal, contracts, grades with their evidence, inspections, claim-readiness at
    every step, claims, recoveries and the history of all of it.

    `manifest.json` and `manifest.xlsx` tell it, and name every file of the archive with its
    SHA-256; documents that you may read lie beside them.
    """
    pack = await due_diligence.gather(session, actor=actor, loan_id=loan_id, now=now)
    await session.commit()  # nothing stays open while the store is read
    return Response(
        await due_diligence.build(pack, store),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="due-diligence-{loan_id}.zip"',
            "Cache-Control": "private, no-store",
        },
    )
