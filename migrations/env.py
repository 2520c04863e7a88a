"""Runs migrations: one at a time, each in its own transaction, none waiting long for a lock."""

import asyncio
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.ext.asyncio import create_async_engine

import app.models  # noqa: F401  (registers every table)
from app.core.db import Base, Fen
from app.core.settings import Settings

MIGRATION_LOCK = 7_204_117  # any constant will do


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write plain SQL types, so that a migration never imports the app it once belonged to."""
    match kind, item:
        case "type", Fen():
            return "sa.BigInteger()"
        case "type", sa.Enum(native_enum=False, length=length):
            return f"sa.String({length})"
    return False


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """The job queue's tables belong to its library."""
    return not (kind == "table" and (name or "").startswith("pgqueuer"))


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        include_name=include_name,
        transaction_per_migration=True,
    )
    connection.execute(sa.text("SET lock_timeout = '4s'"))
    connection.execute(sa.text("SET statement_timeout = '30s'"))
    connection.execute(sa.select(sa.func.pg_advisory_lock(MIGRATION_LOCK)))
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()


def url() -> str:
    """The caller's URL (core/migrating.py), or the environment's for the ``alembic`` command."""
    if (given := context.config.attributes.get("url")) is not None:
        assert isinstance(given, str)
        return given
    settings = Settings()
    found = settings.owner_database_url or settings.database_url
    if found is None:
        raise SystemExit("set ZHIRONG_DATABASE_URL, or run `zhirong migrate`")
    return found


async def main() -> None:
    engine = create_async_engine(url(), poolclass=sa.pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(main())
