"""Fuses of a fund's scheme: what a ratio of compensated losses stops, for one bank or for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict
from app.core.money import ZERO, Money
from app.lifecycle.funds import FilingStatus
from app.models.claims import Claim
from app.models.funds import Fund, FundFiling, FundSuspension
from app.models.loans import Loan
from app.risk.scheme import Fuse, FuseState, RatioOf, Stops
from app.risk.scheme_files import find_scheme
from app.services import outbox
from app.services.actor import Actor, as_platform
from app.services.names import NAMES

_WHOLE_PCT = 100
_PLACES = Decimal("0.000001")


@dataclass(eq=False)
class FuseBlown(Conflict):
    """What the scheme's fuse stops stays stopped until the authority decides otherwise."""

    message = (
        "A fuse of the fund has stopped {stops} since {since}: the compensated-loss ratio was"
        " {ratio_pct} %, its limit is {threshold_pct} %. The authority decides when it resumes."
    )

    fuse: str
    stops: Stops
    since: datetime
    ratio_pct: Decimal
    threshold_pct: Decimal

    def words(self) -> Mapping[str, Any]:
        return {"stops": NAMES[self.stops], "since": business_date(self.since)}


def visible_suspensions(actor: Actor) -> ColumnElement[bool]:
    """A bank sees those of all banks and its own; managers and staff all of what they see."""
    if actor.is_staff or actor.kind == "agency":
        return FundSuspension.id.is_not(None)
    return or_(FundSuspension.bank_id.is_(None), FundSuspension.bank_id == actor.organisation_id)


async def list_suspensions(
    session: AsyncSession, *, actor: Actor, fund_id: UUID
) -> Sequence[FundSuspension]:
    """What fuses stop, or stopped, in the fund; newest first, a page at most."""
    rows = await session.scalars(
        select(FundSuspension)
        .where(FundSuspension.fund_id == fund_id, visible_suspensions(actor))
        .order_by(FundSuspension.id.desc())
        .limit(200)
    )
    return rows.all()


async def must_be_whole(
    session: AsyncSession, fund_id: UUID, *, bank_id: UUID, stops: Stops, on: date | None = None
) -> None:
    """Raise FuseBlown while a fuse of the fund stops this for the bank.

    For what happened on a day that has passed, ``on``: unless the fuse blew only after it.
    """
    suspensions = select(FundSuspension).where(
        FundSuspension.fund_id == fund_id,
        FundSuspension.stops == stops,
        FundSuspension.ended_at.is_(None),
        or_(FundSuspension.bank_id.is_(None), FundSuspension.bank_id == bank_id),
    )
    if on is not None:
        suspensions = suspensions.where(_day(FundSuspension.since) <= on)
    async with as_platform(session):
        blown = await session.scalar(suspensions.order_by(FundSuspension.id).limit(1))
    if blown is not None:
        raise FuseBlown(blown.fuse, stops, blown.since, blown.ratio_pct, blown.threshold_pct)


async def try_all(session: AsyncSession, claim: Claim, *, now: datetime) -> None:
    """After a payment: blow every fuse of the scheme whose ratio has passed its threshold."""
    await session.flush()
    async with as_platform(session):
        fund = await session.get_one(Fund, claim.fund_id)
        version = find_scheme(fund.scheme).version_on(business_date(now))
        for fuse in version.fuses if version is not None else ():
            await _try(session, fund, fuse, claim, now=now)


async def _try(
    session: AsyncSession, fund: Fund, fuse: Fuse, claim: Claim, *, now: datetime
) -> None:
    bank_id = claim.bank_id if fuse.of is RatioOf.BANK else None
    figures = await ratio_of(session, fund.id, bank_id=bank_id, year=business_date(now).year)
    if fuse.state(compensated=figures.lost, filed=figures.lent) is not FuseState.BLOWN:
        return
    open_already = await session.scalar(
        select(FundSuspension.id).where(
            FundSuspension.fund_id == fund.id,
            FundSuspension.fuse == fuse.id,
            FundSuspension.bank_id.is_not_distinct_from(bank_id),
            FundSuspension.ended_at.is_(None),
        )
    )
    if open_already is not None:
        return
    blown = FundSuspension(
        id=new_id(),
        fund_id=fund.id,
        bank_id=bank_id,
        fuse=fuse.id,
        stops=fuse.stops,
        ratio_pct=figures.ratio_pct or Decimal(_WHOLE_PCT),
        threshold_pct=fuse.threshold_pct,
        since=now,
        claim_id=claim.id,
    )
    session.add(blown)
    await session.flush()
    told = [fund.manager_id, fund.owner_id] + ([bank_id] if bank_id else [])
    outbox.announce_to(session, dict.fromkeys(told), "fund.suspended", blown.id, now=now)


@dataclass(frozen=True, slots=True)
class LossRatio:
    """Principal of the claims that a fund paid in a year, over the loans filed with it."""

    lost: Money
    lent: Money

    @property
    def ratio_pct(self) -> Decimal | None:
        """None where nothing was lent, rather than a number."""
        if not self.lent:
            return None
        return (Decimal(_WHOLE_PCT) * self.lost.fen / self.lent.fen).quantize(_PLACES)


async def ratio_of(
    session: AsyncSession, fund_id: UUID, *, bank_id: UUID | None, year: int
) -> LossRatio:
    """The ratio of one bank, or of the whole fund."""
    ratios = await ratios_of(session, fund_id, year=year)
    if bank_id is not None:
        return ratios.get(bank_id, LossRatio(ZERO, ZERO))
    return whole_of(ratios)


def whole_of(ratios: Mapping[UUID, LossRatio]) -> LossRatio:
    """The fund's ratio: its banks' losses over their loans."""
    return LossRatio(
        Money.sum([ratio.lost for ratio in ratios.values()]),
        Money.sum([ratio.lent for ratio in ratios.values()]),
    )


async def ratios_of(session: AsyncSession, fund_id: UUID, *, year: int) -> dict[UUID, LossRatio]:
    """By bank: the losses by the day on which the fund paid; of the loans, all drawn by the year's
    end. A loan counts once, however often it was filed, and not if the fund was out before cash.
    """
    lost = await session.execute(
        select(Claim.bank_id, Claim.principal, Claim.approved, Claim.due).where(
            Claim.fund_id == fund_id,
            Claim.paid_at.is_not(None),
            func.extract("year", Claim.paid_on) == year,
        )
    )
    backed = exists().where(
        FundFiling.fund_id == fund_id,
        FundFiling.deal_id == Loan.deal_id,
        FundFiling.status.in_((FilingStatus.ACKNOWLEDGED, FilingStatus.ENDED)),
        or_(FundFiling.ended_at.is_(None), _day(FundFiling.ended_at) >= Loan.first_day),
    )
    lent = await session.execute(
        select(Loan.bank_id, func.sum(Loan.drawn))
        .where(backed, func.extract("year", Loan.first_day) <= year)
        .group_by(Loan.bank_id)
    )
    losses: dict[UUID, Money] = {}
    for bank_id, principal, approved, due in lost:  # of a cut claim the part that was paid for
        part = principal.times(Fraction(approved.fen, due.fen)) if approved and due else principal
        losses[bank_id] = losses.get(bank_id, ZERO) + part
    loans = {bank_id: total or ZERO for bank_id, total in lent}
    return {
        bank_id: LossRatio(losses.get(bank_id, ZERO), loans.get(bank_id, ZERO))
        for bank_id in sorted(losses.keys() | loans.keys())
    }


def _day(at: InstrumentedAttribute[Any]) -> ColumnElement[date]:
    return cast(func.timezone("Asia/Shanghai", at), Date)
