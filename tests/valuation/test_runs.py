"""Whole runs: from a canonical record to what is stored."""

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.money import ZERO, Money
from app.identifiers.rights import RightKind
from app.valuation.runs import canonical, execute, seed_of
from tests.valuation.make import make_record, make_right

SALES = "10000000.00"


def worth(result: dict[str, Any]) -> Money:
    return Money.yuan(result["whole"]["market"]["value"])


def lendable(result: dict[str, Any]) -> Money:
    return Money.yuan(result["whole"]["lendable"]["value"])


def chosen(result: dict[str, Any], place: int = 0) -> str | None:
    method: str | None = result["rights"][place]["chosen"]
    return method


def reasons(result: dict[str, Any]) -> dict[str, str]:
    return {one["method"]: one["reason"] for one in result["rights"][0]["methods"]}


def test_the_same_record_gives_the_same_bytes() -> None:
    record = make_record(make_right(annual_revenue=SALES), make_right("b", materials="5000.00"))

    assert canonical(execute(record)) == canonical(execute(record))
    assert seed_of(record) == seed_of(dict(reversed(record.items())))


def test_scenarios_agree_with_the_working_of_the_method_they_spread() -> None:
    found = execute(make_record(make_right(annual_revenue=SALES), scenarios=16384))

    [right] = found["rights"]
    [relief] = [one for one in right["methods"] if one["chosen"]]
    assert relief["method"] == "relief_from_royalty"
    worked = Money.yuan(relief["value"])
    # Uncertain lives are cut at the term and margins below the royalty cut it: a little less.
    assert 0.85 < worth(found).fen / worked.fen < 1.05
    assert right["discount_rate_pct"] == "12.500000"  # validity is drawn, not discounted too


def test_the_order_of_rights_changes_nothing() -> None:
    rights = [make_right(key, annual_revenue=SALES) for key in "abc"]

    assert execute(make_record(*rights))["whole"] == execute(make_record(*rights[::-1]))["whole"]


def test_a_product_of_several_rights_earns_once() -> None:
    alone = execute(make_record(make_right("a", annual_revenue=SALES, product="干燥机")))
    pair = execute(
        make_record(
            *(make_right(key, annual_revenue=SALES, product="干燥机", family="f") for key in "ab")
        )
    )

    assert abs((worth(pair) - worth(alone)).fen) <= worth(alone).fen // 50
    parts = Money.sum([Money.yuan(one["value"]) for one in pair["rights"]])
    assert abs((parts - worth(pair)).fen) <= 2


def test_costs_are_added_as_they_are_and_wear_off() -> None:
    found = execute(make_record(make_right(materials="100000.00", labour="100000.00")))

    whole = found["whole"]
    assert chosen(found) == "replacement_cost"
    assert whole["percentiles"]["5"] == whole["percentiles"]["95"] == str(worth(found))
    assert ZERO < Money.yuan(whole["at_maturity"]["50"]) < worth(found)
    assert whole["tornado"] == []


def test_every_method_says_why() -> None:
    bare = execute(make_record(make_right()))
    full = execute(
        make_record(
            make_right(
                kind=RightKind.TRADEMARK,
                annual_revenue=SALES,
                annual_earnings="500000.00",
                annual_profit="400000.00",
                partner_cost="1000.00",
                labour="1000.00",
                annual_excess="1000.00",
                licensee_share_pct="50",
            )
        )
    )

    assert chosen(bare) is None
    assert worth(bare) == ZERO
    assert reasons(bare)["relief_from_royalty"] == "no_revenue"
    assert reasons(bare)["perpetuity"] == "right_ends"
    assert reasons(full) == {
        "relief_from_royalty": "income_is_stated",
        "excess_earnings": "no_charges",
        "profit_split": "checks_the_value",
        "incremental_income": "no_income_with_and_without",
        "market_comparables": "no_comparables",
        "replacement_cost": "checks_the_value",
        "software_cost": "no_software",
        "perpetuity": "bounds_the_value",
        "minimum_licence_fee": "bounds_the_value",
        "real_option": "no_project",
    }


def test_comparables_and_code_give_a_value_of_their_own() -> None:
    deal = {"price": "60.00", "income": "10.00", "term": "1", "exclusivity": "1", "date": "1"}
    compared = execute(make_record(make_right(annual_revenue=SALES, comparables=[deal])))
    coded = execute(make_record(make_right(kind=RightKind.SOFTWARE_COPYRIGHT, kloc="10")))

    [market] = [
        one for one in compared["rights"][0]["methods"] if one["method"] == "market_comparables"
    ]
    assert market["value"] == "1800000.00"  # 3 % of sales, six times
    assert chosen(coded) == "software_cost"
    assert worth(coded) > ZERO


