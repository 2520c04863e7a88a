"""The second lock: row-level security alone, without any filter of the services."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Table, delete, select, text, tuple_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Base
from app.core.money import Money
from app.lifecycle.deals import QueueStatus
from app.lifecycle.financing import QuoteStatus, RequestStatus
from app.lifecycle.market import ListingStatus
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.models.cases import CasePublication
from app.models.deals import Approval, Deal, DealRight, Drawdown, QueueEntry, Registration
from app.models.financing import FinancingRequest, Quote, QuoteRevision, RequestRight
from app.models.funds import FundSuspension
from app.models.loans import Instalment, Loan, Repayment
from app.models.market import MarketListing
from app.models.organisations import Cooperation, FirmProfile, Organisation
from app.models.public_services import ServiceVersion
from app.models.rights import CoOwner, Right
from app.services import failures, rights
from app.services.actor import NOBODY, SYSTEM, Actor, bind
from tests.make.deals import accept, make_table
from tests.make.market import make_firm, make_institution, make_open_request
from tests.make.parties import NOW
from tests.make.tenant import Tenant, make_tenant

OPEN = {
    "parks": "reference data: names of parks",
    "rule_versions": "reference data: the rules in force and their sources",
    "calendar_days": "reference data: the working calendar",
    "matchmaking_events": "announcements to everybody",
    "accreditations": "whom to order an appraisal from is public",
    "grant_budgets": "what a measure may give is public",
    "grant_programmes": "measures as they are run, with their rules",
    "grant_windows": "calls for applications",
    "openings": "announcements to everybody",
    "funds": "what a compensation fund is, is public; its money is on the ledger",
    "ledger_accounts": "limits and quotas, moved by every party under the ledger's locks",
    "ledger_transfers": "amounts between accounts; no party is named",
    "ledger_entries": "balances of accounts; no party is named",
    "ledger_seals": "hashes",
    "ledger_roots": "hashes, public",
}
"""Tables without tenants, and why everybody may read them."""

WITHOUT_POLICIES = {name for name in OPEN if name.startswith("ledger_")}

OPEN_ROWS: dict[str, tuple[str, Callable[[], ColumnElement[bool]]]] = {
    "organisations": (
        "whom to ask for a loan is public; firms are not",
        lambda: Organisation.kind != OrganisationKind.ENTERPRISE,
    ),
    "cooperations": (
        "firms compare the packages that agreements in force allow",
        lambda: Cooperation.confirmed_at.is_not(None) & Cooperation.ended_on.is_(None),
    ),
    "queue_entries": (
        "whoever asks for room must know who waits for it; ids and amounts, no names",
        lambda: QueueEntry.status == QueueStatus.WAITING,
    ),
    "fund_suspensions": (
        "what a fund has stopped for every bank concerns every bank",
        lambda: FundSuspension.bank_id.is_(None),
    ),
    "case_publications": (
        "what the kind of a case makes public of it",
        lambda: CasePublication.withdrawn_at.is_(None),
    ),
    "market_listings": (
        "what is on offer or asked for is public",
        lambda: MarketListing.status == ListingStatus.OPEN,
    ),
    "service_versions": (
        "what was published of the list of public services is public",
        lambda: ServiceVersion.published_at.is_not(None),
    ),
    "financing_requests": (
        "lenders choose what to quote on; the request names nobody",
        lambda: FinancingRequest.status == RequestStatus.OPEN,
    ),
}
"""Rows open to others in tables that have tenants, and why."""

TABLES = {table.name: table for table in Base.metadata.sorted_tables}
STRANGERS = [kind for kind in OrganisationKind if kind is not OrganisationKind.SYSTEM]
STRANGERS.remove(OrganisationKind.AUTHORITY)


@pytest.fixture
async def tenant(session: AsyncSession) -> Tenant:
    return await make_tenant(session)


async def keys_of(session: AsyncSession, table: Table, *where: Any) -> set[tuple[Any, ...]]:
    found = await session.execute(select(*table.primary_key.columns).where(*where))
    return {tuple(row) for row in found}


async def make_stranger(session: AsyncSession, kind: OrganisationKind) -> Actor:
    await bind(session, SYSTEM)
    if kind is OrganisationKind.ENTERPRISE:
        return await make_firm(session, park=None)
    changes = {"park_code": "NINGDONG"} if kind is OrganisationKind.PARK else {}
    return await make_institution(session, kind, **changes)


async def changes_nothing(session: AsyncSession, statement: Any) -> bool:
    """Whether the database refuses the statement, or finds no row for it."""
    try:
        async with session.begin_nested():
            result: Any = await session.execute(
                statement, execution_options={"synchronize_session": False}
            )
            return bool(result.rowcount == 0)
    except DBAPIError as refused:
        words = ("row-level security", "permission denied", "append-only")
        if any(word in str(refused) for word in words):
            return True
        raise


async def test_a_stranger_sees_no_row_of_any_tenant(session: AsyncSession, tenant: Tenant) -> None:
    """A new table fails here until it has policies and a row in make_tenant, or stands in OPEN."""
    sealed = {}
    for name, table in TABLES.items():
        if name not in OPEN:
            public = [~OPEN_ROWS[name][1]()] if name in OPEN_ROWS else []
            sealed[name] = await keys_of(session, table, *public)
    assert [name for name, keys in sealed.items() if not keys] == []

    strangers = [NOBODY, *[await make_stranger(session, kind) for kind in STRANGERS]]
    for stranger in strangers:
        await bind(session, stranger)
        for name, keys in sealed.items():
            shown = keys & await keys_of(session, TABLES[name])
            assert not shown, f"{stranger.kind} reads {name}"


async def test_nobody_who_is_not_bound_sees_a_tenant(session: AsyncSession, tenant: Tenant) -> None:
    await session.execute(
        text("SELECT set_config('app.org', '', true), set_config('app.kind', '', true)")
    )

    seen = {
        name
        for name, table in TABLES.items()
        if name not in OPEN and name not in OPEN_ROWS and await keys_of(session, table)
    }
    assert seen == set()


async def test_open_requests_are_open_to_lenders_only(
    session: AsyncSession, tenant: Tenant
) -> None:
    for kind in STRANGERS:
        await bind(session, await make_stranger(session, kind))
        shown = await keys_of(session, TABLES["financing_requests"])
        assert shown == ({(tenant.open_request.id,)} if kind in LENDERS else set())


async def test_every_table_but_the_ledgers_has_policies_for_each_command(
    session: AsyncSession,
) -> None:
    rows = await session.execute(
        text(
            "SELECT c.relname, c.relrowsecurity, array_agg(p.polcmd::text) FROM pg_class c"
            " LEFT JOIN pg_policy p ON p.polrelid = c.oid"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1, 2"
        )
    )
    commands = {row[0]: set(row[2]) for row in rows if row[1]}

    assert commands.keys() == TABLES.keys() - WITHOUT_POLICIES
    assert {name for name, found in commands.items() if found != {"r", "a", "w", "d"}} == set()


async def test_definers_have_a_search_path_of_their_own(session: AsyncSession) -> None:
    loose = await session.scalars(
        text(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND prosecdef AND NOT coalesce(proconfig::text LIKE '%search_path%', false)"
        )
    )
    assert set(loose) == set()


@pytest.mark.parametrize("kind", STRANGERS)
async def test_a_stranger_changes_and_deletes_no_row(
    session: AsyncSession, tenant: Tenant, kind: OrganisationKind
) -> None:
    before = {name: await keys_of(session, table) for name, table in TABLES.items()}
    stranger = await make_stranger(session, kind)
    own = {name for name, table in TABLES.items() if await keys_of(session, table) != before[name]}
    await bind(session, stranger)

    for name in TABLES.keys() - WITHOUT_POLICIES:
        table = TABLES[name]
        last = list(table.columns)[-1]
        theirs = tuple_(*table.primary_key.columns).in_(before[name])
        statements = [update(table).where(theirs).values({last: last}), delete(table).where(theirs)]
        if name not in own:  # reads nothing, so that reading does not protect it
            statements += [update(table).values({last: text("DEFAULT")}), delete(table)]
        for statement in statements:
            assert await changes_nothing(session, statement), statement


class TestAReaderIsNoWriter:
    async def test_a_lender_of_an_open_request(self, session: AsyncSession, tenant: Tenant) -> None:
        bank = await make_stranger(session, OrganisationKind.BANK)
        await bind(session, bank)
        open_one = FinancingRequest.id == tenant.open_request.id

        locked = await session.scalar(select(FinancingRequest).where(open_one).with_for_update())
        assert locked is not None
        for change in ({"amount": Money.yuan(1)}, {"firm_id": bank.organisation_id}):
            assert await changes_nothing(
                session, update(FinancingRequest).where(open_one).values(change)
            )
        assert await changes_nothing(session, delete(FinancingRequest).where(open_one))

    async def test_the_bank_of_a_deal_of_the_firms_rights(
        self, session: AsyncSession, tenant: Tenant
    ) -> None:
        await bind(session, tenant.table.bank)
        own = Right.id == tenant.right.id

        assert await session.scalar(select(Right.id).where(own)) is not None
        assert await changes_nothing(session, update(Right).where(own).values(title="x"))
        assert await changes_nothing(session, delete(CoOwner))
        assert await changes_nothing(session, update(FirmProfile).values(employees=1))

    async def test_a_rival_of_a_quote_and_its_terms(
        self, session: AsyncSession, tenant: Tenant
    ) -> None:
        await bind(session, await make_stranger(session, OrganisationKind.BANK))

        withdrawn = update(Quote).values(status=QuoteStatus.WITHDRAWN)
        assert await changes_nothing(session, withdrawn)
        assert await changes_nothing(session, update(QuoteRevision).values(terms={}))
        assert (await session.scalars(select(QuoteRevision.terms))).all() == []

    async def test_the_institution_itself_of_the_terms_it_once_stated(
        self, session: AsyncSession, tenant: Tenant
    ) -> None:
        await bind(session, tenant.table.bank)

        assert (await session.scalars(select(QuoteRevision.revision))).all() != []
        assert await changes_nothing(session, update(QuoteRevision).values(terms={}))
        assert await changes_nothing(session, delete(QuoteRevision))

    async def test_the_firm_of_what_its_bank_reports(
        self, session: AsyncSession, tenant: Tenant
    ) -> None:
        await bind(session, tenant.table.firm)

        assert await session.scalar(select(Loan.id).with_for_update()) is not None
        for statement in (
            update(Loan).values(outstanding=Money(0)),
            update(Loan).values(bank_id=tenant.table.firm.organisation_id),
            update(Instalment).values(penalty=Money(0)),
            update(Repayment).values(reversed_at=NOW),
            update(Drawdown).values(reported_at=NOW),
            update(Approval).values(principal=Money(1)),
            update(Registration).values(remark="x"),
            update(DealRight).values(released_at=NOW),
        ):
            assert await changes_nothing(session, statement)

    async def test_a_guarantor_of_another_institutions_approval(
        self, session: AsyncSession, tenant: Tenant
    ) -> None:
        await bind(session, tenant.table.guarantor)
        banks = Approval.institution_id == tenant.table.bank.organisation_id

        assert await session.scalar(select(Approval.id).where(banks)) is not None
        assert await changes_nothing(session, update(Approval).where(banks).values(note="x"))

    async def test_a_stranger_of_the_children_of_anothers_deal(
        self, session: AsyncSession, tenant: Tenant
    ) -> None:
        """A deal that is not there may be begun with its children; one that is, may not."""
        stranger = await make_stranger(session, OrganisationKind.GUARANTOR)
        await bind(session, stranger)
        approval = Approval.__table__.insert().values(  # type: ignore[attr-defined]
            id=stranger.organisation_id,
            deal_id=tenant.deal.id,
            institution_id=stranger.organisation_id,
            role=OrganisationKind.GUARANTOR,
            status="approved",
        )
        assert await changes_nothing(session, approval)


class TestRightsOfAFirm:
    async def seen(self, session: AsyncSession, actor: Actor) -> set[Any]:
        """What the policies show without a filter; it equals what the service shows."""
        await bind(session, SYSTEM)
        filtered = {right.id for right in await session.scalars(rights.visible_rights(actor))}
        await bind(session, actor)
        shown = set(await session.scalars(select(Right.id)))
        assert shown == filtered
        return shown

    async def test_a_failed_deal_shows_its_own_rights_for_ever_and_no_other(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        pledged = set(
            await session.scalars(select(DealRight.right_id).where(DealRight.deal_id == deal.id))
        )
        other = await make_open_request(session, table.firm)
        await failures.withdraw_deal(
            session, actor=table.firm, deal_id=deal.id, reason="x", now=NOW
        )

        for institution in table.institutions:
            assert await self.seen(session, institution) == pledged
        assert await self.seen(session, table.insurer) == set()
        assert len(await self.seen(session, table.firm)) == 2
        await bind(session, table.bank)
        carried = select(RequestRight.right_id).where(RequestRight.request_id == other.id)
        assert (await session.scalars(carried)).all() == []

    async def test_a_deal_shows_itself_to_its_parties(
        self, session: AsyncSession, tenant: Tenant
    ) -> None:
        for party in tenant.table.parties:
            assert await self.seen(session, party) >= {tenant.right.id}
            assert (await session.scalars(select(Deal.id))).all() == [tenant.deal.id]
