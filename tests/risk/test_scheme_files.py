"""The files of loss-sharing schemes: what one more needs, and what is refused of a bad one."""

from decimal import Decimal
from pathlib import Path

import pytest

from app.core.messages import Language, speaking, told
from app.core.money import Money
from app.risk.scheme import Fuse, FuseState, PaperDue, RatioOf, RecoveryStep, Role, Stops
from app.risk.scheme_files import DIRECTORY, SCHEMES, BrokenSchemeFile, read_schemes
from app.risk.sharing import Loss, share_loss

GOOD = """\
id = "eighth"
model = "bank"
text_zh = "第八"
text_en = "the eighth"
parties = [
  { id = "fund", role = "fund", text_zh = "资金", text_en = "fund" },
  { id = "bank", role = "bank", text_zh = "银行", text_en = "bank" },
]
[[versions]]
valid_from = 2025-01-01
valid_to = 2025-12-31
source = "第八条"
recovery = ["costs", "borne", "interest"]
[[versions.tiers]]
up_to = "100.00"
shares = { fund = "70", bank = "30" }
[[versions.tiers]]
shares = { fund = "33.5", bank = "66.5" }
[[versions.facts]]
name = "risk_class"
type = "choice"
choices = ["a", "b"]
required = true
text_zh = "风险等级"
text_en = "risk class"
[[versions.caps]]
id = "per-loan"
order = 1
parties = ["fund"]
amount = "50.00"
when = { risk_class = "b" }
text_zh = "单笔"
text_en = "per loan"
[[versions.caps]]
id = "per-firm"
order = 2
parties = ["fund"]
amount = "60.00"
text_zh = "单户"
text_en = "per firm"
[[versions.fuses]]
id = "ratio"
of = "bank"
stops = "filings"
threshold_pct = "5"
warn_pct = "3"
text_zh = "暂停"
text_en = "stop"
[versions.claim]
overdue_days = 90
grade = "substandard"
deadline = 10
deadline_in = "working"
papers = [
  { id = "loan_contract", due = "drawdown", text_zh = "合同", text_en = "contract" },
  { id = "demand", due = "claim", text_zh = "催收", text_en = "demand" },
]
"""
VERSION = GOOD[GOOD.index("[[versions]]") :]


def write(directory: Path, text: str) -> Path:
    (directory / "eighth.toml").write_text(text, "utf-8")
    return directory


def test_one_more_scheme_needs_a_file_and_no_code(tmp_path: Path) -> None:
    for file in DIRECTORY.glob("*.toml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())

    schemes = read_schemes(write(tmp_path, GOOD))

    assert set(schemes) == {*SCHEMES, "eighth"}
    scheme = schemes["eighth"]
    loss = Loss(Money.yuan(100), Money.yuan(100), Decimal(100), {"risk_class": "b"})
    shares = share_loss(scheme, scheme.versions[0], loss).shares
    assert shares == {"fund": Money.yuan(50), "bank": Money.yuan(50)}


def test_versions_follow_each_other(tmp_path: Path) -> None:
    later = VERSION.replace("2025-12-31", "2026-12-31").replace("2025-01-01", "2026-01-01")

    (scheme,) = read_schemes(write(tmp_path, GOOD + later)).values()

    assert [version.valid_from.year for version in scheme.versions] == [2025, 2026]


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ('fund = "70"', 'fund = "71"', "versions.0.tiers.0.shares", "sum to 101"),
        ('fund = "70"', 'park = "70"', "versions.0.tiers.0.shares.park", "no party"),
        ('fund = "70", bank = "30"', 'bank = "100"', "versions.0.tiers.0.shares", "nothing of"),
        ('fund = "70"', "fund = 70", "versions.0.tiers.0.shares.fund", "quotes"),
        ('fund = "70"', 'fund = "-70"', "versions.0.tiers.0.shares.fund", "greater"),
        ('up_to = "100.00"', 'up_to = "0.00"', "versions.0.tiers.0.up_to", "rise"),
        ('up_to = "100.00"', "", "versions.0.tiers.0.up_to", "only the last"),
        (
            '[[versions.tiers]]\nshares = { fund = "33.5"',
            '[[versions.tiers]]\nup_to = "200.00"\nshares = { fund = "33.5"',
            "versions.0.tiers.1.up_to",
            "for any size",
        ),
        (
            '[[versions.tiers]]\nshares = { fund = "33.5"',
            '[[versions.tiers]]\nup_to = "99.99"\nshares = { fund = "71", bank = "29" }\n'
            '[[versions.tiers]]\nshares = { fund = "33.5"',
            "versions.0.tiers.1.up_to",
            "rise",
        ),
        ("order = 1\n", "", "versions.0.caps.0.order", "required"),
        ("order = 2", "order = 1", "versions.0.caps.1.order", "order of per-loan"),
        ("order = 1", "order = 3", "versions.0.caps.1.order", "in their order"),
        ('"per-firm"', '"per-loan"', "versions.0.caps.id", "twice"),
        ('parties = ["fund"]', 'parties = ["park"]', "versions.0.caps.0.parties", "no party"),
        ('parties = ["fund"]', 'parties = ["bank"]', "versions.0.caps.0.parties", "bank takes"),
        ('parties = ["fund"]', "parties = []", "versions.0.caps.0.parties", "at least 1"),
        ('amount = "50.00"', 'amount = "-50.00"', "versions.0.caps.0.amount", "negative"),
        ("when = { risk_class", "when = { weather", "versions.0.caps.0.when.weather", "no such"),
        ('risk_class = "b"', 'risk_class = "c"', "versions.0.caps.0.when.risk_class", "cannot be"),
        ('risk_class = "b"', "risk_class = true", "versions.0.caps.0.when.risk_class", "cannot be"),
        ("required = true", "required = false", "versions.0.facts.0.default", "left out"),
        (
            "required = true",
            'required = false\ndefault = "c"',
            "versions.0.facts.0.default",
            "cannot be",
        ),
        ('choices = ["a", "b"]\n', "", "versions.0.facts.0.choices", "needs some"),
        ('"choice"', '"boolean"', "versions.0.facts.0.choices", "only a choice"),
        ('warn_pct = "3"', 'warn_pct = "5"', "versions.0.fuses.0.warn_pct", "below"),
        ('of = "bank"', 'of = "park"', "versions.0.fuses.0.of", "should be"),
        ('"borne", "interest"', '"borne"', "versions.0.recovery", "each once"),
        ('due = "claim"', 'due = "someday"', "versions.0.claim.papers.1.due", "should be"),
        ('"demand"', '"loan_contract"', "versions.0.claim.papers", "twice"),
        ('model = "bank"', 'model = "both"', "model", "should be"),
        ('model = "bank"', 'model = "guarantor"', "model", "exactly one"),
        ('role = "bank"', 'role = "fund"', "parties", "exactly one"),
        ('id = "fund"', 'id = "bank"', "parties", "twice"),
        ("valid_to = 2025-12-31", "valid_to = 2024-12-31", "versions.0.valid_to", "before"),
        ('source = "第八条"\n', "", "versions.0.source", "required"),
        ('id = "eighth"', 'id = "ninth"', "id", "file's name"),
        ('model = "bank"', 'model = "bank"\nsurprise = 1', "surprise", "not permitted"),
        ('model = "bank"', "model = ", "TOML", "nvalid"),
        ("[[versions]]", VERSION + "[[versions]]", "versions.1.valid_from", "oldest first"),
        (
            "[[versions]]",
            VERSION.replace("2025-01-01", "2024-06-01").replace("2025-12-31", "2025-01-01")
            + "[[versions]]",
            "versions.1.valid_from",
            "overlaps",
        ),
    ],
)
def test_a_bad_file_is_refused_and_says_where(
    tmp_path: Path, old: str, new: str, key: str, reason: str
) -> None:
    assert old in GOOD

    with pytest.raises(BrokenSchemeFile) as refused:
        read_schemes(write(tmp_path, GOOD.replace(old, new, 1)))

    assert (refused.value.file, refused.value.key) == ("eighth.toml", key)
    assert reason in refused.value.reason


