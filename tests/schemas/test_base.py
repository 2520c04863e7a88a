"""Input is strict, and no text in it can pass for another."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.schemas.base import Day, Input, Reference, ShortText
from app.schemas.fields import IsoDay


class Sample(Input):
    name: ShortText
    reference: Reference | None = None
    tags: list[dict[str, str]] = []


def test_plain_text_of_any_script_passes() -> None:
    assert Sample(name=" 平罗县示例新材料有限公司 Co. ").name == "平罗县示例新材料有限公司 Co."


@pytest.mark.parametrize(
    "hidden", ["\x00", "\x1b", "\u200b", "\u202e", "\ufeff", "\ue000", "\ud800", "\u2066"]
)
def test_hidden_characters_are_refused_wherever_they_stand(hidden: str) -> None:
    for body in ({"name": f"a{hidden}b"}, {"name": "a", "tags": [{"k": hidden}]}):
        with pytest.raises(ValidationError, match=f"U\\+{ord(hidden):04X}"):
            Sample.model_validate(body)


def test_unknown_fields_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="nmae"):
        Sample.model_validate({"name": "a", "nmae": "b"})


@pytest.mark.parametrize("reference", ["", "a b", "合同一号", "x" * 65])
def test_a_reference_is_visible_ascii(reference: str) -> None:
    with pytest.raises(ValidationError):
        Sample(name="a", reference=reference)


def test_depth_is_bounded() -> None:
    deep: object = "x"
    for _ in range(40):
        deep = [deep]

    with pytest.raises(ValidationError, match="too deep"):
        Sample.model_validate({"name": deep})


@pytest.mark.parametrize("kind", [Day, IsoDay])
@pytest.mark.parametrize(
    ("day", "taken"),
    [("1899-12-31", False), ("1900-01-01", True), ("2199-12-31", True), ("9999-12-31", False)],
)
def test_a_day_lies_in_our_time(kind: Any, day: str, *, taken: bool) -> None:
    reader: TypeAdapter[Any] = TypeAdapter(kind)

    if taken:
        assert str(reader.validate_python(day)) == day
    else:
        with pytest.raises(ValidationError, match="should be"):
            reader.validate_python(day)
