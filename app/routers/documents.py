"""Documents: uploaded as they are, told by their content, read by whoever may."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.core.errors import FieldRefused, NotFound
from app.integrations.store import DocumentStore, ObstoreStore
from app.models.documents import Document
from app.routers.access import Access, access_of, signed_in
from app.routers.bodies import Handler
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute, admit
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.documents import DocumentOut
from app.services import documents
from app.services.documents import DocumentDamaged, TypeRefused


def get_store(request: Request) -> DocumentStore:
    store = request.app.state.store
    assert isinstance(store, ObstoreStore)
    return store


Store = Annotated[DocumentStore, Depends(get_store)]


class UploadRoute(KeyedRoute):
    """Keeps the bytes before the keyed call opens its transaction: the store is the network's."""

    takes_json = False

    def get_route_handler(self) -> Handler:
        keyed = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return keyed
        guards = [mark for mark in access_of(self.dependant) if isinstance(mark, Access)]

        async def upload(request: Request) -> Response:
            async with request.app.state.sessions.begin() as session:
                actor = await admit(request, session, guards)
            await documents.keep(get_store(request), actor=actor, data=await request.body())
            return await keyed(request)

        return upload


router = APIRouter(prefix="/documents", tags=["documents"], route_class=UploadRoute)

_BODY = {
    "required": True,
    "content": {
        "application/octet-stream": {
            "schema": {"type": "string", "format": "binary"},
            "example": "the bytes of the file, as they are",
        }
    },
}


@router.post(
    "",
    status_code=201,
    response_model=DocumentOut,
    summary="Upload a document",
    dependencies=[signed_in(scope="documents:write")],
    responses=problems(FieldRefused, TypeRefused),
    openapi_extra={"requestBody": _BODY},
)
async def upload_document(
    *,
    request: Request,
    actor: CurrentActor,
    session: Session,
    now: Now,
    kind: Annotated[
        str,
        Query(description="contract, certificate, report, consent, import or other."),
    ],
    file_name: Annotated[str, Query(min_length=1, max_length=500, examples=["合同.pdf"])],
) -> Document:
    """The request body is the file itself. What it is is told by its content, never by its name."""
    return await documents.upload(
        session,
        actor=actor,
        kind=kind,
        file_name=file_name,
        data=await request.body(),
        now=now,
    )


@router.get(
    "",
    summary="Documents you may read",
    dependencies=[signed_in(scope="documents:read")],
)
async def list_documents(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[DocumentOut]:
    """Your organisation's and those shared with it, newest first."""
    found = await documents.list_documents(session, actor=actor, limit=limit, after=after)
    items = [DocumentOut.model_validate(document) for document in found]
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.get(
    "/{document_id}",
    response_model=DocumentOut,
    summary="What a document is",
    dependencies=[signed_in(scope="documents:read")],
    responses=problems(NotFound),
)
async def get_document(document_id: UUID, actor: CurrentActor, session: Session) -> Document:
    """Its kind, name, type by content, size and SHA-256."""
    return await documents.get_document(session, actor=actor, document_id=document_id)


@router.get(
    "/{document_id}/content",
    response_class=Response,
    summary="Download a document",
    dependencies=[signed_in(scope="documents:read")],
    responses=problems(NotFound, DocumentDamaged)
    | {200: {"description": "The bytes.", "content": {"application/octet-stream": {}}}},
)
async def download_document(
    document_id: UUID, actor: CurrentActor, session: Session, store: Store
) -> Response:
    """The bytes as uploaded, checked against the hash; always as a download, never shown inline."""
    document = await documents.get_document(session, actor=actor, document_id=document_id)
    await session.commit()  # nothing stays open while the store is read
    data = await documents.read_bytes(store, document)
    return as_download(document, data)


def as_download(document: Document, data: bytes) -> Response:
    """The bytes with the document's name and type, for no browser to show or to run."""
    name = quote(document.file_name, safe="")
    return Response(
        data,
        media_type=document.content_type,
        headers={
            "Content-Disposition": f"attachment; filename=\"document\"; filename*=UTF-8''{name}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
            "Cache-Control": "private, no-store",
        },
    )
