"""Comma, semicolon and tab separated text; a broken quotation loses its own line only."""

import csv
from collections.abc import Iterator

from app.core.messages import say
from app.registers.decoding import decode, lines_of
from app.registers.headers import Cells, field_of, read_headers
from app.registers.records import Limits, Outcome, Refusal, RegisterFormat, UnreadableFile
from app.registers.tables import TableRow, read_rows

QUOTED_LINES_MAX = 50  # a cell that runs on longer has lost its closing quotation mark

HEADER_MAX = 20_000  # characters

# A cell of any length is parsed, so that its row is refused by the name of its field.
csv.field_size_limit(Limits().bytes)

_DELIMITERS = (",", ";", "\t")


def read_csv(data: bytes, *, limits: Limits) -> tuple[list[Outcome], tuple[str, ...]]:
    """The outcome of each row, and the headers that name no field."""
    lines = lines_of(decode(data))
    check_lines(lines, limits=limits)
    start, delimiter, header = find_header(lines)
    columns = read_headers(header, limits=limits)
    rows = split_rows(lines, delimiter, start=start, width=columns.width)
    outcomes = list(read_rows(rows, columns, format=RegisterFormat.CSV, limits=limits))
    return outcomes, tuple(name for name in columns.unknown if name)


def check_lines(lines: list[str], *, limits: Limits) -> None:
    """Refuse a text with far more lines than its rows could take, or with an endless header."""
    if len(lines) > limits.rows * QUOTED_LINES_MAX:
        raise UnreadableFile(
            say("it has more than {lines} lines", lines=limits.rows * QUOTED_LINES_MAX)
        )
    if len(next((line for line in lines if line.strip()), "")) > HEADER_MAX:
        raise UnreadableFile(
            say("its header is longer than {length} characters", length=HEADER_MAX)
        )


def find_header(lines: list[str]) -> tuple[int, str, Cells]:
    """Where the rows start, the delimiter, and the header: the split with most known headers."""
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise UnreadableFile(say("it is empty"))
    splits = [(_header_split(lines, first, delimiter), delimiter) for delimiter in _DELIMITERS]
    (end, cells), delimiter = max(
        splits, key=lambda split: sum(field_of(cell) is not None for cell in split[0][1])
    )
    return end, delimiter, cells


def split_rows(
    lines: list[str], delimiter: str, *, start: int, width: int
) -> Iterator[TableRow | Refusal]:
    """The rows from line index ``start``, each with ``width`` cells, or the reason why not.

    A quotation that does not close, or closes to a row of another width, is taken as a slip in
    its first line: that line is refused and reading goes on with the next.
    """
    index = start
    while index < len(lines):
        end, cells = _split_row(lines, index, delimiter)
        if cells is not None and not any(cell.strip() for cell in cells[width:]):
            cells = cells[:width]
        if cells is not None and (len(cells) == width or not any(c.strip() for c in cells)):
            yield TableRow(index + 1, cells)
            index = end
            continue
        if cells is None:
            yield Refusal(index + 1, "row", say("has a quotation mark that does not close"), "")
        else:
            reason = say(
                "has {count} columns where the header has {width}", count=len(cells), width=width
            )
            yield Refusal(index + 1, "row", reason, "")
        index += 1


def _header_split(lines: list[str], first: int, delimiter: str) -> tuple[int, Cells]:
    end, cells = _split_row(lines, first, delimiter)
    if cells is None or sum(map(len, lines[first:end])) > HEADER_MAX:
        return first + 1, ()
    return end, cells


def _split_row(lines: list[str], index: int, delimiter: str) -> tuple[int, Cells | None]:
    """The cells of the row that starts at ``index`` and the index after it; None if broken."""
    quotes = 0
    for end in range(index + 1, min(index + QUOTED_LINES_MAX, len(lines)) + 1):
        quotes += lines[end - 1].count('"')
        # One line is always tried: a mark inside a cell that is not quoted (5" pipe) is no quote.
        if quotes % 2 == 0 or end == index + 1:
            cells = _parse_one(lines[index:end], delimiter)
            if cells is not None or quotes % 2 == 0:
                return end, cells
    return index + 1, None


def _parse_one(lines: list[str], delimiter: str) -> Cells | None:
    """The cells of ``lines`` as one row; None if they are not exactly one."""
    try:
        parsed = list(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return tuple(parsed[0]) if len(parsed) == 1 else None
