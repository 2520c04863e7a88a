"""A record in the making: each field is checked as it is read, and all that is wrong is kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from app.core.messages import say
from app.identifiers.identifier import IdentifierKind, identify
from app.identifiers.patents import check_digit
from app.identifiers.rights import KIND_NAMES, Register, RightKind, register_of
from app.registers.records import (
    EventRecord,
    Outcome,
    Refusal,
    RegisterFormat,
    RightRecord,
    Row,
    Source,
)
from app.registers.values import (
    HOLDERS_MAX,
    NAME_MAX,
    NUMBER_MAX,
    TEXT_MAX,
    TITLE_MAX,
    ValueRefused,
    read_day,
    read_text,
    shown,
)

CHINESE_YEAR_MIN = 1900

_IDENTIFIERS = {
    RightKind.INVENTION: IdentifierKind.PATENT,
    RightKind.UTILITY_MODEL: IdentifierKind.PATENT,
    RightKind.DESIGN: IdentifierKind.PATENT,
    RightKind.TRADEMARK: IdentifierKind.TRADEMARK,
    RightKind.SOFTWARE_COPYRIGHT: IdentifierKind.SOFTWARE_COPYRIGHT,
    RightKind.WORK_COPYRIGHT: IdentifierKind.WORK_COPYRIGHT,
}
_BODY_LENGTHS = (8, 12)  # digits of a Chinese application number before its check digit

T = TypeVar("T")


@dataclass
class Draft:
    """Collects one record's fields; ``outcomes`` gives the row, or every reason against it."""

    format: RegisterFormat
    line: int
    jurisdiction: str
    refusals: list[Refusal] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)

    def refuse(self, name: str, reason: str, value: str | None = None) -> None:
        self.refusals.append(Refusal(self.line, name, reason, shown(value or "")))

    def read(self, name: str, value: str | None, reader: Callable[[str], T]) -> T | None:
        """``reader`` of ``value``; None, and a refusal kept, if it cannot be taken."""
        if value is None:
            return None
        try:
            return reader(value)
        except ValueRefused as refused:
            self.refuse(name, refused.reason, value)
            return None

    def text(self, name: str, value: str | None, *, max_chars: int = TEXT_MAX) -> str | None:
        return self.read(name, value, lambda raw: read_text(raw, max_chars=max_chars))

    def title(self, value: str | None) -> str | None:
        return self.text("title", value, max_chars=TITLE_MAX)

    def day(self, name: str, value: str | None, *, serial_epoch: date | None = None) -> date | None:
        year_min = CHINESE_YEAR_MIN if self.jurisdiction == "CN" else 1
        return self.read(
            name, value, lambda raw: read_day(raw, year_min=year_min, serial_epoch=serial_epoch)
        )

    def holders(self, names: Iterable[str | None]) -> tuple[str, ...]:
        """The names, each once and in order."""
        read = [self.text("holders", name, max_chars=NAME_MAX) for name in names]
        unique = tuple(dict.fromkeys(name for name in read if name))
        if len(unique) > HOLDERS_MAX:
            self.refuse("holders", say("are more than {count} names", count=HOLDERS_MAX))
        return unique

    def number(self, kind: RightKind, value: str | None, *, name: str = "number") -> str | None:
        """The number to store ``kind`` by; a Chinese one must belong to that kind of right."""
        text = self.text(name, value, max_chars=NUMBER_MAX)
        if text is None:
            if not self._refused(name):
                self.refuse(name, say("is missing"))
            return None
        if self.jurisdiction != "CN":
            return text
        identified = identify(_IDENTIFIERS[kind], text)
        if identified.normalised is None:
            self.refuse(name, identified.reason or say("is not valid"), text)
            return None
        if register_of(kind) is not Register.PATENTS:
            return identified.normalised
        if identified.facts["right"] != kind.value:
            self.refuse(
                "kind",
                say(
                    "is {kind} where the number says {stated}",
                    kind=KIND_NAMES[kind],
                    stated=KIND_NAMES[RightKind(str(identified.facts["right"]))],
                ),
            )
        return str(identified.facts["application_number"])

    def outcomes(self, *, record_id: str | None, **fields: Any) -> list[Outcome]:
        """The row of ``fields``, those of ``RightRecord``; or the refusals, if there are any."""
        source_id = self.text("record_id", record_id, max_chars=200)
        if self.jurisdiction == "CN":
            self._check_order(fields, "filed_on", "granted_on")
            self._check_order(fields, "registered_on", "expires_on")
        if self.refusals:
            return list(self.refusals)
        record = RightRecord(
            jurisdiction=self.jurisdiction,
            source=Source(self.format, source_id or f"{self.line}"),
            unmapped=tuple(dict.fromkeys(shown(name) for name in self.unmapped)),
            **fields,
        )
        return [Row(self.line, record)]

    def event(
        self,
        code: str | None,
        on: str | None,
        description: str | None,
        *,
        effective_on: str | None = None,
        details: Iterable[tuple[str, str | None]] = (),
    ) -> EventRecord:
        """A legal event; a date in it that cannot be read refuses the record, for it may bind."""
        labelled = [(shown(label), value) for label, value in details]
        read = [(label, self.text(f"events.{label}", value)) for label, value in labelled]
        return EventRecord(
            code=self.text("events.code", code, max_chars=NUMBER_MAX) or "",
            on=self.day("events.on", on),
            description=self.text("events.description", description),
            effective_on=self.day("events.effective_on", effective_on),
            details=tuple((label, value) for label, value in read if value),
        )

    def _refused(self, name: str) -> bool:
        return any(refusal.field == name for refusal in self.refusals)

    def _check_order(self, fields: dict[str, Any], earlier: str, later: str) -> None:
        first, second = fields.get(earlier), fields.get(later)
        if first is not None and second is not None and second < first:
            self.refuse(
                later,
                say("is before {field}, {day}", field=earlier, day=first.isoformat()),
                second.isoformat(),
            )


def with_check_digit(body: str) -> str:
    """A Chinese application number as docdb cuts it, 201380062258, with its check digit again."""
    if body.isascii() and body.isdigit() and len(body) in _BODY_LENGTHS:
        return f"{body}.{check_digit(body)}"
    return body


def kind_of_publication(country: str, kind_code: str) -> RightKind:
    """The right that a publication of ``kind_code`` (WIPO ST.16) is about.

    U and Y are utility models everywhere, S is designs, and D was Chinese designs until 2010.
    Plant patents and everything else counts as an invention.
    """
    match kind_code[:1], country:
        case (("U" | "Y"), _):
            return RightKind.UTILITY_MODEL
        case ("S", _) | ("D", "CN"):
            return RightKind.DESIGN
        case _:
            return RightKind.INVENTION
