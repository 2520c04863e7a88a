"""A park's figures: worked out by hand, the same at a past instant as they were live."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused, NotFound
from app.core.money import ZERO, Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import DealStatus
from app.lifecycle.parties import GuarantorType, OrganisationKind
from app.models.financing import FinancingRequest
from app.models.organisations import Organisation
from app.schemas.figures import FiguresOut
from app.services import figures, park_views, releases, stuck
from app.services.actor import SYSTEM, Actor, bind
from app.services.releases import months_of_room
from tests.make.deals import accept, make_table
from tests.make.figures import clock, make_park
from tests.make.loans import PARK, Drawn, make_drawn, pay
from tests.make.parties import NOW, make_actor, make_organisation

MAY_21 = date(2026, 5, 21)
KEEP_TERM = PrepaymentChoice.KEEP_TERM


async def read(
    session: AsyncSession, actor: Actor, *, at: datetime | None = None, code: str | None = None
) -> FiguresOut:
    await bind(session, SYSTEM)
    now = await clock(session)
    found = await figures.get_figures(session, actor=actor, park_code=code, at=at, now=now)
    await bind(session, SYSTEM)
    return found


async def open_request(session: AsyncSession, drawn: Drawn, days: int, size: str) -> None:
    """The request behind a loan opened ``days`` before the cash, by a firm of ``size``."""
    request = await session.get_one(FinancingRequest, drawn.deal.request_id)
    opened = datetime(2026, 5, 20, 1, tzinfo=UTC) - timedelta(days=days)
    request.opened_at, request.size = opened, size


class TestByHand:
    async def test_of_three_loans(self, session: AsyncSession) -> None:
        """4.0 + 1.6 million of 36 allocated; a commercial guarantor's loan uses no quota."""
        park = await make_park(session)
        before = await read(session, park)
        await make_drawn(session)
        await make_drawn(session, amount=Money.yuan(2_000_000), terms={"method": "equal_principal"})
        await make_drawn(
            session, amount=Money.yuan(3_000_000), guarantor_type=GuarantorType.COMMERCIAL
        )

        found = await read(session, park)

        assert before.quota.allocated == found.quota.allocated == Money.yuan(36_000_000)
        assert (found.quota.held, found.quota.called) == (ZERO, ZERO)
        assert found.quota.outstanding == Money.yuan(5_600_000)
        assert found.quota.available == Money.yuan(30_400_000)
        assert found.utilisation_pct == Decimal("15.56")
        assert found.lending.loans == found.lending.live_loans == 3
        assert found.lending.first_time_borrowers == 3
        assert found.lending.outstanding == found.lending.drawn == Money.yuan(10_000_000)
        # 4.0² + 1.6² over 5.6²
        assert found.banks.hhi == found.firms.hhi == Decimal(5918)
        assert found.banks.largest_liability == Money.yuan(4_000_000)
        assert found.firms.largest_share_pct == Decimal("71.43")
        # On 23 November five instalments of 166,666.66 are behind, six and the rest to come.
        assert found.releases[0].month == f"{business_date(found.at):%Y-%m}"
        assert len(found.releases) == 13
        assert found.overdue.loans == 3
        # Of three loans no concentration is an alert, and the figures say from how many on it is.
        assert found.concentration_alerts_from_loans == 10

    async def test_of_the_days_to_cash_and_the_size(self, session: AsyncSession) -> None:
        park = await make_park(session)
        sizes = {"micro": 10, "small": 20, "medium": 60, "large": 31}
        for size, days in sizes.items():
            drawn = await make_drawn(session, amount=Money.yuan(1_000_000))
            await open_request(session, drawn, days, size)
        await session.flush()
        await session.execute(text("SELECT rebuild_exposures('2026-11-23')"))

        found = await read(session, park)

        assert found.days_to_cash.loans == 4
        assert found.days_to_cash.mean == Decimal("30.3")  # 121 / 4
        assert found.days_to_cash.median == Decimal("25.5")
        assert found.small_micro.liability == Money.yuan(1_600_000)
        assert found.small_micro.share_pct == Decimal(50)

    async def test_of_a_hold_and_its_queue(self, session: AsyncSession) -> None:
        park = await make_park(session)
        held = await make_table(session)
        await accept(session, held)
        short = await make_table(session, limit=Money(1))
        await accept(session, short)

        found = await read(session, park)

        assert found.quota.held == Money.yuan(4_000_000)
        assert found.queued == Money.yuan(4_000_000)
        assert [(entry.position, entry.amount, entry.since) for entry in found.queue] == [
            (1, Money.yuan(4_000_000), NOW)
        ]
        assert {step.step: step.deals for step in found.stuck} == {
            DealStatus.APPROVING: 1,
            DealStatus.QUEUED: 1,
        }

    def test_a_wait_ends_with_the_month_that_frees_enough(self) -> None:
        coming = {"2027-01": 300, "2026-12": 100, "2027-05": 100}

        def expected(free: int, *amounts: int) -> list[str | None]:
            return months_of_room(
                [Money(fen) for fen in amounts], free=Money(free), releases=coming
            )

        assert expected(50, 50, 100, 1, 300, 50, 50) == [
            None, "2026-12", "2027-01", "2027-05", "2027-05", None
        ]  # fmt: skip
        assert expected(0) == []


