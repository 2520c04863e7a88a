"""Versions of public services, proposed and published by two people of the authority."""

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.lifecycle.market import ListingSide, ListingStatus, TransferForm
from app.lifecycle.parties import OrganisationKind
from app.models.cases import Case, CasePublication
from app.models.market import MarketEnquiry, MarketListing, MarketMessage, TransferContract
from app.models.organisations import Organisation
from app.models.public_services import ServiceVersion
from app.schemas.cases import CaseIn
from app.schemas.openings import BookingIn, EventIn
from app.schemas.public_services import ServiceVersionIn
from app.services import bookings, case_moves, openings, service_list
from app.services.actor import Actor
from tests.make.parties import NOW, make_actor, make_organisation

PLEDGES: dict[str, Any] = {
    "category": "acceptance",
    "name": "专利权质押登记",
    "name_en": "Registration of patent pledges",
    "content": "受理专利权质押登记、变更和注销申请",
    "form": "窗口、网上",
    "process": ["预审", "受理", "领取登记通知书"],
    "basis": "《专利权质押登记办法》",
    "contact": "宁夏业务受理窗口",
    "reason": "首次发布",
}


async def make_two_people(session: AsyncSession) -> tuple[Actor, Actor]:
    """Two people of one authority."""
    authority = await make_organisation(session, OrganisationKind.AUTHORITY)
    return await make_actor(session, authority), await make_actor(session, authority)


async def make_colleague(session: AsyncSession, actor: Actor) -> Actor:
    organisation = await session.get_one(Organisation, actor.organisation_id)
    return await make_actor(session, organisation)


def make_version(**changes: Any) -> ServiceVersionIn:
    return ServiceVersionIn(**(PLEDGES | changes))


async def publish(
    session: AsyncSession, people: tuple[Actor, Actor], code: str, **changes: Any
) -> ServiceVersion:
    now = changes.pop("now", NOW)
    proposed = await service_list.propose(
        session, actor=people[0], code=code, data=make_version(**changes), now=now
    )
    return await service_list.publish(session, actor=people[1], version_id=proposed.id, now=now)


async def make_service_rows(session: AsyncSession, firm: Actor, other: Actor) -> None:
    """A row that is not public in every table of the public services."""
    one, _ = await make_two_people(session)
    await service_list.propose(session, actor=one, code="pledges", data=make_version(), now=NOW)
    own, theirs = firm.organisation_id, other.organisation_id
    listing = MarketListing(
        id=new_id(),
        owner_id=own,
        side=ListingSide.DEMAND,
        form=TransferForm.LICENCE,
        title="求购节水清洗技术",
        summary="x",
        ipc=[],
        subclasses=[],
        terms="",
        valid_until=NOW.date(),
        status=ListingStatus.WITHDRAWN,
        grams=[],
        listed_at=NOW,
    )
    session.add(listing)
    await session.flush()
    enquiry = MarketEnquiry(
        id=new_id(), listing_id=listing.id, asker_id=theirs, owner_id=own, asked_at=NOW
    )
    session.add(enquiry)
    await session.flush()
    session.add_all(
        [
            MarketMessage(enquiry_id=enquiry.id, number=1, sender_id=theirs, body="x", at=NOW),
            TransferContract(
                enquiry_id=enquiry.id,
                supplier_id=theirs,
                buyer_id=own,
                form=TransferForm.LICENCE,
                patent_number="202110000001.6",
                amount=Money.yuan(1),
                exclusive=False,
                signed_on=NOW.date(),
                proposed_at=NOW,
                paid=ZERO,
            ),
        ]
    )
    await session.flush()
    await _make_publication(session, await make_case(session, firm))
    opening = await openings.announce(session, actor=one, data=make_event(), now=NOW)
    await bookings.book(
        session, actor=firm, opening_id=opening.id, data=BookingIn(people=1), now=NOW
    )


async def make_case(session: AsyncSession, firm: Actor) -> Case:
    return await case_moves.open_case(
        session,
        actor=firm,
        kind="fee-reduction",
        data=CaseIn(
            title="费用减缴备案", fields={"applicant_type": "firm", "taxable_income": "1.00"}
        ),
        now=NOW,
    )


async def _make_publication(session: AsyncSession, case: Case) -> None:
    session.add(
        CasePublication(
            case_id=case.id,
            kind=case.kind,
            title="x",
            state="x",
            fields={},
            grams=[],
            published_at=NOW,
            withdrawn_at=NOW,
        )
    )
    await session.flush()


def make_event(**changes: Any) -> EventIn:
    """A talk a week from now."""
    fields: dict[str, Any] = {
        "title": "政策宣讲会",
        "place": "银川",
        "starts_at": NOW + timedelta(days=7),
        "ends_at": NOW + timedelta(days=7, hours=2),
        "capacity": 10,
    }
    return EventIn(**(fields | changes))
