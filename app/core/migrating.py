"""Brings a database to the newest schema and gives the service's role its rights on it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.core.db import APPEND_ONLY, LEDGER_ONLY
from app.core.errors import Conflict

_SERVER_VERSION_MIN = 16_00_00
_GRANT_LOCK = 7_204_118  # two GRANTs at once fail with "tuple concurrently updated"


@dataclass(eq=False)
class DatabaseUnusable(Conflict):
    message = "the database {database} cannot be used: {reason}"

    database: str
    reason: str


def configuration(owner_url: str) -> Config:
    """Alembic's configuration for ``owner_url``, which ``env.py`` finds in ``attributes``."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_migrations"  # a wheel carries them inside the package
    config = Config()
    directory = installed if installed.is_dir() else package.parent / "migrations"
    config.set_main_option("script_location", str(directory).replace("%", "%%"))
    config.attributes["url"] = owner_url
    return config


def upgrade(owner_url: str, *, app_url: str) -> None:
    """Run every pending migration, then grant to the role of ``app_url`` if it is another one.

    Not to be called from a running event loop: migrations start one of their own.
    """
    asyncio.run(_run(owner_url, _refuse_old_server))
    command.upgrade(configuration(owner_url), "head")
    app_role = make_url(app_url).username
    if app_role and app_role != make_url(owner_url).username:
        asyncio.run(_run(owner_url, lambda connection: _grant(connection, app_role)))


def refuse_other_schema(url: str) -> None:
    """Raise DatabaseUnusable unless the database is there and at this version's schema."""
    asyncio.run(_run(url, _refuse_other_schema))


async def _run(owner_url: str, work: Callable[[Connection], None]) -> None:
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(work)
    except (OSError, DBAPIError, asyncpg.PostgresError) as error:
        url = make_url(owner_url).render_as_string(hide_password=True)
        raise DatabaseUnusable(url, str(error).splitlines()[0]) from error
    finally:
        await engine.dispose()


def _refuse_old_server(connection: Connection) -> None:
    number = connection.scalar(text("SELECT current_setting('server_version_num')::int"))
    if not number or number < _SERVER_VERSION_MIN:
        name = connection.engine.url.render_as_string(hide_password=True)
        raise DatabaseUnusable(name, "it is older than PostgreSQL 16")


def _refuse_other_schema(connection: Connection) -> None:
    url = connection.engine.url.render_as_string(hide_password=True)
    made = connection.scalar(text("SELECT to_regclass('alembic_version')"))
    version = made and connection.scalar(text("SELECT version_num FROM alembic_version"))
    if version != ScriptDirectory.from_config(configuration(url)).get_current_head():
        raise DatabaseUnusable(url, "its schema is not of this version; run `zhirong migrate`")


def _grant(connection: Connection, app_role: str) -> None:
    quote = connection.dialect.identifier_preparer.quote_identifier
    role = quote(app_role)
    present = set(
        connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
    )
    statements = [
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}",
        f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
    ]
    statements += [
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {quote(table)} FROM {role}"
        for table in APPEND_ONLY
        if table in present
    ]
    if "ledger_accounts" in present:
        statements += [
            f"REVOKE UPDATE, DELETE, TRUNCATE ON ledger_accounts FROM {role}",
            f"GRANT UPDATE (limited) ON ledger_accounts TO {role}",
            *(f"REVOKE INSERT ON {quote(table)} FROM {role}" for table in LEDGER_ONLY),
        ]
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _GRANT_LOCK})
    for statement in statements:
        connection.execute(text(statement))
