"""A compensation fund's page: its ledger, and the filings and claims that the ledger sums.

To be read in one snapshot, so that the lines agree with the accounts while others write.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Numeric, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.money import ZERO, Money
from app.lifecycle.funds import CLAIMS_IN_FLIGHT, LIVE_FILINGS, ClaimStatus
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Claim, Recovery, RecoveryShare
from app.models.funds import Fund, FundFiling
from app.models.loans import Loan
from app.models.organisations import Organisation
from app.risk.scheme import Fuse, RatioOf
from app.risk.scheme_files import find_scheme
from app.schemas.fund_figures import (
    FundBankOut,
    FundClaimOut,
    FundClaimsOut,
    FundFiguresOut,
    FundFirmOut,
    FundFuseOut,
)
from app.schemas.funds import FundOut, SuspensionOut
from app.services import disclosure, fund_disclosure, funds, fuses
from app.services.actor import Actor, as_platform
from app.services.figures import share_pct
from app.services.fuses import LossRatio

READERS = (OrganisationKind.AGENCY, OrganisationKind.PARK, OrganisationKind.AUTHORITY)
ROWS_MAX = 200

_HUNDREDTH = Decimal("0.01")
_UNANSWERED = (ClaimStatus.SUBMITTED, ClaimStatus.REVIEWED)


@dataclass(slots=True)
class _Stake:
    """What a bank's or a firm's filings stand for."""

    loans: int = 0
    reserved: Money = ZERO
    outstanding: Money = ZERO
    exposure: Money = ZERO
    name: str = ""
    by_firm: dict[UUID, "_Stake"] = field(default_factory=dict)

    def add(self, other: "_Stake") -> None:
        self.loans += other.loans
        self.reserved += other.reserved
        self.outstanding += other.outstanding
        self.exposure += other.exposure


async def get_figures(
    session: AsyncSession, *, actor: Actor, fund_id: UUID, now: datetime
) -> FundFiguresOut:
    """A fund's page for its manager, its owner, the parks it serves, and the authority."""
    actor.must_be(*READERS)
    fund = await funds.get_fund(session, actor=actor, fund_id=fund_id)
    suspensions = await fuses.list_suspensions(session, actor=actor, fund_id=fund.id)
    async with as_platform(session):
        found = await _read(session, fund, on=business_date(now))
        if actor.kind is OrganisationKind.PARK:
            limits = await disclosure.limits_on(session, on=business_date(now))
            [told] = await fund_disclosure.tell(
                session, actor=actor, rows=[fund], on=business_date(now)
            )
            found = await _for_park(session, found, limits, told)
    found.suspensions = [
        SuspensionOut.model_validate(one) for one in suspensions if one.ended_at is None
    ]
    return found


async def _read(session: AsyncSession, fund: Fund, *, on: date) -> FundFiguresOut:
    state = (await funds.states_of(session, [fund.id]))[fund.id]
    stakes = await _stakes(session, fund.id)
    firms = _firms(stakes)
    whole = state.exposure_reserved + state.exposure_outstanding
    rows = await _in_flight(session, fund.id)
    paid, returned = await _moved(session, fund.id)
    ratios = await fuses.ratios_of(session, fund.id, year=on.year)
    banks = stakes.keys() | paid.keys() | returned.keys() | ratios.keys()
    in_claims = {party for claim in rows for party in (claim.bank_id, claim.firm_id)}
    names = await _names(session, banks | in_claims)
    return FundFiguresOut(
        on=on,
        fund=funds.tell(fund, state),
        available=state.available,
        compensated=state.compensated,
        recovered=state.recovered,
        room_to_warn=state.room(fund.leverage_warn),
        loans=sum(stake.loans for stake in stakes.values()),
        firms_behind=sum(1 for stake in firms.values() if stake.loans),
        largest_firm_pct=share_pct(
            max((stake.exposure for stake in firms.values()), default=ZERO), whole
        ),
        banks=[
            _bank(bank_id, names[bank_id], stakes.get(bank_id, _Stake()), paid, returned)
            for bank_id in sorted(banks, key=lambda bank_id: (names[bank_id], bank_id))
        ],
        firms=[
            FundFirmOut(
                firm_id=firm_id,
                firm_name=stake.name,
                loans=stake.loans,
                base_reserved=stake.reserved,
                base_outstanding=stake.outstanding,
                exposure=stake.exposure,
                share_pct=share_pct(stake.exposure, whole),
            )
            for firm_id, stake in sorted(
                firms.items(), key=lambda item: (-item[1].exposure.fen, item[0])
            )[:ROWS_MAX]
            if stake.loans
        ],
        claims=_sum_claims(rows, on=on),
        claims_in_flight=[_claim(claim, names, on=on) for claim in rows[:ROWS_MAX]],
        fuses=list(_fuses(fund, ratios, names, on=on)),
        suspensions=[],
    )


