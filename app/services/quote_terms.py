"""What only the request and the dated rules know about the terms of a quote."""

from datetime import date
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.lending.schedule import schedule
from app.models.financing import FinancingRequest
from app.schemas.quotes import GuaranteeTerms, InsuranceTerms, LoanTerms, LprRate
from app.services import lpr, rules

WHOLE_PCT = Decimal(100)


async def check_terms(
    session: AsyncSession,
    terms: LoanTerms | GuaranteeTerms | InsuranceTerms,
    request: FinancingRequest,
    *,
    on: date,
) -> None:
    """Refuse, as ``FieldRefused``, what the request or a rule in force on ``on`` does not allow.

    The rights were checked for the amount and the term asked for, so both bound a loan; its
    schedule must be one that can be drawn.
    """
    _check_fees(terms, loan=terms.amount if isinstance(terms, LoanTerms) else request.amount)
    if not isinstance(terms, LoanTerms):
        return
    if terms.amount > request.amount:
        raise FieldRefused(
            "terms.amount", say("must be at most the {amount} asked for", amount=request.amount)
        )
    if terms.term_months > request.term_months:
        raise FieldRefused(
            "terms.term_months",
            say("must be at most the {term_months} asked for", term_months=request.term_months),
        )
    bounds = await rules.get(session, "lending", on=on)
    lowest, highest = (Decimal(bounds[f"penalty_multiple_{end}"]) for end in ("min", "max"))
    if not lowest <= terms.penalty_multiple <= highest:
        raise FieldRefused(
            "terms.penalty_multiple",
            say("must be from {lowest} to {highest}", lowest=lowest, highest=highest),
        )
    table = await lpr.load_table(session, on=on)
    rate = table.resolve(terms.rate)
    if isinstance(terms.rate, LprRate) and not rate.annual_rate_pct:
        reason = say("leaves no interest above the LPR of {lpr_pct} %", lpr_pct=rate.lpr_pct)
        raise FieldRefused("terms.rate.spread_bp", reason)
    try:
        schedule(terms.schedule_terms(annual_rate_pct=rate.annual_rate_pct, first_day=on))
    except FieldRefused as refused:
        raise FieldRefused(f"terms.{refused.field}", refused.reason) from refused


def _check_fees(terms: LoanTerms | GuaranteeTerms | InsuranceTerms, *, loan: Money) -> None:
    """No single fee is more than the loan itself: a slip of the decimal point is."""
    for index, fee in enumerate(terms.fees):
        over = fee.amount is not None and fee.amount > loan
        field = "amount"
        for name in ("amount_pct_of_principal", "amount_pct_of_outstanding"):
            if (pct := getattr(fee, name)) is not None and pct > WHOLE_PCT:
                over, field = True, name
        if over:
            raise FieldRefused(
                f"terms.fees.{index}.{field}", say("is more than the loan of {loan}", loan=loan)
            )
