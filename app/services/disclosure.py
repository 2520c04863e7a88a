"""What may be told of firms in aggregate: enough of them stand behind, and none is too large."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.services import rules

RULE = "service_levels"
"""The dated rule that holds the two limits, beside the green channel's days."""


async def limits_on(session: AsyncSession, *, on: date) -> Mapping[str, Any]:
    found: Mapping[str, Any] = await rules.get(session, RULE, on=on)
    return found


def may_tell(limits: Mapping[str, Any], *parts: Counter[UUID]) -> bool:
    """Whether a figure is no secret of one firm. ``parts``: the figure's share of every firm."""
    return all(
        len(part) >= limits["public_firms_min"]
        and max(part.values(), default=0) * 100 <= part.total() * limits["public_share_max_pct"]
        for part in parts
    )
