"""Tables as CSV and XLSX files. No cell can start a formula in the program that opens it."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import xlsxwriter

from app.core.clock import SHANGHAI
from app.core.money import Money

Cell = str | int | Decimal | Money | date | datetime | None

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

FIGURES = (("指标", "Figure in Chinese"), ("英文名称", "Figure"), ("数值", "Value"))
"""The columns of a sheet that names a figure in both languages."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. ``columns``: Chinese header and its English second line."""

    name: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Cell]]


def to_csv(sheet: Sheet) -> bytes:
    """UTF-8 with the mark by which spreadsheets know it; the two headers in one line."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(f"{zh} {en}" for zh, en in sheet.columns)
    writer.writerows([_plain(cell) for cell in row] for row in sheet.rows)
    return out.getvalue().encode("utf-8-sig")


def to_xlsx(sheets: Iterable[Sheet]) -> bytes:
    """A workbook; money as numbers that sum, text always as text."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True})
        money = book.add_format({"num_format": "#,##0.00"})
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            for column, header in enumerate(sheet.columns):
                page.write_string(0, column, "\n".join(header), bold)
            page.set_column(0, max(len(sheet.columns) - 1, 0), 22)
            page.freeze_panes(1, 0)
            for place, row in enumerate(sheet.rows, start=1):
                for column, cell in enumerate(row):
                    match cell:
                        case Money():
                            page.write_number(place, column, Decimal(cell.fen) / 100, money)
                        case int() | Decimal():
                            page.write_number(place, column, cell)
                        case None:
                            pass
                        case _:
                            page.write_string(place, column, _text(cell))
    return out.getvalue()


def _plain(cell: Cell) -> str:
    """Text that would start a formula is quoted; a negative number is a number."""
    text = _text(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA) else text


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return cell.astimezone(SHANGHAI).isoformat(sep=" ", timespec="seconds")
        case date():
            return cell.isoformat()
        case _:
            return str(cell)
