"""What a report says of each right: facts, inputs with evidence, methods, working, contribution."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from app.core.messages import Text, say
from app.core.money import Money
from app.valuation.report import charts
from app.valuation.report.cells import bounds, figure, grade, pct, years
from app.valuation.report.model import (
    Block,
    Cell,
    Chart,
    Facts,
    Heading,
    Mark,
    Record,
    Row,
    Stored,
    Table,
    Words,
    yuan,
)
from app.valuation.report.words import (
    ANNUITY,
    EFFECTS,
    FIGURES,
    INPUTS,
    REGISTERS,
    RULES,
    step,
    word,
    year_of,
)

CHARTED = 12
"""More boxes than this are no chart any more; the table has every right."""


def facts(record: Record, results: Record) -> list[Block]:
    blocks: list[Block] = []
    for right, found in _pairs(record, results):
        blocks += [_heading(right), Facts(_facts(right, found))]
        if events := right["facts"].get("events"):
            blocks.append(
                Table(
                    [say("legal event"), say("date"), say("what it does"), say("source")],
                    [
                        (
                            one["code"],
                            one["on"],
                            EFFECTS.get(one["effect"], one["effect"]),
                            one["source"],
                        )
                        for one in events
                    ],
                )
            )
    return blocks


def _facts(right: Record, found: Record) -> list[tuple[Text, Cell]]:
    told = right["facts"]
    rows: list[tuple[Text, Cell]] = [
        (say("kind"), word(right["kind"])),
        (say("register"), REGISTERS.get(told.get("register", ""), told.get("register"))),
        (say("number"), told.get("number")),
        (say("jurisdiction"), told.get("jurisdiction")),
        (say("holder"), told.get("holder_name")),
        (say("filed on"), told.get("filed_on")),
        (say("granted on"), told.get("granted_on")),
        (say("completed or filed on"), told.get("made_on")),
        (say("term ends on"), told["expires_on"]),
        (say("ended on"), told["ended_on"]),
        (say("lapsed on, by the fees"), told["lapsed_on"]),
        (say("annual fees"), ANNUITY.get(told.get("annuity") or "")),
        (say("next annual fee due on"), told.get("next_fee_due_on")),
    ]
    known = [row for row in rows if row[1] is not None]
    known += [
        (say("legal life left"), years(f"{Decimal(found['legal_years']):.1f}")),
        (say("years counted"), years(found["life_years"])),
        (say("its life ends by"), word(found["ends_by"])),
        (say("discount rate used"), pct(found["discount_rate_pct"])),
        (say("pledge rate"), pct(found["pledge_rate_pct"])),
    ]
    if told.get("challenged"):
        known.append(
            (say("under attack"), Mark(say("invalidation or cancellation pending"), "warn"))
        )
    known += [(say("cannot carry a loan"), Mark(word(code), "warn")) for code in found["obstacles"]]
    if found["pledgeable"]:
        known.append((say("pledge"), Mark(say("can be pledged"), "good")))
    if "grade" in told:
        known.append((say("evidence of these facts"), grade(told["grade"])))
    return known


def inputs(record: Record) -> list[Block]:
    """Every input with its value, the grade of its evidence and what stands behind it."""
    blocks: list[Block] = []
    for right in record["rights"]:
        rows: list[Row] = []
        for name, one in sorted(right["inputs"].items(), key=lambda item: _place(item[0])):
            if name == "comparables":
                rows += _deals(one)
                continue
            called = INPUTS.get(name, name)
            rows.append((called, figure(name, one["value"]), grade(one["grade"]), _behind(one)))
        columns = [
            say("input"),
            say("value"),
            say("grade of evidence"),
            say("what stands behind it"),
        ]
        blocks += [_heading(right), Table(columns, rows)]
    return blocks


def _place(name: str) -> int:
    names = list(INPUTS)
    return names.index(name) if name in names else len(names)


def _deals(one: Record) -> Iterator[Row]:
    for number, deal in enumerate(one["value"], start=1):
        price, income = Money.yuan(deal["price"]), Money.yuan(deal["income"])
        factors = " × ".join(str(deal[name]) for name in ("term", "exclusivity", "date"))
        yield (
            say("comparable deal {number}", number=number),
            f"{yuan(price)} ÷ {yuan(income)} × {factors}",
            grade(one["grade"]),
            deal.get("source") or _behind(one),
        )


def _behind(one: Record) -> Cell:
    if "source" in one:
        return RULES.get(one["source"], one["source"])
    if "document_id" in one:
        return f"{one['document_id']} SHA-256 {one['sha256']}"
    return say("stated by the other side") if "by" in one else None


def stated(name: str, one: Record | None) -> Cell:
    """What one side puts in; nothing where it leaves it out."""
    return None if one is None else figure(name, one["value"])


def methods(stored: Stored) -> list[Block]:
    blocks: list[Block] = []
    for right, found in _pairs(stored.inputs, _results(stored)):
        rows: list[Row] = []
        for one in found["methods"]:
            level = "good" if one["chosen"] else "warn" if one["value"] is None else "plain"
            value = None if one["value"] is None else Money.yuan(one["value"])
            rows.append((word(one["method"]), value, Mark(word(one["reason"]), level)))
        blocks += [_heading(right), Table([say("method"), say("value"), say("why")], rows)]
    return blocks


def working(stored: Stored) -> list[Block]:
    """The steps of every method that worked, years as rows."""
    blocks: list[Block] = []
    for right, found in _pairs(stored.inputs, _results(stored)):
        worked = [one for one in found["methods"] if one["value"] is not None]
        if not worked:
            blocks += [_heading(right), Words(say("No method had the inputs it needs."))]
            continue
        blocks.append(_heading(right))
        for one in worked:
            blocks += [Heading(word(one["method"]), level=4), *_steps(one)]
    return blocks


def _steps(attempt: Record) -> list[Block]:
    by_year: dict[int, dict[str, Money]] = {}
    others: list[tuple[Text | str, Cell]] = []
    for one in attempt["steps"]:
        name, year = year_of(one["name"])
        if year is None:
            others.append((step(one["name"]), Money.yuan(one["amount"])))
        else:
            by_year.setdefault(year, {})[name] = Money.yuan(one["amount"])
    named = {one["name"] for one in attempt["steps"]}
    others += [
        (FIGURES.get(name, name), figure(name, value))
        for name, value in attempt["figures"].items()
        if name.replace("_", " ") not in named
    ]
    others.append((say("value"), Money.yuan(attempt["value"])))
    blocks: list[Block] = []
    if by_year:
        names = list(dict.fromkeys(name for row in by_year.values() for name in row))
        blocks.append(
            Table(
                [say("year"), *(step(name) for name in names)],
                [
                    (str(year), *(row.get(name) for name in names))
                    for year, row in sorted(by_year.items())
                ],
            )
        )
    return [*blocks, Facts(others)]


def contributions(stored: Stored) -> list[Block]:
    pairs = list(_pairs(stored.inputs, _results(stored)))
    rows: list[Row] = [
        (
            _title(right),
            Money.yuan(found["value"]),
            _range(found["market"]),
            Money.yuan(found["orderly_liquidation"]["value"]),
            Money.yuan(found["forced_sale"]["value"]),
        )
        for right, found in pairs
    ]
    columns = [
        say("right"),
        say("contribution"),
        say("from – to"),
        say("orderly liquidation value"),
        say("forced-sale value"),
    ]
    return [*_chart(pairs), Table(columns, rows)]


def _chart(pairs: Sequence[tuple[Record, Record]]) -> list[Block]:
    ordered = sorted(pairs, key=lambda pair: (-Money.yuan(pair[1]["value"]).fen, _title(pair[0])))
    shows = say("What each right may be worth: P5, quartiles, median, P95; the dot is the mean.")
    boxes = [
        charts.Box(
            _title(right),
            [Money.yuan(amount) for amount in found["percentiles"].values()],
            mean=Money.yuan(found["value"]),
        )
        for right, found in ordered[:CHARTED]
    ]
    blocks: list[Block] = [Chart(charts.boxes(boxes, shows=shows), shows)]
    if len(ordered) > CHARTED:
        blocks.append(Words(say("Drawn are the {number} that contribute most.", number=CHARTED)))
    return blocks


def _range(found: Record) -> str:
    low, _, high = bounds(found)
    return f"{yuan(low)} – {yuan(high)}"


def _pairs(record: Record, results: Record) -> Iterator[tuple[Record, Record]]:
    found = {one["right_id"]: one for one in results["rights"]}
    return ((right, found[right["right_id"]]) for right in record["rights"])


def _results(stored: Stored) -> Record:
    assert stored.results is not None
    return stored.results


def _heading(right: Record) -> Heading:
    number = right["facts"].get("number")
    title = _title(right)
    return Heading(title if number is None else f"{title} {number}")


def _title(right: Record) -> str:
    return str(right["facts"].get("title") or right["right_id"])
