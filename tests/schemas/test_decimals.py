"""Numbers of the wire: one form out, and bounds that the documentation tells truly."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.core.decimals import plain
from app.core.errors import FieldRefused, NotFound
from app.core.messages import say
from app.core.settings import Settings
from app.main import create_app
from app.schemas.calculators.lending import ScheduleIn
from app.schemas.fields import EffectivePct, PctOut
from app.schemas.quotes import FixedRate, InsuranceTerms, LoanTerms

SCHEDULE = {
    "principal": "5000.00",
    "annual_rate_pct": "12",
    "term_months": 18,
    "method": "bullet",
    "day_count": "30/360",
    "first_day": "2022-11-01",
}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("80.000000", "80"),
        ("80", "80"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("1E+2", "100"),
        ("4.350", "4.35"),
    ],
)
def test_a_number_has_one_form(value: str, told: str) -> None:
    number = Decimal(value)

    assert plain(number) == told
    assert TypeAdapter(PctOut).dump_python(number, mode="json") == told
    assert str(say("{share} %", share=number)) == f"{told} %"


@pytest.mark.parametrize(("value", "told"), [("9.1", "9.10"), ("-0.001", "0.00"), ("12", "12.00")])
def test_a_rate_of_flows_has_two_places(value: str, told: str) -> None:
    assert TypeAdapter(EffectivePct).dump_python(Decimal(value), mode="json") == told


def test_what_came_in_as_less_than_nothing_is_nothing() -> None:
    asked = ScheduleIn.model_validate(SCHEDULE | {"annual_rate_pct": "-0.00"})

    assert asked.model_dump(mode="json")["annual_rate_pct"] == "0"


def maxima(schema: Any) -> Iterator[float]:
    match schema:
        case dict():
            if "maximum" in schema:
                yield schema["maximum"]
            for inner in schema.values():
                yield from maxima(inner)
        case list():
            for inner in schema:
                yield from maxima(inner)


@pytest.mark.parametrize(
    ("model", "field", "highest"),
    [
        (FixedRate, "annual_rate_pct", 36),
        (InsuranceTerms, "share_pct", 100),
        (LoanTerms, "penalty_multiple", 5),
        (ScheduleIn, "annual_rate_pct", 1000),
    ],
)
def test_the_schema_shows_the_bound_that_holds(model: Any, field: str, highest: int) -> None:
    assert set(maxima(model.model_json_schema()["properties"][field])) == {highest}
    with pytest.raises(ValidationError) as refusal:
        model.model_validate({field: str(highest + 1)})
    assert (field,) in {error["loc"][:1] for error in refusal.value.errors()}


SCALARS = ("string", "number", "integer", "boolean")


def objects(schema: Any, path: str = "") -> Iterator[str]:
    """Where the default of what is no object is shown as one."""
    match schema:
        case dict():
            kind = schema.get("type")
            if isinstance(schema.get("default"), dict) and kind in SCALARS:
                yield path
            for name, inner in schema.items():
                yield from objects(inner, f"{path}.{name}")
        case list():
            for inner in schema:
                yield from objects(inner, path)


def test_a_default_amount_is_shown_as_it_is_sent() -> None:
    shown = create_app(Settings()).openapi()["components"]["schemas"]

    assert list(objects(shown)) == []
    assert shown["InsuranceTerms-Input"]["properties"]["deductible"]["default"] == "0.00"


def test_a_list_among_the_facts_is_told_as_words() -> None:
    class Several(NotFound):
        message = "{names} are missing."

        def facts(self) -> dict[str, Any]:
            return {"names": ["a", "b"]}

    assert str(Several()) == "a, b are missing."


def test_a_number_among_the_facts_has_the_same_form() -> None:
    assert FieldRefused("share_pct", say("{n}", n=Decimal("80.00"))).facts()["reason"] == "80"
