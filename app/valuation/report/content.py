"""What a report says of a stored run, section by section. Pure: the same run, the same report."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from decimal import Decimal

from app.core.clock import business_date
from app.core.decimals import plain
from app.core.messages import Text, say
from app.core.money import Money
from app.valuation.checks import WHOLE_PCT
from app.valuation.report import charts, rights
from app.valuation.report.cells import bounds, pct, share
from app.valuation.report.model import (
    Block,
    Cell,
    Chart,
    Facts,
    Heading,
    Mark,
    Record,
    Report,
    Row,
    Section,
    Side,
    Stored,
    Table,
    Value,
    Values,
    Words,
)
from app.valuation.report.words import HAIRCUTS, INPUTS, RULES, RUN_KINDS, word

STATEMENT = say(
    "This is a model value that a program worked out from the inputs below. It is not an asset"
    " appraisal report (资产评估报告): no appraiser has signed it, nobody has inspected the rights,"
    " and it must not be used where the law asks for an appraisal."
)
FOUR: Mapping[str, Text] = {
    "market": say("market value"),
    "orderly_liquidation": say("orderly liquidation value"),
    "forced_sale": say("forced-sale value"),
    "lendable": say("lendable at most"),
}


def content(
    stored: Stored, *, challenges: Sequence[Side] = (), challenged: Side | None = None
) -> Report:
    """The report of a run that has been worked out, with the other sides where there are any."""
    assert stored.results is not None
    assert stored.computed_at is not None
    whole = stored.results["whole"]
    sections = [
        Section("result", say("Result"), _result(stored, whole)),
        Section("lending", say("What may be lent"), _lending(stored.inputs, whole)),
        Section(
            "rights", say("Rights and their facts"), rights.facts(stored.inputs, stored.results)
        ),
        Section("inputs", say("Inputs and their evidence"), rights.inputs(stored.inputs)),
        Section("methods", say("Methods chosen and refused"), rights.methods(stored)),
        Section("working", say("Working"), rights.working(stored)),
        Section("distribution", say("Distribution"), _distribution(stored.inputs, whole)),
        Section("sensitivity", say("Sensitivity"), _sensitivity(whole)),
        Section("contributions", say("What each right contributes"), rights.contributions(stored)),
        Section("sources", say("Rules and their sources"), _sources(stored.inputs)),
    ]
    if challenged is not None:
        sections.append(
            Section(
                "challenged",
                say("The valuation that this one challenges"),
                _side(stored, challenged, mine=say("this challenge")),
            )
        )
    if challenges:
        blocks = [one for side in challenges for one in _side(stored, side, mine=say("this run"))]
        sections.append(Section("challenges", say("Challenges: both sides"), blocks))
    sections += [
        Section("limits", say("Limits of this value"), _limits(stored.inputs)),
        Section("proof", say("How to check it"), _proof(stored, whole)),
    ]
    return Report(
        title=say("Valuation report of an IP portfolio"),
        subject=stored.firm,
        statement=STATEMENT,
        run_id=stored.run_id,
        on=business_date(stored.computed_at),
        sections=sections,
    )


def _result(stored: Stored, whole: Record) -> list[Block]:
    about: list[tuple[Text, Cell]] = [
        (say("firm"), stored.firm),
        (say("what it is made for"), RUN_KINDS.get(stored.kind, stored.kind)),
        (say("made by"), _made_by(stored)),
        (say("valued on"), stored.valued_on.isoformat()),
        (say("rights"), str(len(stored.inputs["rights"]))),
    ]
    if stored.reason is not None:
        about.append((say("reason"), stored.reason))
    return [
        Facts(about),
        Values([Value(name, *bounds(whole[key])) for key, name in FOUR.items()]),
        Words(
            say(
                "Amounts in yuan. A value is the mean of the scenarios, the range below it goes"
                " from the 5th to the 95th percentile."
            )
        ),
    ]


def _made_by(stored: Stored) -> Text | str:
    return say("the platform") if stored.made_by is None else stored.made_by


def _lending(record: Record, whole: Record) -> list[Block]:
    loan, runs = record["loan"], record["rules"]["valuation_runs"]["body"]
    haircuts = record["rules"]["haircuts"]["body"]
    known = whole["probability_below_loan"]
    owed = None if loan["owed"] is None else Money.yuan(loan["owed"])
    cash = None if loan["yearly_cash"] is None else Money.yuan(loan["yearly_cash"])
    return [
        Words(
            say(
                "The lendable amount is the least of three: the pledge rate on the market value,"
                " what an orderly sale would bring when the loan ends, and the loan that the"
                " firm's cash can serve. Only rights that can be pledged count."
            )
        ),
        Facts(
            [
                (say("lendable at most"), Money.yuan(whole["lendable"]["value"])),
                (say("binding limit"), Mark(word(whole["binding"]), "plain")),
                (say("pledge rate of the portfolio"), pct(whole["pledge_rate_pct"])),
                (say("loan in mind"), owed if owed is not None else say("not stated")),
                (say("loan ends on"), loan["ends_on"]),
                (say("years until then"), plain(Decimal(whole["maturity_years"]))),
                (say("yearly cash to serve it"), cash if cash is not None else say("not stated")),
                (say("cash asked for a yuan of debt service"), runs["debt_service_cover"]),
                (say("interest rate assumed"), pct(runs["debt_rate_pct"])),
                (
                    say("probability that the value at the loan's end is below the loan"),
                    say("not known without a loan") if known is None else share(known),
                ),
                *((name, pct(haircuts[key])) for key, name in HAIRCUTS.items()),
            ]
        ),
    ]


def _distribution(record: Record, whole: Record) -> list[Block]:
    now = {name: Money.yuan(amount) for name, amount in whole["percentiles"].items()}
    later = {name: Money.yuan(amount) for name, amount in whole["at_maturity"].items()}
    owed = record["loan"]["owed"]
    shows = say("Value today and at the loan's end: P5, quartiles, median, P95.")
    rows = [
        charts.Box(say("today"), list(now.values()), mean=Money.yuan(whole["market"]["value"])),
        charts.Box(say("at the loan's end"), list(later.values())),
    ]
    loan = None if owed is None else Money.yuan(owed)
    return [
        Chart(charts.boxes(rows, shows=shows, loan=loan), shows),
        Table(
            [say("percentile"), say("today"), say("at the loan's end")],
            [(f"P{name}", now[name], later[name]) for name in now],
        ),
        Facts(
            [
                (say("scenarios"), f"{whole['scenarios']:,}"),
                (say("seed"), str(whole["seed"])),
                (say("correlation between rights"), whole["between_rights"]),
            ]
        ),
    ]


def _sensitivity(whole: Record) -> list[Block]:
    if not whole["tornado"]:
        return [Words(say("Nothing is drawn: no right states sales that use it."))]
    centre = Money.yuan(whole["market"]["value"])
    swings = [
        (word(one["factor"]), Money.yuan(one["low"]), Money.yuan(one["high"]))
        for one in whole["tornado"]
    ]
    shows = say(
        "The whole's value with one thing at its 10th and at its 90th percentile, the others at"
        " their means. The line is the market value: the mean where all of them vary at once."
    )
    return [
        Chart(charts.tornado([charts.Bar(*one) for one in swings], centre, shows=shows), shows),
        Table(
            [say("what varies"), say("low"), say("high"), say("swing, of the market value")],
            [(name, low, high, _swing(high - low, centre)) for name, low, high in swings],
        ),
    ]


def _swing(moved: Money, market: Money) -> str:
    return f"{Decimal(moved.fen) * WHOLE_PCT / market.fen:.1f}%" if market else "—"


def _sources(record: Record) -> list[Block]:
    rows: list[Row] = []
    for key, version in sorted(record["rules"].items()):
        mark = (
            Mark(say("uncalibrated"), "warn")
            if version["uncalibrated"]
            else Mark(say("sourced"), "good")
        )
        rows.append((RULES.get(key, key), version["valid_from"], mark, version["source"]))
    return [
        Words(
            say(
                "Rates, royalties, haircuts and lives are dated rules with their source."
                " Uncalibrated: nobody could source the figures, they are assumptions."
            )
        ),
        Table([say("rule"), say("in force from"), say("calibration"), say("source")], rows),
    ]


def _side(stored: Stored, side: Side, *, mine: Text) -> list[Block]:
    """Both runs with what they come to, and every input in which they differ."""
    other = side.stored
    titles = {one["right_id"]: one["facts"].get("title") for one in stored.inputs["rights"]}
    about: list[tuple[Text, Cell]] = [
        (say("valued on"), other.valued_on.isoformat()),
        (say("valuation run"), other.run_id),
    ]
    if other.reason is not None:
        about.append((say("reason"), other.reason))
    blocks: list[Block] = [Heading(_made_by(other)), Facts(about)]
    ours, theirs = stored.results, other.results
    if ours is None or theirs is None:
        blocks.append(Words(say("The other side has not been worked out yet.")))
    else:
        rows: list[Row] = [
            (
                name,
                Money.yuan(ours["whole"][key]["value"]),
                Money.yuan(theirs["whole"][key]["value"]),
            )
            for key, name in FOUR.items()
        ]
        blocks.append(Table([say("value"), mine, say("the other side")], rows))
    changed: list[Row] = [
        (
            titles.get(one["right_id"]) or one["right_id"],
            INPUTS.get(one["input"], one["input"]),
            rights.stated(one["input"], one["before"]),
            rights.stated(one["input"], one["after"]),
        )
        for one in side.differences
    ]
    blocks.append(
        Table([say("right"), say("input"), mine, say("the other side")], changed)
        if changed
        else Words(say("Both sides rest on the same inputs."))
    )
    return blocks


def _limits(record: Record) -> list[Block]:
    weak = sum(
        one["grade"] == "uncalibrated"
        for right in record["rights"]
        for one in right["inputs"].values()
    )
    return [
        Words(STATEMENT, warns=True),
        Words(
            say(
                "{number} inputs come from rules that nobody could source. No right is valued for"
                " the time after its legal or economic life.",
                number=weak,
            )
        ),
        Words(
            say(
                "Correlation between rights is assumed, not measured. What is not stated counts as"
                " not there. Events after the day of valuation are not in it."
            )
        ),
        Words(say("No conformity with a valuation standard is claimed.")),
    ]


def _proof(stored: Stored, whole: Record) -> list[Block]:
    assert stored.computed_at is not None
    return [
        Facts(
            [
                (say("valuation run"), stored.run_id),
                (say("engine"), stored.engine),
                (say("seed"), str(whole["seed"])),
                (say("SHA-256 of the inputs"), stored.inputs_sha256),
                (say("SHA-256 of the results"), stored.results_sha256),
                (
                    say("worked out at"),
                    stored.computed_at.astimezone(UTC).isoformat(timespec="seconds"),
                ),
            ]
        ),
        Words(
            say(
                "The same inputs and engine give the same fen: {command}",
                command=f"zhirong revalue --check {stored.run_id}",
            )
        ),
    ]
