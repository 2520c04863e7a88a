"""Claim-readiness: how complete a claim's papers are, from the filing on and at every step.

The list is the scheme's. Some papers the platform knows itself, by the ids of ``_KNOWN``; the
others are documents that the claimant attaches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict, FieldRefused
from app.core.messages import Language, Pair, Text, all_of, say, told
from app.lifecycle.deals import ContractKind, ContractStatus, RegistrationStatus
from app.lifecycle.funds import FilingStatus
from app.models.claims import Inspection, LoanGrade
from app.models.deals import Contract, Registration
from app.models.funds import FilingPaper, Fund, FundFiling, ReadinessRecord
from app.models.loans import Loan
from app.risk.scheme import Paper, PaperDue
from app.risk.scheme_files import find_scheme
from app.services import documents, history, outbox
from app.services.actor import Actor, as_platform

_PLACES = Decimal("0.01")


@dataclass(eq=False)
class ClaimIncomplete(Conflict):
    """Papers of the claim pack are missing; each was on the list of the day it was due."""

    message = "The claim pack is not complete: {missing}."

    missing: list[dict[str, Any]]

    def words(self) -> Mapping[str, Any]:
        return {"missing": all_of(Pair(item["text"], item["text_zh"]) for item in self.missing)}


@dataclass(frozen=True, slots=True)
class PaperState:
    """A paper of the scheme's list, whether it is there, and the documents attached as it."""

    code: str
    name: Text
    due: PaperDue
    there: bool
    document_ids: list[UUID]

    def as_missing(self) -> dict[str, str]:
        return {
            "code": self.code,
            "due": self.due.value,
            "text": told(self.name, Language.ENGLISH),
            "text_zh": told(self.name, Language.CHINESE),
        }


@dataclass(frozen=True, slots=True)
class Readiness:
    """How complete the pack is, and how it was at each step before."""

    filing_id: UUID
    papers: list[PaperState]
    records: Sequence[ReadinessRecord]

    @property
    def score_pct(self) -> Decimal:
        return _score(self.papers)

    @property
    def missing_now(self) -> list[str]:
        """What was due by drawdown and is not there."""
        return [p.code for p in self.papers if not p.there and p.due is PaperDue.DRAWDOWN]

    @property
    def missing_for_claim(self) -> list[str]:
        return [p.code for p in self.papers if not p.there]


async def show(session: AsyncSession, filing: FundFiling, *, now: datetime) -> Readiness:
    """The claim pack of a filing that the actor may see."""
    records = await session.scalars(
        select(ReadinessRecord)
        .where(ReadinessRecord.filing_id == filing.id)
        .order_by(ReadinessRecord.number)
    )
    return Readiness(filing.id, await _look(session, filing, now=now), records.all())


async def attach(
    session: AsyncSession,
    *,
    actor: Actor,
    filing: FundFiling,
    code: str,
    document_id: UUID,
    now: datetime,
) -> Readiness:
    """Attach a document of the actor's as a paper; the fund's manager may read it from now on."""
    papers = {paper.id: paper.text for paper in _papers(filing, now=now)}
    if code not in papers:
        known = all_of(say("{code} ({name})", code=id_, name=text) for id_, text in papers.items())
        raise FieldRefused("code", say("must be one of {known}", known=known))
    document = await documents.get_document(session, actor=actor, document_id=document_id)
    if document.owner_id != actor.organisation_id:
        raise FieldRefused("document_id", say("is not your document"))
    if await session.get(FilingPaper, (filing.id, code, document_id)) is None:
        session.add(
            FilingPaper(
                filing_id=filing.id,
                code=code,
                document_id=document_id,
                attached_by=actor.organisation_id,
                attached_at=now,
            )
        )
        fund = await session.get_one(Fund, filing.fund_id)
        readers = {fund.manager_id, filing.bank_id, filing.claimant_id} - {actor.organisation_id}
        await documents.share(session, document, organisation_ids=readers)
        history.note(session, "fund filing", filing.id, f"attach {code}", actor=actor, now=now)
        outbox.announce(
            session, "fund.paper_attached", filing.id, organisation_id=fund.manager_id, now=now
        )
        await session.flush()
    return await show(session, filing, now=now)


