"""XLSX workbooks: the first sheet, values only, never further than the limits reach."""

import warnings
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from io import BytesIO

from openpyxl import load_workbook

from app.core.messages import say
from app.registers.archive import check_markup, open_archive, read_member
from app.registers.headers import read_headers
from app.registers.records import Limits, Outcome, RegisterFormat, UnreadableFile
from app.registers.tables import TableRow, read_rows
from app.registers.values import shown
from app.registers.xmltext import check_branches

HEADER_ROWS_MAX = 20  # empty rows that may stand above the header
ROW_DEPTH = 3  # worksheet, sheetData, row
ROW_ELEMENTS_MAX = 50_000  # openpyxl holds a whole row, so a row is bounded beforehand
EXACT_FLOAT_MAX = 2**53


def read_xlsx(data: bytes, *, limits: Limits) -> tuple[list[Outcome], tuple[str, ...]]:
    """The outcome of each row of the first sheet, and the headers and sheets nothing could use."""
    archive, members = open_archive(data, limits=limits)
    with archive:
        check_markup(archive, members, limits=limits)
        for member in members:
            part = read_member(archive, member)
            # Only a part with more tags than one row may have can have such a row.
            if part.count(b"<") > ROW_ELEMENTS_MAX:
                check_branches(part, depth=ROW_DEPTH, elements_max=ROW_ELEMENTS_MAX)
    rows, sheets, epoch = _load_cells(data, limits=limits)
    header = next((index for index, cells in enumerate(rows[:HEADER_ROWS_MAX]) if any(cells)), None)
    if header is None:
        raise UnreadableFile(say("its first sheet is empty"))
    columns = read_headers(rows[header], limits=limits)
    below = (TableRow(index + 1, cells) for index, cells in enumerate(rows) if index > header)
    outcomes = list(
        read_rows(below, columns, format=RegisterFormat.XLSX, limits=limits, serial_epoch=epoch)
    )
    return outcomes, (*filter(None, columns.unknown), *(f"sheet {shown(name)}" for name in sheets))


def _load_cells(
    data: bytes, *, limits: Limits
) -> tuple[list[tuple[str, ...]], tuple[str, ...], date]:
    """The first sheet as text, the names of the others, and the day that serial numbers count from.

    The bounds are given by hand: the sheet's own word on its size may claim 17 billion cells.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that values do not need
            with closing(load_workbook(BytesIO(data), read_only=True, data_only=True)) as book:
                first, *others = book.worksheets
                cells = first.iter_rows(
                    min_row=1,
                    max_row=limits.rows + HEADER_ROWS_MAX + 1,
                    min_col=1,
                    max_col=limits.columns + 1,
                    values_only=True,
                )
                rows = list(_without_tail(tuple(map(_cell_text, row)) for row in cells))
                return rows, tuple(sheet.title for sheet in others), book.epoch.date()
    except MemoryError:
        raise
    except Exception as error:
        # A hostile workbook makes openpyxl fail in ways it does not name (KeyError, TypeError,
        # AttributeError and more), so whatever it raises means this: no workbook can be read here.
        raise UnreadableFile(say("it is not a workbook that can be read")) from error


def _without_tail(rows: Iterator[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The rows up to the last that holds anything, so that a bound is not padded to."""
    empty: list[tuple[str, ...]] = []
    for row in rows:
        empty.append(row)
        if any(row):
            yield from empty
            empty.clear()


def _cell_text(value: object) -> str:
    """A cell as it would be typed: a whole number without its point, a date as ISO."""
    match value:
        case None:
            return ""
        case bool():
            return str(value)
        case float() if value.is_integer() and abs(value) < EXACT_FLOAT_MAX:
            return str(int(value))
        case datetime():
            return value.date().isoformat()
        case _:
            return str(value)
