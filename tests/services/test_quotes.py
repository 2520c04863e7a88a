"""Quotes on open requests: who may make which, withdrawn, expired."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.core.money import Money
from app.lifecycle.financing import QuoteStatus, RequestStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind, OrganisationStatus
from app.models.financing import FinancingRequest, Quote, QuoteRevision
from app.schemas.quotes import LoanTerms
from app.services import history, quotes
from app.services.actor import Actor, KindRefused, NotVerified, bind
from app.services.quotes import AlreadyQuoted, RequestNotOpen
from app.services.requests import ReferenceTaken
from tests.make.market import (
    GUARANTEE,
    INSURANCE,
    LOAN,
    make_institution,
    make_open_request,
    make_quote,
)

FEE = {"name": "appraisal", "when": "upfront"}


@pytest.fixture
async def bank(session: AsyncSession) -> Actor:
    return await make_institution(session, OrganisationKind.BANK)


@pytest.fixture
async def request_(session: AsyncSession) -> FinancingRequest:
    return await make_open_request(session)


class TestOfferQuote:
    async def test_stands_with_its_first_revision_and_its_history(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest, now: datetime
    ) -> None:
        await bind(session, bank)

        quote = await make_quote(session, bank, request_, LOAN, reference="Q-1")

        assert (quote.status, quote.revision, quote.reference) == ("offered", 1, "Q-1")
        assert quote.expires_at == now + timedelta(days=30)
        assert LoanTerms.model_validate(quote.terms).amount == Money.yuan(5_000_000)
        kept = await session.get_one(QuoteRevision, (quote.id, 1))
        assert kept.terms == quote.terms
        assert [change.event for change in await history.list_changes(session, [quote.id])] == [
            "create"
        ]

    @pytest.mark.parametrize(
        ("kind", "terms"),
        [
            (OrganisationKind.BANK, GUARANTEE),
            (OrganisationKind.GUARANTOR, INSURANCE),
            (OrganisationKind.INSURER, LOAN),
            (OrganisationKind.ENTERPRISE, LOAN),
        ],
    )
    async def test_each_kind_of_institution_quotes_its_own_business(
        self,
        session: AsyncSession,
        request_: FinancingRequest,
        kind: OrganisationKind,
        terms: dict[str, Any],
    ) -> None:
        stranger = await make_institution(session, kind)

        with pytest.raises(KindRefused):
            await make_quote(session, stranger, request_, terms)

    @pytest.mark.parametrize(
        ("kind", "terms"),
        [(OrganisationKind.GUARANTOR, GUARANTEE), (OrganisationKind.INSURER, INSURANCE)],
    )
    async def test_guarantors_and_insurers_quote_cover(
        self,
        session: AsyncSession,
        request_: FinancingRequest,
        kind: OrganisationKind,
        terms: dict[str, Any],
    ) -> None:
        institution = await make_institution(session, kind)

        quote = await make_quote(session, institution, request_, terms)

        assert quote.kind == terms["kind"]

    async def test_an_unverified_bank_may_not(
        self, session: AsyncSession, request_: FinancingRequest
    ) -> None:
        pending = await make_institution(
            session, OrganisationKind.BANK, status=OrganisationStatus.PENDING
        )

        with pytest.raises(NotVerified):
            await make_quote(session, pending, request_, LOAN)

    async def test_a_second_one_of_the_kind_is_refused(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest
    ) -> None:
        await make_quote(session, bank, request_, LOAN)

        with pytest.raises(AlreadyQuoted):
            await make_quote(session, bank, request_, LOAN)

    async def test_after_a_withdrawal_another_may_be_made(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest, now: datetime
    ) -> None:
        first = await make_quote(session, bank, request_, LOAN)
        await quotes.withdraw_quote(session, actor=bank, quote_id=first.id, now=now)
        await session.flush()

        second = await make_quote(session, bank, request_, LOAN)

        assert second.id != first.id

    async def test_a_reference_is_used_once_per_institution(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest
    ) -> None:
        await make_quote(session, bank, request_, LOAN, reference="Q-1")
        other = await make_open_request(session)

        with pytest.raises(ReferenceTaken):
            await make_quote(session, bank, other, LOAN, reference="Q-1")

        rival = await make_institution(session, OrganisationKind.BANK)
        assert (await make_quote(session, rival, request_, LOAN, reference="Q-1")).revision == 1

    @pytest.mark.parametrize(
        "changes",
        [{"status": RequestStatus.MATCHED}, {"expires_at": "now"}],
        ids=["matched", "over"],
    )
    async def test_a_request_that_is_no_longer_open_takes_none(
        self, session: AsyncSession, now: datetime, changes: dict[str, Any]
    ) -> None:
        changes = {name: now if value == "now" else value for name, value in changes.items()}
        request = await make_open_request(session, **changes)
        bank = await make_institution(session, OrganisationKind.BANK)
        session.add(  # a bank that quoted before still sees it
            Quote(
                request_id=request.id,
                institution_id=bank.organisation_id,
                firm_id=request.firm_id,
                kind="loan",
                status=QuoteStatus.WITHDRAWN,
                terms=LOAN,
                offered_at=now,
                expires_at=now,
            )
        )
        await session.flush()

        with pytest.raises(RequestNotOpen):
            await make_quote(session, bank, request, LOAN)

    async def test_a_draft_does_not_exist_for_a_bank(
        self, session: AsyncSession, bank: Actor
    ) -> None:
        draft = await make_open_request(session, status=RequestStatus.DRAFT)

        with pytest.raises(NotFound):
            await make_quote(session, bank, draft, LOAN)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"amount": "5000000.01"}, "terms.amount"),
            ({"term_months": 13}, "terms.term_months"),
            ({"penalty_multiple": "1.29"}, "terms.penalty_multiple"),
            ({"penalty_multiple": "1.51"}, "terms.penalty_multiple"),
            ({"rate": {"type": "lpr", "tenor": "1Y", "spread_bp": -300}}, "terms.rate.spread_bp"),
            ({"fees": [FEE | {"amount": "5000000.01"}]}, "terms.fees.0.amount"),
            (
                {"fees": [FEE | {"amount": "1.00"}, FEE | {"amount_pct_of_principal": "101"}]},
                "terms.fees.1.amount_pct_of_principal",
            ),
            (
                {"method": "equal_instalment", "instalment_multiple": "9000000.00"},
                "terms.instalment_multiple",
            ),
        ],
    )
    async def test_terms_that_request_or_rule_forbid_are_named(
        self,
        session: AsyncSession,
        bank: Actor,
        request_: FinancingRequest,
        changes: dict[str, Any],
        field: str,
    ) -> None:
        with pytest.raises(FieldRefused) as refused:
            await make_quote(session, bank, request_, LOAN, **changes)

        assert refused.value.field == field


class TestWithdrawQuote:
    async def test_ends_it_once(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest, now: datetime
    ) -> None:
        quote = await make_quote(session, bank, request_, LOAN)

        await quotes.withdraw_quote(session, actor=bank, quote_id=quote.id, now=now)
        await session.flush()

        assert quote.status is QuoteStatus.WITHDRAWN
        with pytest.raises(IllegalMove):
            await quotes.withdraw_quote(session, actor=bank, quote_id=quote.id, now=now)

    async def test_of_an_unknown_quote_is_not_found(
        self, session: AsyncSession, bank: Actor, now: datetime
    ) -> None:
        with pytest.raises(NotFound):
            await quotes.withdraw_quote(session, actor=bank, quote_id=new_id(), now=now)


class TestExpireDue:
    async def test_expires_what_is_due_and_nothing_else(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest, now: datetime
    ) -> None:
        short = await make_quote(session, bank, request_, LOAN, valid_days=1)
        other = await make_open_request(session)
        long = await make_quote(session, bank, other, LOAN, valid_days=2)

        expired = await quotes.expire_due(session, now=now + timedelta(days=1))

        assert expired == 1
        assert (short.status, long.status) == (QuoteStatus.EXPIRED, QuoteStatus.OFFERED)
