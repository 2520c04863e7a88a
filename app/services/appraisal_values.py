"""An ordered report beside the platform's model value, and which of them count today."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.messages import Pair, Text, say
from app.lifecycle.appraisals import AppraisalStatus
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.models.appraisals import AppraisalOrder, AppraisalReport
from app.schemas.appraisals import (
    ComparisonOut,
    DifferenceOut,
    InputsOut,
    LeftOutOut,
    SideOut,
)
from app.services import appraisal_orders, appraisal_reports, model_values, rules
from app.services.actor import Actor
from app.valuation.comparison import Comparison, Inputs, Levels, Side, compare, draw_up

REPORT = "report"

READERS = (OrganisationKind.ENTERPRISE, *LENDERS, OrganisationKind.AUTHORITY)
"""Not the appraiser: a report is made without knowing what the model says."""


async def compare_report(
    session: AsyncSession, *, actor: Actor, order_id: UUID, now: datetime
) -> ComparisonOut:
    """The newest report of an order beside the model's value of the same rights, as of today."""
    actor.must_be(*READERS)
    order = await appraisal_orders.get_order(session, actor=actor, order_id=order_id)
    report = await appraisal_reports.get_last(session, order)
    scope = await appraisal_orders.list_scope(session, order)
    right_ids = {right.right_id for right in scope}
    model = await model_values.find(session, portfolio_id=order.portfolio_id, right_ids=right_ids)
    today = business_date(now)
    version = await rules.get_version(session, "appraisal", on=today)
    levels = Levels.of(version.body)
    theirs = _side_of(order, report)
    found = compare(model.side, theirs, levels=levels) if model else _NOTHING
    drawn = draw_up([side for side in (model and model.side, theirs) if side], on=today)
    methods = version.body["methods"]
    return ComparisonOut(
        order_id=order.id,
        model=_tell(model.side, methods, on=today) if model else None,
        model_missing=None if model else say("the model has not valued every right of the order"),
        engine=model.engine if model else None,
        report=_tell(theirs, methods, on=today),
        ratio=found.ratio,
        difference_pct=found.difference_pct,
        level_pct=levels.difference_warn_pct,
        beyond_level=found.beyond,
        findings=[DifferenceOut(code=one.code, text=one.text) for one in found.findings],
        drawn_up=drawn.value,
        counted=list(drawn.counted),
        left_out=[LeftOutOut(name=name, reason=reason) for name, reason in drawn.left_out],
        uncalibrated=version.uncalibrated,
    )


_NOTHING = Comparison(None, None, beyond=False, findings=())

_UNSETTLED: Mapping[AppraisalStatus, Text] = {
    AppraisalStatus.DELIVERED: say("whoever ordered it has not accepted it yet"),
    AppraisalStatus.DISPUTED: say("whoever ordered it disputes it"),
}


def _side_of(order: AppraisalOrder, report: AppraisalReport) -> Side:
    return Side(
        name=REPORT,
        value=report.value,
        valued_on=report.valued_on,
        method=report.method,
        inputs=Inputs(
            discount_rate_pct=report.discount_rate_pct,
            royalty_rate_pct=report.royalty_rate_pct,
            life_years=report.life_years,
            annual_revenue=report.annual_revenue,
        ),
        expires_on=report.expires_on,
        unsettled=_UNSETTLED.get(order.status),
    )


def _tell(side: Side, methods: Mapping[str, Mapping[str, str]], *, on: date) -> SideOut:
    name = methods[side.method]
    return SideOut(
        name=side.name,
        value=side.value,
        valued_on=side.valued_on,
        method=side.method,
        method_name=Pair(name["en"], name["zh"]),
        inputs=InputsOut.model_validate(side.inputs),
        expires_on=side.expires_on,
        out_of_use=side.out_of_use(on),
    )
