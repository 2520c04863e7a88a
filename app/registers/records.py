"""What reading a register file gives: records, refusals, and the limits a reader keeps to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from app.core.errors import Unprocessable
from app.identifiers.rights import RightKind


class RegisterFormat(StrEnum):
    """The files this room reads, by who writes them."""

    CSV = "csv"  # any table with Chinese or English headers; headers.toml lists them
    XLSX = "xlsx"  # the same table as a workbook
    EPO_BIBLIO = "epo_biblio"  # OPS exchange documents, and hits of an OPS search
    EPO_LEGAL_FAMILY = "epo_legal_family"  # OPS patent family, with or without legal events
    USPTO_ST36 = "uspto_st36"  # grants and applications
    USPTO_ST96 = "uspto_st96"  # file-wrapper documents, one or a zip of them
    EUIPO_JSON = "euipo_json"  # trademark search
    TSDR = "tsdr"  # status of US trademarks, as JSON
    INPI_ST66 = "inpi_st66"  # French trademark notices
    COPYRIGHT_TSV = "copyright_tsv"  # US copyright renewals as NYPL transcribes them


@dataclass(eq=False)
class UnreadableFile(Unprocessable):
    """Nothing in the file can be read; ``reason`` says why and what would help."""

    message = "The file cannot be read: {reason}"

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a file may ask of its reader. ``bytes`` and ``zip_unpacked`` are bytes."""

    rows: int = 5_000
    columns: int = 60
    bytes: int = 20 * 1024 * 1024
    nodes: int = 1_000_000  # elements of an XML tree; objects and arrays of a JSON text
    xml_depth: int = 64  # of XML and JSON alike
    zip_members: int = 200
    zip_unpacked: int = 100 * 1024 * 1024
    zip_ratio: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """A legal event as the register states it.

    ``on`` is the day of the gazette or entry, ``effective_on`` the day it takes effect;
    ``details`` are what else the register says of it, by the register's own names.
    """

    code: str
    on: date | None
    description: str | None
    effective_on: date | None = None
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a record comes from: the format and the record's own name in it."""

    format: RegisterFormat
    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RightRecord:
    """One right, or one publication of it, with every field the source gave and nothing guessed.

    ``number`` is the application number of a patent and the number a mark or copyright is known
    by. A Chinese number is validated and bare: ``202110000001.6``; a foreign one is as given.
    ``jurisdiction`` is the two-letter code of WIPO ST.3. ``unmapped`` names the source's fields
    that held something and have no place here.
    """

    kind: RightKind
    jurisdiction: str
    number: str
    source: Source
    publication_number: str | None = None
    grant_number: str | None = None
    title: str | None = None
    holders: tuple[str, ...] = ()
    filed_on: date | None = None
    published_on: date | None = None
    granted_on: date | None = None  # patents
    registered_on: date | None = None  # marks and copyrights
    expires_on: date | None = None
    first_published_on: date | None = None
    completed_on: date | None = None
    annuity_paid_through_year: int | None = None
    ipc_classes: tuple[str, ...] = ()
    nice_classes: tuple[int, ...] = ()
    status: str | None = None
    events: tuple[EventRecord, ...] = ()
    unmapped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A record and its place: physical line, sheet row, or ordinal of the element; from 1."""

    line: int
    record: RightRecord


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the row at ``line`` was not taken; ``value`` is printable and at most 80 characters."""

    line: int
    field: str
    reason: str
    value: str


Outcome: TypeAlias = Row | Refusal
Outcomes: TypeAlias = Iterator[Outcome]


@dataclass(frozen=True, slots=True)
class ReadResult:
    """All of a file. A row may have several refusals, one for each field that is wrong.

    ``unmapped`` names what no row could use: unknown headers, further sheets.
    """

    format: RegisterFormat
    rows: tuple[Row, ...]
    refusals: tuple[Refusal, ...]
    unmapped: tuple[str, ...] = ()
