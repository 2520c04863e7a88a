"""Financing requests as lenders see them: anonymous, until the firm consents to one of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.parties import LENDERS, OrganisationKind, OrganisationStatus
from app.models.financing import FinancingRequest, IdentityConsent, RequestRight
from app.models.organisations import FirmProfile, Organisation
from app.models.rights import Right
from app.schemas.requests import (
    Cursor,
    FirmOut,
    LenderRequestOut,
    OpenRequestOut,
    OpenRequestPage,
    ProfileOut,
    RequestRightOut,
)
from app.services.actor import Actor
from app.services.requests import get_request, visible_requests
from app.services.rights import visible_rights

_LISTED = (
    FinancingRequest.id,
    FinancingRequest.park_code,
    FinancingRequest.amount,
    FinancingRequest.term_months,
    FinancingRequest.purpose,
    FinancingRequest.method,
    FinancingRequest.frequency,
    FinancingRequest.industry,
    FinancingRequest.size,
    FinancingRequest.key_industry,
    FinancingRequest.summary,
    FinancingRequest.opened_at,
    FinancingRequest.expires_at,
    func.app_recommended(FinancingRequest.firm_id).label("recommended"),
    FinancingRequest.renews_deal_id.is_not(None).label("renewal"),
)

# Spelt out, not bound: only so does a prepared statement match the partial indexes.
_IS_OPEN: ColumnElement[bool] = literal_column("financing_requests.status = 'open'")


def open_page(
    *, limit: int, park: str | None = None, after: tuple[datetime, UUID] | None = None
) -> Select[*tuple[Any, ...]]:
    """A walk along the index of open requests (or of a park's), from where the last page ended."""
    statement = (
        select(*_LISTED)
        .where(_IS_OPEN)
        .order_by(FinancingRequest.opened_at.desc(), FinancingRequest.id.desc())
        .limit(limit)
    )
    if park is not None:
        statement = statement.where(FinancingRequest.park_code == park)
    if after is not None:
        position = tuple_(FinancingRequest.opened_at, FinancingRequest.id)
        statement = statement.where(position < tuple_(*after))
    return statement


async def list_open_requests(
    session: AsyncSession,
    *,
    actor: Actor,
    limit: int,
    park: str | None = None,
    after_opened_at: datetime | None = None,
    after_id: UUID | None = None,
) -> OpenRequestPage:
    """Open requests, newest first. A page costs the same however many there are."""
    actor.must_be(*LENDERS)
    if (after_opened_at is None) != (after_id is None):
        raise FieldRefused("after_id", say("comes together with after_opened_at, or not at all"))
    after = None if after_opened_at is None or after_id is None else (after_opened_at, after_id)
    statement = open_page(limit=limit + 1, park=park, after=after)
    rows = (await session.execute(statement)).all()
    return _page(rows, limit)


def _page(rows: Sequence[Row[Any]], limit: int) -> OpenRequestPage:
    shown = rows[:limit]
    more = len(rows) > limit
    return OpenRequestPage(
        items=[OpenRequestOut.model_validate(row) for row in shown],
        next=Cursor(after_opened_at=shown[-1].opened_at, after_id=shown[-1].id) if more else None,
    )


async def give_identity_consent(
    session: AsyncSession, *, actor: Actor, request_id: UUID, institution_id: UUID, now: datetime
) -> IdentityConsent:
    """Let one verified institution see who the firm is. Giving it twice changes nothing."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    request = await get_request(session, actor=actor, request_id=request_id)
    institution = await session.get(Organisation, institution_id)
    if (
        institution is None
        or institution.kind not in LENDERS
        or institution.status is not OrganisationStatus.VERIFIED
    ):
        raise FieldRefused("institution_id", say("is no verified bank, guarantor or insurer"))
    await session.execute(
        insert(IdentityConsent)
        .values(request_id=request.id, institution_id=institution_id, consented_at=now)
        .on_conflict_do_nothing()
    )
    return await session.get_one(IdentityConsent, (request.id, institution_id))


async def get_for_lender(
    session: AsyncSession, *, actor: Actor, request_id: UUID
) -> LenderRequestOut:
    """One request that is open or was quoted on; who asks, only after the firm's consent."""
    actor.must_be(*LENDERS)
    request: FinancingRequest | None = await session.scalar(
        visible_requests(actor).where(FinancingRequest.id == request_id)
    )
    if request is None:
        raise NotFound
    consent = await session.get(IdentityConsent, (request.id, actor.organisation_id))
    listed = await session.execute(select(*_LISTED).where(FinancingRequest.id == request.id))
    anonymous = OpenRequestOut.model_validate(listed.one())
    return LenderRequestOut(
        **dict(anonymous),
        status=request.status,
        firm=None if consent is None else await _load_firm(session, actor, request),
    )


async def _load_firm(session: AsyncSession, actor: Actor, request: FinancingRequest) -> FirmOut:
    firm = await session.get_one(Organisation, request.firm_id)
    profile = await session.get_one(FirmProfile, request.firm_id)
    rows = await session.execute(
        visible_rights(actor)
        .add_columns(RequestRight.value, RequestRight.lendable)
        .join(RequestRight, RequestRight.right_id == Right.id)
        .where(RequestRight.request_id == request.id)
        .order_by(Right.id)
    )
    return FirmOut(
        id=firm.id,
        name=firm.name,
        uscc=firm.uscc,
        purpose_text=request.purpose_text,
        profile=ProfileOut.model_validate(profile),
        rights=[
            RequestRightOut(
                right_id=right.id,
                kind=right.kind,
                register_=right.register,
                number=right.number,
                title=right.title,
                expires_on=right.expires_on,
                value=value,
                lendable=lendable,
            )
            for right, value, lendable in rows
        ],
    )
