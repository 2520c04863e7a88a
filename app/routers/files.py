"""Answers that are files."""

from collections.abc import Sequence
from typing import Any

from fastapi import Response

from app.services.sheets import CSV, XLSX, Sheet, to_csv, to_xlsx

CSV_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A CSV file in UTF-8.", "content": {"text/csv": {}}}
}
XLSX_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A workbook.", "content": {XLSX: {}}}
}

PDF_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A PDF document.", "content": {"application/pdf": {}}}
}


def csv_file(sheet: Sheet, *, name: str) -> Response:
    return Response(to_csv(sheet), media_type=CSV, headers=_named(f"{name}.csv"))


def xlsx_file(sheets: Sequence[Sheet], *, name: str) -> Response:
    return Response(to_xlsx(sheets), media_type=XLSX, headers=_named(f"{name}.xlsx"))


def pdf_file(content: bytes, *, name: str) -> Response:
    return Response(content, media_type="application/pdf", headers=_named(f"{name}.pdf"))


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private"}
