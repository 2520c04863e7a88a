"""What a guarantor carries, and the shares of small firms and small tickets in it."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.core.money import ZERO, Money
from app.risk.guarantors import Ticket, effective_capacity, mix

tickets = st.lists(
    st.builds(
        Ticket,
        liability=st.integers(1, 10**9).map(Money),
        principal=st.integers(1, 10**9).map(Money),
        small_firm=st.booleans(),
    ),
    min_size=1,
    max_size=20,
)


def test_net_assets_bound_the_capacity_only_with_their_multiple() -> None:
    signed, assets = Money.yuan(100), Money.yuan(30)

    assert effective_capacity(signed, net_assets=None, multiple=Decimal(2)) == signed
    assert effective_capacity(signed, net_assets=assets, multiple=None) == signed
    assert effective_capacity(signed, net_assets=assets, multiple=Decimal(2)) == Money.yuan(60)
    assert effective_capacity(signed, net_assets=assets, multiple=Decimal(5)) == signed


def test_a_share_below_its_minimum_is_named() -> None:
    two = [Ticket(Money.yuan(79), Money.yuan(100), True), Ticket(Money.yuan(21), TEN, False)]

    found = mix(
        two,
        min_small_firm_pct=Decimal(80),
        min_small_ticket_pct=Decimal(21),
        small_ticket_max=TEN,
    )

    assert found.below == ["small_firms"]
    assert found.small_firms.share_pct == Decimal(79)
    assert found.small_tickets.share_pct == Decimal(21)


def test_nothing_guaranteed_is_below_nothing() -> None:
    found = mix(
        [], min_small_firm_pct=Decimal(80), min_small_ticket_pct=None, small_ticket_max=None
    )

    assert (found.liability, found.small_firms.share_pct, found.below) == (ZERO, None, [])


@given(tickets, st.integers(0, 100).map(Decimal))
def test_shown_and_alarm_never_contradict_each_other(
    given_out: list[Ticket], least: Decimal
) -> None:
    found = mix(
        given_out,
        min_small_firm_pct=least,
        min_small_ticket_pct=least,
        small_ticket_max=Money(10**8),
    )

    for share in (found.small_firms, found.small_tickets):
        assert share.share_pct is not None
        assert share.below is (share.share_pct < least)
        assert ZERO <= share.liability <= found.liability


TEN = Money.yuan(10)
