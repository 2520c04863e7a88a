"""What a report calls the inputs, steps, figures and rules of a run, beside app/valuation/wording.

Steps carry their names in English; a step of a year ends in ", year N".
"""

from collections.abc import Mapping

from app.core.messages import Text, say
from app.identifiers.rights import KIND_NAMES
from app.valuation.wording import WORDING

RUN_KINDS: Mapping[str, Text] = {
    "first": say("valuation by the firm"),
    "challenge": say("challenge of a valuation, with other inputs"),
    "revaluation": say("revaluation of what is pledged"),
}

INPUTS: Mapping[str, Text] = {
    "annual_revenue": say("yearly sales that use the right"),
    "materials": say("materials that making it took"),
    "labour": say("labour that making it took"),
    "attribution_pct": say("share of the sales that uses the right"),
    "royalty_rate_pct": say("royalty rate"),
    "margin_pct": say("profit margin"),
    "growth_pct": say("growth of sales"),
    "discount_rate_pct": say("discount rate"),
    "valid_pct": say("probability that the right is valid"),
    "economic_life_years": say("economic life"),
    "product": say("product that the sales are of"),
    "family": say("family of rights"),
    "annual_earnings": say("yearly earnings of the right"),
    "annual_charges": say("yearly charges for other assets"),
    "annual_profit": say("yearly profit"),
    "partner_cost": say("what the partner's assets cost"),
    "annual_income": say("yearly income with the right"),
    "asset_base": say("assets that the income takes"),
    "annual_excess": say("yearly excess of the mark"),
    "kloc": say("size of the code, thousands of lines"),
    "licensee_share_pct": say("the licensee's share of the capacity"),
    "opportunity_cost": say("opportunity cost"),
    "project_value": say("value of the project that the right makes possible"),
    "project_cost": say("cost of starting the project"),
    "volatility_pct": say("how much the project's value swings in a year"),
    "comparables": say("comparable deals"),
}

STEPS: Mapping[str, Text] = {
    "replacement cost": say("cost of making it anew"),
} | {
    name: name
    for name in (
        say("royalty after tax"),
        say("present value"),
        say("tax amortisation benefit"),
        say("excess earnings after tax"),
        say("profit of the patent"),
        say("income above the industry"),
        say("total below zero"),
        say("excess of the first year"),
        say("depreciation"),
        say("cost by share"),
        say("opportunity cost"),
        say("development"),
        say("maintenance"),
        say("value of the project now"),
    )
}

FIGURES: Mapping[str, Text] = {
    "split_rate_pct": say("share of the profit"),
    "multiple": say("multiple of a year's income"),
    "replacement_cost": say("cost of making it anew"),
    "depreciation_pct": say("depreciation, share"),
    "person_months": say("person-months"),
}

RULES: Mapping[str, Text] = {
    "valuation": say("royalty, discount and tax rates, economic lives"),
    "valuation_runs": say("how scenarios are drawn"),
    "pledge_rates": say("pledge rates"),
    "haircuts": say("what a sale takes off"),
    "annuity_fees": say("annual fees of patents"),
    "event_effects": say("what legal events do to a right"),
    "event_consequences": say("what follows from legal events"),
}

HAIRCUTS: Mapping[str, Text] = {
    "time_pct": say("off for the time until it is sold"),
    "outsider_pct": say("off because the next user makes less of it"),
    "sale_cost_pct": say("off for the cost of the sale"),
    "forced_pct": say("off once more if it is sold within weeks"),
}

ANNUITY: Mapping[str, Text] = {
    "paid": say("annual fees are paid"),
    "in_grace": say("an annual fee is late, and still payable"),
    "lapsed": say("an annual fee was not paid"),
    "unknown": say("nobody knows"),
}

REGISTERS: Mapping[str, Text] = {
    "patents": say("patents"),
    "trademarks": say("trademarks"),
    "copyrights": say("copyrights"),
}

EFFECTS: Mapping[str, Text] = {
    "grant": say("granted"),
    "term_extension": say("term extended"),
    "lapse": say("lapsed"),
    "expiry": say("term over"),
    "end": say("ended"),
    "invalid": say("declared invalid"),
    "invalid_unclear": say("declared invalid, in whole or in part"),
    "narrowed": say("partly invalid"),
    "abandon": say("given up"),
    "discontinued": say("application discontinued"),
    "restore": say("restored"),
    "restore_unclear": say("restored, or no longer"),
    "licence": say("licence recorded"),
    "licence_change": say("licence changed"),
    "licence_end": say("licence over"),
    "open_licence": say("open licence"),
    "open_licence_end": say("open licence withdrawn"),
    "owner_change": say("owner's particulars changed"),
    "transfer": say("transferred"),
    "pledge": say("pledged"),
    "pledge_change": say("pledge changed"),
    "pledge_end": say("pledge cancelled"),
    "pledge_unclear": say("pledged, changed or cancelled"),
    "preservation": say("frozen by a court"),
    "preservation_end": say("no longer frozen"),
    "preservation_unclear": say("frozen, or no longer"),
}

_ALL: Mapping[str, Text] = {
    **{kind.value: name for kind, name in KIND_NAMES.items()},
    **WORDING,
}


def word(code: str) -> Text | str:
    """What a code of a record or result means; the code itself where nobody says it in words."""
    return _ALL.get(code, code)


def step(name: str) -> Text | str:
    """A step's name, without its year."""
    head, by, number = name.rpartition("value by comparable ")
    if by and not head:
        return say("value by comparable {number}", number=number)
    return STEPS.get(name, name)


def year_of(name: str) -> tuple[str, int | None]:
    """The name and year of a step of one year; None for any other step."""
    head, _, year = name.rpartition(", year ")
    return (head, int(year)) if head and year.isdigit() else (name, None)
