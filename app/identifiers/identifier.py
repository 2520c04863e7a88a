"""The front door: is this text an identifier of that kind, how is it stored, what does it say?"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

from app.core.messages import say
from app.identifiers.answer import Identified, refused
from app.identifiers.classes import read_ipc, read_nice
from app.identifiers.copyrights import read_software, read_work
from app.identifiers.patents import read_patent
from app.identifiers.publications import read_publication
from app.identifiers.text import Malformed
from app.identifiers.trademarks import read_trademark
from app.identifiers.uscc import read_uscc

__all__ = ["Identified", "IdentifierKind", "identify"]


class IdentifierKind(StrEnum):
    USCC = "uscc"
    PATENT = "patent"
    PUBLICATION = "publication"
    TRADEMARK = "trademark"
    SOFTWARE_COPYRIGHT = "software_copyright"
    WORK_COPYRIGHT = "work_copyright"
    IPC = "ipc"
    NICE = "nice"


_READERS: dict[IdentifierKind, Callable[[str], Identified]] = {
    IdentifierKind.USCC: read_uscc,
    IdentifierKind.PATENT: read_patent,
    IdentifierKind.PUBLICATION: read_publication,
    IdentifierKind.TRADEMARK: read_trademark,
    IdentifierKind.SOFTWARE_COPYRIGHT: read_software,
    IdentifierKind.WORK_COPYRIGHT: read_work,
    IdentifierKind.IPC: read_ipc,
    IdentifierKind.NICE: read_nice,
}


def identify(kind: IdentifierKind, value: str, *, today: date | None = None) -> Identified:
    """The verdict on ``value``; it raises for no text whatever.

    The answer to a normalised value is the same answer again. With ``today`` a number of a year
    to come is refused; the year in a number is not the filing year.
    """
    try:
        found = _READERS[kind](value)
    except Malformed as malformed:
        return refused(malformed.reason)
    year = found.facts.get("number_year")
    if today is not None and isinstance(year, int) and year > today.year:
        return refused(say("is of the year {year}, which is still to come", year=year))
    return found
