"""Terms that a firm's cash can carry, tried on the dated list of terms; nothing is stored."""

import asyncio
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.lending import ENGINE_VERSION
from app.lending.design import Allowed, CashPlan, design
from app.lending.terms import RepaymentMethod, ScheduleTerms
from app.lifecycle.parties import OrganisationKind
from app.schemas.quotes import RateOut
from app.schemas.terms_design import ProposalOut, TermsDesignIn, TermsDesignOut
from app.services import lpr, rules
from app.services.actor import Actor

TERMS_DESIGN = "terms_design"


async def design_terms(
    session: AsyncSession, *, actor: Actor, data: TermsDesignIn, now: datetime
) -> TermsDesignOut:
    """Every allowed term, grace and method whose payments the firm's cash covers well enough."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    today = business_date(now)
    version = await rules.find_version(session, TERMS_DESIGN, on=today)
    if version is None:
        raise rules.NoRuleInForce(TERMS_DESIGN, today)
    body = version.body
    rate = (await lpr.load_table(session, on=today)).resolve(data.rate)
    ratio = data.cover_ratio or Decimal(body["cover_ratio_default"])
    base = ScheduleTerms(
        principal=data.amount,
        annual_rate_pct=rate.annual_rate_pct,
        term_months=min(body["term_months"]),
        method=RepaymentMethod.EQUAL_INSTALMENT,
        day_count=data.day_count,
        first_day=data.first_day,
        frequency=data.frequency,
    )
    # Hundreds of schedules: the loop serves others meanwhile.
    found = await asyncio.to_thread(
        design,
        base,
        cash=CashPlan(data.opening_cash, data.cash_flows, data.cash_frequency),
        cover_ratio=ratio,
        basis=data.basis,
        allowed=Allowed(
            body["term_months"],
            body["grace_months"],
            [RepaymentMethod(method) for method in body["methods"]],
        ),
    )
    return TermsDesignOut(
        engine=ENGINE_VERSION,
        rate=RateOut.model_validate(rate),
        cover_ratio=ratio,
        basis=data.basis,
        uncalibrated=version.uncalibrated,
        tried=found.tried,
        proposals=[ProposalOut.model_validate(proposal) for proposal in found.proposals],
        nearest=None if found.nearest is None else ProposalOut.model_validate(found.nearest),
    )
