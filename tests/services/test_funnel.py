"""The funnel: firms per stage from facts, each once, inside the period and the park."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.lifecycle.parties import OrganisationKind
from app.schemas.park_desk import FunnelOut, Stage
from app.services import funnel, park_visits, recommendations
from app.services.actor import bind
from tests.make.deals import accept, make_table
from tests.make.market import make_firm, make_open_request
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.renewals import TODAY, make_maturing
from tests.services.test_park_desk import listed, make_park, visit


def counts(shown: FunnelOut) -> dict[Stage, tuple[int, int]]:
    return {row.stage: (row.firms, row.visited_before) for row in shown.stages}


async def test_every_firm_counts_once_per_stage_and_only_as_far_as_it_came(
    session: AsyncSession,
) -> None:
    park = await make_park(session)
    drawn = (await make_maturing(session)).table
    accepted = await make_table(session)
    await accept(session, accepted)
    asked, visited = await make_firm(session), await make_firm(session)
    await make_open_request(session, asked)
    await make_open_request(session, asked)  # the same firm once more
    for firms in ((drawn.firm, visited), (visited,)):
        await park_visits.record_visit(session, actor=park, data=visit(*firms), now=NOW)
    await recommendations.recommend(session, actor=park, data=listed(visited), now=NOW)
    await bind(session, park)

    shown = await funnel.show_park(session, actor=park, since=None, until=None, now=NOW)
    assert counts(shown) == {
        Stage.VISITED: (2, 2),
        Stage.RECOMMENDED: (1, 1),
        Stage.REQUESTED: (3, 1),
        Stage.QUOTED: (2, 1),
        Stage.ACCEPTED: (2, 1),
        Stage.DRAWN: (1, 1),
    }


async def test_another_period_or_park_has_none_of_it(session: AsyncSession) -> None:
    park, other = await make_park(session), await make_park(session, "NINGDONG")
    await make_maturing(session)
    before = TODAY - timedelta(days=1)

    earlier = await funnel.show_park(session, actor=park, since=None, until=before, now=NOW)
    elsewhere = await funnel.show_park(session, actor=other, since=None, until=None, now=NOW)
    for shown in (earlier, elsewhere):
        assert set(counts(shown).values()) == {(0, 0)}


async def test_the_authority_sees_every_park_with_the_park_s_own_figures(
    session: AsyncSession,
) -> None:
    park = await make_park(session)
    await make_maturing(session)
    authority = await make_actor(
        session, await make_organisation(session, OrganisationKind.AUTHORITY)
    )
    own = await funnel.show_park(session, actor=park, since=None, until=None, now=NOW)
    every = await funnel.show_all(session, actor=authority, since=None, until=None, now=NOW)

    assert own in every
    assert {shown.park_code for shown in every} >= {"PINGLUO", "NINGDONG", "REGION"}


async def test_a_period_that_ends_before_it_begins_is_refused(session: AsyncSession) -> None:
    park = await make_park(session)

    with pytest.raises(FieldRefused, match="since"):
        await funnel.show_park(
            session, actor=park, since=TODAY, until=TODAY - timedelta(days=1), now=NOW
        )
