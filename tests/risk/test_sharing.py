"""Loss sharing: the golden table of every scheme, and what holds for any scheme and loss."""

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.risk.scheme import Scheme, SchemeVersion
from app.risk.scheme_checks import check
from app.risk.scheme_files import SCHEMES
from app.risk.sharing import (
    Loss,
    SharedLoss,
    caps_in_force,
    read_facts,
    share_loss,
    share_of_claim,
)

FEN = Money(1)


def shared(
    scheme_id: str, principal: str, loan: str | None = None, ip: str = "100", **facts: Any
) -> SharedLoss:
    scheme = SCHEMES[scheme_id]
    version = scheme.versions[-1]
    return share_loss(
        scheme,
        version,
        Loss(
            Money.yuan(principal),
            Money.yuan(loan or principal),
            Decimal(ip),
            read_facts(version, facts),
        ),
    )


@pytest.mark.parametrize(
    ("scheme", "asked", "facts", "amounts"),
    [
        (
            "zhongshan-2021",
            ("1000000.01", "5000000"),
            {},
            "540000.01 260000.00 160000.00 40000.00",
        ),
        ("zhongshan-2021", ("1000000", "5000000", "60"), {}, "324000 556000 96000 24000"),
        ("zhongshan-2021", ("0.01",), {}, "0.01 0 0 0"),
        ("zhongshan-2021", ("0.01", "1", "0"), {}, "0 0.01 0 0"),
        ("qingdao-2021", ("5000000",), {}, "3000000 1000000 1000000"),
        ("qingdao-2021", ("0.04",), {}, "0.02 0.01 0.01"),
        ("zhuhai", ("0.03",), {}, "0.01 0.02"),
        ("zhuhai", ("1000000", "2000000", "33.33"), {}, "133320 866680"),
        ("guangzhou-2025", ("1000000", "5000000.00"), {}, "400000 600000"),
        ("guangzhou-2025", ("1000000", "5000000.01"), {}, "300000 700000"),
        ("guangzhou-2025", ("1000000", "15000000.00"), {}, "300000 700000"),
        ("guangzhou-2025", ("1000000", "15000000.01"), {}, "200000 800000"),
        ("guangzhou-2025", ("1000000", "30000000.00"), {}, "200000 800000"),
        ("guangzhou-2025", ("1000000", "30000000.01"), {}, "0 1000000"),
        ("weihai", ("1000000",), {"first_year": True}, "400000 200000 400000"),
        ("weihai", ("1666666.66",), {"first_year": True}, "666666.67 333333.33 666666.66"),
        ("weihai", ("5000000",), {"first_year": True}, "666666.67 333333.33 4000000"),
        ("weihai", ("5000000",), {"first_year": False}, "1000000 500000 3500000"),
        ("weihai", ("2500000",), {"first_year": False}, "1000000 500000 1000000"),
        ("guodan-2019", ("1000000.01",), {}, "200000 200000 400000.01 200000"),
        ("example", ("6000000",), {}, "2000000 1800000 2200000"),
        ("example", ("6000000",), {"key_industry": True}, "3000000 1800000 1200000"),
    ],
)
def test_the_golden_table(
    scheme: str, asked: tuple[str, ...], facts: dict[str, Any], amounts: str
) -> None:
    found = shared(scheme, *asked, **facts)

    assert list(found.shares) == [party.id for party in SCHEMES[scheme].parties]
    assert list(found.shares.values()) == [Money.yuan(amount) for amount in amounts.split()]


def test_the_ip_part_is_rounded_half_up() -> None:
    assert shared("zhuhai", "0.05", ip="50").trace[1].after == Money(3)


def test_a_cap_is_shown_with_what_it_cut() -> None:
    trace = {step.rule: step for step in shared("weihai", "5000000", first_year=True).trace}

    assert (trace["first-year"].before, trace["first-year"].after) == (
        Money.yuan(3000000),
        Money.yuan(1000000),
    )
    assert trace["bank-rest"].before == Money.yuan(2000000)
    assert "later-years" not in trace


def test_caps_apply_in_their_order() -> None:
    scheme = made([40, 20, 40], caps=[(["a", "b"], 900), (["a"], 500)])

    found = share_loss(scheme, scheme.versions[0], Loss(Money(3000), Money(3000), Decimal(100), {}))

    assert [(step.rule, step.before.fen, step.after.fen) for step in found.trace[5:7]] == [
        ("cap-1", 1800, 900),
        ("cap-2", 600, 500),
    ]
    assert [part.fen for part in found.shares.values()] == [500, 300, 2200]


def test_a_loss_is_split_by_the_rules_then_in_force() -> None:
    scheme = SCHEMES["zhuhai"]
    old, new = scheme.versions[0], made([30, 70]).versions[0]
    both = scheme.model_copy(
        update={"versions": [old.model_copy(update={"valid_to": date(2024, 12, 31)}), new]}
    )

    assert both.version_on(date(2024, 12, 31)) == both.versions[0]
    assert both.version_on(date(2025, 1, 1)) == new
    assert both.version_on(date(2019, 12, 31)) is None


