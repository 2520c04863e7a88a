"""Documents: what they are by content, where their bytes lie, who may read them."""

import hashlib
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.core.messages import Language, speaking
from app.integrations.store import ObstoreStore, open_store
from app.lifecycle.parties import OrganisationKind
from app.models.documents import Document
from app.services import documents
from app.services.actor import Actor, bind
from app.services.content_types import content_type_of
from app.services.documents import DocumentDamaged, TypeRefused
from tests.make.parties import make_actor, make_organisation

PDF = b"%PDF-1.7\nexample"


def archive(*names: str) -> bytes:
    data = BytesIO()
    with ZipFile(data, "w") as zipped:
        for name in names:
            zipped.writestr(name, "x")
    return data.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> ObstoreStore:
    return open_store((tmp_path / "documents").as_uri())


@pytest.fixture
async def actor(session: AsyncSession) -> Actor:
    actor = await make_actor(session, await make_organisation(session, OrganisationKind.ENTERPRISE))
    await bind(session, actor)
    return actor


async def upload(
    session: AsyncSession,
    store: ObstoreStore,
    actor: Actor,
    now: datetime,
    *,
    data: bytes = PDF,
    kind: str = "contract",
    file_name: str = "合同.pdf",
) -> Document:
    await documents.keep(store, actor=actor, data=data)
    return await documents.upload(
        session, actor=actor, kind=kind, file_name=file_name, data=data, now=now
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (PDF, "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (archive("OFD.xml"), "application/ofd"),
        (
            archive("xl/workbook.xml"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            archive("word/document.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (archive("evil.exe"), "application/zip"),
        (b"PK\x03\x04broken", "application/octet-stream"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><a/>", "application/xml"),
        (b"<!DOCTYPE html><p>", "text/html"),
        (b'{"a": 1}', "application/json"),
        ("专利号,名称\n1,二\n".encode("gb18030"), "text/csv"),
        ("一句话".encode(), "text/plain"),
        (b"MZ\x90\x00", "application/x-msdownload"),
        (b"abc\x00", "application/octet-stream"),
        (b"\xff\xfe\xfd", "application/octet-stream"),
        (b"a\x07b", "application/octet-stream"),
        ("专利号,名称\n1,二\n".encode("utf-16"), "text/csv"),
        ("<?xml version='1.0'?><a/>".encode("utf-16"), "application/xml"),
        ("专利号,名称\n1,二\n2,三\x00\n".encode(), "text/csv"),
        ("专利号,名称\n1,二\n2,".encode() + b"\xff\n", "text/csv"),
        (b"a,b\n\x00\x01\n\x02\x03\n", "application/octet-stream"),
        (b"a\x00,b\nc,d\ne,f\n", "application/octet-stream"),
    ],
)
def test_the_content_tells_the_type(data: bytes, expected: str) -> None:
    assert content_type_of(data) == expected


class TestUpload:
    async def test_keeps_bytes_type_and_hash(
        self, session: AsyncSession, store: ObstoreStore, actor: Actor, now: datetime
    ) -> None:
        document = await upload(session, store, actor, now, file_name="C:\\文件\\合同.pdf")

        assert (document.content_type, document.size) == ("application/pdf", len(PDF))
        assert document.sha256 == hashlib.sha256(PDF).digest()
        assert document.file_name == "合同.pdf"
        assert await documents.read_bytes(store, document) == PDF

    async def test_refuses_a_type_the_kind_cannot_be_by_name(
        self, session: AsyncSession, store: ObstoreStore, actor: Actor, now: datetime
    ) -> None:
        with pytest.raises(TypeRefused) as refused:
            await upload(session, store, actor, now, data=b"MZ\x90\x00")

        assert refused.value.facts()["content_type"] == "application/x-msdownload"
        assert str(refused.value).startswith(
            "A contract cannot be a file of type application/x-msdownload; it may be"
            " application/pdf, application/ofd, "
        )
        with speaking(Language.CHINESE):
            assert str(refused.value).startswith(
                "合同类文件的格式不能是 application/x-msdownload，可以是 application/pdf、"
            )

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"kind": "novel"}, "kind"),
            ({"data": b""}, "body"),
            ({"file_name": "a/"}, "file_name"),
            ({"file_name": "a\u202e.pdf"}, "file_name"),
            ({"file_name": "a" * 201}, "file_name"),
        ],
    )
    async def test_refuses_what_is_wrong_by_field(
        self,
        *,
        session: AsyncSession,
        store: ObstoreStore,
        actor: Actor,
        now: datetime,
        changed: dict[str, str],
        field: str,
    ) -> None:
        with pytest.raises(FieldRefused) as refused:
            await upload(session, store, actor, now, **changed)  # type: ignore[arg-type]  # a table

        assert refused.value.field == field

    async def test_bytes_that_changed_are_not_handed_out(
        self, session: AsyncSession, store: ObstoreStore, actor: Actor, now: datetime
    ) -> None:
        document = await upload(session, store, actor, now)
        document.sha256 = b"\0" * 32

        with pytest.raises(DocumentDamaged):
            await documents.read_bytes(store, document)

    async def test_bytes_that_are_lost_are_a_refusal(
        self, session: AsyncSession, store: ObstoreStore, actor: Actor, now: datetime
    ) -> None:
        document = await upload(session, store, actor, now)
        document.store_key = "nothing"

        with pytest.raises(DocumentDamaged):
            await documents.read_bytes(store, document)


class TestVisibility:
    async def test_another_organisation_reads_what_was_shared_with_it(
        self, session: AsyncSession, store: ObstoreStore, actor: Actor, now: datetime
    ) -> None:
        shared, kept = [await upload(session, store, actor, now) for _ in range(2)]
        bank = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))
        for _ in range(2):
            await documents.share(session, shared, organisation_ids=[bank.organisation_id])
        await bind(session, bank)

        seen = await documents.list_documents(session, actor=bank, limit=9)

        assert list(seen) == [shared]
        with pytest.raises(NotFound):
            await documents.get_document(session, actor=bank, document_id=kept.id)

    async def test_lists_newest_first_by_page(
        self, session: AsyncSession, store: ObstoreStore, actor: Actor, now: datetime
    ) -> None:
        first, second = [await upload(session, store, actor, now) for _ in range(2)]

        page = await documents.list_documents(session, actor=actor, limit=1)
        rest = await documents.list_documents(session, actor=actor, limit=1, after=second.id)

        assert (page, rest) == ([second], [first])


class TestStore:
    async def test_a_second_write_changes_nothing(self, store: ObstoreStore) -> None:
        await store.put("key", b"one")
        await store.put("key", b"two")

        assert await store.get("key") == b"one"

    async def test_bytes_that_are_lost_are_missed(self, store: ObstoreStore) -> None:
        with pytest.raises(FileNotFoundError):
            await store.get("nothing")

    def test_opens_s3_without_calling_it(self) -> None:
        assert isinstance(open_store("s3://bucket/prefix"), ObstoreStore)
