"""Rows of a table with known columns, from CSV or a workbook, as records."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.core.messages import say
from app.identifiers.identifier import IdentifierKind, identify
from app.identifiers.rights import Register, RightKind, register_of
from app.registers.draft import Draft
from app.registers.headers import NUMBER_FIELDS, Cells, Columns, foreign_prefix, kind_of, office_of
from app.registers.records import Limits, Outcome, Outcomes, Refusal, RegisterFormat
from app.registers.values import (
    NUMBER_MAX,
    ValueRefused,
    read_ipc_list,
    read_nice_list,
    read_text,
    split_list,
)

ANNUITY_YEAR_MAX = 20

_DAYS = (
    "filed_on",
    "published_on",
    "granted_on",
    "registered_on",
    "expires_on",
    "first_published_on",
    "completed_on",
)
_PATENT = (IdentifierKind.PATENT,)
_OTHERS = (
    IdentifierKind.TRADEMARK,
    IdentifierKind.SOFTWARE_COPYRIGHT,
    IdentifierKind.WORK_COPYRIGHT,
)
# An application number never makes a trademark by itself: eight digits may also be an old patent
# that lost its check digit, and only a kind column can tell.
_TELLING = {
    "patent_number": _PATENT,
    "application_number": (*_PATENT, *_OTHERS[1:]),
    "registration_number": _OTHERS,
    "recordal_number": _OTHERS,
    "number": (*_PATENT, *_OTHERS),
}


@dataclass(frozen=True, slots=True)
class TableRow:
    """The cells of one row as text, and the line they stand on."""

    line: int
    cells: Cells


def read_rows(
    rows: Iterable[TableRow | Refusal],
    columns: Columns,
    *,
    format: RegisterFormat,
    limits: Limits,
    serial_epoch: date | None = None,
) -> Outcomes:
    """The record of each row that holds anything; ``limits.rows`` of them at most."""
    taken = 0
    for row in rows:
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
            yield from _read_row(row, columns, format=format, serial_epoch=serial_epoch)


def _read_row(
    row: TableRow, columns: Columns, *, format: RegisterFormat, serial_epoch: date | None
) -> list[Outcome]:
    draft = Draft(format, row.line, "CN")
    numbers = {name: value for name in NUMBER_FIELDS if (value := columns.cell(row.cells, name))}
    words = {
        name: draft.text(name, columns.cell(row.cells, name), max_chars=NUMBER_MAX)
        for name in ("jurisdiction", "kind")
    }
    _read_jurisdiction(draft, words["jurisdiction"], numbers)
    kind = _read_kind(draft, words["kind"], numbers)
    number = None
    if kind is not None:
        number = _read_number(draft, kind, numbers)
    days = {
        name: draft.day(name, columns.cell(row.cells, name), serial_epoch=serial_epoch)
        for name in _DAYS
    }
    title = draft.title(columns.cell(row.cells, "title"))
    if title is None and not any(refusal.field == "title" for refusal in draft.refusals):
        draft.refuse("title", say("is missing"))
    draft.unmapped.extend(
        header
        for header, index in columns.unknown.items()
        if index < len(row.cells) and row.cells[index].strip()
    )
    ipc, nice = _read_classes(draft, kind, row, columns)
    return draft.outcomes(
        record_id=columns.cell(row.cells, "record_id") or number,
        kind=kind,
        number=number,
        title=title,
        publication_number=_read_publication(draft, row, columns, "publication_number"),
        grant_number=_read_publication(draft, row, columns, "grant_number"),
        holders=draft.holders(split_list(columns.cell(row.cells, "holders") or "")),
        annuity_paid_through_year=_read_annuity(draft, kind, row, columns),
        ipc_classes=ipc,
        nice_classes=nice,
        status=draft.text("status", columns.cell(row.cells, "status")),
        **days,
    )


def _read_jurisdiction(draft: Draft, given: str | None, numbers: dict[str, str]) -> None:
    if given is not None:
        office = office_of(given)
        if office is None:
            draft.refuse(
                "jurisdiction", say("is not a country or office, such as CN or 中国"), given
            )
        draft.jurisdiction = office or draft.jurisdiction
    else:
        prefixes = filter(None, map(foreign_prefix, numbers.values()))
        draft.jurisdiction = next(prefixes, draft.jurisdiction)


def _read_kind(draft: Draft, given: str | None, numbers: dict[str, str]) -> RightKind | None:
    """The kind the table states, else the one the number tells; None leaves a refusal behind."""
    if given is not None:
        try:
            kind = kind_of(given)
        except KeyError:
            draft.refuse(
                "kind", say("is not a kind such as 发明, 实用新型, 商标 or 软件著作权"), given
            )
            return None
        if kind is not None:
            return kind
    if not numbers:
        draft.refuse("number", say("is missing"))
        return None
    if draft.jurisdiction != "CN":
        draft.refuse("kind", say("is missing; a foreign number does not tell it"), given)
        return None
    return _kind_told_by(draft, numbers)


def _kind_told_by(draft: Draft, numbers: dict[str, str]) -> RightKind | None:
    """The kind of the first number that is one; if none is, the first is refused."""
    for name, number in numbers.items():
        for identifier in _TELLING[name]:
            verdict = identify(identifier, number)
            if verdict.valid:
                of_patent = identifier is IdentifierKind.PATENT
                return RightKind(str(verdict.facts["right"]) if of_patent else identifier.value)
    name, number = next(iter(numbers.items()))
    likely = _likely_identifier(number)
    verdict = identify(likely if likely in _TELLING[name] else _TELLING[name][0], number)
    draft.refuse("number", verdict.reason or say("is not valid"), number)
    return None


def _likely_identifier(text: str) -> IdentifierKind:
    """What ``text`` was probably meant as, to give the reason that helps."""
    if "SR" in text.upper():
        return IdentifierKind.SOFTWARE_COPYRIGHT
    if "作登" in text:
        return IdentifierKind.WORK_COPYRIGHT
    return IdentifierKind.PATENT


def _read_number(draft: Draft, kind: RightKind, numbers: dict[str, str]) -> str | None:
    """The number of the row; the columns that give one must agree, in whatever form."""
    read = [draft.number(kind, value) for value in numbers.values()] or [draft.number(kind, None)]
    # Abroad an application and its grant have numbers of their own, so nothing is to agree there.
    if draft.jurisdiction == "CN" and len(set(read)) > 1 and None not in read:
        draft.refuse(
            "number", say("differs from the other number of the row"), " ".join(map(str, read))
        )
    return read[0]


def _read_publication(draft: Draft, row: TableRow, columns: Columns, name: str) -> str | None:
    text = draft.text(name, columns.cell(row.cells, name))
    if text is None or draft.jurisdiction != "CN":
        return text
    verdict = identify(IdentifierKind.PUBLICATION, text)
    if verdict.normalised is None:
        draft.refuse(name, verdict.reason or say("is not valid"), text)
    return verdict.normalised


def _read_classes(
    draft: Draft, kind: RightKind | None, row: TableRow, columns: Columns
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The IPC and Nice classes; a column of plain classes means what the kind makes of it."""
    ipc_text = columns.cell(row.cells, "ipc_classes")
    nice_text = columns.cell(row.cells, "nice_classes")
    classes = columns.cell(row.cells, "classes")
    match kind:
        case RightKind.INVENTION | RightKind.UTILITY_MODEL:
            ipc_text = ipc_text or classes
        case RightKind.TRADEMARK:
            nice_text = nice_text or classes
        case _:
            if classes:
                draft.unmapped.append("classes")
    ipc = draft.read("ipc_classes", ipc_text, read_ipc_list)
    nice = draft.read("nice_classes", nice_text, read_nice_list)
    return ipc or (), nice or ()


def _read_annuity(
    draft: Draft, kind: RightKind | None, row: TableRow, columns: Columns
) -> int | None:
    text = columns.cell(row.cells, "annuity_paid_through_year")
    if text is None or kind is None:
        return None
    if register_of(kind) is not Register.PATENTS:
        draft.refuse("annuity_paid_through_year", say("is for patents only"), text)
        return None
    return draft.read("annuity_paid_through_year", text, _patent_year)


def _patent_year(value: str) -> int:
    text = (read_text(value) or "").removeprefix("第").removesuffix("度").removesuffix("年")
    if re.fullmatch(r"\d{1,2}", text, re.ASCII) and 1 <= int(text) <= ANNUITY_YEAR_MAX:
        return int(text)
    raise ValueRefused(say("is not a patent year from 1 to {last}", last=ANNUITY_YEAR_MAX))
