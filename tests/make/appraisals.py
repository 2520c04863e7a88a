"""Accredited appraisers, orders for appraisals, and signed reports."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import Money
from app.lifecycle.appraisals import AppraisalStatus
from app.lifecycle.parties import OrganisationKind
from app.models.appraisals import (
    Accreditation,
    AppraisalOrder,
    AppraisalOrderRight,
    AppraisalReport,
)
from app.models.rights import Right
from app.services.actor import Actor, as_platform
from tests.make.market import make_institution
from tests.make.parties import NOW
from tests.make.rights import make_document

SIGNERS = [
    {"name": "张示例", "certificate_number": "64000011"},
    {"name": "李示例", "certificate_number": "64000012"},
]

REPORT: dict[str, Any] = {
    "report_number": "宁评报字〔2026〕第 118 号",
    "value": "12000000.00",
    "method": "income",
    "valued_on": "2026-10-31",
    "expires_on": "2027-10-30",
    "signers": SIGNERS,
    "discount_rate_pct": "14.2",
    "royalty_rate_pct": "3.5",
    "life_years": 8,
    "annual_revenue": "46000000.00",
}


async def make_appraiser(
    session: AsyncSession, *, accredited: bool = True, expires_on: date = date(2027, 12, 31)
) -> Actor:
    """A verified agency with an accreditation of this year, as its manager."""
    appraiser = await make_institution(session, OrganisationKind.AGENCY)
    if accredited:
        async with as_platform(session):
            session.add(
                Accreditation(
                    appraiser_id=appraiser.organisation_id,
                    certificate_number="宁财资评备〔2024〕12号",
                    starts_on=date(2026, 1, 1),
                    expires_on=expires_on,
                    granted_by=appraiser.organisation_id,
                    granted_at=NOW,
                )
            )
            await session.flush()
    return appraiser


async def make_order(
    session: AsyncSession,
    *,
    orderer: Actor,
    appraiser: Actor,
    portfolio_id: UUID,
    firm_id: UUID,
    rights: Sequence[Right],
    status: AppraisalStatus = AppraisalStatus.DELIVERED,
) -> AppraisalOrder:
    """An order as it stands in the database; nothing is asked of anybody."""
    order = AppraisalOrder(
        id=new_id(),
        portfolio_id=portfolio_id,
        firm_id=firm_id,
        orderer_id=orderer.organisation_id,
        appraiser_id=appraiser.organisation_id,
        instructions="质押融资",
        price=Money.yuan(48_000),
        due_on=date(2026, 12, 20),
        status=status,
        ordered_at=NOW,
    )
    session.add(order)
    await session.flush()
    session.add_all(
        AppraisalOrderRight(
            order_id=order.id,
            right_id=right.id,
            kind=right.kind,
            register=right.register,
            number=right.number,
            title=right.title,
            holder_name=right.holder_name,
            expires_on=right.expires_on,
        )
        for right in rights
    )
    await session.flush()
    return order


async def make_report(
    session: AsyncSession, order: AppraisalOrder, **changes: Any
) -> AppraisalReport:
    """A signed report of twelve million yuan, good for a year."""
    document = await make_document(session, order.appraiser_id, kind="report")
    fields: dict[str, Any] = {
        "order_id": order.id,
        "version": 1,
        "report_number": REPORT["report_number"],
        "document_id": document.id,
        "value": Money.yuan(12_000_000),
        "method": "income",
        "valued_on": date(2026, 10, 31),
        "expires_on": date(2027, 10, 30),
        "signers": SIGNERS,
        "delivered_by": order.appraiser_id,
        "delivered_at": NOW,
    }
    report = AppraisalReport(id=new_id(), **(fields | changes))
    session.add(report)
    await session.flush()
    return report
