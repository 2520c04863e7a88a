"""Where documents' bytes lie: a local directory or any S3-compatible store, behind one Protocol."""

from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, ObjectStore, S3Store


class DocumentStore(Protocol):
    """Keeps bytes under a key for ever. Keys are made by us and never reused."""

    async def put(self, key: str, data: bytes) -> None: ...

    async def get(self, key: str) -> bytes: ...


class ObstoreStore:
    """LocalStore or S3Store. What a document is stands in the database, not beside its bytes."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, data: bytes) -> None:
        """Write once. A second write under the key is a repeated call and changes nothing."""
        try:
            await obstore.put_async(self._store, key, data, mode="create")
        except AlreadyExistsError:
            return

    async def get(self, key: str) -> bytes:
        """The bytes; FileNotFoundError if the store lost them."""
        found = await obstore.get_async(self._store, key)
        return bytes(await found.bytes_async())


def open_store(url: str) -> ObstoreStore:
    """The store at ``url``: file:///directory, which is made, or s3://bucket/prefix.

    S3 credentials, region and endpoint come from the AWS_* environment.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        directory = Path(unquote(parts.path))
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return ObstoreStore(LocalStore(prefix=directory))
    prefix = parts.path.strip("/")
    return ObstoreStore(S3Store(parts.netloc, prefix=prefix or None))
