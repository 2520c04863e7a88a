"""Tables of indicators that grade a patent: one TOML file each, all checked when this loads.

The shape is that of GB/T 42748-2023 (dimensions, groups, indicators, weights by use). Nobody here
has read the standard, so that every row says whether somebody ``verified`` it, and no answer claims
to conform. An indicator with a ``fact`` is answered by the register where that knows, and by hand
where it does not; one without is answered by hand alone.
"""

import hashlib
import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError

from app.core.errors import Unprocessable
from app.identifiers.rights import RightKind
from app.valuation.checks import WHOLE_PCT

DIRECTORY = Path(__file__).parent / "grading_tables"
LEVELS = 5


class Fact(StrEnum):
    """What a register, or the platform's own record of it, can answer."""

    KIND = "kind"
    STANDING = "standing"
    FAMILY_SIZE = "family_size"
    CLAIMS = "claims"
    CITATIONS = "citations"
    IPC_SUBCLASSES = "ipc_subclasses"
    KEY_FIELD = "key_field"
    REMAINING_YEARS = "remaining_years"
    FEES = "fees"
    LICENCES = "licences"
    BURDEN = "burden"


WORDS: Mapping[Fact, frozenset[str]] = {
    Fact.KIND: frozenset({"invention", "utility_model"}),
    Fact.STANDING: frozenset({"clear", "challenged", "ended"}),
    Fact.KEY_FIELD: frozenset({"yes", "no"}),
    Fact.FEES: frozenset({"paid", "in_grace", "lapsed"}),
    Fact.BURDEN: frozenset({"free", "pledged", "preserved"}),
}
"""What the facts that are no numbers can say; all others are numbers from zero on."""

FactValue = Decimal | str
Facts = Mapping[Fact, FactValue]


def _decimal(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('must be a decimal in quotes, such as "5"')
    return value


Pct = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=100, allow_inf_nan=False)]
Bound = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, allow_inf_nan=False)]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Words = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Use(_Part):
    text_zh: Words
    text_en: Words


class Band(_Part):
    """The score from this number on, up to the next band."""

    from_: Bound = Field(alias="from")
    score: Pct


class _Row(_Part):
    id: Id
    text_zh: Words
    text_en: Words
    verified: StrictBool  # somebody has read this row in the standard
    source: Words


class Indicator(_Row):
    """``weights`` are percentages of the whole; ``low`` and ``high`` say what 1 and 5 are."""

    low_zh: Words
    low_en: Words
    high_zh: Words
    high_en: Words
    fact: Fact | None = None
    bands: tuple[Band, ...] = ()
    words: dict[str, Pct] = {}
    weights: dict[str, Pct]

    def score_of(self, value: FactValue) -> Decimal:
        """The score of what the register answers."""
        if isinstance(value, str):
            return self.words[value]
        return [band.score for band in self.bands if band.from_ <= value][-1]


class Group(_Row):
    indicators: tuple[Indicator, ...]


class Dimension(_Row):
    groups: tuple[Group, ...]


class Shape(_Part):
    """How many rows of each level there must be."""

    dimensions: int
    groups: int
    indicators: int


@dataclass(frozen=True, slots=True)
class Place:
    """An indicator and what it stands under."""

    dimension: Dimension
    group: Group
    indicator: Indicator


