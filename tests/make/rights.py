"""Rights, documents and portfolios of a firm, valid and invented."""

import itertools
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.identifiers.patents import check_digit
from app.identifiers.rights import RightKind, register_of
from app.models.documents import Document
from app.models.organisations import Organisation
from app.models.portfolios import Portfolio, PortfolioRight
from app.models.rights import Right
from tests.make.parties import NOW

_serials = itertools.count(1)


def make_patent_number() -> str:
    """A valid application number of an invention, never the same twice."""
    body = f"20211{next(_serials):07d}"
    return f"{body}.{check_digit(body)}"


def _number(kind: RightKind) -> str:
    match kind:
        case RightKind.TRADEMARK:
            return str(next(_serials))
        case RightKind.SOFTWARE_COPYRIGHT:
            return f"2021SR{next(_serials):07d}"
        case RightKind.WORK_COPYRIGHT:
            return f"宁作登字-2021-F-{next(_serials):08d}"
        case _:
            return make_patent_number()


async def make_right(
    session: AsyncSession, owner: Organisation, kind: RightKind = RightKind.INVENTION, **fields: Any
) -> Right:
    """A right that can be pledged for any loan of a few years; ``fields`` make it otherwise."""
    patent = kind in {RightKind.INVENTION, RightKind.UTILITY_MODEL, RightKind.DESIGN}
    right = Right(
        **{
            "id": new_id(),
            "owner_id": owner.id,
            "kind": kind,
            "register": register_of(kind),
            "jurisdiction": "CN",
            "number": _number(kind),
            "title": "一种枸杞低温干燥装置",
            "holder_name": owner.name,
            "filed_on": date(2021, 1, 4),
            "granted_on": date(2023, 5, 9),
            "expires_on": date(2041, 1, 4),
            "annuity_paid_through_year": 6 if patent else None,
            "source": "manual",
            "demo": False,
            "updated_at": NOW,
        }
        | fields
    )
    session.add(right)
    await session.flush()
    return right


async def make_portfolio(session: AsyncSession, owner: Organisation, *rights: Right) -> Portfolio:
    portfolio = Portfolio(id=new_id(), firm_id=owner.id, name="组合", created_at=NOW)
    session.add(portfolio)
    await session.flush()
    if rights:
        rows = [{"portfolio_id": portfolio.id, "right_id": right.id} for right in rights]
        await session.execute(insert(PortfolioRight), rows)
    return portfolio


async def make_document(
    session: AsyncSession, owner_id: UUID, *, kind: str = "consent"
) -> Document:
    """A document's row; its bytes are nowhere."""
    document_id = new_id()
    document = Document(
        id=document_id,
        owner_id=owner_id,
        kind=kind,
        file_name="文件.pdf",
        content_type="application/pdf",
        size=1,
        sha256=b"\0" * 32,
        store_key=str(document_id),
        uploaded_at=NOW,
    )
    session.add(document)
    await session.flush()
    return document
