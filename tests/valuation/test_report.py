"""What a report says of a run, from its record and result alone."""

import ast
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import app.valuation
from app.core.money import Money
from app.identifiers.rights import RightKind
from app.valuation.inputs import Grade
from app.valuation.outlook import Factor
from app.valuation.report import charts, words
from app.valuation.report.content import content
from app.valuation.report.model import Report, Side, Stored, plainly, yuan
from app.valuation.runs import digest, execute
from app.valuation.wording import WORDING
from tests.valuation.make import make_record, make_right

SALES = "46000000.00"
SECTIONS = [
    "result",
    "lending",
    "rights",
    "inputs",
    "methods",
    "working",
    "distribution",
    "sensitivity",
    "contributions",
    "sources",
    "limits",
    "proof",
]


def make_stored(record: dict[str, Any], **changes: Any) -> Stored:
    results = execute(record)
    run: dict[str, Any] = {
        "run_id": "0193a1b2-0000-7000-8000-000000000001",
        "kind": "first",
        "firm": "宁夏红枸杞科技有限公司",
        "made_by": "宁夏红枸杞科技有限公司",
        "reason": None,
        "valued_on": date(2026, 11, 23),
        "inputs": record,
        "inputs_sha256": digest(record).hex(),
        "engine": "engine 1",
        "results": results,
        "results_sha256": digest(results).hex(),
        "computed_at": datetime(2026, 11, 23, 17, 0, tzinfo=UTC),
    }
    return Stored(**run | changes)


def make_full() -> Stored:
    """Three kinds of rights, methods of every sort, a loan."""
    deal = {"price": "60.00", "income": "10.00", "term": "1", "exclusivity": "1", "date": "1"}
    patent = make_right(
        "a",
        facts={"title": "干燥机", "number": "ZL1", "register": "patents", "annuity": "paid"},
        annual_revenue=SALES,
        materials="1000.00",
        comparables=[deal | {"source": "挂牌公告"}],
        annual_earnings="0.00",
        annual_charges="5.00",
    )
    patent["inputs"]["annual_revenue"] |= {
        "grade": "documented",
        "document_id": "d1",
        "sha256": "ab" * 32,
    }
    patent["facts"]["events"] = [
        {"code": "PE01", "on": "2023-06-10", "effect": "pledge", "source": "inpadoc"}
    ]
    code = make_right("b", RightKind.SOFTWARE_COPYRIGHT, obstacles=["disputed"], kloc="48")
    bare = make_right("c", RightKind.TRADEMARK)
    loan = {"owed": "2000000.00", "ends_on": "2028-11-23", "yearly_cash": "4000000.00"}
    return make_stored(make_record(patent, code, bare, loan=loan))


@pytest.fixture(scope="module")
def full() -> Stored:
    return make_full()


def texts(report: Report, key: str | None = None) -> set[str]:
    """Every string of a section, or of the whole report."""
    told = plainly(report)
    if key is not None:
        told = next(one for one in told["sections"] if one["key"] == key)
    return set(_strings(told))


def _strings(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for item in value.values() for text in _strings(item)]
        case list():
            return [text for item in value for text in _strings(item)]
    return []


def test_every_section_has_a_title_in_both_languages_and_something_to_say(full: Stored) -> None:
    sections = plainly(content(full))["sections"]

    assert [one["key"] for one in sections] == SECTIONS
    assert all(one["title"]["zh"] and one["title"]["en"] and one["blocks"] for one in sections)


def test_it_says_that_it_is_no_appraisal_report(full: Stored) -> None:
    report = plainly(content(full))

    assert "不是资产评估报告" in report["statement"]["zh"]
    assert "not an asset appraisal report" in report["statement"]["en"]


def test_the_four_values_come_with_their_intervals_and_the_binding_limit(full: Stored) -> None:
    assert full.results is not None
    whole = full.results["whole"]
    said = texts(content(full), "result") | texts(content(full), "lending")

    for key in ("market", "orderly_liquidation", "forced_sale", "lendable"):
        assert {yuan(Money.yuan(one)) for one in whole[key].values()} <= said
    assert WORDING[whole["binding"]] in said
    assert f"{float(whole['probability_below_loan']) * 100:.1f}%" in said


def test_inputs_carry_the_grade_of_their_evidence_and_what_stands_behind_it(full: Stored) -> None:
    said = texts(content(full), "inputs")

    for code in ("documented", "stated", "uncalibrated"):
        assert WORDING[code] in said
    assert f"d1 SHA-256 {'ab' * 32}" in said
    assert {"60.00 ÷ 10.00 × 1 × 1 × 1", "挂牌公告", "5年", "13.5%"} <= said


def test_methods_that_were_refused_say_why(full: Stored) -> None:
    said = texts(content(full), "methods")

    assert {"chosen: sales that use the right are stated", "refused: no profit is stated"} <= said


