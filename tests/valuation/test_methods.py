"""The two first methods: the worked examples of the documents, and what holds for any input."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.valuation.checks import Timing
from app.valuation.income import excess_earnings, perpetuity
from app.valuation.relief import relief_from_royalty, tax_amortisation_factor
from app.valuation.replacement import replacement_cost
from app.valuation.rights import Parameters, Subject, value_right

PARAMETERS = Parameters(
    royalty_rate_pct=Decimal(2),
    tax_rate_pct=Decimal(25),
    discount_rate_pct=Decimal(15),
    economic_life_years=8,
    work_risk_rate_pct=Decimal(20),
    work_return_rate_pct=Decimal(10),
    creative_labour_multiplier=Decimal("1.5"),
    liquidation_haircut_pct=Decimal(50),
    pledge_rate_pct=Decimal(30),
)
SUBJECT = Subject(
    expires_on=date(2041, 1, 4),
    ended=False,
    made_on=date(2021, 1, 4),
    annual_revenue=Money.yuan(46_000_000),
    materials=None,
    labour=None,
)
ON = date(2026, 11, 23)


def relief(
    revenues: list[Money], *, royalty: str = "2", tax: str = "25", discount: str = "15"
) -> Money:
    return relief_from_royalty(
        revenues,
        royalty_rate_pct=Decimal(royalty),
        tax_rate_pct=Decimal(tax),
        discount_rate_pct=Decimal(discount),
    ).value


class TestReliefFromRoyalty:
    def test_the_example_of_the_calculators(self) -> None:
        worked = relief_from_royalty(
            [Money.yuan(46_000_000)] * 8,
            royalty_rate_pct=Decimal(2),
            tax_rate_pct=Decimal(25),
            discount_rate_pct=Decimal(15),
        )

        assert worked.value == Money.yuan("3096251.84")
        assert worked.steps[0].name == "royalty after tax, year 1"
        assert worked.steps[0].amount == Money.yuan("690000.00")

    def test_no_year_is_no_value(self) -> None:
        assert relief([]) == ZERO

    def test_without_discount_it_is_the_plain_sum(self) -> None:
        assert relief([Money.yuan(100)] * 3, tax="0", discount="0") == Money.yuan(6)

    @pytest.mark.parametrize(
        ("field", "revenues", "rates"),
        [
            ("revenues", [Money(1)] * 101, {}),
            ("revenues", [Money(-1)], {}),
            ("royalty_rate_pct", [Money(1)], {"royalty": "101"}),
            ("tax_rate_pct", [Money(1)], {"tax": "-1"}),
            ("discount_rate_pct", [Money(1)], {"discount": "-1"}),
        ],
    )
    def test_what_makes_no_sense_is_refused_by_field(
        self, field: str, revenues: list[Money], rates: dict[str, str]
    ) -> None:
        with pytest.raises(FieldRefused) as refused:
            relief(revenues, **rates)

        assert refused.value.field == field

    @given(
        fens=st.lists(st.integers(0, 10**12), min_size=1, max_size=30),
        discount=st.integers(0, 100),
    )
    def test_another_year_never_lowers_the_value(self, fens: list[int], discount: int) -> None:
        revenues = [Money(fen) for fen in fens]

        shorter = relief(revenues[:-1], discount=str(discount))

        assert shorter <= relief(revenues, discount=str(discount))

    @pytest.mark.parametrize(
        ("timing", "factor"), [(Timing.END_OF_YEAR, 1.1435), (Timing.MID_YEAR, 1.1555)]
    )
    def test_the_published_tax_amortisation_factors(self, timing: Timing, factor: float) -> None:
        found = tax_amortisation_factor(
            tax_rate_pct=Decimal(25), discount_rate_pct=Decimal(15), years=10, timing=timing
        )

        assert round(float(found), 4) == factor

    @given(
        fens=st.lists(st.integers(0, 10**12), min_size=1, max_size=10),
        survival=st.decimals(0, 1, places=3),
    )
    def test_survival_of_a_constant_share_scales_the_value(
        self, fens: list[int], survival: Decimal
    ) -> None:
        revenues = [Money(fen) for fen in fens]
        rates: dict[str, Any] = {
            "royalty_rate_pct": Decimal(2),
            "tax_rate_pct": Decimal(25),
            "discount_rate_pct": Decimal(15),
        }

        worked = relief_from_royalty(revenues, **rates, survival=[survival] * len(fens))
        shared = relief_from_royalty(revenues, **rates, attribution_pct=survival * 100)

        assert worked.value == shared.value


class TestExcessEarnings:
    @given(
        fens=st.lists(st.integers(0, 10**12), min_size=1, max_size=30),
        discount=st.integers(0, 100),
        tax=st.integers(0, 100),
    )
    def test_without_charges_it_is_a_plain_discounted_flow(
        self, fens: list[int], discount: int, tax: int
    ) -> None:
        """That is the royalty of the whole of sales."""
        flows = [Money(fen) for fen in fens]
        worked = excess_earnings(
            flows, tax_rate_pct=Decimal(tax), discount_rate_pct=Decimal(discount)
        )

        assert worked.value == relief(flows, royalty="100", tax=str(tax), discount=str(discount))


class TestReplacementCost:
    def cost(self, used: int, remaining: int, risk: str = "20") -> Money:
        return replacement_cost(
            materials=Money.yuan(200_000),
            labour=Money.yuan(400_000),
            creative_labour_multiplier=Decimal("1.5"),
            risk_rate_pct=Decimal(risk),
            return_rate_pct=Decimal(10),
            years_used=used,
            years_remaining=remaining,
        ).value

    def test_labour_is_multiplied_and_risk_and_return_added(self) -> None:
        # (200,000 + 1.5 × 400,000) ÷ 0.8 × 1.1
        assert self.cost(0, 10) == Money.yuan(1_100_000)

    def test_depreciates_by_the_years_used(self) -> None:
        assert self.cost(5, 15) == Money.yuan(825_000)

    def test_without_a_year_left_it_is_worth_nothing(self) -> None:
        assert self.cost(0, 0) == self.cost(7, 0) == ZERO

    def test_a_risk_of_all_is_refused(self) -> None:
        with pytest.raises(FieldRefused, match="risk_rate_pct: must be less than 100"):
            self.cost(1, 1, risk="100")

    def test_a_negative_figure_is_refused(self) -> None:
        with pytest.raises(FieldRefused, match="years_used: must not be negative"):
            self.cost(-1, 1)


class TestValueRight:
    def test_income_counts_when_revenue_is_stated(self) -> None:
        valued = value_right(SUBJECT, PARAMETERS, on=ON)

        assert valued.value == valued.income_value == Money.yuan("3096251.84")
        assert valued.cost_value is None
        assert valued.liquidation_value == Money.yuan("1548125.92")
        assert valued.lendable == Money.yuan("928875.55")

    def test_income_stops_at_the_whole_years_of_legal_life(self) -> None:
        valued = value_right(replace(SUBJECT, expires_on=date(2028, 11, 22)), PARAMETERS, on=ON)

        assert valued.life_years == 1
        assert valued.value == Money.yuan(600_000)

    @pytest.mark.parametrize(
        "subject", [replace(SUBJECT, expires_on=None), replace(SUBJECT, ended=True)]
    )
    def test_an_unknown_or_ended_life_is_worth_nothing(self, subject: Subject) -> None:
        valued = value_right(subject, PARAMETERS, on=ON)

        assert valued.value == valued.lendable == ZERO

    def test_cost_counts_without_revenue(self) -> None:
        subject = replace(SUBJECT, annual_revenue=None, materials=Money.yuan(130_000))

        valued = value_right(subject, PARAMETERS, on=ON)

        # 130,000 ÷ 0.8 × 1.1 = 178,750; five years used, eight to come
        assert valued.value == valued.cost_value == Money.yuan(110_000)

    def test_nothing_stated_is_no_value(self) -> None:
        assert value_right(replace(SUBJECT, annual_revenue=None), PARAMETERS, on=ON).value == ZERO

    @given(pledge=st.integers(0, 100), haircut=st.integers(0, 100), revenue=st.integers(0, 10**13))
    def test_never_more_is_lendable_than_liquidation_brings(
        self, pledge: int, haircut: int, revenue: int
    ) -> None:
        parameters = replace(
            PARAMETERS, pledge_rate_pct=Decimal(pledge), liquidation_haircut_pct=Decimal(haircut)
        )

        valued = value_right(replace(SUBJECT, annual_revenue=Money(revenue)), parameters, on=ON)

        assert valued.lendable <= valued.liquidation_value <= valued.value


class TestIdentities:
    @given(
        fen=st.integers(0, 10**12),
        years=st.integers(2, 40),
        discount=st.integers(0, 100),
        royalty=st.integers(0, 100),
    )
    def test_a_patent_is_worth_less_as_it_ages(
        self, fen: int, years: int, discount: int, royalty: int
    ) -> None:
        rates = {"royalty": str(royalty), "discount": str(discount)}

        older = relief([Money(fen)] * (years - 1), **rates)

        assert older <= relief([Money(fen)] * years, **rates)

    @given(fen=st.integers(0, 10**12), discount=st.integers(1, 100), years=st.integers(1, 100))
    def test_a_constant_flow_is_an_annuity_and_less_than_a_perpetuity(
        self, fen: int, discount: int, years: int
    ) -> None:
        worth = relief([Money(fen)] * years, royalty="100", tax="0", discount=str(discount))
        forever = perpetuity(annual_excess=Money(fen), discount_rate_pct=Decimal(discount)).value

        rate = Fraction(discount, 100)
        assert worth == Money(fen).times((1 - (1 + rate) ** -years) / rate)
        assert worth <= forever

    @given(
        flows=st.lists(st.integers(-(10**12), 10**12).map(Money), min_size=1, max_size=20),
        charge=st.integers(0, 10**12).map(Money),
        discount=st.integers(0, 1000),
        attrition=st.integers(0, 100),
        timing=st.sampled_from(Timing),
    )
    def test_no_total_is_negative_and_charges_only_lower_it(
        self,
        flows: list[Money],
        charge: Money,
        discount: int,
        attrition: int,
        timing: Timing,
    ) -> None:
        asked: dict[str, Any] = {
            "tax_rate_pct": Decimal(25),
            "discount_rate_pct": Decimal(discount),
            "attrition_pct": Decimal(attrition),
            "timing": timing,
        }

        free = excess_earnings(flows, **asked).value
        charged = excess_earnings(flows, **asked, contributory_charges=[charge] * len(flows))

        assert ZERO <= charged.value <= free
        assert all(step.name for step in charged.steps)
