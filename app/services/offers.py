"""Quotes as offers of the pure package, with the rates and the subsidy of the day."""

from app.lending.packages import GuaranteeOffer, InsuranceOffer, LoanOffer
from app.lending.subsidy import Certainty, Subsidy, read_rule
from app.models.financing import Quote
from app.models.records import RuleVersion
from app.schemas.packages import SubsidyNote
from app.schemas.quotes import GuaranteeTerms, InsuranceTerms, LoanTerms, LprTenor
from app.services.lpr import LprTable


def loan_offer(quote: Quote, *, table: LprTable) -> LoanOffer:
    terms = LoanTerms.model_validate(quote.terms)
    rate = table.resolve(terms.rate)
    return LoanOffer(
        offer_id=str(quote.id),
        institution=str(quote.institution_id),
        terms=terms.schedule_terms(annual_rate_pct=rate.annual_rate_pct, first_day=table.on),
        required_cover_pct=terms.required_cover_pct,
        fees=terms.cost_items(),
    )


def guarantee_offer(quote: Quote) -> GuaranteeOffer:
    terms = GuaranteeTerms.model_validate(quote.terms)
    return GuaranteeOffer(
        offer_id=str(quote.id),
        institution=str(quote.institution_id),
        share_pct=terms.share_pct,
        fee_pct=terms.fee_pct_per_year,
        fee_timing=terms.when,
        fees=terms.cost_items(),
    )


def insurance_offer(quote: Quote) -> InsuranceOffer:
    terms = InsuranceTerms.model_validate(quote.terms)
    return InsuranceOffer(
        offer_id=str(quote.id),
        institution=str(quote.institution_id),
        share_pct=terms.share_pct,
        fee_pct=terms.premium_pct,
        fee_timing=terms.when,
        fees=terms.cost_items(),
    )


def subsidies(rule: RuleVersion | None, *, table: LprTable) -> list[Subsidy]:
    """The rule for a loan secured by intellectual property alone, at the one-year LPR."""
    if rule is None:
        return []
    return [read_rule(rule.body).on_loan(lpr_pct=table.pct[LprTenor.ONE_YEAR])]


def note(rule: RuleVersion | None) -> SubsidyNote | None:
    if rule is None:
        return None
    return SubsidyNote(
        name_zh=rule.body["name_zh"],
        name_en=rule.body["name_en"],
        certainty=Certainty(rule.body["certainty"]),
        uncalibrated=rule.uncalibrated,
        source=rule.source,
    )
