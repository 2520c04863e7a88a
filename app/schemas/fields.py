"""Wire forms of amounts, rates, days and names, and the bases of what is asked and answered."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)

from app.core.decimals import plain
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lending.terms import RATE_PCT_MAX
from app.schemas.base import IN_OUR_TIME, refuse_hidden_characters

AMOUNT_MAX = Money.yuan(10_000_000_000)
PLACES_MAX = 10

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _positive(value: Money) -> Money:
    if not ZERO < value <= AMOUNT_MAX:
        raise ValueError(say("must be more than nothing, at most {highest}", highest=AMOUNT_MAX))
    return value


def _not_negative(value: Money) -> Money:
    if not ZERO <= value <= AMOUNT_MAX:
        raise ValueError(say("must be from 0.00 to {highest}", highest=AMOUNT_MAX))
    return value


def _read_decimal(value: Any) -> Decimal:
    """A number, or plain digits: no exponent, no underscores, no digits beyond ASCII."""
    match value:
        case bool():
            raise ValueError(say("must be a number"))
        case int() | float():
            return Decimal(str(value))
        case str() if _NUMBER.fullmatch(value):
            return Decimal(value)
    raise ValueError(say('must be a number, or a string such as "4.35"'))


def _read_date(value: Any) -> date:
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        raise ValueError(say('must be an ISO date, such as "2025-01-15"'))
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(say("is a day that no calendar has")) from None


def _one_plain_line(value: str) -> str:
    refuse_hidden_characters(value)
    if "\n" in value or "\t" in value:
        raise ValueError(say("must be one line"))
    return value


def _two_places(value: Decimal) -> str:
    return f"{round(value, 2) + 0}"  # zero has no minus then


Amount = Annotated[Money, AfterValidator(_not_negative)]
PositiveAmount = Annotated[Money, AfterValidator(_positive)]
IsoDate = Annotated[date, BeforeValidator(_read_date)]
IsoDay = Annotated[date, IN_OUR_TIME, BeforeValidator(_read_date)]
READ_DECIMAL = BeforeValidator(_read_decimal)
TELL_DECIMAL = PlainSerializer(plain, return_type=str, when_used="json")


def limits(*, ge: int | None = 0, gt: int | None = None, le: int) -> Any:
    """The bounds of a decimal, in one piece: of two, the schema would show the inner one only."""
    return Field(
        ge=None if gt is not None else ge,
        gt=gt,
        le=le,
        decimal_places=PLACES_MAX,
        allow_inf_nan=False,
    )


Pct = Annotated[Decimal, limits(le=RATE_PCT_MAX), READ_DECIMAL, TELL_DECIMAL]
SharePct = Annotated[Decimal, limits(le=100), READ_DECIMAL, TELL_DECIMAL]
PctOut = Annotated[Decimal, TELL_DECIMAL]
EffectivePct = Annotated[Decimal, PlainSerializer(_two_places, return_type=str, when_used="json")]
"""A rate of dated flows, or a difference of such rates: the contract gives it two places."""
Whole = Annotated[int, Field(strict=True)]
Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_one_plain_line)]


class Asked(BaseModel):
    """Input: unknown fields are refused, because a misspelt one would be a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answered(BaseModel):
    """Output, read from the dataclasses of the pure packages."""

    model_config = ConfigDict(from_attributes=True)
