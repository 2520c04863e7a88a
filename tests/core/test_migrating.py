"""Migrating: the service's role gets its rights, and none on what must stay as written."""

import asyncio
import uuid
from collections.abc import Iterator

import asyncpg
import pytest

from app.core import migrating
from app.core.db import APPEND_ONLY, LEDGER_ONLY
from tests import postgres

RIGHTS = """
    SELECT tablename, has_table_privilege('zhirong_app', 'public.' || tablename, privilege)
    FROM pg_tables, unnest(ARRAY[{privileges}]) AS privilege WHERE schemaname = 'public'
"""


@pytest.fixture
def urls() -> Iterator[tuple[str, str]]:
    name = f"migrating_{uuid.uuid4().hex}"
    yield postgres.empty(name)
    postgres.drop(name)


def rights(url: str, *privileges: str) -> set[tuple[str, bool]]:
    async def run() -> set[tuple[str, bool]]:
        connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
        try:
            quoted = ", ".join(f"'{privilege}'" for privilege in privileges)
            return {tuple(row) for row in await connection.fetch(RIGHTS.format(privileges=quoted))}
        finally:
            await connection.close()

    return asyncio.run(run())


def test_the_service_reads_everything_and_rewrites_no_history(urls: tuple[str, str]) -> None:
    owner_url, app_url = urls

    migrating.upgrade(owner_url, app_url=app_url)
    migrating.upgrade(owner_url, app_url=app_url)  # a second time changes nothing

    assert {granted for _, granted in rights(owner_url, "SELECT")} == {True}
    changes = rights(owner_url, "UPDATE", "DELETE", "TRUNCATE")
    assert not {(table, True) for table in APPEND_ONLY} & changes
    assert {table for table, _ in changes} >= set(APPEND_ONLY)
    assert ("alembic_version", True) not in changes
    assert ("ledger_accounts", True) not in changes
    assert not {(table, True) for table in LEDGER_ONLY} & rights(owner_url, "INSERT")


def test_a_database_that_cannot_be_reached_is_one_refusal_without_a_password() -> None:
    url = "postgresql+asyncpg://owner:secret@127.0.0.1:1/zhirong"

    with pytest.raises(migrating.DatabaseUnusable, match="127") as refused:
        migrating.upgrade(url, app_url=url)

    assert "secret" not in str(refused.value)
