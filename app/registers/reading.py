"""The front door: bytes of a register's file in, records and refusals out."""

from collections.abc import Callable
from typing import TypeAlias

from app.core.messages import say
from app.identifiers.rights import register_of
from app.registers.delimited import read_csv
from app.registers.epo import read_biblio, read_family
from app.registers.records import (
    Limits,
    Outcome,
    Outcomes,
    ReadResult,
    Refusal,
    RegisterFormat,
    RightRecord,
    Row,
    UnreadableFile,
)
from app.registers.renewals import read_renewals
from app.registers.sniffing import sniff
from app.registers.trademarks import read_euipo, read_inpi, read_tsdr
from app.registers.uspto import read_st36, read_st96
from app.registers.values import shown
from app.registers.workbook import read_xlsx

DEFAULT_LIMITS = Limits()

_Reader: TypeAlias = Callable[..., Outcomes]

_READERS: dict[RegisterFormat, _Reader] = {
    RegisterFormat.EPO_BIBLIO: read_biblio,
    RegisterFormat.EPO_LEGAL_FAMILY: read_family,
    RegisterFormat.USPTO_ST36: read_st36,
    RegisterFormat.USPTO_ST96: read_st96,
    RegisterFormat.EUIPO_JSON: read_euipo,
    RegisterFormat.TSDR: read_tsdr,
    RegisterFormat.INPI_ST66: read_inpi,
    RegisterFormat.COPYRIGHT_TSV: read_renewals,
}
_PUBLICATIONS = (RegisterFormat.EPO_BIBLIO, RegisterFormat.EPO_LEGAL_FAMILY)


def read(
    data: bytes,
    *,
    filename: str,
    limits: Limits = DEFAULT_LIMITS,
    format: RegisterFormat | None = None,
) -> ReadResult:
    """Every record and every refusal of a file, in the order of its lines.

    The format is told by the content unless ``format`` is given. A number that comes twice is
    refused the second time, naming the first line; publications of EPO are distinct records even
    where they are of one application. Raises ``UnreadableFile`` where nothing can be read.
    """
    if len(data) > limits.bytes:
        raise UnreadableFile(say("it is larger than {size} bytes", size=limits.bytes))
    if not data.strip():
        raise UnreadableFile(say("it is empty"))
    chosen = format or sniff(data, filename=filename, limits=limits)
    unmapped: tuple[str, ...] = ()
    match chosen:
        case RegisterFormat.CSV:
            outcomes, unmapped = read_csv(data, limits=limits)
        case RegisterFormat.XLSX:
            outcomes, unmapped = read_xlsx(data, limits=limits)
        case _:
            outcomes = _bounded(_READERS[chosen](data, limits=limits), limits=limits)
    if not outcomes:
        raise UnreadableFile(say("it holds no record"))
    return _assemble(chosen, outcomes, unmapped)


def _bounded(outcomes: Outcomes, *, limits: Limits) -> list[Outcome]:
    """The outcomes of the first ``limits.rows`` lines; the next line is refused and ends it."""
    kept: list[Outcome] = []
    lines: set[int] = set()
    for outcome in outcomes:
        lines.add(outcome.line)
        if len(lines) > limits.rows:
            reason = say(
                "is past the {rows} rows a file may have; nothing after it was read",
                rows=limits.rows,
            )
            kept.append(Refusal(outcome.line, "row", reason, ""))
            break
        kept.append(outcome)
    return kept


def _assemble(
    format: RegisterFormat, outcomes: list[Outcome], unmapped: tuple[str, ...]
) -> ReadResult:
    rows: list[Row] = []
    refusals: list[Refusal] = []
    first_lines: dict[tuple[str, ...], int] = {}
    for outcome in outcomes:
        if isinstance(outcome, Refusal):
            refusals.append(outcome)
            continue
        record = outcome.record
        first = first_lines.setdefault(_identity(format, record), outcome.line)
        if first == outcome.line:
            rows.append(outcome)
        else:
            reason = say("is already on line {line}", line=first)
            refusals.append(Refusal(outcome.line, "number", reason, shown(record.number)))
    return ReadResult(
        format=format,
        rows=tuple(sorted(rows, key=lambda row: row.line)),
        refusals=tuple(sorted(refusals, key=lambda refusal: refusal.line)),
        unmapped=unmapped,
    )


def _identity(format: RegisterFormat, record: RightRecord) -> tuple[str, ...]:
    """What makes two records of one file the same right, or the same publication of it."""
    number = (register_of(record.kind).value, record.jurisdiction, record.number)
    if format in _PUBLICATIONS:
        return (*number, record.publication_number or "", record.grant_number or "")
    return number
