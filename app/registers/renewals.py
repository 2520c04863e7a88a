"""US copyright renewals as the New York Public Library transcribes them, tab separated."""

from app.core.messages import say
from app.identifiers.rights import RightKind
from app.registers.decoding import decode, lines_of
from app.registers.delimited import check_lines, split_rows
from app.registers.draft import Draft
from app.registers.headers import Columns
from app.registers.records import (
    EventRecord,
    Limits,
    Outcomes,
    Refusal,
    RegisterFormat,
    UnreadableFile,
)
from app.registers.tables import TableRow

HEADERS = ("entry_id", "title", "oreg", "odat", "id", "rdat", "claimants")
RENEWAL = "RENEWAL"


def read_renewals(data: bytes, *, limits: Limits) -> Outcomes:
    """One record per renewal; the number is that of the original registration."""
    lines = lines_of(decode(data))
    check_lines(lines, limits=limits)
    first = next((line for line in lines if line.strip()), "")
    header = tuple(first.split("\t"))
    if not set(HEADERS) <= set(header):
        raise UnreadableFile(
            say("its first line lacks the columns {columns}", columns=", ".join(HEADERS))
        )
    columns = Columns(
        {name: header.index(name) for name in HEADERS},
        {name: index for index, name in enumerate(header) if name not in HEADERS},
        len(header),
    )
    taken = 0
    for row in split_rows(lines, "\t", start=lines.index(first) + 1, width=columns.width):
        if isinstance(row, TableRow) and not any(cell.strip() for cell in row.cells):
            continue
        taken += 1
        if taken > limits.rows:
            reason = say(
                "is past the {rows} rows a file may have; nothing after it was read",
                rows=limits.rows,
            )
            yield Refusal(row.line, "row", reason, "")
            return
        if isinstance(row, Refusal):
            yield row
        else:
            yield from _read_row(row, columns)


def _read_row(row: TableRow, columns: Columns) -> Outcomes:
    draft = Draft(RegisterFormat.COPYRIGHT_TSV, row.line, "US")
    cells = {name: columns.cell(row.cells, name) for name in HEADERS}
    draft.unmapped += [name for name, index in columns.unknown.items() if row.cells[index].strip()]
    # "Name|PCW||Name|W": each claimant with the code of the claim after a bar.
    claims = [claim.split("|") for claim in (cells["claimants"] or "").split("||")]
    yield from draft.outcomes(
        record_id=cells["entry_id"],
        kind=RightKind.WORK_COPYRIGHT,
        number=draft.number(RightKind.WORK_COPYRIGHT, cells["oreg"]),
        title=draft.title(cells["title"]),
        holders=draft.holders(claim[0] for claim in claims),
        registered_on=draft.day("registered_on", cells["odat"]),
        events=_read_renewal(draft, cells["id"], cells["rdat"]),
    )


def _read_renewal(draft: Draft, number: str | None, on: str | None) -> tuple[EventRecord, ...]:
    if number is None and on is None:
        return ()
    details = [("id", number)]
    return (draft.event(RENEWAL, on, "renewal of the copyright registered", details=details),)
