"""No sentence shows a code where a person reads a word."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import product
from types import UnionType
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pytest

from app.core.errors import DomainError
from app.core.messages import Language, Text, all_of, either_of, say, speaking, translated
from app.core.money import Money
from app.lifecycle.programme import ChangeStatus
from app.services.caps import CAP_NAMES, CapExceeded
from app.services.ledger import REASON_NAMES, LedgerRefused
from app.services.matchmaking import EventFull
from app.services.programme_changes import AlreadyDecided
from app.services.requests import NotEligible
from tests import messages

SAMPLES: dict[Any, Any] = {
    str: "7",
    int: 7,
    bool: True,
    date: date(2026, 11, 25),
    datetime: datetime(2026, 11, 25, tzinfo=UTC),
    Decimal: Decimal(7),
    Money: Money.yuan(7),
    UUID: UUID(int=7),
}


def enums() -> Iterator[type[StrEnum]]:
    messages.errors()  # imports every module
    for enum in StrEnum.__subclasses__():
        if enum.__module__.startswith("app."):
            yield enum


def values_of(kind: Any) -> list[Any]:
    """Every value of an enumeration, both of an optional, one sample of all else."""
    if isinstance(kind, UnionType):
        return [value for part in get_args(kind) for value in values_of(part)]
    if kind is type(None):
        return [None]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return list(kind)
    if get_args(kind) and kind.__origin__ is list:
        return [values_of(get_args(kind)[0])]
    return [SAMPLES.get(kind, "7")]


def with_codes() -> Iterator[Any]:
    """The errors that carry an enumeration, each with all its values."""
    for error in messages.errors():
        hints = get_type_hints(error)
        kinds = [hints[field.name] for field in fields(error)]
        if any(isinstance(kind, type) and issubclass(kind, StrEnum) for kind in kinds):
            yield pytest.param(error, kinds, id=error.__name__)


@pytest.mark.parametrize(("error", "kinds"), list(with_codes()))
def test_an_error_tells_its_codes_in_words(error: type[DomainError], kinds: list[Any]) -> None:
    for values in product(*map(values_of, kinds)):
        refusal = error(*values)
        codes = {str(value) for value in values if isinstance(value, StrEnum)}

        assert not {code for code in codes if "_" in code and code in str(refusal)}
        with speaking(Language.CHINESE):
            chinese = re.sub(r"(GET|POST) /v1[\w/-]*", "", str(refusal), flags=re.ASCII)
        assert re.findall("[A-Za-z_]+", chinese) == []
        assert codes <= {fact for fact in refusal.facts().values() if isinstance(fact, str)}


@pytest.mark.parametrize("rule", CAP_NAMES)
def test_a_cap_is_named(rule: str) -> None:
    refusal = CapExceeded(rule, Money.yuan(7), Money.yuan(6), Money.yuan(5))

    assert rule not in str(refusal)
    with speaking(Language.CHINESE):
        assert str(refusal).endswith("为 7.00：已用 6.00，本次申请 5.00。")


@pytest.mark.parametrize("reason", [*REASON_NAMES, "exists_with_different_amount"])
def test_a_refusal_of_the_ledger_is_told_in_words(reason: str) -> None:
    for account in ("", "7"):
        refusal = LedgerRefused(reason, account, 0)

        assert "_" not in str(refusal)
        with speaking(Language.CHINESE):
            assert re.findall("[A-Za-z_]+", str(refusal)) == []
        assert refusal.facts()["reason"] == reason


def test_the_last_places_are_told_as_one_tells_them() -> None:
    told = [str(EventFull(left)) for left in (2, 1, 0)]

    assert told == ["Only 2 places are left.", "Only one place is left.", "No place is left."]


def test_a_change_in_force_is_told_so() -> None:
    assert str(AlreadyDecided(ChangeStatus.IN_FORCE)) == (
        "The change is in force; nobody can decide on it any more."
    )


def test_errors_with_codes_are_found() -> None:
    assert len(list(with_codes())) >= 9


def annotated(tree: ast.AST, names: set[str]) -> set[str]:
    """What is annotated with one of the enumerations in the tree, columns (``Mapped``) included."""
    return {
        target.id if isinstance(target, ast.Name) else target
        for node in ast.walk(tree)
        for target, annotation in (
            [(node.target, node.annotation)]
            if isinstance(node, ast.AnnAssign)
            else [(node.arg, node.annotation)]
            if isinstance(node, ast.arg)
            else []
        )
        if isinstance(target, ast.Name | str)
        and annotation is not None
        and re.fullmatch(rf"(Mapped\[)?({'|'.join(names)})( \| None)?\]?", ast.unparse(annotation))
    }


TEXTS = {"source"}
"""A rule's source is a text, though the source of a calendar's day is a code."""


def test_no_sentence_is_filled_with_a_bare_code() -> None:
    """An enumeration's member goes through its words before it stands in a text."""
    names = {enum.__name__ for enum in enums()}
    trees = {
        path: ast.parse(path.read_text("utf-8"))
        for path in sorted((messages.ROOT / "app").rglob("*.py"))
    }
    columns = {name for tree in trees.values() for name in annotated(tree, names)}
    bare = []
    for path, tree in trees.items():
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            own = annotated(function, names)
            for call in ast.walk(function):
                if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "say"):
                    continue
                bare += [
                    f"{path.relative_to(messages.ROOT)}:{call.lineno} {keyword.arg}"
                    for keyword in call.keywords
                    if (isinstance(keyword.value, ast.Name) and keyword.value.id in own)
                    or (
                        isinstance(keyword.value, ast.Attribute)
                        and keyword.value.attr in (columns | {"value"}) - TEXTS
                    )
                ]

    assert sorted(set(bare)) == []


def test_names_are_listed_as_each_language_does() -> None:
    names: list[Text] = [say("bank"), say("guarantor"), say("insurer")]

    assert (all_of(names), either_of(names)) == (
        "bank, guarantor, insurer",
        "bank, guarantor or insurer",
    )
    assert (either_of(names[:1]), all_of([])) == ("bank", "")
    with speaking(Language.CHINESE):
        assert str(either_of(names)) == "银行、担保机构或保险公司"


@pytest.mark.parametrize(
    "template",
    [
        "approval of the {party} is not in force",
        "the {party} has not reconfirmed",
        "{kind} contract not confirmed by the {party}",
        "{kind} contract not drafted",
        "pledge of {register} {state}",
        "{milestone}: not recorded",
    ],
)
def test_names_stand_in_chinese_without_blanks(template: str) -> None:
    assert " " not in translated(template, Language.CHINESE)


def test_one_reason_is_no_plural() -> None:
    refused = NotEligible([{}])
    assert str(refused) == "The request is not eligible for one reason."
    with speaking(Language.CHINESE):
        assert str(refused) == "融资申请有 1 项不符合准入条件。"
