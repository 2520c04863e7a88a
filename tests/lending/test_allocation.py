"""What a payment settles first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lending.allocation import USUAL_ORDER, Bucket, Due, Settled, allocate

AMOUNTS = st.integers(0, 10**9).map(Money)

DUES = st.lists(
    st.builds(Due, st.integers(1, 60), AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS),
    max_size=6,
    unique_by=lambda due: due.number,
)

LATE = Due(1, penalty=Money.yuan(5), interest=Money.yuan(50), principal=Money.yuan(255))
NEXT = Due(2, fees=Money.yuan(10), interest=Money.yuan(47), principal=Money.yuan(258))


def test_the_oldest_instalment_comes_first_then_the_order_of_buckets() -> None:
    allocation = allocate(Money.yuan(330), dues=[NEXT, LATE])

    assert allocation.settled == (
        Settled(1, Bucket.PENALTY, Money.yuan(5)),
        Settled(1, Bucket.INTEREST, Money.yuan(50)),
        Settled(1, Bucket.PRINCIPAL, Money.yuan(255)),
        Settled(2, Bucket.FEES, Money.yuan(10)),
        Settled(2, Bucket.INTEREST, Money.yuan(10)),
    )
    assert allocation.unallocated == ZERO


def test_another_order_puts_principal_first() -> None:
    order = (Bucket.PRINCIPAL, Bucket.INTEREST, Bucket.PENALTY, Bucket.FEES)

    allocation = allocate(Money.yuan(300), dues=[LATE], order=order)

    assert allocation.total(Bucket.PRINCIPAL) == Money.yuan(255)
    assert allocation.total(Bucket.INTEREST) == Money.yuan(45)
    assert allocation.total(Bucket.PENALTY) == ZERO


def test_what_nothing_is_owed_for_stays_unallocated() -> None:
    assert allocate(Money.yuan(311), dues=[LATE]).unallocated == Money.yuan(1)


@pytest.mark.parametrize("amount", [ZERO, Money(-1)])
def test_only_a_positive_amount_can_be_allocated(amount: Money) -> None:
    with pytest.raises(FieldRefused, match="amount"):
        allocate(amount, dues=[LATE])


@pytest.mark.parametrize("order", [(), (*USUAL_ORDER, Bucket.FEES), USUAL_ORDER[1:]])
def test_an_order_names_each_bucket_once(order: tuple[Bucket, ...]) -> None:
    with pytest.raises(FieldRefused, match="order"):
        allocate(Money(1), dues=[LATE], order=order)


def test_a_negative_due_is_refused() -> None:
    with pytest.raises(FieldRefused, match="interest"):
        Due(1, interest=Money(-1))


@given(
    amount=st.integers(1, 10**10).map(Money), dues=DUES, order=st.permutations(list(USUAL_ORDER))
)
def test_nothing_is_lost_and_nothing_is_overpaid(
    amount: Money, dues: list[Due], order: list[Bucket]
) -> None:
    allocation = allocate(amount, dues=dues, order=order)

    settled = Money.sum([part.amount for part in allocation.settled])
    owed = Money.sum([due.of(bucket) for due in dues for bucket in Bucket])
    assert settled + allocation.unallocated == amount
    assert settled == min(amount, owed)
    by_number = {due.number: due for due in dues}
    assert all(
        ZERO < part.amount <= by_number[part.number].of(part.bucket) for part in allocation.settled
    )
