"""Lines of the journal, and the hash that chains them. docs/ledger.md describes the form."""

import hashlib
import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

Line = dict[str, Any]

GENESIS = bytes(32)


class LineKind(StrEnum):
    """What a line is about: the one key of these that it has."""

    ACCOUNT = "account"
    TRANSFER = "transfer"
    ROOT = "root"


def kind_of(line: Line) -> LineKind:
    for kind in LineKind:
        if kind in line:
            return kind
    raise ValueError("it is about neither an account nor a transfer nor a root")


def canonical(value: Any) -> bytes:
    """The one way to write ``value``: JSON with sorted keys, no spaces, UTF-8 unescaped."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chained(previous: bytes, line: Line) -> bytes:
    """The hash of ``line`` behind a line with the hash ``previous``: all of it but its own hash."""
    body = {name: value for name, value in line.items() if name != "hash"}
    return hashlib.sha256(previous + canonical(body)).digest()


def instant(at: datetime) -> str:
    """In UTC to the microsecond; the order of the texts is that of the instants."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