def test_a_project_is_an_option_and_no_value_to_lend_on() -> None:
    project: dict[str, Any] = {
        "project_value": "3422.00",
        "project_cost": "2875.00",
        "volatility_pct": "47.33",
    }
    found = execute(make_record(make_right(**project)))

    [option] = [one for one in found["rights"][0]["methods"] if one["method"] == "real_option"]
    assert 3422 - 2875 < float(option["value"]) < 3422
    assert worth(found) == ZERO


def test_a_fee_that_was_missed_ends_the_right_before_the_gazette_says_so() -> None:
    lapsed = make_right(annual_revenue=SALES, facts={"lapsed_on": "2026-01-04"})

    found = execute(make_record(lapsed))

    [right] = found["rights"]
    assert (right["ends_by"], right["obstacles"]) == ("lapsed_on", ["ended"])
    assert worth(found) == ZERO


def test_what_cannot_be_pledged_has_a_value_and_carries_no_loan() -> None:
    rights = [make_right("a", annual_revenue=SALES), make_right("b", annual_revenue=SALES)]
    both = execute(make_record(*rights))
    rights[1]["obstacles"] = ["preserved"]
    one = execute(make_record(*rights))
    rights[0]["obstacles"] = ["foreign"]
    none = execute(make_record(*rights))

    assert worth(both) == worth(one) == worth(none)
    assert lendable(both) > lendable(one) > lendable(none) == ZERO


def test_the_loan_and_what_the_firm_earns_bound_what_is_lent() -> None:
    right = make_right(annual_revenue=SALES)
    loan = {"owed": "900000.00", "ends_on": "2028-11-23", "yearly_cash": "12000.00"}

    found = execute(make_record(right, loan=loan))["whole"]

    assert found["binding"] == "debt_service"
    assert found["maturity_years"] == "2.001"
    assert 0 < float(found["probability_below_loan"]) < 1
    wide = [Money.yuan(swing["high"]) - Money.yuan(swing["low"]) for swing in found["tornado"]]
    assert wide == sorted(wide, reverse=True)
    assert len(wide) == 5


amounts = st.integers(0, 10**12).map(lambda fen: str(Money(fen)))
shares = st.integers(0, 100).map(str)
stated = st.fixed_dictionaries(
    {},
    optional={
        "annual_revenue": amounts,
        "materials": amounts,
        "labour": amounts,
        "annual_earnings": amounts,
        "annual_charges": amounts,
        "annual_profit": amounts,
        "partner_cost": amounts,
        "annual_income": amounts,
        "asset_base": amounts,
        "annual_excess": amounts,
        "opportunity_cost": amounts,
        "licensee_share_pct": shares,
        "attribution_pct": shares,
        "royalty_rate_pct": shares,
        "margin_pct": shares,
        "discount_rate_pct": shares,
        "valid_pct": shares,
        "growth_pct": st.integers(-90, 100).map(str),
        "economic_life_years": st.integers(1, 40).map(str),
        "kloc": st.integers(1, 100_000).map(str),
        "product": st.sampled_from("pq"),
        "family": st.sampled_from("fg"),
    },
)
days = st.one_of(st.none(), st.dates(date(1950, 1, 1), date(2140, 1, 1)).map(date.isoformat))
rights = st.builds(
    lambda kind, expires, ended, lapsed, made, given: make_right(
        kind=kind,
        facts={"expires_on": expires, "ended_on": ended, "lapsed_on": lapsed, "made_on": made},
        **given,
    ),
    st.sampled_from(RightKind),
    days,
    days,
    days,
    days,
    stated,
)
loans = st.fixed_dictionaries(
    {
        "owed": st.one_of(st.none(), amounts),
        "ends_on": st.dates(date(2026, 11, 23), date(2056, 1, 1)).map(date.isoformat),
        "yearly_cash": st.one_of(st.none(), amounts),
    }
)


def test_a_right_that_outlives_a_hundred_years_is_valued() -> None:
    long, longest = (
        execute(make_record(make_right(facts={"expires_on": day}, annual_revenue="1000000.00")))
        for day in ("2100-01-01", "2140-01-01")
    )

    # Its economic life ends before both.
    assert longest["whole"]["market"] == long["whole"]["market"]


@settings(max_examples=80, deadline=None)
@given(st.lists(rights, min_size=1, max_size=3), loans)
def test_no_input_breaks_a_run(found: list[dict[str, Any]], loan: dict[str, Any]) -> None:
    for place, right in enumerate(found):
        right["right_id"] = str(place)

    whole = execute(make_record(*found, loan=loan, scenarios=64))["whole"]

    for name in ("market", "orderly_liquidation", "forced_sale", "lendable"):
        low, value, high = (Money.yuan(whole[name][end]) for end in ("low", "value", "high"))
        assert ZERO <= low <= value <= high
    assert Money.yuan(whole["lendable"]["value"]) <= Money.yuan(whole["market"]["value"])
    if whole["probability_below_loan"] is not None:
        assert 0 <= float(whole["probability_below_loan"]) <= 1
