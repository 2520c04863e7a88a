"""How single figures of a record are written in a report."""

from decimal import Decimal

from app.core.decimals import plain
from app.core.messages import Text, say
from app.core.money import Money
from app.valuation.report.model import Cell, Mark, Record
from app.valuation.report.words import word

_LEVELS = {"register": "good", "documented": "good", "stated": "plain", "rule": "plain"}
_MONEY = frozenset(
    {
        "annual_revenue",
        "materials",
        "labour",
        "annual_earnings",
        "annual_charges",
        "annual_profit",
        "partner_cost",
        "annual_income",
        "asset_base",
        "annual_excess",
        "opportunity_cost",
        "replacement_cost",
    }
)
_NUMBERS = frozenset({"kloc", "multiple", "person_months"})


def pct(rate: str) -> str:
    return f"{plain(Decimal(rate))}%"


def share(part: str) -> str:
    """A part of one, to a tenth of a per cent."""
    return f"{Decimal(part) * 100:.1f}%"


def years(number: object) -> Text:
    return say("{years} years", years=number)


def bounds(found: Record) -> tuple[Money, Money, Money]:
    low, value, high = (Money.yuan(found[name]) for name in ("low", "value", "high"))
    return low, value, high


def grade(code: str) -> Mark:
    """How far something is proven, as a mark: what nobody could source stands out."""
    return Mark(word(code), _LEVELS.get(code, "warn"))


def figure(name: str, value: object) -> Cell:
    """An input or a method's figure, by what its name says it is; None was struck out."""
    match value:
        case None:
            return None
        case list():
            return say("{number} comparable deals", number=len(value))
        case str() if name in _MONEY:
            return Money.yuan(value)
        case str() if name.endswith("_years"):
            return years(value)
        case _:
            return _number(name, str(value))


def _number(name: str, value: str) -> str:
    if name.endswith("_pct"):
        return pct(value)
    return plain(Decimal(value)) if name in _NUMBERS else value
