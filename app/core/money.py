"""Money is a whole number of fen. It is never a float, in any layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from app.core.messages import say

FEN_PER_YUAN = 100

# Ten thousand billion yuan: above any amount of the trade, and sums of thousands still fit BIGINT.
FEN_MAX = 10**15


_WIRE = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2})?")


class Rounding(StrEnum):
    """How an exact amount becomes a whole number of fen."""

    HALF_UP = "half_up"  # 四舍五入, the habit of Chinese banks
    HALF_EVEN = "half_even"
    DOWN = "down"


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return whole + (twice > denominator or (twice == denominator and whole % 2 == 1))


def _down(numerator: int, denominator: int) -> int:
    return numerator // denominator


# Each rule for an exact ratio that is not negative. Integers alone, and no fraction is reduced:
# arithmetic on Fraction gives the same fen at several times the price.
DIVIDE: dict[Rounding, Callable[[int, int], int]] = {
    Rounding.HALF_UP: _half_up,
    Rounding.HALF_EVEN: _half_even,
    Rounding.DOWN: _down,
}


def round_fen(exact: Decimal | Fraction, rounding: Rounding) -> int:
    """``exact`` fen as a whole number, by ``rounding``; nothing is lost before."""
    return _rounded(*exact.as_integer_ratio(), rounding)


def _rounded(numerator: int, denominator: int, rounding: Rounding) -> int:
    """The rules are alike on both sides of zero: -0.5 is rounded as 0.5 is."""
    magnitude = DIVIDE[rounding](abs(numerator), denominator)
    return magnitude if numerator >= 0 else -magnitude


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of renminbi: BIGINT fen in SQL, a two-place decimal string of yuan in JSON."""

    fen: int

    def __post_init__(self) -> None:
        if type(self.fen) is not int:  # bool and numpy integers would both slip past isinstance
            raise TypeError(f"fen must be an int, not {type(self.fen).__name__}")

    @classmethod
    def yuan(cls, value: Decimal | int | str) -> Self:
        """Read an amount of yuan, refusing anything finer than a fen."""
        fen = Decimal(value) * FEN_PER_YUAN
        if fen != fen.to_integral_value():
            raise ValueError(f"{value} yuan is not a whole number of fen")
        return cls(int(fen))

    def __str__(self) -> str:
        sign = "-" if self.fen < 0 else ""
        return f"{sign}{abs(self.fen) // FEN_PER_YUAN}.{abs(self.fen) % FEN_PER_YUAN:02d}"

    def __bool__(self) -> bool:
        return self.fen != 0

    def __add__(self, other: Money) -> Money:
        return Money(self.fen + other.fen)

    def __sub__(self, other: Money) -> Money:
        return Money(self.fen - other.fen)

    def __neg__(self) -> Money:
        return Money(-self.fen)

    def times(
        self, factor: Decimal | Fraction | int, rounding: Rounding = Rounding.HALF_UP
    ) -> Money:
        """Scale and round once. Rounding of fen happens nowhere else in the service."""
        numerator, denominator = factor.as_integer_ratio()
        return Money(_rounded(self.fen * numerator, denominator, rounding))

    def split(self, weights: Sequence[Decimal | int]) -> list[Money]:
        """Divide by ``weights`` into parts that add up to ``self``.

        Largest remainder: each part is cut down to the fen, and the fen left over go to the
        largest remainders, ties to the part named first.
        """
        total = sum(Fraction(weight) for weight in weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights must not be negative and must not all be zero")
        exact = [abs(self.fen) * Fraction(weight) / total for weight in weights]
        parts = [int(share) for share in exact]
        order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
        for i in order[: abs(self.fen) - sum(parts)]:
            parts[i] += 1
        return [Money(part if self.fen >= 0 else -part) for part in parts]

    @classmethod
    def sum(cls, amounts: Sequence[Money]) -> Money:
        return Money(sum(amount.fen for amount in amounts))

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._read,
            # Text in JSON; to another part of the program the amount itself.
            serialization=core_schema.to_string_ser_schema(when_used="json-unless-none"),
        )

    @classmethod
    def _read(cls, value: object) -> Money:
        """What JSON or another part of the program gives: text of yuan, or an amount already."""
        if isinstance(value, Money):
            return value
        if isinstance(value, str) and _WIRE.fullmatch(value):
            return cls.yuan(value)
        raise ValueError(
            say('must be a decimal string of yuan, at most two places, like "5000.00"')
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": f"^{_WIRE.pattern}$",
            "description": "Yuan, at most two places.",
            "examples": ["5000000.00"],
        }


ZERO = Money(0)
