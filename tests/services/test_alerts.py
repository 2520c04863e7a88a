"""Alerts: one per subject and level while it holds, acknowledged by a person, kept when cleared."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import SHANGHAI
from app.core.errors import NotFound
from app.core.messages import Language, speaking
from app.core.money import Money
from app.lifecycle.alerts import AlertStatus
from app.lifecycle.parties import OrganisationKind
from app.models.accounts import User
from app.models.alerts import Alert
from app.models.organisations import Organisation
from app.services import alerts, failures
from app.services.actor import SYSTEM, Actor, bind
from app.services.alerts import AlertAcknowledged
from tests.make.deals import accept, make_table
from tests.make.figures import make_park
from tests.make.funds import colleague_of
from tests.make.loans import make_drawn
from tests.make.market import make_institution
from tests.make.parties import NOW
from tests.make.programme import set_terms

LATER = NOW + timedelta(hours=3)


async def sweep(session: AsyncSession) -> int:
    changed = await alerts.sweep(session, now=NOW)
    await bind(session, SYSTEM)
    return changed


async def seen_by(session: AsyncSession, actor: Actor) -> list[Alert]:
    await bind(session, actor)
    found = list(await alerts.list_alerts(session, actor=actor, limit=50))
    await bind(session, SYSTEM)
    return found


async def test_each_level_that_is_passed_raises_one_alert(session: AsyncSession) -> None:
    park = await make_park(session)
    # 30.4 of 36 million: 84.44 %.
    await make_drawn(session, amount=Money.yuan(38_000_000), limit=Money.yuan(100_000_000))

    assert await sweep(session) == 1
    assert await sweep(session) == 0

    [alert] = await seen_by(session, park)
    assert (alert.measure, alert.level, alert.value) == (
        "utilisation_pct",
        Decimal(70),
        Decimal("84.44"),
    )
    # At 35.2 of 36 million the next two levels are passed as well.
    await make_drawn(session, amount=Money.yuan(6_000_000), limit=Money.yuan(100_000_000))
    assert await sweep(session) == 2
    assert {row.level for row in await seen_by(session, park)} == {70, 85, 95}


async def test_a_guarantors_own_limit_raises_its_own(session: AsyncSession) -> None:
    drawn = await make_drawn(session, limit=Money.yuan(4_800_000))  # 4.0 of 4.8: 83 %
    assert drawn.guarantor is not None
    park = await make_park(session)

    await sweep(session)

    [alert] = await seen_by(session, drawn.guarantor)
    assert alert.subject == str(drawn.guarantor.organisation_id)
    assert await seen_by(session, park) == []
    assert await seen_by(session, drawn.bank) == []


async def test_too_few_small_firms_alarm_the_guarantor_that_promised_them(
    session: AsyncSession,
) -> None:
    small = await make_table(session)
    large = await make_table(session, guarantor=small.guarantor, size="large")
    guarantor_id = small.guarantor.organisation_id
    limit = Money.yuan(100_000_000)
    await set_terms(session, guarantor_id, limit, min_small_firm_pct=80)
    await accept(session, small)
    await sweep(session)
    assert await seen_by(session, small.guarantor) == []

    await accept(session, large)
    await sweep(session)

    raised = [row for row in await seen_by(session, small.guarantor) if "small" in row.measure]
    assert [(row.measure, row.value) for row in raised] == [("small_firms_short_pct", Decimal(30))]


async def test_a_client_above_a_lowered_cap_alarms_its_guarantor(session: AsyncSession) -> None:
    drawn = await make_drawn(session, limit=Money.yuan(100_000_000))  # 4.0 million of one firm
    assert drawn.guarantor is not None
    guarantor_id = drawn.guarantor.organisation_id
    limit = Money.yuan(100_000_000)
    await set_terms(session, guarantor_id, limit, client_cap=Money.yuan(4_000_000))
    await sweep(session)
    assert await seen_by(session, drawn.guarantor) == []

    await set_terms(session, guarantor_id, limit, client_cap=Money.yuan(3_200_000))
    await sweep(session)

    [alert] = await seen_by(session, drawn.guarantor)
    assert (alert.measure, alert.value) == ("client_cap_over_pct", Decimal(25))


async def test_more_than_the_multiple_of_its_net_assets_alarms_a_guarantor(
    session: AsyncSession,
) -> None:
    drawn = await make_drawn(session, limit=Money.yuan(100_000_000))
    assert drawn.guarantor is not None
    guarantor_id = drawn.guarantor.organisation_id
    assets = {"net_assets": Money.yuan(320_000), "net_asset_multiple": Decimal(10)}
    terms = await set_terms(session, guarantor_id, Money.yuan(100_000_000), **assets)
    terms.capacity = Money.yuan(3_200_000)
    await sweep(session)

    raised = {row.measure: row.value for row in await seen_by(session, drawn.guarantor)}
    assert raised == {"net_assets_over_pct": Decimal(25), "utilisation_pct": Decimal(125)}


async def test_a_guarantor_above_what_it_signed_for_passes_100_per_cent(
    session: AsyncSession,
) -> None:
    drawn = await make_drawn(session, limit=Money.yuan(100_000_000))
    assert drawn.guarantor is not None
    await set_terms(session, drawn.guarantor.organisation_id, Money.yuan(3_000_000))
    await sweep(session)

    raised = await seen_by(session, drawn.guarantor)

    assert {row.level: row.value for row in raised} == dict.fromkeys(
        (Decimal(70), Decimal(85), Decimal(95)), Decimal("133.33")
    )


async def test_what_is_carried_without_capacity_is_an_alert_too(session: AsyncSession) -> None:
    drawn = await make_drawn(session, limit=Money.yuan(100_000_000))
    assert drawn.guarantor is not None
    await set_terms(session, drawn.guarantor.organisation_id, Money(0))
    await sweep(session)

    raised = await seen_by(session, drawn.guarantor)

    assert {row.value for row in raised} == {Decimal("999999.99")}


async def test_it_clears_when_it_no_longer_holds_and_may_come_back(session: AsyncSession) -> None:
    table = await make_table(session, limit=Money.yuan(4_100_000))
    deal = await accept(session, table)
    await sweep(session)
    assert len(await seen_by(session, table.guarantor)) == 3

    await failures.withdraw_deal(session, actor=table.firm, deal_id=deal.id, reason="另谋", now=NOW)
    assert await sweep(session) == 3

    assert {row.status for row in await seen_by(session, table.guarantor)} == {AlertStatus.CLEARED}


async def test_concentration_says_nothing_of_few_loans(session: AsyncSession) -> None:
    park = await make_park(session)
    for _ in range(9):
        await make_drawn(session, amount=Money.yuan(100_000))
    await sweep(session)
    assert await seen_by(session, park) == []

    await make_drawn(session, amount=Money.yuan(3_000_000))
    await sweep(session)

    # 2.4 of 3.12 million is one firm's and one bank's.
    assert {row.measure: row.value for row in await seen_by(session, park)} == {
        "bank_hhi": Decimal(5976),
        "firm_hhi": Decimal(5976),
        "largest_bank_pct": Decimal("76.92"),
        "largest_firm_pct": Decimal("76.92"),
    }


async def test_a_person_acknowledges_with_a_note_once(session: AsyncSession) -> None:
    drawn = await make_drawn(session, limit=Money.yuan(4_800_000))
    assert drawn.guarantor is not None
    other = await make_park(session)
    await sweep(session)
    [alert] = await seen_by(session, drawn.guarantor)

    with pytest.raises(NotFound):
        await alerts.acknowledge(session, actor=other, alert_id=alert.id, note="x", now=NOW)
    await bind(session, drawn.guarantor)
    done = await alerts.acknowledge(
        session, actor=drawn.guarantor, alert_id=alert.id, note="已知悉，正在增信", now=NOW
    )

    assert (done.status, done.note) == (AlertStatus.ACKNOWLEDGED, "已知悉，正在增信")
    assert done.acknowledged_by == drawn.guarantor.user_id
    again = await alerts.acknowledge(
        session, actor=drawn.guarantor, alert_id=alert.id, note="已知悉，正在增信", now=LATER
    )
    assert again.acknowledged_at == NOW  # the answer that got lost
    await bind(session, SYSTEM)
    assert await sweep(session) == 0  # still one open alert of the level


async def test_a_second_acknowledgement_is_told_who_made_the_first_and_when(
    session: AsyncSession,
) -> None:
    drawn = await make_drawn(session, limit=Money.yuan(4_800_000))
    assert drawn.guarantor is not None
    authority = await make_institution(session, OrganisationKind.AUTHORITY)
    colleague = await colleague_of(session, drawn.guarantor)
    first = await session.get_one(User, drawn.guarantor.user_id)
    guarantor = await session.get_one(Organisation, drawn.guarantor.organisation_id)
    person, organisation = first.name, guarantor.name
    await sweep(session)
    [alert] = await seen_by(session, drawn.guarantor)
    await bind(session, drawn.guarantor)
    await alerts.acknowledge(
        session, actor=drawn.guarantor, alert_id=alert.id, note="已增信", now=NOW
    )
    at = f"{NOW.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"

    for actor, by in ((colleague, f"{person} ({organisation})"), (authority, organisation)):
        await bind(session, actor)
        with pytest.raises(AlertAcknowledged) as refused:
            await alerts.acknowledge(session, actor=actor, alert_id=alert.id, note="x", now=LATER)
        assert str(refused.value) == f"{by} acknowledged the alert at {at}, noting: 已增信"
    with speaking(Language.CHINESE):
        assert str(refused.value) == f"{organisation}已于 {at} 确认该预警，备注：已增信"
