"""Compensation funds: what they are and stand for, and the loans filed with them."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.clock import business_date
from app.core.errors import FieldRefused, NotFound
from app.lifecycle.funds import FilingStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.funds import FundFiling, FundSuspension
from app.routers.access import may, signed_in
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.funds import (
    FilingAnswerIn,
    FilingIn,
    FilingOut,
    FundOut,
    PaperIn,
    ReadinessOut,
    ReasonIn,
    SuspensionOut,
)
from app.services import filings, fund_disclosure, funds, fuses, readiness
from app.services.deals import DealNotReady, ReleaseOut
from app.services.filings import (
    FiledAlready,
    FundElsewhere,
    LeverageExceeded,
    NotCompensated,
    NotTheClaimant,
    SchemeNotInForce,
)
from app.services.fuses import FuseBlown

router = APIRouter(tags=["funds"], route_class=KeyedRoute)

READS = signed_in(scope="funds:read")
PARTIES = may(
    OrganisationKind.ENTERPRISE,
    OrganisationKind.BANK,
    OrganisationKind.GUARANTOR,
    OrganisationKind.AGENCY,
    OrganisationKind.AUTHORITY,
    scope="funds:read",
)
FILES = may(OrganisationKind.BANK, OrganisationKind.GUARANTOR, scope="funds:write")
MANAGES = may(OrganisationKind.AGENCY, scope="funds:write")


@router.get("/funds", dependencies=[READS], summary="Compensation funds")
async def list_funds(
    actor: CurrentActor, session: Session, now: Now, limit: Limit = 50, after: UUID | None = None
) -> Page[FundOut]:
    """With capital, balance, exposure and leverage, as the ledger has them now.

    A manager sees the funds it manages, a park its own and those that serve every park;
    everybody else sees all. All but the manager and the authority are told no figure behind which
    too few firms stand, or one above all.
    """
    rows = await funds.list_funds(session, actor=actor, limit=limit, after=after)
    return Page(
        items=await fund_disclosure.tell(session, actor=actor, rows=rows, on=business_date(now)),
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/funds/{fund_id}",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="One compensation fund",
)
async def get_fund(fund_id: UUID, actor: CurrentActor, session: Session, now: Now) -> FundOut:
    """Its money, what stands against it, and how much more may be filed with it."""
    fund = await funds.get_fund(session, actor=actor, fund_id=fund_id)
    [told] = await fund_disclosure.tell(session, actor=actor, rows=[fund], on=business_date(now))
    return told


@router.get(
    "/funds/{fund_id}/suspensions",
    response_model=list[SuspensionOut],
    dependencies=[READS],
    responses=problems(NotFound),
    summary="What fuses of a fund stopped",
)
async def list_suspensions(
    fund_id: UUID, actor: CurrentActor, session: Session
) -> Sequence[FundSuspension]:
    """Newest first, with the ratio and its threshold. One that has ended names when."""
    fund = await funds.get_fund(session, actor=actor, fund_id=fund_id)
    return await fuses.list_suspensions(session, actor=actor, fund_id=fund.id)


@router.post(
    "/lender/deals/{deal_id}/fund-filing",
    status_code=201,
    response_model=FilingOut,
    dependencies=[FILES],
    responses=problems(
        NotFound,
        FieldRefused,
        SchemeNotInForce,
        NotTheClaimant,
        FundElsewhere,
        FiledAlready,
        NotCompensated,
        LeverageExceeded,
        FuseBlown,
        DealNotReady,
        ReleaseOut,
    ),
    summary="File a loan with a compensation fund",
)
async def file(
    deal_id: UUID, form: FilingIn, actor: CurrentActor, session: Session, now: Now
) -> FundFiling:
    """Before any cash, by whoever claims by the fund's scheme: the bank or the guarantor.

    The IP principal is reserved against the fund's leverage limit at once; the drawdown gate then
    waits for the manager's acknowledgement.
    """
    return await filings.file(session, actor=actor, deal_id=deal_id, data=form, now=now)


@router.get("/fund-filings", dependencies=[PARTIES], summary="Loans filed with funds")
async def list_filings(
    *,
    actor: CurrentActor,
    session: Session,
    fund_id: Annotated[UUID | None, Query()] = None,
    deal_id: Annotated[UUID | None, Query()] = None,
    status: Annotated[FilingStatus | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[FilingOut]:
    """Yours, or those with the funds you manage; newest first."""
    rows = await filings.list_filings(
        session,
        actor=actor,
        fund_id=fund_id,
        deal_id=deal_id,
        status=status,
        limit=limit,
        after=after,
    )
    return Page(
        items=[FilingOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/fund-filings/{filing_id}",
    response_model=FilingOut,
    dependencies=[PARTIES],
    responses=problems(NotFound),
    summary="One filing",
)
async def get_filing(filing_id: UUID, actor: CurrentActor, session: Session) -> FundFiling:
    """What is reserved, outstanding and compensated, and the fund's number of the receipt."""
    return await filings.get_filing(session, actor=actor, filing_id=filing_id)


