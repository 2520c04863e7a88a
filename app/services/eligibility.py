"""Gathers what eligibility asks about a request: the firm, its rights, and the dated rules."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.identifiers.enterprise_size import FIELD_NAMES, classify
from app.identifiers.rights import RightKind
from app.lending.eligibility import (
    Bounds,
    CarriedRight,
    Firm,
    Outcome,
    Verdict,
    assess,
    reasons,
)
from app.lending.periods import MONTHS_PER_YEAR, months_after
from app.lending.pledgeability import Severity
from app.models.deals import DealRight
from app.models.financing import FinancingRequest
from app.models.organisations import FirmProfile, Park
from app.models.portfolios import PortfolioRight, Valuation, ValuationItem
from app.models.rights import Right
from app.schemas.requests import RightsSummary
from app.services import prechecks, rights, rules
from app.services.actor import Actor
from app.services.prechecks import RightCheck


@dataclass(frozen=True, slots=True)
class ValuedRight:
    """A right of the portfolio with what the latest valuation says of it."""

    right_id: UUID
    kind: RightKind
    expires_on: date | None
    value: Money
    lendable: Money


@dataclass(frozen=True, slots=True)
class Assessment:
    """What eligibility found. Without ``reasons`` the request may open as the rest says."""

    reasons: list[dict[str, str]]
    trace: list[dict[str, str]]
    valuation_id: UUID | None
    carrying: list[ValuedRight]
    summary: dict[str, Any]
    industry: str | None
    size: str | None
    key_industry: bool
    open_days: int


async def assess_request(
    session: AsyncSession, *, actor: Actor, request: FinancingRequest, on: date
) -> Assessment:
    """Try every rule in force on ``on``; the caller holds the request's lock."""
    body = await rules.get(session, "eligibility", on=on)
    key_industries = await rules.get(session, "key_industries", on=on)
    profile = await session.get(FirmProfile, request.firm_id)
    park = await session.get_one(Park, request.park_code)
    valuation_id = await _find_valuation(session, request.portfolio_id)
    valued = await _load_valued(session, actor, request.portfolio_id, valuation_id)
    pledged: set[UUID] = set()
    if request.renews_deal_id is not None:
        pledged = await _load_pledged(session, request.renews_deal_id)
        valued = [right for right in valued if right.right_id in pledged]
    checks = await prechecks.check_rights(
        session,
        actor=actor,
        right_ids=[right.right_id for right in valued],
        on=on,
        loan_ends_on=months_after(on, request.term_months),
        held=pledged,
    )
    pledgeable = {check.right_id for check in checks if check.pledgeable}
    firm = None if profile is None else _firm(profile)
    trace = assess(
        Bounds.of(body),
        firm=firm,
        amount=request.amount,
        purpose=request.purpose,
        rights=None if valuation_id is None else _carried(valued, checks),
        on=on,
    )
    carrying = [right for right in valued if right.right_id in pledgeable and right.lendable]
    if request.renews_deal_id is not None:
        trace.append(_same_rights(pledged, carrying))
    field = None if profile is None else profile.field
    return Assessment(
        reasons=[asdict(verdict) for verdict in reasons(trace)],
        trace=[asdict(verdict) for verdict in trace],
        valuation_id=valuation_id,
        carrying=carrying,
        summary=_summary(carrying, on=on, key_park=park.key_park, field=field),
        industry=None if profile is None else profile.industry,
        size=None if firm is None else firm.size,
        key_industry=field in key_industries,
        open_days=body["open_days"],
    )


async def _load_pledged(session: AsyncSession, deal_id: UUID) -> set[UUID]:
    """The rights that the deal to be renewed holds."""
    rights_held = await session.scalars(
        select(DealRight.right_id).where(
            DealRight.deal_id == deal_id, DealRight.released_at.is_(None)
        )
    )
    return set(rights_held)


