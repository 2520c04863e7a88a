"""The market: what fits is found, names come last, and a pledged patent needs its pledgee."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused, Forbidden
from app.core.money import Money
from app.lifecycle.funds import DisposalKind
from app.lifecycle.market import (
    ContractEvent,
    ContractStatus,
    EnquiryStatus,
    ListingSide,
    ListingStatus,
    TransferForm,
)
from app.models.deals import DealRight
from app.models.market import MarketListing, TransferContract
from app.models.organisations import FirmProfile
from app.models.rights import Licence, Right
from app.schemas.claims import DisposalIn
from app.schemas.market import BenefitIn, ContractIn, EnquiryOut, ListingIn
from app.services import disposals, enquiries, market, transfer_contracts
from app.services.actor import SYSTEM, Actor, bind
from app.services.disposals import EscrowFirst
from app.services.enquiries import EnquiryOver, EnquiryRuns, OwnListing
from app.services.market import AlreadyListed
from app.services.patents_offered import PledgeeConsentNeeded
from app.services.transfer_contracts import ContractRuns, ListingGone, NotAccepted
from tests.make.deals import Table, accept, make_table
from tests.make.market import make_firm
from tests.make.parties import NOW
from tests.make.rights import make_document

TODAY = business_date(NOW)
PATENT = "202110000001.6"

OFFER: dict[str, Any] = {
    "side": ListingSide.OFFER,
    "form": TransferForm.LICENCE,
    "title": "光伏组件节水清洗装置",
    "summary": "适用于西北干旱地区光伏电站",
    "ipc": ["H02S 40/10"],
    "patent_number": PATENT,
    "valid_until": TODAY + timedelta(days=365),
}
DEMAND = OFFER | {
    "side": ListingSide.DEMAND,
    "title": "求购光伏清洗技术",
    "patent_number": None,
    "summary": "电站缺水，需要少用水的办法",
}


async def offer(session: AsyncSession, actor: Actor, **changes: Any) -> MarketListing:
    await bind(session, actor)
    return await market.list_it(session, actor=actor, data=ListingIn(**(OFFER | changes)), now=NOW)


async def demand(session: AsyncSession, actor: Actor, **changes: Any) -> MarketListing:
    await bind(session, actor)
    return await market.list_it(session, actor=actor, data=ListingIn(**(DEMAND | changes)), now=NOW)


async def agree(session: AsyncSession, listing: MarketListing, owner: Actor, asker: Actor) -> Any:
    await bind(session, asker)
    enquiry = await enquiries.ask(
        session, actor=asker, listing_id=listing.id, body="请告知条件", now=NOW
    )
    await bind(session, owner)
    return await enquiries.decide(session, actor=owner, enquiry_id=enquiry.id, accept=True, now=NOW)


async def propose(
    session: AsyncSession, supplier: Actor, enquiry: EnquiryOut, **changes: Any
) -> TransferContract:
    fields: dict[str, Any] = {
        "form": TransferForm.LICENCE,
        "patent_number": PATENT,
        "amount": Money.yuan(300_000),
        "signed_on": date(2026, 11, 20),
    }
    await bind(session, supplier)
    return await transfer_contracts.propose(
        session,
        actor=supplier,
        enquiry_id=enquiry.id,
        data=ContractIn(**(fields | changes)),
        now=NOW,
    )


async def confirm(session: AsyncSession, buyer: Actor, row: TransferContract) -> TransferContract:
    await bind(session, buyer)
    return await transfer_contracts.confirm(session, actor=buyer, contract_id=row.id, now=NOW)


class TestTheBoard:
    async def test_what_fits_comes_best_first_and_names_nobody_who_asks(
        self, session: AsyncSession
    ) -> None:
        university, firm = await make_firm(session), await make_firm(session)
        fits = await offer(session, university)
        await offer(
            session,
            university,
            title="枸杞烘干机",
            summary="热泵",
            ipc=["F26B 9/06"],
            patent_number="202220000001.6",
        )
        wanted = await demand(session, firm)

        found = await market.match(session, actor=firm, listing_id=wanted.id, limit=10, now=NOW)

        assert [row.id for _, row in found] == [fits.id]
        assert found[0][0] > 20
        assert wanted.holder_name is None

    async def test_an_open_licence_states_price_and_terms(self, session: AsyncSession) -> None:
        firm = await make_firm(session)
        with pytest.raises(FieldRefused):
            await offer(session, firm, form=TransferForm.OPEN_LICENCE, price=Money.yuan(1))
        listed = await offer(
            session, firm, form=TransferForm.OPEN_LICENCE, price=Money.yuan(1), terms="一年"
        )

        found = await market.search(
            session,
            today=TODAY,
            side=None,
            form=TransferForm.OPEN_LICENCE,
            ipc="H02S",
            query="光伏清洗",
            limit=10,
        )

        assert [row.id for row in found] == [listed.id]

    async def test_a_patent_is_offered_once_in_a_form_and_by_its_owner(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        await accept(session, table)
        await bind(session, SYSTEM)
        number = (await session.scalars(select(Right.number))).first()
        with pytest.raises(FieldRefused):
            await offer(session, await make_firm(session), patent_number=number)
        firm = await make_firm(session)
        await offer(session, firm)
        with pytest.raises(AlreadyListed):
            await offer(session, firm)
        with pytest.raises(FieldRefused):
            await offer(session, firm, patent_number="202110000001.7")

    async def test_what_is_over_is_shown_no_more(self, session: AsyncSession) -> None:
        listed = await offer(session, await make_firm(session), valid_until=TODAY)

        for day, count in ((TODAY, 1), (TODAY + timedelta(days=1), 0)):
            found = await market.search(
                session, today=day, side=None, form=None, ipc=None, query=None, limit=10
            )
            assert len([row for row in found if row.id == listed.id]) == count


class TestContact:
    async def test_names_are_told_once_the_owner_accepts(self, session: AsyncSession) -> None:
        owner, asker = await make_firm(session), await make_firm(session)
        listed = await offer(session, owner)
        await bind(session, asker)
        asked = await enquiries.ask(
            session, actor=asker, listing_id=listed.id, body="请告知条件", now=NOW
        )
        assert asked.other_name is None
        with pytest.raises(EnquiryRuns):
            await enquiries.ask(session, actor=asker, listing_id=listed.id, body="x", now=NOW)
        with pytest.raises(Forbidden):
            await enquiries.decide(session, actor=asker, enquiry_id=asked.id, accept=True, now=NOW)
        await bind(session, owner)
        accepted = await enquiries.decide(
            session, actor=owner, enquiry_id=asked.id, accept=True, now=NOW
        )
        written = await enquiries.write(
            session, actor=owner, enquiry_id=asked.id, body="年费两万", now=NOW
        )

        assert (accepted.status, accepted.other_name) == (EnquiryStatus.ACCEPTED, "示例enterprise")
        assert [message.body for message in written.messages] == ["请告知条件", "年费两万"]

    async def test_nobody_asks_itself_or_writes_to_what_is_over(
        self, session: AsyncSession
    ) -> None:
        owner, asker = await make_firm(session), await make_firm(session)
        listed = await offer(session, owner)
        with pytest.raises(OwnListing):
            await enquiries.ask(session, actor=owner, listing_id=listed.id, body="x", now=NOW)
        await bind(session, asker)
        asked = await enquiries.ask(session, actor=asker, listing_id=listed.id, body="x", now=NOW)
        await enquiries.withdraw(session, actor=asker, enquiry_id=asked.id, now=NOW)
        with pytest.raises(EnquiryOver):
            await enquiries.write(session, actor=asker, enquiry_id=asked.id, body="x", now=NOW)


class TestContracts:
    async def test_measure_4_gives_five_per_cent_of_what_the_buyer_confirmed(
        self, session: AsyncSession
    ) -> None:
        supplier, buyer = await make_firm(session), await make_firm(session)
        enquiry = await agree(session, await offer(session, supplier), supplier, buyer)
        amount = Money.yuan("19999999.00")
        contract = await propose(session, supplier, enquiry, amount=amount)
        await confirm(session, buyer, contract)
        unproved = await transfer_contracts.show_grant(
            session, actor=buyer, contract_id=contract.id
        )
        await bind(session, SYSTEM)
        proof = await make_document(session, buyer.organisation_id)
        await bind(session, buyer)
        await transfer_contracts.record_benefit(
            session,
            actor=buyer,
            contract_id=contract.id,
            data=BenefitIn(paid=amount, benefit="新增销售收入", document_id=proof.id),
            now=NOW,
        )
        await bind(session, supplier)
        proved = await transfer_contracts.show_grant(
            session, actor=supplier, contract_id=contract.id
        )

        assert [step.rule for step in unproved.trace if not step.holds] == ["benefit"]
        assert proved.award == Money.yuan("999999.95")
        assert proved.facts["buyer_size"] == "small"

    async def test_a_buyer_without_a_profile_is_no_small_firm(self, session: AsyncSession) -> None:
        supplier, buyer = await make_firm(session), await make_firm(session)
        enquiry = await agree(session, await offer(session, supplier), supplier, buyer)
        contract = await confirm(session, buyer, await propose(session, supplier, enquiry))
        await bind(session, SYSTEM)
        await session.delete(await session.get_one(FirmProfile, buyer.organisation_id))
        await session.flush()
        await bind(session, buyer)

        told = await transfer_contracts.show_grant(session, actor=buyer, contract_id=contract.id)

        assert (told.missing, told.award) == (["buyer_size"], None)

    async def test_only_the_supplier_records_and_only_what_was_accepted(
        self, session: AsyncSession
    ) -> None:
        supplier, buyer = await make_firm(session), await make_firm(session)
        listed = await offer(session, supplier)
        await bind(session, buyer)
        asked = await enquiries.ask(session, actor=buyer, listing_id=listed.id, body="x", now=NOW)
        with pytest.raises(NotAccepted):
            await propose(session, supplier, asked)
        await enquiries.decide(session, actor=supplier, enquiry_id=asked.id, accept=True, now=NOW)
        with pytest.raises(Forbidden):
            await propose(session, buyer, asked)
        first = await propose(session, supplier, asked)
        with pytest.raises(ContractRuns):
            await propose(session, supplier, asked)
        await bind(session, buyer)
        await transfer_contracts.answer_no(
            session,
            actor=buyer,
            contract_id=first.id,
            event=ContractEvent.REFUSE,
            reason="金额不符",
            now=NOW,
        )

        assert (await propose(session, supplier, asked)).status is ContractStatus.PROPOSED

    async def test_a_sale_ends_the_offer_for_everybody_else(self, session: AsyncSession) -> None:
        supplier = await make_firm(session)
        buyers = [await make_firm(session), await make_firm(session)]
        listed = await offer(session, supplier, form=TransferForm.SALE)
        agreed = [await agree(session, listed, supplier, buyer) for buyer in buyers]
        contracts = [
            await propose(session, supplier, enquiry, form=TransferForm.SALE) for enquiry in agreed
        ]
        await confirm(session, buyers[0], contracts[0])
        with pytest.raises(ListingGone):
            await confirm(session, buyers[1], contracts[1])

        assert listed.status is ListingStatus.CONCLUDED

    async def test_to_a_demand_whoever_answers_is_the_supplier(self, session: AsyncSession) -> None:
        buyer, supplier = await make_firm(session), await make_firm(session)
        wanted = await demand(session, buyer)
        enquiry = await agree(session, wanted, buyer, supplier)
        contract = await confirm(session, buyer, await propose(session, supplier, enquiry))

        assert contract.supplier_id == supplier.organisation_id
        assert wanted.status is ListingStatus.CONCLUDED


class TestPledged:
    """The patent is pledged for a live deal of its owner."""

    async def make(self, session: AsyncSession) -> tuple[Table, Right]:
        table = await make_table(session)
        deal = await accept(session, table)
        await bind(session, SYSTEM)
        right_id = await session.scalar(
            select(DealRight.right_id).where(DealRight.deal_id == deal.id)
        )
        right = await session.get_one(Right, right_id)
        right.number = PATENT  # with a valid check digit, as a number that is typed must have
        await session.flush()
        self.deal_id = deal.id
        return table, right

    async def consent(
        self, session: AsyncSession, table: Table, right: Right, *, escrow: str | None = None
    ) -> Any:
        await bind(session, table.firm)
        asked = await disposals.propose(
            session,
            actor=table.firm,
            deal_id=self.deal_id,
            data=DisposalIn(
                right_id=right.id,
                kind=DisposalKind.LICENCE,
                counterparty="任何人",
                price=Money.yuan(300_000),
                terms="普通许可",
            ),
            now=NOW,
        )
        await bind(session, table.bank)
        return await disposals.consent(
            session, actor=table.bank, disposal_id=asked.id, escrow=escrow, now=NOW
        )

    async def test_a_licence_is_concluded_with_the_pledgees_consent_only(
        self, session: AsyncSession
    ) -> None:
        table, right = await self.make(session)
        buyer = await make_firm(session)
        listed = await offer(session, table.firm, patent_number=right.number)
        enquiry = await agree(session, listed, table.firm, buyer)
        with pytest.raises(PledgeeConsentNeeded):
            await propose(session, table.firm, enquiry, patent_number=right.number)
        given = await self.consent(session, table, right)
        terms = {"patent_number": right.number, "disposal_id": given.id}
        with pytest.raises(PledgeeConsentNeeded):
            await propose(session, table.firm, enquiry, amount=Money.yuan(299_999), **terms)
        with pytest.raises(PledgeeConsentNeeded):
            await propose(session, table.firm, enquiry, form=TransferForm.SALE, **terms)
        contract = await propose(session, table.firm, enquiry, **terms)
        await confirm(session, buyer, contract)
        await bind(session, SYSTEM)
        licences = (
            await session.scalars(select(Licence).where(Licence.right_id == right.id))
        ).all()

        assert contract.disposal_id == given.id
        assert [licence.licensee for licence in licences] == ["示例enterprise"]

    async def test_a_consent_taken_back_stops_the_confirmation(self, session: AsyncSession) -> None:
        table, right = await self.make(session)
        buyer = await make_firm(session)
        listed = await offer(session, table.firm, patent_number=right.number)
        enquiry = await agree(session, listed, table.firm, buyer)
        given = await self.consent(session, table, right)
        contract = await propose(
            session, table.firm, enquiry, patent_number=right.number, disposal_id=given.id
        )
        await bind(session, table.bank)
        await disposals.refuse(
            session, actor=table.bank, disposal_id=given.id, reason="资信不足", now=NOW
        )
        with pytest.raises(PledgeeConsentNeeded):
            await confirm(session, buyer, contract)

    async def test_the_fee_lies_in_escrow_first(self, session: AsyncSession) -> None:
        table, right = await self.make(session)
        listed = await offer(session, table.firm, patent_number=right.number)
        enquiry = await agree(session, listed, table.firm, await make_firm(session))
        given = await self.consent(session, table, right, escrow="提存账户")
        with pytest.raises(EscrowFirst):
            await propose(
                session, table.firm, enquiry, patent_number=right.number, disposal_id=given.id
            )

    async def test_an_open_licence_is_declared_with_consent_once_for_all(
        self, session: AsyncSession
    ) -> None:
        table, right = await self.make(session)
        terms: dict[str, Any] = {
            "form": TransferForm.OPEN_LICENCE,
            "patent_number": right.number,
            "price": Money.yuan(300_000),
            "terms": "普通许可，三年",
        }
        with pytest.raises(PledgeeConsentNeeded):
            await offer(session, table.firm, **terms)
        given = await self.consent(session, table, right)
        listed = await offer(session, table.firm, disposal_id=given.id, **terms)
        for _ in range(2):
            buyer = await make_firm(session)
            enquiry = await agree(session, listed, table.firm, buyer)
            contract = await propose(
                session,
                table.firm,
                enquiry,
                form=TransferForm.OPEN_LICENCE,
                patent_number=right.number,
            )
            await confirm(session, buyer, contract)

        assert listed.status is ListingStatus.OPEN
