"""Contracts are confirmed version by version; what is not drawn in time is given back."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.core.money import ZERO, Money
from app.lifecycle.deals import ContractKind, ContractStatus, DealStatus, PledgeeKind
from app.models.deals import Contract, Deal
from app.services import contracts, drawdowns, sealing
from app.services.actor import Actor
from app.services.contracts import NotASide, OtherDocument
from tests.make.deals import Table, accept, approve_all, make_ready, make_table
from tests.make.parties import NOW
from tests.make.rights import make_document
from tests.services.test_drawdowns import draw

PERIOD = timedelta(days=91)
"""One day past the availability period of the quotes."""


async def make_approved(session: AsyncSession) -> tuple[Table, Deal]:
    table = await make_table(session)
    deal = await accept(session, table)
    return table, await approve_all(session, table, deal)


async def draft(
    session: AsyncSession, deal: Deal, drafter: Actor, *, owner: Actor | None = None
) -> Contract:
    document = await make_document(session, (owner or drafter).organisation_id, kind="contract")
    return await contracts.draft_contract(
        session,
        actor=drafter,
        deal_id=deal.id,
        kind=ContractKind.LOAN,
        document_id=document.id,
        now=NOW,
    )


async def confirm(
    session: AsyncSession, deal: Deal, side: Actor, *, version: int = 1, sha256: str = "00" * 32
) -> Contract:
    return await contracts.confirm_contract(
        session,
        actor=side,
        deal_id=deal.id,
        kind=ContractKind.LOAN,
        version=version,
        sha256=sha256,
        now=NOW,
    )


async def test_a_new_version_needs_every_confirmation_anew(session: AsyncSession) -> None:
    table, deal = await make_approved(session)
    first = await draft(session, deal, table.bank)
    await confirm(session, deal, table.bank)

    second = await draft(session, deal, table.firm)
    assert (first.status, second.version) == (ContractStatus.REPLACED, 2)
    with pytest.raises(OtherDocument):
        await confirm(session, deal, table.firm, version=1)
    await confirm(session, deal, table.firm, version=2)

    assert second.status is ContractStatus.DRAFTED


async def test_another_document_is_not_confirmed(session: AsyncSession) -> None:
    table, deal = await make_approved(session)
    await draft(session, deal, table.bank)

    with pytest.raises(OtherDocument):
        await confirm(session, deal, table.firm, sha256="ff" * 32)


async def test_what_was_never_drafted_is_not_confirmed(session: AsyncSession) -> None:
    table, deal = await make_approved(session)

    with pytest.raises(NotFound):
        await confirm(session, deal, table.firm)


async def test_only_a_side_drafts_and_only_its_own_document(session: AsyncSession) -> None:
    table, deal = await make_approved(session)

    with pytest.raises(NotASide):
        await draft(session, deal, table.guarantor)
    with pytest.raises(FieldRefused, match="no document of yours"):
        await draft(session, deal, table.bank, owner=table.firm)


async def test_the_required_contracts_follow_the_package(session: AsyncSession) -> None:
    table = await make_table(
        session,
        loan={"pledgee": "joint"},
        guarantee={"counter_guarantee": True, "counter_guarantee_text": "连带责任"},
    )
    deal = await accept(session, table, insured=True)
    firm, bank, guarantor, insurer = (
        actor.organisation_id for actor in (table.firm, table.bank, table.guarantor, table.insurer)
    )

    assert deal.pledgee is PledgeeKind.JOINT
    assert contracts.required_contracts(deal) == {
        ContractKind.LOAN: {firm, bank},
        ContractKind.PLEDGE: {firm, bank, guarantor},
        ContractKind.GUARANTEE: {guarantor, bank},
        ContractKind.COUNTER_GUARANTEE: {firm, guarantor},
        ContractKind.INSURANCE: {firm, insurer, bank},
    }


class TestEndOfAvailability:
    async def test_a_deal_never_drawn_fails(self, session: AsyncSession) -> None:
        deal = await make_ready(session, await make_table(session))
        assert await drawdowns.end_availability(session, now=NOW + PERIOD - timedelta(days=1)) == 0

        assert await drawdowns.end_availability(session, now=NOW + PERIOD) == 1

        assert (deal.status, deal.held) == (DealStatus.FAILED, ZERO)

    async def test_the_undrawn_rest_is_voided(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        await draw(session, table, deal.id, Money.yuan(1_000_000))

        assert await drawdowns.end_availability(session, now=NOW + PERIOD) == 1

        assert (deal.status, deal.held, deal.hold_id) == (DealStatus.ACTIVE, ZERO, None)
        assert await sealing.verify(session) == []

    async def test_a_release_that_is_out_waits_for_its_report(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        await drawdowns.release(
            session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
        )

        assert await drawdowns.end_availability(session, now=NOW + PERIOD) == 0
