"""What the codes of a stored result mean, in words."""

from collections.abc import Mapping

from app.core.messages import Text, say

WORDING: Mapping[str, Text] = {
    # Methods.
    "relief_from_royalty": say("relief from royalty"),
    "excess_earnings": say("multi-period excess earnings"),
    "profit_split": say("profit split by equivalent investment"),
    "incremental_income": say("incremental income"),
    "market_comparables": say("market comparables"),
    "replacement_cost": say("replacement cost"),
    "software_cost": say("software cost (COCOMO)"),
    "perpetuity": say("perpetuity of a renewable mark"),
    "minimum_licence_fee": say("minimum licence fee"),
    "real_option": say("real option (American)"),
    # Why a method is chosen, stands beside the value, or is refused.
    "income_is_stated": say("chosen: sales that use the right are stated"),
    "only_costs_are_stated": say("chosen: nothing but the cost of making it is stated"),
    "best_that_is_stated": say("chosen: the first method whose inputs are stated"),
    "checks_the_value": say("a check beside the chosen method"),
    "bounds_the_value": say("a bound, never the value that a loan rests on"),
    "no_revenue": say("refused: no sales that use the right are stated"),
    "no_earnings": say("refused: no earnings of the right are stated"),
    "no_charges": say("refused: without charges for other assets it would overvalue the right"),
    "no_profit": say("refused: no profit is stated"),
    "no_costs_to_split_by": say("refused: the costs of right and partner are not both stated"),
    "no_income_with_and_without": say("refused: income with the right and assets are not stated"),
    "no_comparables": say("refused: no comparable deal is stated"),
    "no_life_left": say("refused: the right has no year of life left"),
    "right_ends": say("refused: a right that ends has no perpetuity"),
    "no_excess": say("refused: no yearly excess of the mark is stated"),
    "growth_not_below_discount": say("refused: growth is not below the discount rate"),
    "no_costs": say("refused: no cost of making the right is stated"),
    "no_software": say("refused: the right is no software"),
    "no_lines_of_code": say("refused: the size of the code is not stated"),
    "no_project": say("refused: no project that the right would open is stated"),
    "no_licensee": say("refused: no licensee's share is stated"),
    # What keeps a right from carrying a loan.
    "foreign": say("of another jurisdiction: it cannot be pledged here"),
    "preserved": say("frozen by a court"),
    "disputed": say("its ownership is disputed"),
    "ended": say("it has ended, or nobody knows until when it lives"),
    # What decides the end of its life.
    "expires_on": say("the end of its term"),
    "ended_on": say("an event of its register"),
    "lapsed_on": say("an annual fee that was not paid"),
    "unknown": say("nobody knows"),
    # Which limit decides what may be lent.
    "pledge_rate": say("the pledge rate on the market value"),
    "liquidation_at_maturity": say("what an orderly sale would bring when the loan ends"),
    "debt_service": say("the cash that serves the loan"),
    # What the scenarios vary.
    "growth": say("growth of sales"),
    "margin": say("profit margin"),
    "royalty": say("royalty rate"),
    "life": say("economic life"),
    "discount": say("discount rate"),
    # How far an input is proven.
    "register": say("a register says so"),
    "documented": say("a document on file stands behind it"),
    "stated": say("a party says so"),
    "rule": say("a dated rule with a source"),
    "uncalibrated": say("a dated rule that nobody could source"),
}