def test_the_working_shows_years_as_rows_and_ends_in_the_value(full: Stored) -> None:
    assert full.results is not None
    [relief] = [one for one in full.results["rights"][0]["methods"] if one["chosen"]]
    said = texts(content(full), "working")

    assert {"税后许可费", "现值", "10", yuan(Money.yuan(relief["value"]))} <= said
    assert "total below zero" in said
    assert "No method had the inputs it needs." in said


def test_rules_that_nobody_could_source_are_marked(full: Stored) -> None:
    sections = plainly(content(full))["sections"]
    [table] = [
        block
        for section in sections
        if section["key"] == "sources"
        for block in section["blocks"]
        if block["type"] == "table"
    ]

    marks = {row[0]["en"]: row[2] for row in table["rows"]}
    assert marks["what a sale takes off"] == {"zh": "未校准", "en": "uncalibrated", "kind": "warn"}
    assert marks["annual fees of patents"]["kind"] == "good"
    assert any("Branch 2002" in row[3]["zh"] for row in table["rows"])


def test_engine_seed_and_hashes_are_told(full: Stored) -> None:
    said = texts(content(full), "proof")

    assert {"engine 1", "7", full.inputs_sha256, full.results_sha256} <= said
    assert "2026-11-23T17:00:00+00:00" in said
    assert content(full).on == date(2026, 11, 24)  # in Ningxia


def test_a_challenge_shows_both_sides_and_what_they_differ_in(full: Stored) -> None:
    other = make_stored(
        make_record(make_right("a", annual_revenue="1000000.00")),
        kind="challenge",
        made_by="宁夏银行",
        reason="销售额偏高",
    )
    difference = {
        "right_id": "a",
        "input": "annual_revenue",
        "before": {"value": SALES, "grade": "stated"},
        "after": None,
    }
    said = texts(content(full, challenges=[Side(other, [difference])]), "challenges")
    turned = texts(content(other, challenged=Side(full, [])), "challenged")
    waiting = Side(replace(other, results=None, made_by=None), [])

    assert other.results is not None
    assert {"宁夏银行", "销售额偏高", "干燥机", "46,000,000.00", "—"} <= said
    assert yuan(Money.yuan(other.results["whole"]["market"]["value"])) in said
    assert {"宁夏红枸杞科技有限公司", "Both sides rest on the same inputs."} <= turned
    assert {"the platform", "The other side has not been worked out yet."} <= texts(
        content(full, challenges=[waiting]), "challenges"
    )


def test_nothing_drawn_is_said_and_not_charted() -> None:
    said = texts(content(make_stored(make_record(make_right(materials="5.00")))), "sensitivity")

    assert "Nothing is drawn: no right states sales that use it." in said


def test_a_portfolio_of_many_draws_those_that_contribute_most() -> None:
    rights = [make_right(f"r{place:02}", kloc="1") for place in range(13)]
    report = content(make_stored(make_record(*rights)))
    [svg] = [
        one["svg"]
        for section in plainly(report)["sections"]
        if section["key"] == "contributions"
        for one in section["blocks"]
        if one["type"] == "chart"
    ]

    assert "Drawn are the 12 that contribute most." in texts(report, "contributions")
    assert svg.count("<circle") == 12


def test_charts_are_well_formed_whatever_a_right_is_called() -> None:
    box = charts.Box('<script>alert(1)</script> "&', [Money(0)] * 5, mean=Money(0))
    svg = charts.boxes([box], shows=words.word("growth"), loan=Money(10**15))  # type: ignore[arg-type]
    drawn = ElementTree.fromstring(svg)

    assert "script" not in {element.tag.rpartition("}")[2] for element in drawn.iter()}
    assert "<script>alert(1)</scrip…" in "".join(drawn.itertext())


def test_every_code_of_a_run_is_told_in_words() -> None:
    steps = {
        node.args[0].value
        for file in Path(app.valuation.__path__[0]).glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Step"
        and isinstance(node.args[0], ast.Constant)
    }
    yearly = {"royalty after tax", "present value"}
    from_files = make_record()["rules"].keys()

    assert steps
    assert steps | yearly <= words.STEPS.keys()
    assert from_files <= words.RULES.keys()
    assert {factor.name.lower() for factor in Factor} <= WORDING.keys()
    assert {grade.value for grade in Grade} <= WORDING.keys()


def test_every_word_of_a_full_report_is_chinese_where_english_stands_beside_it(
    full: Stored,
) -> None:
    pairs = [
        (one["zh"], one["en"])
        for one in _dicts(plainly(content(full)))
        if one.get("en") and "zh" in one
    ]

    assert pairs
    assert [pair for pair in pairs if not re.search("[\u4e00-\u9fff]", pair[0])] == []


def _dicts(value: Any) -> list[dict[str, Any]]:
    match value:
        case dict():
            return [value, *(one for item in value.values() for one in _dicts(item))]
        case list():
            return [one for item in value for one in _dicts(item)]
    return []
