"""Into the parks (入园惠企): visits, recommendations with consent, events with places."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.park_desk import EventStatus, RecommendationStatus
from app.lifecycle.parties import OrganisationKind
from app.schemas.park_desk import MatchmakingIn, MatchmakingOut, RecommendationIn, VisitIn
from app.services import matchmaking, open_requests, park_visits, recommendations, renewals
from app.services.actor import SYSTEM, Actor, bind
from app.services.matchmaking import EventFull, EventNotYet, EventOver
from app.services.recommendations import AlreadyRecommended
from tests.make.market import make_firm, make_institution, make_open_request
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.renewals import TODAY, make_maturing


async def make_park(session: AsyncSession, code: str = "PINGLUO") -> Actor:
    await bind(session, SYSTEM)
    organisation = await make_organisation(session, OrganisationKind.PARK, park_code=code)
    return await make_actor(session, organisation)


def visit(*firms: Actor, on: date = TODAY) -> VisitIn:
    return VisitIn(
        visited_on=on,
        visitors="银行",
        notes="走访",
        firm_ids=[firm.organisation_id for firm in firms],
    )


def listed(*firms: Actor) -> RecommendationIn:
    return RecommendationIn(reason="订单充足", firm_ids=[f.organisation_id for f in firms])


async def test_a_visit_names_certified_firms_of_the_park_only(session: AsyncSession) -> None:
    park, firm = await make_park(session), await make_firm(session)
    other = await make_firm(session, park="NINGDONG")

    made = await park_visits.record_visit(session, actor=park, data=visit(firm, firm), now=NOW)
    assert made.firm_ids == [firm.organisation_id]
    with pytest.raises(FieldRefused, match="firm_ids"):
        await park_visits.record_visit(session, actor=park, data=visit(other), now=NOW)
    tomorrow = visit(firm, on=TODAY + timedelta(days=1))
    with pytest.raises(FieldRefused, match="visited_on"):
        await park_visits.record_visit(session, actor=park, data=tomorrow, now=NOW)


async def test_another_park_sees_nothing_of_a_visit(session: AsyncSession) -> None:
    park, firm = await make_park(session), await make_firm(session)
    await park_visits.record_visit(session, actor=park, data=visit(firm), now=NOW)
    other = await make_park(session, "NINGDONG")
    for actor, count in ((park, 1), (other, 0)):
        await bind(session, actor)
        assert len(await park_visits.list_visits(session, actor=actor, limit=10)) == count


async def test_lenders_see_a_recommendation_once_the_firm_consents_and_until_it_ends(
    session: AsyncSession,
) -> None:
    park, firm = await make_park(session), await make_firm(session)
    request = await make_open_request(session, firm)
    bank = await make_institution(session, OrganisationKind.BANK)

    async def seen() -> bool:
        await bind(session, bank)
        page = await open_requests.list_open_requests(session, actor=bank, limit=200)
        one = await open_requests.get_for_lender(session, actor=bank, request_id=request.id)
        await bind(session, SYSTEM)
        mine = next(item for item in page.items if item.id == request.id)
        assert mine.recommended is one.recommended
        return mine.recommended

    (row,) = await recommendations.recommend(session, actor=park, data=listed(firm), now=NOW)
    before = await seen()
    await recommendations.decide(
        session, actor=firm, recommendation_id=row.id, consents=True, now=NOW
    )
    during = await seen()
    await recommendations.withdraw(session, actor=firm, recommendation_id=row.id, now=NOW)

    assert (before, during, await seen()) == (False, True, False)
    assert row.status is RecommendationStatus.WITHDRAWN


async def test_a_refused_recommendation_is_over_and_may_be_made_again(
    session: AsyncSession,
) -> None:
    park, firm = await make_park(session), await make_firm(session)
    (row,) = await recommendations.recommend(session, actor=park, data=listed(firm), now=NOW)
    with pytest.raises(AlreadyRecommended):
        await recommendations.recommend(session, actor=park, data=listed(firm), now=NOW)
    await recommendations.decide(
        session, actor=firm, recommendation_id=row.id, consents=False, now=NOW
    )

    with pytest.raises(IllegalMove):
        await recommendations.decide(
            session, actor=firm, recommendation_id=row.id, consents=True, now=NOW
        )
    (again,) = await recommendations.recommend(session, actor=park, data=listed(firm), now=NOW)
    assert again.status is RecommendationStatus.PROPOSED


async def test_a_firm_decides_for_itself_only(session: AsyncSession) -> None:
    park, firm = await make_park(session), await make_firm(session)
    stranger = await make_firm(session)
    (row,) = await recommendations.recommend(session, actor=park, data=listed(firm), now=NOW)

    with pytest.raises(NotFound):
        await recommendations.decide(
            session, actor=stranger, recommendation_id=row.id, consents=True, now=NOW
        )


async def test_the_park_sees_a_maturing_loan_by_name_only_where_the_firm_lets_it(
    session: AsyncSession,
) -> None:
    maturing, park = await make_maturing(session), await make_park(session)
    firm = maturing.table.firm
    hidden = await renewals.list_for_park(session, actor=park, now=NOW)
    (row,) = await recommendations.recommend(session, actor=park, data=listed(firm), now=NOW)
    await recommendations.decide(
        session, actor=firm, recommendation_id=row.id, consents=True, by_name=True, now=NOW
    )
    named = await renewals.list_for_park(session, actor=park, now=NOW)

    assert (hidden.items, hidden.unnamed) == ([], 1)
    assert ([item.loan_id for item in named.items], named.unnamed) == ([maturing.loan.id], 0)


async def make_event(session: AsyncSession, park: Actor, *, capacity: int = 5) -> MatchmakingOut:
    data = MatchmakingIn(
        title="对接会", held_on=TODAY + timedelta(days=2), place="管委会", capacity=capacity
    )
    return await matchmaking.announce_event(session, actor=park, data=data, now=NOW)


async def test_an_event_takes_people_up_to_its_capacity(session: AsyncSession) -> None:
    park = await make_park(session)
    firm, bank = await make_firm(session), await make_institution(session, OrganisationKind.BANK)
    event = await make_event(session, park)
    await matchmaking.register(session, actor=firm, event_id=event.id, people=3, now=NOW)

    with pytest.raises(EventFull) as full:
        await matchmaking.register(session, actor=bank, event_id=event.id, people=3, now=NOW)
    assert full.value.places_left == 2
    await matchmaking.register(session, actor=firm, event_id=event.id, people=2, now=NOW)
    await matchmaking.register(session, actor=bank, event_id=event.id, people=3, now=NOW)
    await matchmaking.withdraw(session, actor=firm, event_id=event.id, now=NOW)
    (shown,) = await matchmaking.list_events(session, since=None, limit=10)
    assert shown.places_left == 2


async def test_attendance_is_recorded_from_the_day_on_for_those_who_registered(
    session: AsyncSession,
) -> None:
    park = await make_park(session)
    firm, bank = await make_firm(session), await make_institution(session, OrganisationKind.BANK)
    event = await make_event(session, park)
    for actor in (firm, bank):
        await matchmaking.register(session, actor=actor, event_id=event.id, people=1, now=NOW)
    came = [bank.organisation_id]
    with pytest.raises(EventNotYet):
        await matchmaking.record_attendance(
            session, actor=park, event_id=event.id, organisation_ids=came, now=NOW
        )
    later = NOW + timedelta(days=2)
    with pytest.raises(FieldRefused, match="not registered"):
        await matchmaking.record_attendance(
            session, actor=park, event_id=event.id, organisation_ids=[uuid4()], now=later
        )
    rows = await matchmaking.record_attendance(
        session, actor=park, event_id=event.id, organisation_ids=came, now=later
    )

    assert {row.organisation_id: row.attended for row in rows} == {
        firm.organisation_id: False,
        bank.organisation_id: True,
    }
    with pytest.raises(EventOver):
        await matchmaking.register(session, actor=firm, event_id=event.id, people=1, now=later)


async def test_a_cancelled_event_takes_nobody_and_belongs_to_its_park(
    session: AsyncSession,
) -> None:
    park, other = await make_park(session), await make_park(session, "NINGDONG")
    event = await make_event(session, park)
    with pytest.raises(NotFound):
        await matchmaking.cancel_event(session, actor=other, event_id=event.id, now=NOW)
    cancelled = await matchmaking.cancel_event(session, actor=park, event_id=event.id, now=NOW)

    assert cancelled.status is EventStatus.CANCELLED
    with pytest.raises(EventOver):
        await matchmaking.register(
            session, actor=await make_firm(session), event_id=event.id, people=1, now=NOW
        )
