"""The reference data every installation starts with, and the figures that follow from it."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.money import Money
from app.services import programme, reference
from tests.make.parties import NOW


class TestLoad:
    async def test_splits_the_capacity_over_parks_region_and_reserve(
        self, session: AsyncSession
    ) -> None:
        figures = await programme.get_figures(session, on=business_date(NOW))

        assert figures.capacity == Money.yuan(200_000_000)
        assert figures.reserve == Money.yuan(20_000_000)
        assert {
            account.park_code: account.available for account in figures.accounts
        } == dict.fromkeys(
            ["NINGDONG", "PINGLUO", "QINGTONGXIA", "REGION", "ZHONGNING"], Money.yuan(36_000_000)
        )
        assert figures.uncalibrated  # the policy states no split

    async def test_loading_again_moves_no_money(self, session: AsyncSession) -> None:
        before = await programme.get_figures(session, on=business_date(NOW))

        await reference.load(session)

        assert await programme.get_figures(session, on=business_date(NOW)) == before
