"""Caps: what refuses, with which figures; and the lower of an amount and a percentage."""

from decimal import Decimal

import pytest

from app.core.money import ZERO, Money
from app.risk.caps import Breach, Cap, Caps, Used, find_breach, find_client_breach

TEN = Money.yuan(10)


def used(**figures: Money) -> Used:
    none = dict.fromkeys(("client", "firm", "bank", "park"), ZERO)
    return Used(**({"capacity": Money.yuan(1000), "client_cap": None} | none | figures))  # type: ignore[arg-type]


def test_the_lower_of_amount_and_percentage_holds() -> None:
    capacity = Money.yuan(1000)

    assert Cap().limit(capacity) is None
    assert Cap(amount=Money.yuan(70)).limit(capacity) == Money.yuan(70)
    assert Cap(Money.yuan(70), Decimal(5)).limit(capacity) == Money.yuan(50)
    assert Cap(Money.yuan(40), Decimal(5)).limit(capacity) == Money.yuan(40)


@pytest.mark.parametrize(
    ("rule", "counted"),
    [("per_firm", "firm"), ("per_bank", "bank"), ("per_park", "park")],
)
def test_a_cap_is_reached_to_the_fen_and_no_further(rule: str, counted: str) -> None:
    caps = Caps(**{rule: Cap(amount=TEN)})
    full = used(**{counted: TEN - Money(1)})

    assert find_breach(caps, full, principal=TEN, liability=Money(1)) is None
    assert find_breach(caps, full, principal=TEN, liability=Money(2)) == Breach(
        rule, TEN, TEN - Money(1), Money(2)
    )


def test_a_loan_is_capped_by_its_principal() -> None:
    caps = Caps(per_loan=Cap(amount=TEN))

    assert find_breach(caps, used(), principal=TEN, liability=TEN) is None
    assert find_breach(caps, used(), principal=TEN + Money(1), liability=ZERO) == Breach(
        "per_loan", TEN, ZERO, TEN + Money(1)
    )


def test_the_guarantors_cap_on_a_client_comes_first() -> None:
    caps = Caps(per_firm=Cap(amount=TEN))
    figures = used(client_cap=TEN, client=TEN, firm=TEN)

    breach = find_breach(caps, figures, principal=TEN, liability=Money(1))

    assert breach == find_client_breach(figures, liability=Money(1))
    assert breach is not None
    assert breach.rule == "client_cap"
