"""A firm, its partners and its park, with a row of theirs in every table that has tenants."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import Money
from app.lending.grading import Grade
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import QueueKind, QueueStatus
from app.lifecycle.funds import ClaimKind, DisposalKind
from app.lifecycle.park_desk import RecommendationStatus
from app.lifecycle.parties import Level, OrganisationKind
from app.lifecycle.programme import ChangeKind
from app.lifecycle.valuations import CoverChoice, RunKind
from app.models.accounts import AccessToken, ApiClient, Invitation, PasswordReset
from app.models.alerts import Alert
from app.models.appraisals import AppraisalAnswer, GradeAnswer, GradeSheet
from app.models.claims import Claim, Disposal, Inspection, LoanGrade, Recovery, RecoveryShare
from app.models.deals import Approval, Condition, Deal, QueueEntry
from app.models.documents import Document
from app.models.exposures import ParkConsent
from app.models.financing import FinancingRequest
from app.models.funds import FilingPaper, FundFiling, FundSuspension, ReadinessRecord
from app.models.imports import Import, ImportRow
from app.models.loans import Loan
from app.models.organisations import Cooperation
from app.models.park_desk import (
    EventRegistration,
    MatchmakingEvent,
    ParkVisit,
    ParkVisitFirm,
    Recommendation,
)
from app.models.portfolios import StatedValue, Valuation
from app.models.programme import GuarantorTerms, ProgrammeChange
from app.models.records import IdempotencyKey
from app.models.rights import CoOwner, Encumbrance, LegalEvent, Licence, PrecheckConsent, Right
from app.models.valuation_runs import (
    CoverDecision,
    CoverSignal,
    RevaluationItem,
    RevaluationRound,
    ValuationResult,
    ValuationRun,
)
from app.models.workdays import ClockJudgement, GreenEntry
from app.schemas.loans import ExtensionIn
from app.services import extensions, repayments
from app.services.actor import SYSTEM, Actor, bind
from app.services.ledger import AccountRole, Book
from app.workdays.clocks import Outcome, Step
from tests.make.appraisals import make_appraiser, make_order, make_report
from tests.make.deals import Table, make_ready, make_table
from tests.make.funds import make_fund
from tests.make.grant_rows import make_grants
from tests.make.limits import get_account
from tests.make.loans import receipt
from tests.make.market import make_institution, make_open_request
from tests.make.parties import NOW
from tests.make.renewals import TODAY, draw_all, loan_of
from tests.make.rights import make_document
from tests.make.services import make_service_rows

SOON = NOW + timedelta(days=1)


@dataclass
class Tenant:
    """Who takes part, a request that is still open, and what the closed one led to."""

    table: Table
    park: Actor
    open_request: FinancingRequest
    deal: Deal
    loan: Loan
    right: Right


async def make_tenant(session: AsyncSession) -> Tenant:
    """As the platform; a deal over the whole road, with a prepayment and an extension."""
    table = await make_table(session)
    deal = await make_ready(session, table)
    await draw_all(session, table, deal)
    await bind(session, SYSTEM)
    loan = await loan_of(session, deal)
    right = (
        await session.scalars(select(Right).where(Right.owner_id == table.firm.organisation_id))
    ).one()
    tenant = Tenant(
        table=table,
        park=await make_institution(session, OrganisationKind.PARK),
        open_request=await make_open_request(session, table.firm),
        deal=deal,
        loan=loan,
        right=right,
    )
    data = receipt(Money.yuan(1_000_000), TODAY, choice=PrepaymentChoice.KEEP_TERM)
    await repayments.record(session, actor=table.bank, loan_id=loan.id, data=data, now=NOW)
    asked = ExtensionIn(extra_months=6, reason="客户回款延期")
    await extensions.request(session, actor=table.firm, loan_id=loan.id, data=asked, now=NOW)
    await bind(session, SYSTEM)
    document = await make_document(session, table.firm.organisation_id)
    await _make_accounts(session, table.firm)
    await _make_rights(session, tenant, document)
    await _make_rest_of_deal(session, tenant)
    await _make_park_desk(session, tenant)
    await _make_terms(session, table.guarantor)
    await _make_loss(session, tenant)
    await _make_revaluation(session, tenant)
    await _make_appraisal(session, tenant)
    await make_grants(session, table.firm, document)
    await make_service_rows(session, tenant.table.firm, tenant.table.bank)
    await session.flush()
    return tenant


async def _make_appraisal(session: AsyncSession, tenant: Tenant) -> None:
    """A report that the bank ordered and disputed."""
    appraiser = await make_appraiser(session)
    order = await make_order(
        session,
        orderer=tenant.table.bank,
        appraiser=appraiser,
        portfolio_id=tenant.open_request.portfolio_id,
        firm_id=tenant.table.firm.organisation_id,
        rights=[tenant.right],
    )
    report = await make_report(session, order)
    session.add(
        AppraisalAnswer(
            report_id=report.id,
            verdict="disputed",
            answered_by=order.orderer_id,
            answered_at=NOW,
        )
    )
    sheet = GradeSheet(
        id=new_id(),
        right_id=tenant.right.id,
        firm_id=tenant.right.owner_id,
        use="finance",
        table_id="shape",
        table_sha256=b"",
        graded_on=TODAY,
        facts={},
        engine="",
        started_at=NOW,
    )
    session.add(sheet)
    await session.flush()
    session.add(GradeAnswer(sheet_id=sheet.id, indicator="x", level=3, answered_at=NOW))


async def _make_accounts(session: AsyncSession, firm: Actor) -> None:
    own, user = firm.organisation_id, firm.user_id
    session.add_all(
        [
            Invitation(
                organisation_id=own,
                email="a@example.test",
                level=Level.MEMBER,
                digest=b"i",
                invited_by=user,
                expires_at=SOON,
            ),
            PasswordReset(user_id=user, digest=b"r", expires_at=SOON),
            ApiClient(
                organisation_id=own, name="ERP", secret_hash=b"s", scopes=[], created_by=user
            ),
            AccessToken(digest=b"t", organisation_id=own, user_id=user, scopes=[], expires_at=SOON),
            IdempotencyKey(
                organisation_id=own,
                route="POST /",
                key="k",
                digest=b"d",
                status=201,
                media_type="",
                body=b"",
            ),
        ]
    )


async def _make_rights(session: AsyncSession, tenant: Tenant, document: Document) -> None:
    firm, right = tenant.table.firm, tenant.right
    job = Import(owner_id=firm.organisation_id, document_id=document.id, created_at=NOW)
    session.add(job)
    await session.flush()
    session.add_all(
        [
            ImportRow(import_id=job.id, line=1, outcome="accepted", right_id=right.id),
            CoOwner(right_id=right.id, name="宁夏大学"),
            Licence(right_id=right.id, licensee="甲", exclusive=False, starts_on=TODAY),
            Encumbrance(right_id=right.id, kind="other", holder="乙", starts_on=TODAY),
            LegalEvent(
                right_id=right.id, code="X", announced_on=TODAY, description="", source="manual"
            ),
            PrecheckConsent(
                right_id=right.id,
                ground="annuity_due",
                statement="知悉",
                consented_by=firm.user_id,
                consented_at=NOW,
            ),
            StatedValue(
                portfolio_id=tenant.open_request.portfolio_id,
                kind="agreed",
                value=Money.yuan(1),
                valued_on=TODAY,
                agreed_with=tenant.table.bank.organisation_id,
                recorded_at=NOW,
            ),
        ]
    )


async def _make_rest_of_deal(session: AsyncSession, tenant: Tenant) -> None:
    table, deal = tenant.table, tenant.deal
    approval = await session.scalar(select(Approval.id).where(Approval.deal_id == deal.id).limit(1))
    limit = await get_account(
        session, Book.GUARANTOR, str(table.guarantor.organisation_id), AccountRole.AVAILABLE
    )
    stranger = await make_institution(session, OrganisationKind.INSURER)
    session.add_all(
        [
            Condition(approval_id=approval, text="补充担保"),
            QueueEntry(
                kind=QueueKind.DEAL,
                deal_id=deal.id,
                limit_account_id=limit.id,
                amount=Money.yuan(1),
                lacks=[],
                status=QueueStatus.LEFT,
                joined_at=NOW,
            ),
            Cooperation(
                bank_id=table.bank.organisation_id,
                partner_id=stranger.organisation_id,
                agreement_number="HZ",
                signed_on=TODAY,
                proposed_by=table.bank.organisation_id,
            ),
        ]
    )


async def _make_terms(session: AsyncSession, guarantor: Actor) -> None:
    change = ProgrammeChange(
        kind=ChangeKind.GUARANTOR_TERMS,
        facts={},
        effective_on=TODAY,
        reason="",
        guarantor_id=guarantor.organisation_id,
        proposed_by=guarantor.user_id,
        proposed_at=NOW,
    )
    session.add(change)
    await session.flush()
    session.add(
        GuarantorTerms(
            guarantor_id=change.guarantor_id,
            valid_from=TODAY,
            change_id=change.id,
            signed_capacity=Money.yuan(1),
            capacity=Money.yuan(1),
        )
    )


async def _make_park_desk(session: AsyncSession, tenant: Tenant) -> None:
    firm, park = tenant.table.firm.organisation_id, tenant.park.organisation_id
    code = "PINGLUO"
    visit = ParkVisit(
        park_code=code, visited_on=TODAY, visitors="", notes="", recorded_by=park, recorded_at=NOW
    )
    event = MatchmakingEvent(
        park_code=code, title="", held_on=TODAY, place="", capacity=9, announced_at=NOW
    )
    green = GreenEntry(
        request_id=tenant.deal.request_id,
        firm_id=firm,
        park_code=code,
        grounds=["key_park"],
        entered_at=NOW,
        checked_at=NOW,
    )
    session.add_all([visit, event, green])
    await session.flush()
    session.add_all(
        [
            ParkVisitFirm(visit_id=visit.id, firm_id=firm),
            EventRegistration(event_id=event.id, organisation_id=firm, people=1, registered_at=NOW),
            Recommendation(
                park_code=code,
                firm_id=firm,
                reason="",
                status=RecommendationStatus.CONSENTED,
                recommended_at=NOW,
            ),
            ClockJudgement(
                step=Step.DISCHARGE,
                subject_id=new_id(),
                request_id=green.request_id,
                deal_id=tenant.deal.id,
                firm_id=firm,
                park_code=code,
                role=OrganisationKind.BANK,
                started_at=NOW,
                due_on=TODAY,
                outcome=Outcome.RUNNING,
                working_days=0,
                provisional=False,
            ),
            ParkConsent(firm_id=firm, given_at=NOW),
            Alert(
                subject=code,
                measure="utilisation",
                level=Decimal(70),
                value=Decimal(71),
                raised_at=NOW,
            ),
        ]
    )


async def _make_loss(session: AsyncSession, tenant: Tenant) -> None:
    """Filed with a fund, graded, inspected, claimed, recovered; a fuse that stops the bank."""
    fund, manager, _ = await make_fund(session)
    deal, loan, bank = tenant.deal, tenant.loan, tenant.table.bank.organisation_id
    document = await make_document(session, bank)
    filing = FundFiling(
        id=new_id(),
        fund_id=fund.id,
        deal_id=deal.id,
        claimant_id=bank,
        bank_id=bank,
        firm_id=deal.firm_id,
        firm_name="示例企业",
        park_code=deal.park_code,
        scheme=fund.scheme,
        scheme_from=TODAY,
        facts={},
        loan_amount=deal.principal,
        ip_share_pct=Decimal(100),
        fund_share_pct=Decimal(54),
        filed_at=NOW,
    )
    disposal = Disposal(
        id=new_id(),
        deal_id=deal.id,
        right_id=tenant.right.id,
        kind=DisposalKind.LICENCE,
        counterparty="示例公司",
        price=Money.yuan(1),
        terms="普通许可",
        proposed_by=bank,
        proposed_at=NOW,
    )
    session.add_all([filing, disposal])
    await session.flush()
    claim = Claim(
        id=new_id(),
        kind=ClaimKind.FUND,
        loan_id=loan.id,
        deal_id=deal.id,
        filing_id=filing.id,
        fund_id=fund.id,
        payer_id=manager.organisation_id,
        claimant_id=bank,
        bank_id=bank,
        firm_id=deal.firm_id,
        reference="CL-1",
        lost_on=TODAY,
        principal=Money.yuan(2),
        settles=Money.yuan(2),
        amount=Money.yuan(1),
        shares=[],
        trace=[],
        submitted_at=NOW,
    )
    recovery = Recovery(
        id=new_id(),
        loan_id=loan.id,
        reference="REC-1",
        received_on=TODAY,
        amount=Money.yuan(1),
        principal=Money.yuan(1),
        claims_paid=0,
        recorded_by=bank,
        recorded_at=NOW,
    )
    session.add_all([claim, recovery])
    await session.flush()
    session.add_all(
        [
            FilingPaper(
                filing_id=filing.id,
                code="demand",
                document_id=document.id,
                attached_by=bank,
                attached_at=NOW,
            ),
            ReadinessRecord(
                filing_id=filing.id, number=1, step="filed", at=NOW, score_pct=1, missing=[]
            ),
            LoanGrade(
                loan_id=loan.id,
                graded_on=TODAY,
                days_past_due=0,
                floor=Grade.PASS,
                own=Grade.PASS,
                grade=Grade.PASS,
                reason="",
                graded_by=bank,
                graded_at=NOW,
            ),
            Inspection(
                loan_id=loan.id,
                inspected_on=TODAY,
                findings="正常",
                recorded_by=bank,
                recorded_at=NOW,
            ),
            FundSuspension(
                fund_id=fund.id,
                bank_id=bank,
                fuse="bank",
                stops="filings",
                ratio_pct=Decimal(4),
                threshold_pct=Decimal(3),
                since=NOW,
            ),
            RecoveryShare(
                recovery_id=recovery.id,
                party="bank",
                organisation_id=bank,
                amount=Money.yuan(1),
            ),
        ]
    )


async def _make_revaluation(session: AsyncSession, tenant: Tenant) -> None:
    """The pledge revalued, challenged, a signal raised and decided on."""
    firm, bank = tenant.deal.firm_id, tenant.table.bank.organisation_id
    request = await session.get_one(FinancingRequest, tenant.deal.request_id)
    valuation = await session.scalar(
        select(Valuation.id).where(Valuation.portfolio_id == request.portfolio_id)
    )
    opened = RevaluationRound(id=new_id(), valued_on=TODAY, opened_at=NOW)
    run, other = (
        ValuationRun(
            id=new_id(),
            kind=kind,
            firm_id=firm,
            portfolio_id=request.portfolio_id,
            valuation_id=valuation,
            valued_on=TODAY,
            inputs={},
            inputs_sha256=b"",
            created_at=NOW,
        )
        for kind in (RunKind.REVALUATION, RunKind.CHALLENGE)
    )
    run.deal_id, run.round_id = tenant.deal.id, opened.id
    other.challenges_id, other.made_by, other.reason = run.id, bank, ""
    signal = CoverSignal(
        id=new_id(),
        deal_id=tenant.deal.id,
        loan_id=tenant.loan.id,
        run_id=run.id,
        level_pct=Decimal(100),
        cover_pct=Decimal(90),
        outstanding=Money.yuan(1),
        liquidation=Money.yuan(1),
        raised_at=NOW,
    )
    for row in (
        opened,
        run,
        other,
        RevaluationItem(round_id=opened.id, deal_id=tenant.deal.id),
        ValuationResult(
            run_id=run.id,
            engine="test",
            market=Money.yuan(1),
            liquidation=Money.yuan(1),
            lendable=Money.yuan(1),
            results={},
            results_sha256=b"",
            computed_at=NOW,
        ),
        signal,
        CoverDecision(
            signal_id=signal.id,
            organisation_id=bank,
            choice=CoverChoice.NOTHING,
            reason="",
            decided_at=NOW,
        ),
    ):
        session.add(row)
        await session.flush()
