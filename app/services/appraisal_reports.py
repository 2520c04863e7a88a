"""Signed reports of ordered appraisals: delivered, accepted or disputed; who may read them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.core.messages import say
from app.lending.periods import months_after
from app.lifecycle.appraisals import APPRAISAL, AppraisalEvent
from app.models.appraisals import AppraisalAnswer, AppraisalOrder, AppraisalReport
from app.models.documents import Document
from app.schemas.appraisals import (
    AnswerOut,
    AppraisalOrderDetailOut,
    AppraisalOrderOut,
    DisputeIn,
    ReportIn,
    ReportOut,
    ScopeRightOut,
)
from app.services import accreditations, appraisal_orders, documents, rules
from app.services.actor import Actor, as_platform

REPORT = "report"


async def deliver(
    session: AsyncSession, *, actor: Actor, order_id: UUID, stated: ReportIn, now: datetime
) -> AppraisalOrder:
    """Hand in the signed report, or after a dispute a corrected one; earlier versions stay."""
    order = await appraisal_orders.lock_for_appraiser(session, actor=actor, order_id=order_id)
    APPRAISAL.after(order.status, AppraisalEvent.DELIVER)
    today = business_date(now)
    await accreditations.must_be_accredited(session, actor.organisation_id, on=today)
    document = await _check(session, actor, stated, today=today)
    versions = await session.scalar(
        select(func.count()).where(AppraisalReport.order_id == order.id)
    )
    session.add(
        AppraisalReport(
            id=new_id(),
            order_id=order.id,
            version=(versions or 0) + 1,
            delivered_by=actor.organisation_id,
            delivered_at=now,
            **(dict(stated) | {"signers": [dict(signer) for signer in stated.signers]}),
        )
    )
    appraisal_orders.move(session, order, AppraisalEvent.DELIVER, actor=actor, now=now)
    order.ended_at = None
    await session.flush()
    parties = {order.firm_id, order.orderer_id}
    await documents.share(session, document, organisation_ids=parties)
    return order


async def _check(session: AsyncSession, actor: Actor, stated: ReportIn, *, today: date) -> Document:
    rule = await rules.get(session, "appraisal", on=today)
    if stated.method not in rule["methods"]:
        raise FieldRefused("method", say("is none of {known}", known=", ".join(rule["methods"])))
    if len({signer.certificate_number for signer in stated.signers}) < rule["signers_min"]:
        raise FieldRefused(
            "signers", say("must be at least {lowest} people", lowest=rule["signers_min"])
        )
    if stated.valued_on > today:
        raise FieldRefused("valued_on", say("is in the future"))
    last = months_after(stated.valued_on, rule["use_months_max"])
    if not stated.valued_on <= stated.expires_on <= last:
        raise FieldRefused(
            "expires_on",
            say("must be from {valued_on} to {last}", valued_on=stated.valued_on, last=last),
        )
    return await _must_be_own(session, actor, stated.document_id, kind=REPORT)


async def _must_be_own(
    session: AsyncSession, actor: Actor, document_id: UUID, *, kind: str | None = None
) -> Document:
    try:
        document = await documents.get_document(session, actor=actor, document_id=document_id)
    except NotFound:
        raise FieldRefused("document_id", say("is no document of yours")) from None
    if document.owner_id != actor.organisation_id:
        raise FieldRefused("document_id", say("is no document of yours"))
    if kind is not None and document.kind != kind:
        raise FieldRefused(
            "document_id",
            say("is a {kind}, not a report", kind=documents.KIND_NAMES[document.kind]),
        )
    return document


async def accept(
    session: AsyncSession, *, actor: Actor, order_id: UUID, now: datetime
) -> AppraisalOrder:
    """Whoever ordered the report takes it as it is, also after a dispute."""
    return await _answer(
        session, AppraisalEvent.ACCEPT, actor=actor, order_id=order_id, stated=None, now=now
    )


async def dispute(
    session: AsyncSession, *, actor: Actor, order_id: UUID, stated: DisputeIn, now: datetime
) -> AppraisalOrder:
    """Whoever ordered the report says what is wrong with it; both stay on record."""
    return await _answer(
        session, AppraisalEvent.DISPUTE, actor=actor, order_id=order_id, stated=stated, now=now
    )


async def _answer(
    session: AsyncSession,
    event: AppraisalEvent,
    *,
    actor: Actor,
    order_id: UUID,
    stated: DisputeIn | None,
    now: datetime,
) -> AppraisalOrder:
    order = await appraisal_orders.lock_for_orderer(session, actor=actor, order_id=order_id)
    appraisal_orders.move(session, order, event, actor=actor, now=now)
    report = await get_last(session, order)
    if stated is not None and stated.document_id is not None:
        document = await _must_be_own(session, actor, stated.document_id)
        parties = {order.firm_id, order.appraiser_id}
        await documents.share(session, document, organisation_ids=parties)
    session.add(
        AppraisalAnswer(
            id=new_id(),
            report_id=report.id,
            verdict=order.status.value,
            reason=stated.reason if stated else None,
            document_id=stated.document_id if stated else None,
            answered_by=actor.organisation_id,
            answered_at=now,
        )
    )
    if event is AppraisalEvent.ACCEPT:
        order.ended_at = now
    await session.flush()
    return order


async def get_last(session: AsyncSession, order: AppraisalOrder) -> AppraisalReport:
    """The newest report of an order the caller may see; NotFound before there is one."""
    report: AppraisalReport | None = await session.scalar(
        select(AppraisalReport)
        .where(AppraisalReport.order_id == order.id)
        .order_by(AppraisalReport.version.desc())
        .limit(1)
    )
    if report is None:
        raise NotFound
    return report


async def get_report_document(
    session: AsyncSession, *, actor: Actor, order_id: UUID, version: int
) -> Document:
    """The signed report itself, for whoever may see the order, shared with them or not."""
    order = await appraisal_orders.get_order(session, actor=actor, order_id=order_id)
    report: AppraisalReport | None = await session.scalar(
        select(AppraisalReport).where(
            AppraisalReport.order_id == order.id, AppraisalReport.version == version
        )
    )
    if report is None:
        raise NotFound
    async with as_platform(session):
        return await session.get_one(Document, report.document_id)


async def tell(
    session: AsyncSession, order: AppraisalOrder, *, today: date
) -> AppraisalOrderDetailOut:
    """An order the caller may see, with its scope, every report, and what was answered to each."""
    scope = await appraisal_orders.list_scope(session, order)
    reports = await session.scalars(
        select(AppraisalReport)
        .where(AppraisalReport.order_id == order.id)
        .order_by(AppraisalReport.version)
    )
    found = reports.all()
    return AppraisalOrderDetailOut(
        **AppraisalOrderOut.model_validate(order).model_dump(),
        rights=[ScopeRightOut.model_validate(right) for right in scope],
        reports=await _tell_reports(session, found, today=today),
    )


async def _tell_reports(
    session: AsyncSession, reports: Sequence[AppraisalReport], *, today: date
) -> list[ReportOut]:
    rows = await session.scalars(
        select(AppraisalAnswer)
        .where(AppraisalAnswer.report_id.in_([report.id for report in reports]))
        .order_by(AppraisalAnswer.id)
    )
    answers: dict[UUID, list[AnswerOut]] = {}
    for row in rows:
        answers.setdefault(row.report_id, []).append(AnswerOut.model_validate(row))
    told = []
    for report in reports:
        fields: dict[str, Any] = {
            name: getattr(report, name)
            for name in ReportOut.model_fields
            if name not in {"expired", "answers"}
        }
        told.append(
            ReportOut(
                **fields,
                expired=report.expires_on < today,
                answers=answers.get(report.id, []),
            )
        )
    return told
