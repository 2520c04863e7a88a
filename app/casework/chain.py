"""The chain of a case's entries: each one's digest covers the one before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

GENESIS = b"\0" * 32


def digest_of(content: Mapping[str, Any], previous: bytes) -> bytes:
    """SHA-256 of the entry as canonical JSON, with the digest of the entry before it."""
    text = json.dumps(
        {**content, "previous": previous.hex()},
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode()).digest()


def first_broken(entries: Iterable[tuple[int, Mapping[str, Any], bytes, bytes]]) -> int | None:
    """The number of the first entry that is not what it was: changed, missing or put between.

    ``entries``: number, content, the digest before it as it says, and its own; in order.
    """
    expected = GENESIS
    for place, (number, content, previous, digest) in enumerate(entries, start=1):
        if number != place or previous != expected or digest_of(content, previous) != digest:
            return place
        expected = digest
    return None
