"""Dated rules: which version is in force on a day."""

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.reference.files import RuleFile
from app.services import rules


def version(valid_from: date, cap: str, valid_to: date | None = None) -> RuleFile:
    return RuleFile(
        key="cap", valid_from=valid_from, valid_to=valid_to, source="a decree", body={"cap": cap}
    )


async def test_the_version_of_the_day_is_found(session: AsyncSession) -> None:
    await rules.load(
        session,
        [version(date(2022, 1, 1), "1", date(2022, 12, 31)), version(date(2023, 1, 1), "2")],
    )

    assert await rules.get(session, "cap", on=date(2022, 12, 31)) == {"cap": "1"}
    assert await rules.get(session, "cap", on=date(2023, 1, 1)) == {"cap": "2"}


async def test_a_day_without_a_rule_is_refused_by_name(session: AsyncSession) -> None:
    await rules.load(session, [version(date(2022, 1, 1), "1", date(2022, 12, 31))])

    with pytest.raises(rules.NoRuleInForce, match="No rule cap is in force on 2023-01-01"):
        await rules.get(session, "cap", on=date(2023, 1, 1))


async def test_a_corrected_version_replaces_itself(session: AsyncSession) -> None:
    await rules.load(session, [version(date(2022, 1, 1), "1")])
    await rules.load(session, [version(date(2022, 1, 1), "3")])

    assert await rules.get(session, "cap", on=date(2025, 1, 1)) == {"cap": "3"}