def _same_rights(pledged: set[UUID], carrying: Sequence[ValuedRight]) -> Verdict:
    """A renewal moves the whole pledge, so every right of it must carry the new term too."""
    missing = pledged - {right.right_id for right in carrying}
    return Verdict(
        rule="renewal_rights",
        field="portfolio_id",
        outcome=Outcome.REFUSED if missing else Outcome.PASSED,
        reason_zh=f"原质押的{len(pledged)}项权利中有{len(missing)}项不能继续质押",
        reason_en=f"{len(missing)} of the {len(pledged)} pledged rights cannot stay pledged",
    )


async def _find_valuation(session: AsyncSession, portfolio_id: UUID) -> UUID | None:
    """The portfolio's latest valuation."""
    valuation_id: UUID | None = await session.scalar(
        select(Valuation.id)
        .where(Valuation.portfolio_id == portfolio_id)
        .order_by(Valuation.id.desc())
        .limit(1)
    )
    return valuation_id


async def _load_valued(
    session: AsyncSession, actor: Actor, portfolio_id: UUID, valuation_id: UUID | None
) -> list[ValuedRight]:
    """The rights that are in the portfolio now and were in it when it was valued."""
    rows = await session.execute(
        rights.visible_rights(actor)
        .with_only_columns(
            Right.id, Right.kind, Right.expires_on, ValuationItem.value, ValuationItem.lendable
        )
        .join(ValuationItem, ValuationItem.right_id == Right.id)
        .join(PortfolioRight, PortfolioRight.right_id == Right.id)
        .where(
            ValuationItem.valuation_id == valuation_id,
            PortfolioRight.portfolio_id == portfolio_id,
        )
        .order_by(Right.id)
    )
    return [ValuedRight(*row) for row in rows]


def _firm(profile: FirmProfile) -> Firm:
    size, field = None, "industry"
    basis: str
    try:
        sized = classify(
            profile.industry,
            employees=profile.employees,
            revenue=profile.revenue,
            assets=profile.assets,
        )
        size, basis = sized.size.value, sized.rule
    except FieldRefused as refused:
        field = refused.field
        basis = say("{field} {reason}", field=FIELD_NAMES[field], reason=refused.reason)
    return Firm(
        size=size,
        size_basis=basis,
        size_field=field,
        registered_on=profile.registered_on,
        credit_authorised_on=profile.credit_authorised_on,
        dishonest=profile.dishonest,
        abnormal=profile.abnormal,
    )


def _carried(valued: Sequence[ValuedRight], checks: Sequence[RightCheck]) -> list[CarriedRight]:
    by_right = {check.right_id: check for check in checks}
    return [
        CarriedRight(
            right_id=str(right.right_id),
            lendable=right.lendable,
            obstacles=_obstacles(by_right[right.right_id]),
            pledgeable=by_right[right.right_id].pledgeable,
        )
        for right in valued
    ]


def _obstacles(check: RightCheck) -> tuple[tuple[str, str, str], ...]:
    """What keeps the right from carrying: a warning does until consent to it is recorded."""
    found = []
    for finding in check.findings:
        zh, en = finding.text_zh, finding.text_en
        if finding.severity is not Severity.WARN:
            found.append((finding.ground, zh, en))
        elif finding.ground in check.unconsented:
            found.append(
                (finding.ground, f"{zh}（尚未登记同意）", f"{en} (no consent is recorded)")
            )
    return tuple(found)


def _summary(
    carrying: Sequence[ValuedRight], *, on: date, key_park: bool, field: str | None
) -> dict[str, Any]:
    """What lenders may know of the rights: counts and sums, no name and no number."""
    lives = [_months_between(on, right.expires_on) for right in carrying if right.expires_on]
    counts: dict[RightKind, int] = {}
    for right in carrying:
        counts[right.kind] = counts.get(right.kind, 0) + 1
    summary = RightsSummary(
        counts=counts,
        total_value=Money.sum([right.value for right in carrying]),
        lendable=Money.sum([right.lendable for right in carrying]),
        shortest_life_months=min(lives, default=None),
        key_park=key_park,
        field=field,
    )
    return summary.model_dump(mode="json")


def _months_between(start: date, end: date) -> int:
    """Whole months from ``start`` to ``end``; none if it has passed."""
    months = (end.year - start.year) * MONTHS_PER_YEAR + end.month - start.month
    return max(0, months - (months_after(start, months) > end))
