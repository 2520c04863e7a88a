"""The declarative base and the connection: names, column types and the engine, decided once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import TIMESTAMP, BigInteger, Dialect, Enum, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from app.core.money import Money

# Rows of these tables are never changed: a trigger refuses it, and the app's role has no right to.
APPEND_ONLY = (
    "ledger_transfers",
    "ledger_entries",
    "ledger_seals",
    "ledger_roots",
    "status_changes",
    "park_figures",
    "park_releases",
    "valuation_runs",
    "valuation_results",
    "cover_signals",
    "cover_decisions",
)
# The ledger's functions write these for the service, which itself may only read them; locking an
# account needs the right to update some column, so it has one that a trigger guards.
LEDGER_ONLY = ("ledger_transfers", "ledger_entries")


class Fen(TypeDecorator[Money]):
    """Stores ``Money`` as BIGINT."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: Dialect) -> int | None:
        return None if value is None else value.fen

    def process_result_value(self, value: Any, dialect: Dialect) -> Money | None:
        return None if value is None else Money(int(value))  # SUM(bigint) arrives as Decimal


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {
        Money: Fen,
        Decimal: Numeric(12, 6),  # rates and ratios; money never takes this type
        datetime: TIMESTAMP(timezone=True),
        str: Text,
        list[str]: JSONB,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        # Text holding the value, not a native enum holding the name: easy to read and to extend.
        StrEnum: Enum(
            StrEnum,
            native_enum=False,
            create_constraint=False,
            length=32,
            values_callable=lambda members: [member.value for member in members],
        ),
    }


def new_id() -> UUID:
    """A UUIDv7: made before the insert, and rows made later sort later."""
    return uuid_utils.compat.uuid7()


class WithId:
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-1)


Sessions = async_sessionmaker[AsyncSession]


def snapshots(sessions: Sessions) -> Sessions:
    """Sessions that read all in one snapshot and write nothing.

    Those of a transaction that is open already can only read in that one.
    """
    bind = sessions.kw["bind"]
    if isinstance(bind, AsyncEngine):
        bind = bind.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return async_sessionmaker(bind, expire_on_commit=False)


@asynccontextmanager
async def connect(url: str, *, pool_size: int = 5) -> AsyncIterator[Sessions]:
    """The engine's life. Every entry point (web, worker, shell) holds exactly one of these."""
    engine = create_async_engine(url, pool_size=pool_size, pool_pre_ping=False)
    try:
        yield async_sessionmaker(engine, expire_on_commit=False)
    finally:
        await engine.dispose()
