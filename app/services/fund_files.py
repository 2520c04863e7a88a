"""A fund's page, its filings, claims and recoveries as tables for CSV and XLSX.

The last line of each sums it, to the fen what the fund's accounts say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.lifecycle.funds import CLAIMS_DEAD, ClaimStatus
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Claim, Recovery, RecoveryShare
from app.models.funds import FundFiling
from app.models.organisations import Organisation
from app.schemas.fund_figures import FundFiguresOut
from app.services import fund_figures
from app.services.actor import Actor, as_platform
from app.services.fund_exposure import exposure_of
from app.services.sheets import FIGURES, Cell, Sheet

TOTAL = "合计 total"

LISTERS = (OrganisationKind.AGENCY, OrganisationKind.AUTHORITY)
"""Who may read filing by filing and claim by claim: a park may not."""


@dataclass(frozen=True, slots=True)
class FundFile:
    """A fund's figures with every line that they sum; for a park the figures alone."""

    figures: FundFiguresOut
    filings: Sequence[FundFiling] = ()
    claims: Sequence[Claim] = ()
    returns: Sequence[tuple[Recovery, RecoveryShare]] = ()
    names: Mapping[UUID, str] | None = None


async def get_file(
    session: AsyncSession, *, actor: Actor, fund_id: UUID, now: datetime
) -> FundFile:
    """The figures, and all filings, claims and recoveries of the fund, oldest first."""
    figures = await fund_figures.get_figures(session, actor=actor, fund_id=fund_id, now=now)
    if actor.kind not in LISTERS:
        return FundFile(figures)
    async with as_platform(session):
        filings = await session.scalars(
            select(FundFiling).where(FundFiling.fund_id == fund_id).order_by(FundFiling.id)
        )
        claims = await session.scalars(
            select(Claim).where(Claim.fund_id == fund_id).order_by(Claim.id)
        )
        returns = await session.execute(
            select(Recovery, RecoveryShare)
            .join(RecoveryShare, RecoveryShare.recovery_id == Recovery.id)
            .where(RecoveryShare.fund_id == fund_id)
            .order_by(Recovery.id)
        )
        parties = select(FundFiling.bank_id).where(FundFiling.fund_id == fund_id)
        names = await session.execute(
            select(Organisation.id, Organisation.name).where(Organisation.id.in_(parties))
        )
        return FundFile(
            figures,
            filings.all(),
            claims.all(),
            [(recovery, share) for recovery, share in returns],
            {row.id: row.name for row in names},
        )


def summary(found: FundFiguresOut) -> Sheet:
    """Every figure in a line: its name in both languages, its value."""
    fund, claims = found.fund, found.claims
    rows: list[Sequence[Cell]] = [
        ("资金", "Fund", fund.name),
        ("补偿方案", "Scheme", fund.scheme),
        ("日期", "On", found.on),
        ("累计到位资金", "Capital paid in", fund.paid_in),
        ("资金余额", "Balance", fund.balance),
        ("已批未付", "Approved and not paid yet", fund.committed),
        ("可用余额", "Available", found.available),
        ("累计补偿", "Compensation paid", found.compensated),
        ("累计回收", "Recovered", found.recovered),
        ("净补偿", "Compensation, less what came back", fund.paid),
        ("备案未放款知识产权本金", "IP principal filed and not drawn", fund.base_reserved),
        ("备案在贷知识产权本金", "IP principal drawn and owed", fund.base_outstanding),
        ("未放款部分敞口", "The fund's share of what is not drawn", fund.exposure_reserved),
        ("在贷部分敞口", "The fund's share of what is owed", fund.exposure_outstanding),
        ("放大倍数", "Leverage", fund.leverage),
        ("放大倍数预警线", "Leverage that warns", fund.leverage_warn),
        ("放大倍数上限", "Leverage that stops", fund.leverage_max),
        ("距预警可再备案", "Room before the warning", found.room_to_warn),
        ("可再备案", "What it could still take on", fund.room),
        ("在册笔数", "Loans filed", found.loans),
        ("在册企业数", "Firms behind them", found.firms_behind),
        ("最大企业占比（%）", "Largest firm, %", found.largest_firm_pct),
    ]
    if claims is not None:
        rows += [
            ("在途索赔笔数", "Claims in flight", claims.claims),
            ("在途索赔金额", "Amount of claims in flight", claims.amount),
            ("逾期未答复笔数", "Claims unanswered after their deadline", claims.late),
            ("最近答复期限", "Next deadline", claims.next_due_on),
        ]
    rows += [
        (
            f"熔断 {fuse.fuse}：{fuse.bank_name or '全部银行'}（阈值 {fuse.threshold_pct}%）",
            f"Fuse {fuse.fuse}, {fuse.bank_name or 'all banks'}: ratio in %,"
            f" limit {fuse.threshold_pct} %, {fuse.state}",
            fuse.ratio_pct,
        )
        for fuse in found.fuses
    ]
    return Sheet("figures", FIGURES, rows)