@router.get(
    "/fund-filings/{filing_id}/readiness",
    dependencies=[PARTIES],
    responses=problems(NotFound),
    summary="How complete the claim pack is",
)
async def get_readiness(
    filing_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ReadinessOut:
    """Every paper that a claim will need, when it is due, and whether it is there; and what was
    missing at each step of the loan, from the filing on.
    """
    filing = await filings.get_filing(session, actor=actor, filing_id=filing_id)
    return ReadinessOut.model_validate(await readiness.show(session, filing, now=now))


@router.post(
    "/fund-filings/{filing_id}/papers",
    status_code=201,
    dependencies=[FILES],
    responses=problems(NotFound, FieldRefused),
    summary="Attach a paper of the claim pack",
)
async def attach(
    filing_id: UUID, form: PaperIn, actor: CurrentActor, session: Session, now: Now
) -> ReadinessOut:
    """A document of yours; the fund's manager may read it from then on."""
    filing = await filings.get_filing(session, actor=actor, filing_id=filing_id)
    return ReadinessOut.model_validate(
        await readiness.attach(
            session,
            actor=actor,
            filing=filing,
            code=form.code,
            document_id=form.document_id,
            now=now,
        )
    )


@router.post(
    "/fund-filings/{filing_id}/acknowledgement",
    response_model=FilingOut,
    dependencies=[MANAGES],
    responses=problems(NotFound, IllegalMove, FuseBlown, DealNotReady, ReleaseOut),
    summary="Acknowledge a filing",
)
async def acknowledge(
    filing_id: UUID, form: FilingAnswerIn, actor: CurrentActor, session: Session, now: Now
) -> FundFiling:
    """The fund takes the loan in, under its own number of the receipt."""
    return await filings.acknowledge(
        session, actor=actor, filing_id=filing_id, reference=form.reference, now=now
    )


@router.post(
    "/fund-filings/{filing_id}/refusal",
    response_model=FilingOut,
    dependencies=[MANAGES],
    responses=problems(NotFound, IllegalMove),
    summary="Refuse a filing",
)
async def refuse(
    filing_id: UUID, form: ReasonIn, actor: CurrentActor, session: Session, now: Now
) -> FundFiling:
    """What was reserved is free again; the loan may go on without the fund, or be filed anew."""
    return await filings.refuse(
        session, actor=actor, filing_id=filing_id, reason=form.reason, now=now
    )


@router.post(
    "/fund-filings/{filing_id}/withdrawal",
    response_model=FilingOut,
    dependencies=[FILES],
    responses=problems(NotFound, IllegalMove, DealNotReady, ReleaseOut),
    summary="Take a filing back",
)
async def withdraw(filing_id: UUID, actor: CurrentActor, session: Session, now: Now) -> FundFiling:
    """Before any cash; the loan goes on without the fund."""
    return await filings.withdraw(session, actor=actor, filing_id=filing_id, now=now)