async def _for_park(
    session: AsyncSession, found: FundFiguresOut, limits: Mapping[str, Any], fund: FundOut
) -> FundFiguresOut:
    """Without firms; the banks' lines all or none, so that no difference tells the one left out.

    What single banks lost is the loss of few firms, always.
    """
    fund_id, money = fund.id, fund.paid is not None
    stakes = await _stakes(session, fund_id)
    banks = [bank for bank in found.banks or () if bank.loans]
    told = all(_may_tell(limits, stakes[bank.bank_id]) for bank in banks)
    amounts = Counter[UUID]()
    counts = Counter[UUID]()
    for claim in await _in_flight(session, fund_id):
        amounts[claim.firm_id] += (claim.approved or claim.amount).fen
        counts[claim.firm_id] += 1
    lines = [bank.model_copy(update={"compensated": None, "recovered": None}) for bank in banks]
    return found.model_copy(
        update={
            "fund": fund,
            "available": found.available if money else None,
            "compensated": found.compensated if money else None,
            "recovered": found.recovered if money else None,
            "room_to_warn": found.room_to_warn if fund.room is not None else None,
            "loans": found.loans if told else None,
            "firms_behind": found.firms_behind if told else None,
            "largest_firm_pct": found.largest_firm_pct if told else None,
            "banks": lines if told else None,
            "firms": None,
            "claims": found.claims if disclosure.may_tell(limits, counts, amounts) else None,
            "claims_in_flight": None,
            "fuses": [
                fuse for fuse in found.fuses if fuse.bank_id is None and fund.room is not None
            ],
        }
    )


def _may_tell(limits: Mapping[str, Any], stake: _Stake) -> bool:
    return disclosure.may_tell(
        limits,
        Counter({firm_id: part.loans for firm_id, part in stake.by_firm.items()}),
        Counter({firm_id: part.exposure.fen for firm_id, part in stake.by_firm.items()}),
    )


async def _stakes(session: AsyncSession, fund_id: UUID) -> dict[UUID, _Stake]:
    """By bank, with its firms; the fund's share is rounded filing by filing, as it was posted."""
    live = FundFiling.status.in_(LIVE_FILINGS)
    share = FundFiling.fund_share_pct * _HUNDREDTH
    rows = await session.execute(
        select(
            FundFiling.bank_id,
            FundFiling.firm_id,
            func.max(FundFiling.firm_name).label("name"),
            func.count().filter(live).label("loans"),
            func.sum(FundFiling.reserved).label("reserved"),
            func.sum(FundFiling.outstanding).label("outstanding"),
            func.sum(
                func.round(cast(FundFiling.reserved, Numeric) * share)
                + func.round(cast(FundFiling.outstanding, Numeric) * share)
            ).label("exposure"),
        )
        .where(FundFiling.fund_id == fund_id)
        .group_by(FundFiling.bank_id, FundFiling.firm_id)
    )
    stakes: dict[UUID, _Stake] = defaultdict(_Stake)
    for row in rows:
        one = _Stake(row.loans, row.reserved, row.outstanding, Money(int(row.exposure)), row.name)
        bank = stakes[row.bank_id]
        bank.add(one)
        if one.loans:
            bank.by_firm[row.firm_id] = one
    return dict(stakes)


def _firms(stakes: Mapping[UUID, _Stake]) -> dict[UUID, _Stake]:
    firms: dict[UUID, _Stake] = {}
    for bank in stakes.values():
        for firm_id, stake in bank.by_firm.items():
            firms.setdefault(firm_id, _Stake(name=stake.name)).add(stake)
    return firms