@pytest.mark.parametrize(
    ("principal", "ip", "field"),
    [("0", "100", "principal"), ("100.01", "100", "principal"), ("1", "101", "ip_share_pct")],
)
def test_a_loss_that_cannot_be_is_refused(principal: str, ip: str, field: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        shared("zhuhai", principal, "100", ip)

    assert refused.value.field == field


# Any scheme, as the checks let it in ------------------------------------------------------------


def made(pcts: list[int], caps: list[tuple[list[str], int]] | None = None) -> Scheme:
    """A scheme of parties a, b, c …, the last of them the bank."""
    ids = [chr(ord("a") + i) for i in range(len(pcts) - 1)] + ["bank"]
    words = {"text_zh": "甲", "text_en": "a"}
    claim = {
        "overdue_days": 90,
        "grade": "loss",
        "deadline": 5,
        "deadline_in": "working",
        "papers": [{"id": "x", "due": "claim", **words}],
    }
    version = {
        "valid_from": date(2025, 1, 1),
        "source": "made",
        "tiers": [{"shares": {i: str(pct) for i, pct in zip(ids, pcts, strict=True)}}],
        "caps": [
            {"id": f"cap-{n}", "order": n, "parties": parties, "amount": Money(fen), **words}
            for n, (parties, fen) in enumerate(caps or [], start=1)
        ],
        "recovery": ["costs", "borne", "interest"],
        "claim": claim,
    }
    scheme = Scheme.model_validate(
        {
            "id": "made",
            "model": "bank",
            **words,
            "parties": [{"id": i, "role": "bank" if i == "bank" else "fund", **words} for i in ids],
            "versions": [version],
        }
    )
    check(scheme)
    return scheme


@st.composite
def schemes(draw: st.DrawFn) -> Scheme:
    count = draw(st.integers(2, 6))
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=count - 1, max_size=count - 1)))
    pcts = [high - low for low, high in itertools.pairwise([0, *cuts, 100])]
    # Whole blocks first, then single parties of them: no cap adds a party to an earlier one.
    others = [chr(ord("a") + i) for i in range(count - 1)]
    split = draw(st.integers(0, len(others)))
    amounts = st.integers(0, 2_000)
    caps = [(block, draw(amounts)) for block in (others[:split], others[split:]) if block]
    caps += [([party], draw(amounts)) for party in others if draw(st.booleans())]
    return made(pcts, [cap for cap in caps if draw(st.booleans())])


LOANS = st.integers(1, 10_000)
IP = st.sampled_from(["0", "0.01", "33.33", "50", "99.99", "100"]).map(Decimal)


def loss(fen: int, loan: int, ip: Decimal) -> Loss:
    return Loss(Money(fen), Money(loan), ip, {})


def split(scheme: Scheme, fen: int, loan: int, ip: Decimal) -> dict[str, Money]:
    return dict(share_loss(scheme, scheme.versions[0], loss(fen, loan, ip)).shares)


def assert_caps_hold(version: SchemeVersion, shares: dict[str, Money]) -> None:
    for cap in caps_in_force(version, {}):
        assert Money.sum([shares[party] for party in cap.parties]) <= cap.amount


@given(scheme=schemes(), loan=LOANS, ip=IP, data=st.data())
def test_parts_sum_to_the_loss_and_no_cap_is_passed(
    scheme: Scheme, loan: int, ip: Decimal, data: st.DataObject
) -> None:
    lost = data.draw(st.integers(1, loan))

    shares = split(scheme, lost, loan, ip)

    assert Money.sum(list(shares.values())) == Money(lost)
    assert min(shares.values()) >= ZERO
    assert Money.sum([shares[p] for p in shares if p != "bank"]) <= Money(lost).times(ip / 100)
    assert_caps_hold(scheme.versions[0], shares)


@given(scheme=schemes(), loan=LOANS, ip=IP, data=st.data())
def test_more_loss_pays_no_party_less_but_for_a_fen(
    scheme: Scheme, loan: int, ip: Decimal, data: st.DataObject
) -> None:
    lost = data.draw(st.integers(1, loan))
    more = data.draw(st.integers(lost, loan))

    before, after = split(scheme, lost, loan, ip), split(scheme, more, loan, ip)

    for party, part in before.items():
        assert after[party] >= part - FEN, party


@given(scheme=schemes(), loan=LOANS, ip=IP, data=st.data())
def test_claims_in_parts_equal_one_and_take_nothing_back(
    scheme: Scheme, loan: int, ip: Decimal, data: st.DataObject
) -> None:
    marks = data.draw(st.sets(st.integers(1, loan), min_size=1, max_size=5))
    borne: dict[str, Money] = {}

    for total, lost_before in zip(sorted(marks), [0, *sorted(marks)], strict=False):
        due = share_of_claim(scheme, scheme.versions[0], loss(total, loan, ip), borne=borne)
        assert min(due.values()) >= ZERO
        assert Money.sum(list(due.values())) == Money(total - lost_before)
        borne = {party: borne.get(party, ZERO) + part for party, part in due.items()}
        assert_caps_hold(scheme.versions[0], borne)

        at_once = split(scheme, total, loan, ip)
        for party, part in at_once.items():
            assert abs(borne[party].fen - part.fen) <= 1, party


def test_a_claim_below_what_was_borne_is_refused() -> None:
    scheme = SCHEMES["zhuhai"]
    with pytest.raises(FieldRefused):
        share_of_claim(
            scheme,
            scheme.versions[0],
            loss(100, 1000, Decimal(100)),
            borne={"fund": Money(60), "bank": Money(90)},
        )