async def must_be_complete(session: AsyncSession, filing: FundFiling, *, now: datetime) -> None:
    """Raise ClaimIncomplete with every paper that is missing."""
    async with as_platform(session):
        missing = [p.as_missing() for p in await _look(session, filing, now=now) if not p.there]
    if missing:
        raise ClaimIncomplete(missing)


async def note(session: AsyncSession, filing: FundFiling, *, step: str, now: datetime) -> None:
    """Keep how complete the pack is at this step, so that nobody is surprised years later."""
    await session.flush()
    async with as_platform(session):
        papers = await _look(session, filing, now=now)
        number = await session.scalar(
            select(func.count())
            .select_from(ReadinessRecord)
            .where(ReadinessRecord.filing_id == filing.id)
        )
        session.add(
            ReadinessRecord(
                filing_id=filing.id,
                number=(number or 0) + 1,
                step=step,
                at=now,
                score_pct=_score(papers),
                missing=[paper.as_missing() for paper in papers if not paper.there],
            )
        )
        await session.flush()


def _papers(filing: FundFiling, *, now: datetime) -> Sequence[Paper]:
    scheme = find_scheme(filing.scheme)
    version = scheme.version_on(filing.scheme_from) or scheme.version_on(business_date(now))
    return version.claim.papers if version is not None else ()


def _score(papers: Sequence[PaperState]) -> Decimal:
    there = sum(paper.there for paper in papers)
    return (Decimal(100) * there / max(1, len(papers))).quantize(_PLACES)


async def _look(session: AsyncSession, filing: FundFiling, *, now: datetime) -> list[PaperState]:
    attached: dict[str, list[UUID]] = {}
    for paper in await session.scalars(
        select(FilingPaper)
        .where(FilingPaper.filing_id == filing.id)
        .order_by(FilingPaper.attached_at, FilingPaper.document_id)
    ):
        attached.setdefault(paper.code, []).append(paper.document_id)
    async with as_platform(session):  # who may see the filing sees what it lacks
        known = (await session.execute(_known(filing))).one()._mapping
    return [
        PaperState(
            code=paper.id,
            name=paper.text,
            due=paper.due,
            there=bool(attached.get(paper.id)) or bool(known.get(paper.id)),
            document_ids=attached.get(paper.id, []),
        )
        for paper in _papers(filing, now=now)
    ]


_CONTRACTS = {
    "loan_contract": ContractKind.LOAN,
    "pledge_contract": ContractKind.PLEDGE,
    "guarantee_contract": ContractKind.GUARANTEE,
    "counter_guarantee_contract": ContractKind.COUNTER_GUARANTEE,
    "insurance_policy": ContractKind.INSURANCE,
}


def _known(filing: FundFiling) -> Any:
    """One row: for each id of a paper that the platform knows itself, whether it is there."""
    checks: dict[str, ColumnElement[bool]] = {
        code: exists().where(
            Contract.deal_id == filing.deal_id,
            Contract.kind == kind,
            Contract.status == ContractStatus.CONFIRMED,
        )
        for code, kind in _CONTRACTS.items()
    }
    of_deal = Registration.deal_id == filing.deal_id
    checks["pledge_registration"] = exists().where(of_deal) & ~exists().where(
        of_deal, Registration.status != RegistrationStatus.REGISTERED
    )
    checks["fund_filing"] = exists().where(
        FundFiling.id == filing.id, FundFiling.status == FilingStatus.ACKNOWLEDGED
    )
    loan = select(Loan.id).where(Loan.deal_id == filing.deal_id).scalar_subquery()
    checks["classification"] = exists().where(LoanGrade.loan_id == loan)
    checks["inspections"] = exists().where(Inspection.loan_id == loan)
    return select(*(check.label(code) for code, check in checks.items()))