class Table(_Part):
    """One edition of one table. ``sha256`` is that of its file."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    text_zh: Words
    text_en: Words
    valid_from: date
    valid_to: date | None = None
    source: Words
    covers: frozenset[RightKind]
    levels: tuple[Pct, ...]  # the scores of the answers 1 to 5
    shape: Shape
    uses: dict[Id, Use]
    dimensions: tuple[Dimension, ...]
    sha256: bytes = b""

    def places(self) -> Iterator[Place]:
        for dimension in self.dimensions:
            for group in dimension.groups:
                for indicator in group.indicators:
                    yield Place(dimension, group, indicator)

    def rows(self) -> list[_Row]:
        groups = [group for dimension in self.dimensions for group in dimension.groups]
        return [*self.dimensions, *groups, *(place.indicator for place in self.places())]


@dataclass(eq=False)
class BrokenTable(Unprocessable):
    """A file that cannot be used; ``key`` says where in it."""

    message = "{file}: {key}: {reason}"

    file: str
    key: str
    reason: str


def read_tables(directory: Path = DIRECTORY) -> Sequence[Table]:
    """Every edition, by date; BrokenTable for the first bad file."""
    tables = sorted(
        (_read(path) for path in sorted(directory.glob("*.toml"))), key=lambda t: t.valid_from
    )
    for earlier, later in itertools.pairwise(tables):
        if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
            reason = f"is not after {earlier.id} ends"
            raise BrokenTable(f"{later.id}.toml", "valid_from", reason)
    return tables


def _read(path: Path) -> Table:
    data = path.read_bytes()
    try:
        table = Table.model_validate(
            tomllib.loads(data.decode()) | {"sha256": hashlib.sha256(data).digest()}
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise BrokenTable(path.name, ".".join(map(str, first["loc"])), first["msg"]) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise BrokenTable(path.name, "TOML", str(error)) from error
    for key, reason in _faults(table, path.stem):
        raise BrokenTable(path.name, key, reason)
    return table


def _faults(table: Table, name: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a table whose fields are all of their types: key and reason."""
    places = list(table.places())
    if table.id != name:
        yield "id", "the file is named after it"
    for level, rows in (
        ("dimensions", list(table.dimensions)),
        ("groups", [group for dimension in table.dimensions for group in dimension.groups]),
        ("indicators", [place.indicator for place in places]),
    ):
        if len(rows) != getattr(table.shape, level):
            yield f"shape.{level}", f"there are {len(rows)}"
        ids = [row.id for row in rows]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            yield level, f"{twice[0]} stands twice"
    if len(table.levels) != LEVELS or list(table.levels) != sorted(table.levels):
        yield "levels", f"must be {LEVELS} scores that do not fall"
    for place in places:
        yield from _faults_of(place.indicator, table)
    for use in table.uses:
        whole = sum(place.indicator.weights.get(use, Decimal(0)) for place in places)
        if whole != WHOLE_PCT:
            yield f"weights.{use}", f"sum to {whole}, not to {WHOLE_PCT}"
        for dimension in table.dimensions:
            under = [place for place in places if place.dimension is dimension]
            if not sum(place.indicator.weights[use] for place in under):
                yield f"weights.{use}", f"leave {dimension.id} without weight"


def _faults_of(indicator: Indicator, table: Table) -> Iterator[tuple[str, str]]:
    fact = indicator.fact
    if indicator.weights.keys() != table.uses.keys():
        yield f"{indicator.id}.weights", f"must be of {', '.join(table.uses)}"
    if (fact in WORDS) is not bool(indicator.words):
        yield f"{indicator.id}.words", "stand where the fact is told in words, and only there"
    elif fact is not None and fact in WORDS and indicator.words.keys() != WORDS[fact]:
        yield f"{indicator.id}.words", f"must be {', '.join(sorted(WORDS[fact]))}"
    if (fact is not None and fact not in WORDS) is not bool(indicator.bands):
        yield f"{indicator.id}.bands", "stand where the fact is a number, and only there"
    elif indicator.bands:
        bounds = [band.from_ for band in indicator.bands]
        scores = [band.score for band in indicator.bands]
        if bounds[0] != 0 or bounds != sorted(set(bounds)):
            yield f"{indicator.id}.bands", "must begin at 0 and rise"
        if scores != sorted(scores):
            yield f"{indicator.id}.bands", "must not fall in score"


TABLES = read_tables()


def table_on(day: date, tables: Sequence[Table] = TABLES) -> Table | None:
    """The edition in force on a day."""
    in_force = [
        table
        for table in tables
        if table.valid_from <= day and (table.valid_to is None or table.valid_to >= day)
    ]
    return in_force[-1] if in_force else None
