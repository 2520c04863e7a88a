"""Records of a register file on their way to rights: publications merged, columns decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

from app.core.errors import FieldRefused
from app.identifiers.rights import Register, register_of
from app.registers.records import ReadResult, Refusal, RightRecord, Row
from app.services import right_fields

Entry: TypeAlias = Row | Refusal


@dataclass(frozen=True, slots=True)
class Ready:
    """A record as columns of ``rights``, with its further holders. None: the source is silent."""

    row: Row
    columns: dict[str, Any]

    @property
    def key(self) -> tuple[Register, str, str]:
        return _key(self.row.record)


def entries_of(result: ReadResult) -> list[Entry]:
    """Every row and refusal by line, always in the same order, so that an import can resume."""
    merged: list[Entry] = [*merge_publications(result.rows), *result.refusals]
    return sorted(merged, key=lambda entry: entry.line)


def merge_publications(rows: Iterable[Row]) -> list[Row]:
    """One row per right: what a later publication says completes and corrects the earlier."""
    by_right: dict[tuple[Register, str, str], Row] = {}
    for row in rows:
        key = _key(row.record)
        first = by_right.get(key)
        if first is None:
            by_right[key] = row
        else:
            by_right[key] = Row(first.line, _merged(first.record, row.record))
    return list(by_right.values())


def _key(record: RightRecord) -> tuple[Register, str, str]:
    return register_of(record.kind), record.jurisdiction, record.number


def _merged(one: RightRecord, other: RightRecord) -> RightRecord:
    """The grant's word counts before the application's; events and what was unmapped add up."""
    grant_last = other.grant_number is not None or one.grant_number is None
    first, last = (one, other) if grant_last else (other, one)
    stated = {
        name: getattr(last, name)
        for name in RightRecord.__dataclass_fields__
        if getattr(last, name) not in (None, ())
    }
    stated["events"] = tuple(dict.fromkeys(first.events + last.events))
    stated["unmapped"] = tuple(dict.fromkeys(first.unmapped + last.unmapped))
    return replace(first, **stated)


def ready(row: Row, *, today: date) -> Ready:
    """The columns a record decides; FieldRefused for dates and years that cannot be."""
    record = row.record
    columns = {
        "kind": record.kind,
        "register": register_of(record.kind),
        "jurisdiction": record.jurisdiction,
        "number": record.number,
        "title": record.title,
        "holder_name": record.holders[0] if record.holders else None,
        "status_text": record.status,
        "filed_on": record.filed_on,
        "granted_on": record.granted_on or record.registered_on,
        "expires_on": record.expires_on,
        "publication_number": record.publication_number,
        "grant_number": record.grant_number,
        "ipc": list(record.ipc_classes) or None,
        "nice": list(record.nice_classes) or None,
        "completed_on": record.completed_on,
        "first_published_on": record.first_published_on,
        "annuity_paid_through_year": record.annuity_paid_through_year,
    }
    right_fields.check_dates(columns, today=today)
    if record.jurisdiction == right_fields.CHINA:
        right_fields.read_number(record.kind, record.number, today=today)
        if record.publication_number is not None:
            right_fields.check_publication(record.kind, record.publication_number)
        _set_term(record, columns)
    return Ready(row, columns)


def _set_term(record: RightRecord, columns: dict[str, Any]) -> None:
    """The law decides a Chinese term; only a mark's may be longer, by what the register renewed."""
    by_law = right_fields.term_end(record.kind, columns)
    stated = columns["expires_on"]
    renewable = register_of(record.kind) is Register.TRADEMARKS
    if not renewable or stated is None:
        columns["expires_on"] = by_law
    elif columns["granted_on"] is not None:
        columns["expires_on"] = right_fields.renewed_term(columns["granted_on"], stated)


def new_right(item: Ready) -> dict[str, Any]:
    """The columns of a right not known before; nothing is guessed but an untitled one's name."""
    columns = item.columns
    return columns | {
        "title": columns["title"] or columns["number"],
        "holder_name": columns["holder_name"] or "",
        "ipc": columns["ipc"] or [],
        "nice": columns["nice"] or [],
    }


def changes(known: Any, item: Ready) -> dict[str, Any]:
    """What the source says otherwise than the right ``known``; its silence changes nothing."""
    return {
        name: value
        for name, value in item.columns.items()
        if value is not None and getattr(known, name) != value
    }


def dates_of(known: Any) -> dict[str, Any]:
    """The dates that must agree with each other, as the right ``known`` has them."""
    return {name: getattr(known, name) for name in ("filed_on", "granted_on")}


def event_rows(items: Sequence[tuple[Any, Ready]], effects: Any) -> list[dict[str, Any]]:
    """Legal events of (right id, record) pairs; one without any date cannot be placed in time."""
    return [
        {
            "right_id": right_id,
            "code": event.code,
            "announced_on": event.on or event.effective_on,
            "effective_on": event.effective_on,
            "description": event.description or "",
            "effect": effects.get(item.row.record.jurisdiction, {}).get(event.code),
            "source": item.row.record.source.format.value,
        }
        for right_id, item in items
        for event in item.row.record.events
        if event.on is not None or event.effective_on is not None
    ]


def refusal_of(row: Row, error: FieldRefused) -> Refusal:
    return Refusal(row.line, error.field, error.reason, row.record.number)
