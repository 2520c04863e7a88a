"""The catalogues: complete, without stale messages, and true to the fields of the source."""

import ast
import gettext
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from pydantic import BaseModel, TypeAdapter

from app.core.errors import DomainError, FieldRefused
from app.core.messages import DOMAIN, LOCALE, Language, say, speaking, told
from app.core.money import Money
from app.identifiers.rights import RightKind
from app.schemas.base import Input
from app.schemas.fields import Asked
from app.services.valuations import EmptyPortfolio
from tests import messages

CATALOGUES = messages.catalogues()
SOURCE = messages.found()

each_catalogue = pytest.mark.parametrize(
    "catalogue", CATALOGUES.values(), ids=[path.parents[1].name for path in CATALOGUES]
)


def pairs(catalogue: Catalog) -> dict[str, str]:
    """Source and translation; the header has an empty source."""
    return {str(message.id): str(message.string) for message in catalogue if message.id}


def fields_of(template: str) -> set[str]:
    """``{expected_plural}`` is the English plural's s, which pydantic leaves to us to fill."""
    names = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    return names - {"expected_plural"}


@each_catalogue
def test_every_message_is_translated_and_none_is_stale(catalogue: Catalog) -> None:
    translated = {source for source, translation in pairs(catalogue).items() if translation}

    assert translated == SOURCE.keys(), "run `make messages`, then translate what is empty"


@each_catalogue
def test_a_translation_has_the_fields_of_its_source(catalogue: Catalog) -> None:
    differing = {
        source: translation
        for source, translation in pairs(catalogue).items()
        if fields_of(source) != fields_of(translation)
    }

    assert differing == {}


@each_catalogue
def test_nothing_is_left_for_a_translator_to_look_at(catalogue: Catalog) -> None:
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parents[1].name)
def test_the_compiled_catalogue_is_that_of_the_source(path: Path) -> None:
    """``make setup`` compiles it; a change of the .po makes it run again."""
    compiled = gettext.translation(DOMAIN, LOCALE, [path.parents[1].name])

    expected = pairs(CATALOGUES[path])

    assert {source: compiled.gettext(source) for source in expected} == expected


def calls_of_say() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((messages.ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "say":
                yield f"{path.relative_to(messages.ROOT)}:{node.lineno}", node


def test_every_call_of_say_is_found_and_fills_its_fields() -> None:
    wrong = {}
    for place, call in calls_of_say():
        template = call.args[0]
        if not (isinstance(template, ast.Constant) and template.value in SOURCE):
            wrong[place] = "not a literal"
        elif None in (names := {keyword.arg for keyword in call.keywords}):
            continue  # **values: mypy cannot tell their names either
        elif fields_of(str(template.value)) != names:
            wrong[place] = "other fields than values"

    assert wrong == {}


def test_every_field_of_an_errors_message_is_a_fact() -> None:
    lacking = {
        error.__name__: missing
        for error in messages.errors()
        if is_dataclass(error)
        and error.facts is DomainError.facts
        and (missing := fields_of(error.message) - {field.name for field in fields(error)})
    }

    assert lacking == {}


def schema_types(schema: Any) -> Iterator[str]:
    """The kinds of schema in a core schema of pydantic, which is nested dicts and lists."""
    match schema:
        case {"type": str(name), **rest}:
            yield name
            yield from (
                found
                for key, inner in rest.items()
                if key != "serialization"
                for found in schema_types(inner)
            )
        case dict():
            yield from (found for inner in schema.values() for found in schema_types(inner))
        case list() | tuple():
            yield from (found for inner in schema for found in schema_types(inner))


def family(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield base
    for model in base.__subclasses__():
        yield from family(model)


def test_every_kind_of_schema_that_reads_input_has_its_messages() -> None:
    kinds = {
        kind
        for base in (Input, Asked)
        for model in family(base)
        if model.__module__.startswith("app.")
        for kind in schema_types(TypeAdapter(model).core_schema)
    }

    assert kinds | {"datetime"} == messages.PYDANTIC.keys()  # instants stand in queries only


@dataclass(frozen=True)
class Line:
    text: str


def test_a_text_is_its_english_source() -> None:
    text = say("must be from {lowest} to {highest}", lowest=Decimal("1.0"), highest=Decimal("3.5"))

    with speaking(Language.CHINESE):
        assert text == "must be from 1 to 3.5"
        assert type(told(text, Language.ENGLISH)) is str
        assert asdict(Line(text))["text"] == text


def test_a_text_is_told_in_the_language_of_the_context() -> None:
    text = say("must be from {lowest} to {highest}", lowest=1, highest=5)

    assert str(text) == f"{text}" == "must be from 1 to 5"
    with speaking(Language.CHINESE):
        assert str(text) == f"{text}" == "应在 1 至 5 之间"
        with speaking(Language.ENGLISH):
            assert str(text) == "must be from 1 to 5"
    assert str(text) == "must be from 1 to 5"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Money.yuan("5000.00"), "5000.00"),
        (date(2026, 11, 25), "2026-11-25"),
        (RightKind.UTILITY_MODEL, "utility_model"),
        (say("has check digit {given}", given="X"), "校验位为 X"),
        ("{lowest}", "{lowest}"),
    ],
)
def test_values_keep_their_form_and_texts_speak_the_same_language(value: Any, shown: str) -> None:
    text = say("{was}; {expected} was expected", was=value, expected=3)

    assert told(text, Language.CHINESE) == f"{shown}，应为 3"


def test_a_domain_error_and_the_texts_in_it_speak_the_language_of_the_context() -> None:
    refused = FieldRefused("term_months", say("must be from 1 to {months}", months=360))

    assert str(refused) == "term_months: must be from 1 to 360"
    with speaking(Language.CHINESE):
        assert str(refused) == "term_months：应在 1 至 360 之间"
        assert refused.facts()["reason"] == "应在 1 至 360 之间"
        assert str(EmptyPortfolio()) == "该组合内没有知识产权。"


def test_what_no_catalogue_has_stays_as_it_is() -> None:
    with speaking(Language.CHINESE):
        assert str(FieldRefused("a", "a plain {string}")) == "a：a plain {string}"
