"""Uploaded documents: typed by content, hashed, kept in the store, shared with a deal's parties."""

import hashlib
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound, Unprocessable
from app.core.messages import Text, all_of, say
from app.integrations.store import DocumentStore
from app.models.documents import Document, DocumentReader
from app.services import rules
from app.services.actor import Actor
from app.services.content_types import content_type_of

FILE_NAME_MAX = 200

KIND_NAMES: dict[str, Text] = {
    "contract": say("contract"),
    "certificate": say("certificate"),
    "report": say("report"),
    "consent": say("consent"),
    "import": say("file to import"),
    "other": say("other document"),
}
"""What people call the kinds of document that the rule "document_types" names."""


@dataclass(eq=False)
class TypeRefused(Unprocessable):
    message = "A {kind} cannot be a file of type {content_type}; it may be {allowed}."

    kind: str
    content_type: str
    allowed: list[str]

    def facts(self) -> dict[str, Any]:
        reason = say("is of type {content_type}", content_type=self.content_type)
        return super().facts() | {"field": "body", "reason": str(reason)}

    def words(self) -> Mapping[str, Any]:
        return {"kind": _name_of(self.kind)}


class DocumentDamaged(Conflict):
    message = "The stored bytes are lost or no longer match the document's hash."


def visible_documents(actor: Actor) -> Select[Document]:
    """Documents of the actor's organisation, and those shared with it; staff see all."""
    documents = select(Document)
    if actor.is_staff:
        return documents
    shared = exists().where(
        DocumentReader.document_id == Document.id,
        DocumentReader.organisation_id == actor.organisation_id,
    )
    return documents.where(or_(Document.owner_id == actor.organisation_id, shared))


async def keep(store: DocumentStore, *, actor: Actor, data: bytes) -> None:
    """Put ``data`` where ``upload`` will say it lies, before any transaction is open.

    Bytes whose row is then refused stay, unreachable, and serve the same file sent again.
    """
    await store.put(_store_key(actor, hashlib.sha256(data).digest()), data)


async def upload(
    session: AsyncSession,
    *,
    actor: Actor,
    kind: str,
    file_name: str,
    data: bytes,
    now: datetime,
) -> Document:
    """Enter a document whose bytes are kept: a row never points at nothing.

    FieldRefused for an empty file or a bad name, TypeRefused for content that ``kind`` may not be.
    """
    content_type = await _check(session, kind, data, now=now)
    sha256 = hashlib.sha256(data).digest()
    document = Document(
        id=new_id(),
        owner_id=actor.organisation_id,
        kind=kind,
        file_name=clean_name(file_name),
        content_type=content_type,
        size=len(data),
        sha256=sha256,
        store_key=_store_key(actor, sha256),
        uploaded_by=actor.user_id,
        uploaded_at=now,
    )
    session.add(document)
    await session.flush()
    return document


def _store_key(actor: Actor, sha256: bytes) -> str:
    """By owner and content, so that sending a file again writes nothing new."""
    return f"{actor.organisation_id}/{sha256.hex()}"


def _name_of(kind: str) -> str:
    return KIND_NAMES.get(kind, kind)


async def _check(session: AsyncSession, kind: str, data: bytes, *, now: datetime) -> str:
    rule = await rules.get(session, "document_types", on=business_date(now))
    allowed = rule["kinds"].get(kind)
    if allowed is None:
        known = all_of(say("{code} ({name})", code=k, name=_name_of(k)) for k in rule["kinds"])
        raise FieldRefused("kind", say("is none of {known}", known=known))
    if not data:
        raise FieldRefused("body", say("is empty"))
    content_type = content_type_of(data)
    if content_type not in allowed:
        raise TypeRefused(kind, content_type, allowed)
    return content_type


def clean_name(file_name: str) -> str:
    """The last part of a path, for people to read; it is never used as one."""
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if not name or name in {".", ".."} or len(name) > FILE_NAME_MAX:
        raise FieldRefused(
            "file_name", say("must be a name of 1 to {length} characters", length=FILE_NAME_MAX)
        )
    if any(unicodedata.category(character).startswith("C") for character in name):
        raise FieldRefused("file_name", say("holds a character that cannot be seen"))
    return name


async def get_document(session: AsyncSession, *, actor: Actor, document_id: UUID) -> Document:
    document: Document | None = await session.scalar(
        visible_documents(actor).where(Document.id == document_id)
    )
    if document is None:
        raise NotFound
    return document


async def list_documents(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> Sequence[Document]:
    """Documents the actor may read, newest first."""
    statement = visible_documents(actor).order_by(Document.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(Document.id < after)
    return (await session.scalars(statement)).all()


async def read_bytes(store: DocumentStore, document: Document) -> bytes:
    """The document's bytes, proved by its hash. To be called when no transaction is open."""
    try:
        data = await store.get(document.store_key)
    except FileNotFoundError as error:
        raise DocumentDamaged from error
    if hashlib.sha256(data).digest() != document.sha256:
        raise DocumentDamaged
    return data


async def share(
    session: AsyncSession, document: Document, *, organisation_ids: Collection[UUID]
) -> None:
    """Let other organisations read the document. The caller has checked that they may."""
    rows = [{"document_id": document.id, "organisation_id": id_} for id_ in organisation_ids]
    if rows:
        await session.execute(insert(DocumentReader).on_conflict_do_nothing(), rows)