def all_of(found: FundFile) -> list[Sheet]:
    """The figures, banks, firms and fuses; then every filing, claim and recovery."""
    sheets = [summary(found.figures), _fuses(found.figures)]
    if found.figures.banks is not None:
        sheets.insert(1, _banks(found.figures))
    if found.names is not None:
        sheets += [filings_sheet(found), claims_sheet(found), returns_sheet(found)]
    return sheets


def filings_sheet(found: FundFile) -> Sheet:
    """Every filing; the total is the fund's IP principal and its share of it."""
    assert found.names is not None
    rows: list[Sequence[Cell]] = [
        (
            str(filing.id),
            found.names[filing.bank_id],
            filing.firm_name,
            filing.park_code,
            str(filing.status),
            filing.reference,
            filing.filed_at,
            filing.loan_amount,
            filing.ip_share_pct,
            filing.fund_share_pct,
            filing.reserved,
            filing.outstanding,
            exposure_of(filing),
            filing.compensated,
        )
        for filing in found.filings
    ]
    rows.append(
        (
            TOTAL,
            *(None,) * 9,
            Money.sum([filing.reserved for filing in found.filings]),
            Money.sum([filing.outstanding for filing in found.filings]),
            Money.sum([exposure_of(filing) for filing in found.filings]),
            Money.sum([filing.compensated for filing in found.filings]),
        )
    )
    columns = [
        ("备案号", "Filing"),
        ("银行", "Bank"),
        ("企业", "Firm"),
        ("园区", "Park"),
        ("状态", "Status"),
        ("回执号", "Receipt"),
        ("备案时间", "Filed at"),
        ("贷款金额", "Loan"),
        ("知识产权占比（%）", "IP share, %"),
        ("资金分担比例（%）", "Fund's share, %"),
        ("未放款知识产权本金", "IP principal not drawn"),
        ("在贷知识产权本金", "IP principal owed"),
        ("资金敞口", "Fund's exposure"),
        ("已补偿本金", "Principal compensated"),
    ]
    return Sheet("filings", columns, rows)


def claims_sheet(found: FundFile) -> Sheet:
    """Every claim; the totals leave out the refused and withdrawn, on which nothing is paid."""
    assert found.names is not None
    counted = [claim for claim in found.claims if claim.status not in CLAIMS_DEAD]
    rows: list[Sequence[Cell]] = [
        (
            str(claim.id),
            found.names[claim.bank_id],
            claim.reference,
            str(claim.status),
            claim.lost_on,
            claim.submitted_at,
            claim.due_on,
            claim.principal,
            claim.settles,
            claim.amount,
            _committed(claim),
            _paid(claim),
            claim.paid_on,
            claim.payment_reference,
            claim.refusal if claim.status is ClaimStatus.REFUSED else None,
        )
        for claim in found.claims
    ]
    rows.append(
        (
            "合计（不含已拒绝、已撤回） total without refused and withdrawn",
            *(None,) * 7,
            Money.sum([claim.settles for claim in counted]),
            Money.sum([claim.amount for claim in counted]),
            Money.sum([_committed(claim) for claim in counted]),
            Money.sum([_paid(claim) for claim in counted]),
            *(None,) * 3,
        )
    )
    columns = [
        ("索赔号", "Claim"),
        ("银行", "Bank"),
        ("申请编号", "Reference"),
        ("状态", "Status"),
        ("损失日", "Lost on"),
        ("提交时间", "Submitted at"),
        ("答复期限", "Due on"),
        ("损失本金", "Principal lost"),
        ("所结清本金", "Principal that it settles"),
        ("申请金额", "Asked"),
        ("已批未付", "Approved and not paid yet"),
        ("已付", "Paid"),
        ("付款日", "Paid on"),
        ("付款编号", "Payment"),
        ("拒绝理由", "Why refused"),
    ]
    return Sheet("claims", columns, rows)