async def _in_flight(session: AsyncSession, fund_id: UUID) -> Sequence[Claim]:
    rows = await session.scalars(
        select(Claim)
        .where(Claim.fund_id == fund_id, Claim.status.in_(CLAIMS_IN_FLIGHT))
        .order_by(Claim.due_on, Claim.id)
    )
    return rows.all()


async def _moved(
    session: AsyncSession, fund_id: UUID
) -> tuple[dict[UUID, Money], dict[UUID, Money]]:
    """By bank: what claims were paid, and what of it is back in the fund."""
    paid = await session.execute(
        select(Claim.bank_id, func.sum(Claim.approved))
        .where(Claim.fund_id == fund_id, Claim.paid_at.is_not(None))
        .group_by(Claim.bank_id)
    )
    returned = await session.execute(
        select(Loan.bank_id, func.sum(RecoveryShare.amount))
        .join(Recovery, Recovery.id == RecoveryShare.recovery_id)
        .join(Loan, Loan.id == Recovery.loan_id)
        .where(RecoveryShare.fund_id == fund_id, RecoveryShare.received_at.is_not(None))
        .group_by(Loan.bank_id)
    )
    return (
        {bank_id: total or ZERO for bank_id, total in paid},
        {bank_id: total or ZERO for bank_id, total in returned},
    )


async def _names(session: AsyncSession, ids: set[UUID]) -> dict[UUID, str]:
    rows = await session.execute(
        select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids))
    )
    return {row.id: row.name for row in rows}


def _bank(
    bank_id: UUID,
    name: str,
    stake: _Stake,
    paid: Mapping[UUID, Money],
    returned: Mapping[UUID, Money],
) -> FundBankOut:
    return FundBankOut(
        bank_id=bank_id,
        bank_name=name,
        loans=stake.loans,
        base_reserved=stake.reserved,
        base_outstanding=stake.outstanding,
        exposure=stake.exposure,
        compensated=paid.get(bank_id, ZERO),
        recovered=returned.get(bank_id, ZERO),
    )


def _days_left(claim: Claim, *, on: date) -> int | None:
    if claim.due_on is None or claim.status not in _UNANSWERED:
        return None
    days: int = (claim.due_on - on).days
    return days


def _sum_claims(rows: Sequence[Claim], *, on: date) -> FundClaimsOut:
    due = [claim.due_on for claim in rows if claim.due_on and claim.status in _UNANSWERED]
    return FundClaimsOut(
        claims=len(rows),
        amount=Money.sum([claim.approved or claim.amount for claim in rows]),
        late=sum(1 for day in due if day < on),
        next_due_on=min(due, default=None),
    )


def _claim(claim: Claim, names: Mapping[UUID, str], *, on: date) -> FundClaimOut:
    return FundClaimOut(
        claim_id=claim.id,
        bank_id=claim.bank_id,
        bank_name=names[claim.bank_id],
        firm_name=names[claim.firm_id],
        reference=claim.reference,
        status=claim.status,
        principal=claim.principal,
        amount=claim.amount,
        approved=claim.approved,
        submitted_at=claim.submitted_at,
        due_on=claim.due_on,
        days_left=_days_left(claim, on=on),
    )


def _fuses(
    fund: Fund, ratios: Mapping[UUID, LossRatio], names: Mapping[UUID, str], *, on: date
) -> Iterator[FundFuseOut]:
    """Every fuse of the scheme in force: of the fund once, of a bank for each bank."""
    version = find_scheme(fund.scheme).version_on(on)
    for fuse in version.fuses if version is not None else ():
        if fuse.of is RatioOf.FUND:
            yield _fuse(fuse, None, None, fuses.whole_of(ratios))
            continue
        for bank_id, ratio in ratios.items():
            yield _fuse(fuse, bank_id, names[bank_id], ratio)


def _fuse(fuse: Fuse, bank_id: UUID | None, name: str | None, ratio: LossRatio) -> FundFuseOut:
    return FundFuseOut(
        fuse=fuse.id,
        text=fuse.text,
        of=fuse.of,
        bank_id=bank_id,
        bank_name=name,
        stops=fuse.stops,
        threshold_pct=fuse.threshold_pct,
        warn_pct=fuse.warn_pct,
        uncalibrated=fuse.uncalibrated,
        lost=ratio.lost,
        lent=ratio.lent,
        ratio_pct=ratio.ratio_pct,
        state=fuse.state(compensated=ratio.lost, filed=ratio.lent),
    )
