"""The loan prime rate (贷款市场报价利率): a dated table, and rates that are stated on it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from app.schemas.quotes import FixedRate, LprRate, LprTenor, RateOut
from app.services import rules

RULE = "lpr"
_BP_PER_PCT = Decimal(100)


@dataclass(frozen=True, slots=True)
class LprTable:
    """The announcement in force on the day ``on``, in per cent a year by tenor."""

    on: date
    announced_on: date
    pct: dict[LprTenor, Decimal]
    uncalibrated: bool

    def resolve(self, rate: FixedRate | LprRate) -> RateOut:
        """The annual rate on the table's day. Below nought nobody lends, so it stops there."""
        if isinstance(rate, FixedRate):
            return RateOut(
                annual_rate_pct=rate.annual_rate_pct,
                on=self.on,
                lpr_pct=None,
                lpr_announced_on=None,
                uncalibrated=False,
            )
        lpr_pct = self.pct[rate.tenor]
        return RateOut(
            annual_rate_pct=max(Decimal(0), lpr_pct + rate.spread_bp / _BP_PER_PCT),
            on=self.on,
            lpr_pct=lpr_pct,
            lpr_announced_on=self.announced_on,
            uncalibrated=self.uncalibrated,
        )


async def load_table(session: AsyncSession, *, on: date) -> LprTable:
    """The table in force on ``on``, or NoRuleInForce."""
    version = await rules.find_version(session, RULE, on=on)
    if version is None:
        raise rules.NoRuleInForce(RULE, on)
    return LprTable(
        on=on,
        announced_on=version.valid_from,
        pct={tenor: Decimal(version.body[tenor]) for tenor in LprTenor},
        uncalibrated=version.uncalibrated,
    )