class TestReleases:
    """A loan of 5,000,000 that is 80 % guaranteed and repaid at once, on 20 May 2027."""

    @pytest.mark.parametrize(
        ("on", "until", "freed"),
        [
            (date(2026, 5, 19), date(2027, 5, 19), 0),
            (date(2026, 5, 20), date(2027, 5, 20), 4_000_000),
            (date(2026, 5, 31), date(2027, 5, 31), 4_000_000),
            (date(2027, 2, 28), date(2028, 2, 28), 0),
            (date(2028, 2, 29), date(2029, 2, 28), 0),
        ],
    )
    async def test_reach_the_day_twelve_months_ahead(
        self, session: AsyncSession, on: date, until: date, freed: int
    ) -> None:
        await make_drawn(session)
        row = await figures.last_figures(session, PARK, at=None)
        assert row is not None

        months = await releases.list_months(session, row, on=on)

        assert len(months) == 13
        assert months[0].month == f"{on:%Y-%m}"
        assert (months[-1].until, months[-1].amount) == (until, Money.yuan(freed))

    async def test_of_a_past_instant_are_what_was_known_then(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        before = await figures.last_figures(session, PARK, at=None)
        await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
        await bind(session, SYSTEM)
        after = await figures.last_figures(session, PARK, at=None)
        assert before is not None
        assert after is not None

        told = [await releases.list_months(session, row, on=MAY_21) for row in (before, after)]

        assert [months[-1].amount for months in told] == [
            Money.yuan(4_000_000),
            Money.yuan(3_200_000),
        ]

    async def test_older_than_the_record_by_day_stop_at_a_whole_month(
        self, session: AsyncSession
    ) -> None:
        await make_drawn(session)
        row = await figures.last_figures(session, PARK, at=None)
        assert row is not None
        session.expunge(row)
        row.version = 0

        months = await releases.list_months(session, row, on=MAY_21)

        assert [months[-1].month, len(months)] == ["2027-04", 12]


class TestPastInstants:
    async def test_are_what_was_live_then(self, session: AsyncSession) -> None:
        park = await make_park(session)
        seen: list[FiguresOut] = [await read(session, park)]
        first = await make_drawn(session)
        seen.append(await read(session, park))
        await make_drawn(session, amount=Money.yuan(2_000_000))
        seen.append(await read(session, park))
        await pay(session, first, "1000500.00", MAY_21, KEEP_TERM)
        seen.append(await read(session, park))
        await accept(session, await make_table(session))
        seen.append(await read(session, park))

        again = [await read(session, park, at=live.at) for live in seen]

        # Steps are stamped by the service's clock, which stands still in tests.
        assert [past.model_copy(update={"stuck": []}) for past in again] == [
            live.model_copy(update={"stuck": []}) for live in seen
        ]
        assert [live.quota.outstanding.fen // 100 for live in seen] == [
            0,
            4_000_000,
            5_600_000,
            4_800_000,
            4_800_000,
        ]

    async def test_before_the_programme_all_is_zero(self, session: AsyncSession) -> None:
        park = await make_park(session)
        await make_drawn(session)

        found = await read(session, park, at=datetime(2019, 1, 1, tzinfo=UTC))

        assert found.quota.allocated == found.quota.available == found.floor.cumulative == ZERO
        assert found.utilisation_pct == 0
        assert found.floor.target_pct is None
        assert found.lending.loans == 0
        assert found.days_to_cash.mean is None
        assert found.banks.hhi == 0
        assert found.concentration_alerts_from_loans is None
        assert found.stuck == []

    async def test_the_future_is_refused(self, session: AsyncSession) -> None:
        park = await make_park(session)
        later = await clock(session) + timedelta(hours=1)

        with pytest.raises(FieldRefused, match="future"):
            await read(session, park, at=later)

    async def test_steps_are_those_of_the_instant(self, session: AsyncSession) -> None:
        park = await make_park(session)
        await accept(session, await make_table(session))

        assert (await read(session, park, at=NOW)).stuck[0].deals == 1
        assert (await read(session, park, at=NOW - timedelta(seconds=1))).stuck == []


class TestWhoSees:
    async def test_a_park_sees_its_own_only(self, session: AsyncSession) -> None:
        park = await make_park(session, "ZHONGNING")
        await make_drawn(session)

        assert (await read(session, park)).lending.loans == 0
        with pytest.raises(NotFound):
            await read(session, park, code="PINGLUO")

    async def test_the_authority_sees_every_park_by_its_code(self, session: AsyncSession) -> None:
        authority = await make_actor(
            session, await make_organisation(session, OrganisationKind.AUTHORITY)
        )
        await make_drawn(session)

        assert (await read(session, authority, code="PINGLUO")).lending.loans == 1
        with pytest.raises(NotFound):
            await read(session, authority, code="NOWHERE")
        with pytest.raises(NotFound):
            await read(session, authority)

    async def test_nobody_else_sees_a_park(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        for actor in (drawn.bank, drawn.firm, drawn.guarantor):
            assert actor is not None
            with pytest.raises(NotFound):
                await read(session, actor, code="PINGLUO")


class TestNames:
    async def test_a_firm_is_named_while_it_consents(self, session: AsyncSession) -> None:
        park = await make_park(session)
        table = await make_table(session)
        deal = await accept(session, table)
        name = (await session.get_one(Organisation, table.firm.organisation_id)).name

        async def shown() -> str | None:
            await bind(session, SYSTEM)
            rows = await stuck.list_stuck(session, actor=park, limit=10)
            assert [row.deal_id for row in rows] == [deal.id]
            return rows[0].firm_name

        assert await shown() is None
        await bind(session, table.firm)
        await park_views.consent(session, actor=table.firm, now=NOW)
        assert await shown() == name
        await bind(session, table.firm)
        with pytest.raises(park_views.AlreadyConsented):
            await park_views.consent(session, actor=table.firm, now=NOW)
        await park_views.withdraw_consent(session, actor=table.firm, now=NOW)
        assert await shown() is None
        with pytest.raises(NotFound):
            await park_views.withdraw_consent(session, actor=table.firm, now=NOW)
        await bind(session, table.firm)
        history = await park_views.list_consents(session, actor=table.firm)
        assert [bool(row.withdrawn_at) for row in history] == [True]

    async def test_the_stuck_are_paged_the_longest_first(self, session: AsyncSession) -> None:
        park = await make_park(session)
        deals = [await accept(session, await make_table(session)) for _ in range(3)]
        pages = []
        after = None
        for _ in range(3):
            await bind(session, SYSTEM)
            rows = await stuck.list_stuck(session, actor=park, after=after, limit=1)
            after = rows[0].deal_id
            pages.append(after)

        assert sorted(pages) == sorted(deal.id for deal in deals)
        await bind(session, SYSTEM)
        assert await stuck.list_stuck(session, actor=park, after=after, limit=1) == []