def test_a_later_cap_adds_no_party_to_an_earlier_one(tmp_path: Path) -> None:
    """Else a party already cut would get less, the more the other one grows."""
    three = GOOD.replace(
        '  { id = "bank"',
        '  { id = "city", role = "fund", text_zh = "市", text_en = "city" },\n  { id = "bank"',
    ).replace("shares = {", 'shares = { city = "0",')
    widened = three.replace(
        'order = 2\nparties = ["fund"]', 'order = 2\nparties = ["fund", "city"]'
    )

    read_schemes(write(tmp_path, three))
    with pytest.raises(BrokenSchemeFile) as refused:
        read_schemes(write(tmp_path, widened))

    assert refused.value.key == "versions.0.caps.1.parties"


def test_what_nobody_sourced_is_marked() -> None:
    assert {id_ for id_, scheme in SCHEMES.items() if scheme.versions[-1].uncalibrated} == {
        "guodan-2019",
        "example",
    }
    assert all(scheme.versions[-1].claim.uncalibrated for scheme in SCHEMES.values())


def test_guangzhou_stops_compensation_above_three_per_cent() -> None:
    (fuse,) = SCHEMES["guangzhou-2025"].versions[0].fuses

    assert (fuse.of, fuse.stops) == (RatioOf.BANK, Stops.COMPENSATION)
    assert fuse.state(compensated=Money(300), filed=Money(10_000)) is FuseState.CLEAR
    assert fuse.state(compensated=Money(301), filed=Money(10_000)) is FuseState.BLOWN


def test_a_fuse_warns_before_it_blows() -> None:
    fuse: Fuse = SCHEMES["example"].versions[0].fuses[0]
    states = [fuse.state(compensated=Money(fen), filed=Money(100)) for fen in (3, 4, 5, 6)]

    assert states == ["clear", "warning", "warning", "blown"]
    assert fuse.state(compensated=Money(0), filed=Money(0)) is FuseState.CLEAR


def test_a_scheme_names_its_parties_by_role_and_its_papers_by_day() -> None:
    weihai = SCHEMES["weihai"]
    claim = weihai.versions[0].claim

    assert weihai.with_role(Role.FUND) == ["province", "city"]
    assert weihai.bank == "bank"
    assert weihai.versions[0].recovery[0] is RecoveryStep.COSTS
    assert (claim.deadline, claim.deadline_in) == (10, "working")
    assert {paper.id for paper in claim.papers if paper.due is PaperDue.DRAWDOWN} >= {
        "loan_contract",
        "fund_filing",
    }


def test_what_data_says_is_told_in_both_languages() -> None:
    text = SCHEMES["zhuhai"].text

    assert told(text, Language.ENGLISH) == text == "Zhuhai IP-pledge risk compensation"
    with speaking(Language.CHINESE):
        assert str(text) == "珠海市知识产权质押融资风险补偿"
