"""What a report is made of: blocks that HTML and PDF lay out each in their way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.core.messages import Language, Text, told
from app.core.money import Money

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that stands out: ``good``, ``warn`` or ``plain``."""

    text: Text | str
    level: str


Cell = Text | str | Money | Mark | None
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; ``warns`` sets it apart from the others."""

    text: Text | str
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """What the following blocks are about: a right, a method, another party."""

    text: Text | str
    level: int = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values, one beside the other."""

    rows: Sequence[tuple[Text | str, Cell]]


@dataclass(frozen=True, slots=True)
class Table:
    columns: Sequence[Text | str]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Value:
    """One of the four, between the 5th and the 95th percentile."""

    name: Text
    low: Money
    value: Money
    high: Money


@dataclass(frozen=True, slots=True)
class Values:
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, and in words what it shows."""

    svg: str
    shows: Text


Block = Words | Heading | Facts | Table | Values | Chart


@dataclass(frozen=True, slots=True)
class Section:
    key: str
    title: Text
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Report:
    """``subject`` names whose portfolio it is; ``on`` is the day the result was worked out."""

    title: Text
    subject: str
    statement: Text
    run_id: str
    on: date
    sections: Sequence[Section]


@dataclass(frozen=True, slots=True)
class Stored:
    """A run as it is stored; ``results`` and what follows are None until a worker was at it."""

    run_id: str
    kind: str
    firm: str
    made_by: str | None
    reason: str | None
    valued_on: date
    inputs: Record
    inputs_sha256: str
    engine: str | None = None
    results: Record | None = None
    results_sha256: str | None = None
    computed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """Another run of the same rights, and the inputs in which it differs from this one."""

    stored: Stored
    differences: Sequence[Record]


def plainly(report: Report) -> dict[str, Any]:
    """The report as JSON has it, every word in both languages."""
    return {
        "title": _said(report.title),
        "subject": report.subject,
        "statement": _said(report.statement),
        "run_id": report.run_id,
        "on": report.on.isoformat(),
        "sections": [
            {
                "key": section.key,
                "title": _said(section.title),
                "blocks": [_block(block) for block in section.blocks],
            }
            for section in report.sections
        ],
    }


def _said(text: Text | str) -> dict[str, str]:
    """``en`` is empty where both are the same: names, numbers, what a party wrote."""
    chinese = told(text, Language.CHINESE)
    english = told(text, Language.ENGLISH)
    return {"zh": chinese, "en": "" if english == chinese else english}


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Words(text, warns):
            return {"type": "words", "text": _said(text), "warns": warns}
        case Heading(text, level):
            return {"type": "heading", "text": _said(text), "level": level}
        case Facts(rows):
            return {"type": "facts", "rows": [[_said(name), _cell(cell)] for name, cell in rows]}
        case Table(columns, rows):
            return {
                "type": "table",
                "columns": [_said(column) for column in columns],
                "rows": [[_cell(cell) for cell in row] for row in rows],
            }
        case Values(values):
            return {
                "type": "values",
                "values": [
                    {
                        "name": _said(one.name),
                        "low": yuan(one.low),
                        "value": yuan(one.value),
                        "high": yuan(one.high),
                    }
                    for one in values
                ],
            }
        case Chart(svg, shows):
            return {"type": "chart", "svg": svg, "shows": _said(shows)}


def _cell(cell: Cell) -> dict[str, str]:
    match cell:
        case None:
            return {"zh": "—", "en": "", "kind": "text"}
        case Money():
            return {"zh": yuan(cell), "en": "", "kind": "money"}
        case Mark(text, level):
            return _said(text) | {"kind": level}
        case _:
            return _said(cell) | {"kind": "text"}


def yuan(amount: Money) -> str:
    """Yuan in groups of three digits, as Chinese and English books both write them."""
    whole, _, fen = str(amount).partition(".")
    return f"{int(whole):,}.{fen}" if whole != "-0" else f"-0.{fen}"
