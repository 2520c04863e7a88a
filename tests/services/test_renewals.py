"""Renewals (无还本续贷) as they are asked for and quoted: when, of what, by whom."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.core.money import Money
from app.lifecycle.deals import PledgeeKind
from app.lifecycle.parties import OrganisationKind
from app.services import gate, renewals
from app.services.actor import SYSTEM, bind
from app.services.deals import DealNotReady
from app.services.old_loans import OldLoanInTheWay
from app.services.quotes import offer_quote
from app.services.renewal_rules import PartyMustStay
from app.services.renewals import RenewalUnderWay, TooEarlyToRenew
from tests.make.deals import accept, make_table
from tests.make.market import GUARANTEE, LOAN, make_institution, make_offer
from tests.make.parties import NOW
from tests.make.renewals import (
    accept_renewal,
    ask,
    make_maturing,
    make_renewal_table,
)

FIVE = Money.yuan(5_000_000)


async def test_another_bank_guarantor_or_pledgee_is_refused_at_its_quote(
    session: AsyncSession,
) -> None:
    maturing = await make_maturing(session)
    table = await make_renewal_table(session, maturing, FIVE)
    rival = await make_institution(session, OrganisationKind.BANK)
    guarantor = await make_institution(session, OrganisationKind.GUARANTOR)

    for actor, terms in ((rival, LOAN), (guarantor, GUARANTEE)):
        with pytest.raises(PartyMustStay):
            await offer_quote(
                session, actor=actor, request_id=table.request.id, offer=make_offer(terms), now=NOW
            )


async def test_an_overdue_loan_is_not_renewed(session: AsyncSession) -> None:
    maturing = await make_maturing(session)

    with pytest.raises(OldLoanInTheWay):
        await renewals.open_renewal(
            session,
            actor=maturing.table.firm,
            deal_id=maturing.deal.id,
            data=ask(FIVE),
            now=NOW + timedelta(days=45),
        )


async def test_a_renewal_opens_sixty_days_ahead_and_once(session: AsyncSession) -> None:
    early = await make_maturing(session, term_months=12)
    with pytest.raises(TooEarlyToRenew):
        await renewals.open_renewal(
            session, actor=early.table.firm, deal_id=early.deal.id, data=ask(FIVE), now=NOW
        )
    maturing = await make_maturing(session)
    await make_renewal_table(session, maturing, FIVE)
    with pytest.raises(RenewalUnderWay):
        await renewals.open_renewal(
            session, actor=maturing.table.firm, deal_id=maturing.deal.id, data=ask(FIVE), now=NOW
        )


async def test_firm_and_institutions_see_the_loan_on_their_renewal_lists(
    session: AsyncSession,
) -> None:
    maturing = await make_maturing(session)
    table = await make_renewal_table(session, maturing, FIVE)

    for actor in (table.firm, table.bank, table.guarantor):
        await bind(session, SYSTEM)
        listed = await renewals.list_renewals(session, actor=actor, now=NOW)
        assert [(item.loan_id, item.obstacles) for item in listed.items] == [(maturing.loan.id, [])]
        assert listed.items[0].request_id == table.request.id


async def test_the_gate_shows_a_renewal_the_pledge_of_the_old_deal(session: AsyncSession) -> None:
    maturing = await make_maturing(session)
    table, deal = await accept_renewal(session, maturing, FIVE)
    missing = await gate.show(session, actor=table.firm, deal_id=deal.id, amount=None, now=NOW)

    assert "registration" in {item.what for item in missing}
    assert not {"hold", "old_loan_principal"} & {item.what for item in missing}


async def test_the_pledgee_stays_who_it_is(session: AsyncSession) -> None:
    maturing = await make_maturing(session, loan={"pledgee": "guarantor"})
    assert maturing.deal.pledgee is PledgeeKind.GUARANTOR

    with pytest.raises(FieldRefused, match="guarantor"):
        await make_renewal_table(session, maturing, FIVE)


async def test_a_deal_that_is_not_drawn_has_nothing_to_renew(session: AsyncSession) -> None:
    table = await make_table(session)
    deal = await accept(session, table)

    with pytest.raises(DealNotReady):
        await renewals.open_renewal(
            session, actor=table.firm, deal_id=deal.id, data=ask(FIVE), now=NOW
        )
