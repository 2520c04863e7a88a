"""Business dates: the day it is in Ningxia."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def business_date(now: datetime) -> date:
    """The day in Asia/Shanghai at the instant ``now``."""
    assert now.tzinfo is not None
    return now.astimezone(SHANGHAI).date()
