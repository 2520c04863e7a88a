"""Checks an exported journal, without a database and without trusting whoever exported it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.core.errors import Unprocessable
from app.journal.lines import canonical
from app.journal.replay import Finding, FindingKind, Replay


@dataclass(eq=False)
class JournalUnreadable(Unprocessable):
    message = "line {line} of the journal cannot be read: {reason}"

    line: int
    reason: str


def check(lines: Iterable[bytes], *, root: str | None = None) -> Iterator[Finding]:
    """What is wrong with the journal. ``root``: a hash somebody kept; one of the lines must be it.

    JournalUnreadable where a line is no line of a journal at all, and for a journal without any.
    """
    replay = Replay()
    number, root_seen = 0, False
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text, parse_float=_refuse, parse_constant=_refuse)
            if canonical(line) != text.rstrip(b"\n"):
                raise ValueError("it is not in the canonical form")
            found = list(replay.read(line))
        # Whatever a stranger's file may hold.
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise JournalUnreadable(number, str(error) or type(error).__name__) from None
        yield from found
        root_seen = root_seen or replay.head.hex() == root
    if number == 0:
        raise JournalUnreadable(0, "there is none")
    if root is not None and not root_seen:
        yield Finding(FindingKind.HASH_MISMATCH, root, "no line of the journal has this hash")


def _refuse(number: str) -> None:
    """Fen are whole: with infinity or a fraction every comparison could be made to hold."""
    raise ValueError(f"{number} is no whole number")
