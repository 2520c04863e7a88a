"""Admissible packages and their ranking."""

from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from app.core.money import Money
from app.lending.cost import CostItem, CostWhen
from app.lending.daycount import DayCount
from app.lending.packages import (
    FeeTiming,
    GuaranteeOffer,
    InsuranceOffer,
    LoanOffer,
    Ranking,
    rank_packages,
)
from app.lending.subsidy import Certainty, Subsidy
from app.lending.terms import RepaymentMethod, ScheduleTerms

COOPERATING = {("bank", "guarantor"), ("insurer", "bank")}


def loan(offer_id: str = "L1", rate: str = "4.35", **changes: Any) -> LoanOffer:
    term_months = changes.pop("term_months", 12)
    method = changes.pop("method", RepaymentMethod.INTEREST_ONLY)
    terms = ScheduleTerms(
        principal=Money.yuan(5_000_000),
        annual_rate_pct=Decimal(rate),
        term_months=term_months,
        method=method,
        day_count=DayCount.THIRTY_360,
        first_day=date(2025, 1, 15),
    )
    return LoanOffer(offer_id, changes.pop("institution", "bank"), terms, **changes)


def guarantee(offer_id: str = "G1", share: int = 80, **changes: Any) -> GuaranteeOffer:
    institution = changes.pop("institution", "guarantor")
    return GuaranteeOffer(
        offer_id, institution, Decimal(share), changes.pop("fee", Decimal(1)), **changes
    )


def insurance(offer_id: str = "I1", share: int = 20, **changes: Any) -> InsuranceOffer:
    institution = changes.pop("institution", "insurer")
    return InsuranceOffer(
        offer_id, institution, Decimal(share), changes.pop("fee", Decimal(2)), **changes
    )


def rank(
    loans: list[LoanOffer],
    guarantees: tuple[GuaranteeOffer, ...] = (),
    insurances: tuple[InsuranceOffer, ...] = (),
    **changes: Any,
) -> Ranking:
    return rank_packages(
        loans,
        guarantees=guarantees,
        insurances=insurances,
        cooperating=changes.pop("cooperating", COOPERATING),
        **changes,
    )


def ids(ranking: Ranking) -> list[tuple[str, str, str]]:
    return [package.offer_ids for package in ranking.packages]


def test_every_combination_is_ranked_by_cost_before_subsidies() -> None:
    ranking = rank([loan()], (guarantee(),), (insurance(),))

    # 20 % insured at 2 % costs less than 80 % guaranteed at 1 %.
    assert ids(ranking) == [("L1", "", ""), ("L1", "", "I1"), ("L1", "G1", ""), ("L1", "G1", "I1")]
    rates = [package.cost.before_subsidies_pct for package in ranking.packages]
    assert rates == sorted(rates)


def test_shares_sum_to_the_whole() -> None:
    for package in rank([loan()], (guarantee(),), (insurance(),)).packages:
        shares = package.guarantee_share_pct + package.insurance_share_pct + package.bank_share_pct
        assert shares == 100


def test_required_cover_is_met_and_never_more_than_the_whole() -> None:
    needs_ninety = loan(required_cover_pct=Decimal(90))
    guarantees = (guarantee("G80", 80), guarantee("G90", 90))
    insurances = (insurance("I20", 20), insurance("I5", 5))

    found = ids(rank([needs_ninety], guarantees, insurances))

    assert set(found) == {("L1", "G90", ""), ("L1", "G90", "I5"), ("L1", "G80", "I20")}


def test_only_institutions_that_cooperate_with_the_bank_appear() -> None:
    stranger = guarantee("G2", institution="stranger")

    assert ids(rank([loan()], (stranger,), (insurance(),), cooperating=set())) == [("L1", "", "")]
    assert ("L1", "", "I1") in ids(rank([loan()], (stranger,), (insurance(),)))
    assert ("L1", "G2", "") not in ids(rank([loan()], (stranger,)))


def test_the_guarantee_fee_is_on_what_is_covered_and_still_owed() -> None:
    two_years = loan(term_months=24, method=RepaymentMethod.EQUAL_PRINCIPAL)

    yearly = rank([two_years], (guarantee(),)).packages[-1].cost.items[-1]
    at_once = rank([two_years], (guarantee(fee_timing=FeeTiming.UPFRONT),)).packages[-1]

    assert (yearly.name, str(yearly.amount)) == ("guarantee fee", "60000.00")
    assert str(at_once.cost.items[-1].amount) == "80000.00"


def test_fees_of_every_party_are_on_the_sheet() -> None:
    def fee(name: str) -> CostItem:
        return CostItem(name, CostWhen.UPFRONT, amount=Money.yuan(100))

    ranking = rank(
        [loan(fees=(fee("appraisal"),))],
        (guarantee(fees=(fee("review"),)),),
        (insurance(fees=(fee("survey"),)),),
    )

    names = [item.name for item in ranking.packages[-1].cost.items]
    assert names == ["interest", "appraisal", "guarantee fee", "review", "premium", "survey"]


def test_a_subsidy_is_shown_but_does_not_change_the_order() -> None:
    subsidy = Subsidy("interest subsidy", Decimal(100), 1, Certainty.LIKELY)

    ranking = rank([loan("L1", "5"), loan("L2", "4.9")], subsidies=(subsidy,))

    assert [package.loan.offer_id for package in ranking.packages] == ["L2", "L1"]
    assert all(package.cost.subsidies[0].adds_pct < 0 for package in ranking.packages)


def test_ties_are_broken_by_id_whatever_the_order_of_offers() -> None:
    offers = [loan("b"), loan("a"), loan("c")]

    assert [package.loan.offer_id for package in rank(offers).packages] == ["a", "b", "c"]


@pytest.mark.parametrize("upfront", [5_000_000, 6_000_000])
def test_a_package_without_a_rate_is_left_out_and_says_why(upfront: int) -> None:
    dear = CostItem("fee", CostWhen.UPFRONT, amount=Money.yuan(upfront))

    ranking = rank([loan("L1", fees=(dear,)), loan("L2")])

    assert ids(ranking) == [("L2", "", "")]
    (left_out,) = ranking.unpriced
    assert left_out.offer_ids == ("L1", "", "")
    assert "no annual rate" in left_out.reason


def test_a_loan_whose_schedule_is_impossible_is_left_out_and_says_why() -> None:
    sound = loan()
    terms = ScheduleTerms(
        principal=Money.yuan(100),
        annual_rate_pct=Decimal(4),
        term_months=12,
        method=RepaymentMethod.EQUAL_INSTALMENT,
        day_count=DayCount.THIRTY_360,
        first_day=date(2025, 1, 15),
        instalment_multiple=Money.yuan(1000),
    )

    ranking = rank([LoanOffer("L0", "bank", terms), sound], (guarantee(),))

    assert {package.loan.offer_id for package in ranking.packages} == {"L1"}
    assert [left_out.offer_ids for left_out in ranking.unpriced] == [("L0", "", "")]


def test_many_offers_are_all_combined_once() -> None:
    loans = [loan(f"L{number}", f"4.{number}") for number in range(10)]
    guarantees = tuple(guarantee(f"G{number}", 50 + number) for number in range(5))
    insurances = tuple(insurance(f"I{number}", 10 + number) for number in range(5))

    found = ids(rank(loans, guarantees, insurances))

    assert len(found) == 10 * 6 * 6
    assert set(found) == set(
        product(
            (offer.offer_id for offer in loans),
            ("", *(offer.offer_id for offer in guarantees)),
            ("", *(offer.offer_id for offer in insurances)),
        )
    )
