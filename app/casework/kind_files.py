"""Reads the kinds of case: one TOML file each, all checked when this module is loaded."""

import itertools
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from app.casework.kind import FieldType, Handling, Kind, KindVersion
from app.core.errors import Unprocessable

DIRECTORY = Path(__file__).parent / "kinds"


@dataclass(eq=False)
class BrokenKindFile(Unprocessable):
    """A file of a kind of case that cannot be used; ``key`` says where in it."""

    message = "{file}: {key}: {reason}"

    file: str
    key: str
    reason: str


def read_kinds(directory: Path = DIRECTORY) -> Mapping[str, Kind]:
    """Every kind of the directory by its id; BrokenKindFile for the first bad file."""
    kinds: dict[str, Kind] = {}
    for path in sorted(directory.glob("*.toml")):
        kind = _read(path)
        if path.stem != kind.id:
            raise BrokenKindFile(path.name, "id", "the file is named by the id")
        kinds[kind.id] = kind
    prefixes: dict[str, str] = {}
    for kind in kinds.values():
        if kind.prefix in prefixes:
            raise BrokenKindFile(
                f"{kind.id}.toml", "prefix", f"is that of {prefixes[kind.prefix]} already"
            )
        prefixes[kind.prefix] = kind.id
        for i, version in enumerate(kind.versions):
            _check_parent(kind, i, version, kinds)
    return kinds


def _check_parent(kind: Kind, place: int, version: KindVersion, kinds: Mapping[str, Kind]) -> None:
    if version.parent is None:
        return
    key = f"versions.{place}.parent"
    parent = kinds.get(version.parent)
    if parent is None:
        raise BrokenKindFile(f"{kind.id}.toml", key, f"{version.parent} is no kind of case")
    states = {state.id for one in parent.versions for state in one.states}
    for strange in sorted(set(version.parent_states) - states):
        raise BrokenKindFile(
            f"{kind.id}.toml", f"{key}_states", f"{strange} is no state of {parent.id}"
        )


def _read(path: Path) -> Kind:
    try:
        kind = Kind.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise BrokenKindFile(path.name, key, first["msg"]) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise BrokenKindFile(path.name, "TOML", str(error)) from error
    for i, (earlier, later) in enumerate(itertools.pairwise(kind.versions), start=1):
        if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
            raise BrokenKindFile(path.name, f"versions.{i}.valid_from", "overlaps the one before")
    for i, version in enumerate(kind.versions):
        for key, reason in _faults(version):
            raise BrokenKindFile(path.name, f"versions.{i}.{key}", reason)
    return kind


def _faults(version: KindVersion) -> Iterator[tuple[str, str]]:
    """What does not agree within a version: key and reason."""
    states = [state.id for state in version.states]
    fields = [field.name for field in version.fields]
    for name, ids in (
        ("states", states),
        ("fields", fields),
        ("moves", [move.id for move in version.moves]),
        ("clocks", [clock.id for clock in version.clocks]),
        ("checks", [check.id for check in version.checks]),
    ):
        if len(set(ids)) < len(ids):
            yield name, "an id stands twice"
    yield from _strange("initial", [version.initial], states, "state")
    yield from _strange("public_states", version.public_states, states, "state")
    yield from _strange("public_fields", version.public_fields, fields, "field")
    if version.public_fields and not version.public_states:
        yield "public_fields", "need public_states"
    if (version.handling is Handling.CHOSEN) != bool(version.handler_kinds):
        yield "handler_kinds", "go with handling = chosen"
    if version.handling is Handling.PARENT and version.parent is None:
        yield "handling", "needs a parent"
    if bool(version.parent_states) != (version.parent is not None):
        yield "parent_states", "go with parent"
    yield from _field_faults(version)
    yield from _move_faults(version, states, fields)
    for i, clock in enumerate(version.clocks):
        named = (*clock.starts, *clock.stops, *clock.pauses)
        yield from _strange(f"clocks.{i}", named, states, "state")
        if (clock.days is None) == (clock.due_field is None):
            yield f"clocks.{i}", "states either days or due_field"
        if clock.due_field is not None:
            yield from _typed(version, f"clocks.{i}.due_field", clock.due_field, FieldType.DATE)
    for i, check in enumerate(version.checks):
        yield from _strange(f"checks.{i}.field", [check.field], fields, "field")
        tests = (check.equals, check.one_of, check.at_least, check.at_most)
        if sum(test is not None for test in tests) != 1:
            yield f"checks.{i}", "states exactly one test"


def _field_faults(version: KindVersion) -> Iterator[tuple[str, str]]:
    for i, field in enumerate(version.fields):
        if (field.type is FieldType.CHOICE) != bool(field.choices):
            yield f"fields.{i}.choices", "go with type = choice"
        days = field.ahead_working_days is not None or field.not_ahead
        if days and field.type is not FieldType.DATE:
            yield f"fields.{i}", "only a date lies ahead"
    if version.pledge_check is not None:
        yield from _typed(version, "pledge_check", version.pledge_check, FieldType.RIGHT)


def _move_faults(
    version: KindVersion, states: Sequence[str], fields: Sequence[str]
) -> Iterator[tuple[str, str]]:
    final = {state.id for state in version.states if state.final}
    moves = [move.id for move in version.moves]
    for i, move in enumerate(version.moves):
        key = f"moves.{i}"
        to = [move.to] if move.to is not None else []
        yield from _strange(key, (*move.sources, *to), states, "state")
        yield from _strange(key, (*move.takes, *move.needs), fields, "field")
        yield from _strange(f"{key}.other_than", move.other_than, [*moves, "open"], "move")
        if final & set(move.sources):
            yield f"{key}.sources", "a final state is not left"
        if move.joins is not None:
            yield from _typed(version, f"{key}.joins", move.joins, FieldType.USCC)
    left = {state for move in version.moves for state in move.sources if move.to is not None}
    for state in states:
        if state not in final | left:
            yield "states", f"no move leads out of {state}, which is not final"
    reached = {version.initial} | {move.to for move in version.moves}
    for state in states:
        if state not in reached:
            yield "states", f"no move leads to {state}"


def _typed(
    version: KindVersion, key: str, name: str, type_: FieldType
) -> Iterator[tuple[str, str]]:
    field = version.field_by_name.get(name)
    if field is None or field.type is not type_:
        yield key, f"{name} is no field of the type {type_}"


def _strange(
    key: str, named: Iterable[str], known: Sequence[str], what: str
) -> Iterator[tuple[str, str]]:
    for name in named:
        if name not in known:
            yield key, f"{name} is no {what}"


KINDS = read_kinds()