def returns_sheet(found: FundFile) -> Sheet:
    """The fund's part of every recovery; the total is what is back in the fund."""
    rows: list[Sequence[Cell]] = [
        (
            str(recovery.id),
            recovery.reference,
            recovery.received_on,
            recovery.amount,
            share.amount,
            share.amount if share.received_at is not None else ZERO,
            share.received_at,
        )
        for recovery, share in found.returns
    ]
    rows.append(
        (
            TOTAL,
            *(None,) * 3,
            Money.sum([share.amount for _, share in found.returns]),
            Money.sum([s.amount for _, s in found.returns if s.received_at is not None]),
            None,
        )
    )
    columns = [
        ("追偿号", "Recovery"),
        ("回款编号", "Reference"),
        ("回款日", "Received on"),
        ("回款总额", "Came in"),
        ("资金应得", "The fund's part"),
        ("资金已收", "Back in the fund"),
        ("收到时间", "At"),
    ]
    return Sheet("recoveries", columns, rows)


def _banks(found: FundFiguresOut) -> Sheet:
    banks = found.banks or []
    rows: list[Sequence[Cell]] = [
        (
            bank.bank_name,
            bank.loans,
            bank.base_reserved,
            bank.base_outstanding,
            bank.exposure,
            bank.compensated,
            bank.recovered,
        )
        for bank in banks
    ]
    rows.append(
        (
            TOTAL,
            sum(bank.loans for bank in banks),
            Money.sum([bank.base_reserved for bank in banks]),
            Money.sum([bank.base_outstanding for bank in banks]),
            Money.sum([bank.exposure for bank in banks]),
            found.compensated,
            found.recovered,
        )
    )
    columns = [
        ("银行", "Bank"),
        ("笔数", "Loans"),
        ("未放款知识产权本金", "IP principal not drawn"),
        ("在贷知识产权本金", "IP principal owed"),
        ("资金敞口", "Fund's exposure"),
        ("累计补偿", "Compensated"),
        ("累计回收", "Recovered"),
    ]
    return Sheet("banks", columns, rows)


def _fuses(found: FundFiguresOut) -> Sheet:
    rows: list[Sequence[Cell]] = [
        (
            fuse.fuse,
            fuse.bank_name,
            str(fuse.stops),
            fuse.lost,
            fuse.lent,
            fuse.ratio_pct,
            fuse.warn_pct,
            fuse.threshold_pct,
            str(fuse.state),
        )
        for fuse in found.fuses
    ]
    columns = [
        ("熔断", "Fuse"),
        ("银行", "Bank; blank: the fund"),
        ("暂停内容", "Stops"),
        ("当年损失本金", "Lost in the year"),
        ("贷款总额", "Lent"),
        ("损失率（%）", "Ratio, %"),
        ("预警（%）", "Warns at, %"),
        ("阈值（%）", "Limit, %"),
        ("状态", "State"),
    ]
    return Sheet("fuses", columns, rows)


def _committed(claim: Claim) -> Money:
    return claim.approved or ZERO if claim.status is ClaimStatus.APPROVED else ZERO


def _paid(claim: Claim) -> Money:
    return claim.approved or ZERO if claim.paid_at is not None else ZERO
