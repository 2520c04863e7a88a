"""Dated rules: loaded from the TOML files of ``app/reference``, read by key and day."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import NotFound
from app.models.records import RuleVersion
from app.reference.files import RuleFile


class NoRuleInForce(NotFound):
    message = "No rule {key} is in force on {on}."

    def __init__(self, key: str, on: date) -> None:
        self.key, self.on = key, on
        super().__init__()

    def facts(self) -> dict[str, Any]:
        return {"key": self.key, "on": self.on.isoformat()}


async def load(session: AsyncSession, versions: Sequence[RuleFile]) -> None:
    """Write every version that is not there yet; a corrected one replaces its own row only."""
    rows = [
        {
            "id": new_id(),
            "key": version.key,
            "valid_from": version.valid_from,
            "valid_to": version.valid_to,
            "source": version.source,
            "uncalibrated": version.uncalibrated,
            "body": version.body,
        }
        for version in versions
    ]
    statement = insert(RuleVersion).values(rows)
    written = ("valid_to", "source", "uncalibrated", "body")
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["key", "valid_from"],
            set_={name: statement.excluded[name] for name in written},
        )
    )


async def find_version(session: AsyncSession, key: str, *, on: date) -> RuleVersion | None:
    """The version of ``key`` in force on the day ``on``."""
    version: RuleVersion | None = await session.scalar(
        select(RuleVersion)
        .where(
            RuleVersion.key == key,
            RuleVersion.valid_from <= on,
            or_(RuleVersion.valid_to.is_(None), RuleVersion.valid_to >= on),
        )
        .order_by(RuleVersion.valid_from.desc())
        .limit(1)
    )
    return version


async def get_version(session: AsyncSession, key: str, *, on: date) -> RuleVersion:
    """The version of ``key`` in force on the day ``on``, or NoRuleInForce."""
    version = await find_version(session, key, on=on)
    if version is None:
        raise NoRuleInForce(key, on)
    return version


async def get(session: AsyncSession, key: str, *, on: date) -> dict[str, Any]:
    """The body of the rule in force on the day ``on``, or NoRuleInForce."""
    return (await get_version(session, key, on=on)).body


async def get_all(
    session: AsyncSession, keys: Sequence[str], *, on: date
) -> dict[str, dict[str, Any]]:
    """The bodies of several rules in force on the day ``on``, in one round trip."""
    versions = await get_versions(session, keys, on=on)
    return {key: version.body for key, version in versions.items()}


async def get_versions(
    session: AsyncSession, keys: Sequence[str], *, on: date
) -> dict[str, RuleVersion]:
    """Several rules in force on the day ``on`` with their sources, or NoRuleInForce."""
    rows = await session.scalars(
        select(RuleVersion)
        .where(
            RuleVersion.key.in_(keys),
            RuleVersion.valid_from <= on,
            or_(RuleVersion.valid_to.is_(None), RuleVersion.valid_to >= on),
        )
        .order_by(RuleVersion.valid_from)
    )
    versions = {version.key: version for version in rows}
    for key in keys:
        if key not in versions:
            raise NoRuleInForce(key, on)
    return versions
