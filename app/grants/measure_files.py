"""Reads the measures: one TOML file each, all checked when this module is loaded."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from app.core.errors import FieldRefused, Unprocessable
from app.core.messages import say
from app.grants.measure import Measure, MeasureVersion
from app.grants.measure_checks import BrokenMeasure, check

DIRECTORY = Path(__file__).parent / "measures"


@dataclass(eq=False)
class BrokenMeasureFile(Unprocessable):
    """A file of a measure that cannot be used; ``key`` says where in it."""

    message = "{file}: {key}: {reason}"

    file: str
    key: str
    reason: str


def read_measures(*directories: Path) -> Mapping[int, Measure]:
    """Every measure of the directories, in order of number; BrokenMeasureFile for a bad file.

    Without one, those of the policy that come with the service.
    """
    measures: dict[int, Measure] = {}
    files: dict[int, str] = {}
    places = directories or (DIRECTORY,)
    for path in sorted(path for place in places for path in place.glob("*.toml")):
        measure = _read(path)
        if path.stem != f"{measure.number:02}-{measure.id}":
            raise BrokenMeasureFile(path.name, "id", "the file is named by number and id")
        if measure.number in measures:
            raise BrokenMeasureFile(
                path.name, "number", f"is that of {files[measure.number]} already"
            )
        measures[measure.number], files[measure.number] = measure, path.name
    for number, measure in measures.items():
        for i, version in enumerate(measure.versions):
            others = version.duplication.with_measures if version.duplication else ()
            if strange := [other for other in others if other not in measures or other == number]:
                key = f"versions.{i}.duplication.with_measures"
                raise BrokenMeasureFile(files[number], key, f"{strange[0]} is no other measure")
    return dict(sorted(measures.items()))


def _read(path: Path) -> Measure:
    try:
        measure = Measure.model_validate(tomllib.loads(path.read_text("utf-8")))
        check(measure)
    except BrokenMeasure as error:
        raise BrokenMeasureFile(path.name, error.key, error.reason) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise BrokenMeasureFile(path.name, key, first["msg"]) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise BrokenMeasureFile(path.name, "TOML", str(error)) from error
    return measure


MEASURES = read_measures()


def find_version(
    number: int, on: date | None, measures: Mapping[int, Measure] = MEASURES
) -> MeasureVersion:
    """The rules of a paying measure on a day, by default the newest; FieldRefused if none is."""
    measure = measures.get(number)
    if measure is None or not measure.pays:
        paying = ", ".join(str(one.number) for one in measures.values() if one.pays)
        raise FieldRefused("measure", say("must be one of: {words}", words=paying))
    version = measure.versions[-1] if on is None else measure.version_on(on)
    if version is None:
        raise FieldRefused("on", say("no rules of the measure were in force on this day"))
    return version
