"""Turns a broken database constraint, known by its name, into the refusal that it stands for."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import DomainError


@asynccontextmanager
async def refusing(
    session: AsyncSession, refusals: Mapping[str, DomainError]
) -> AsyncIterator[None]:
    """Run and flush the block in a savepoint; raise the refusal of the constraint it breaks.

    No look before the write is needed: of two at once the second waits for the first's commit, and
    then breaks the constraint. What was changed before the block is flushed before the savepoint,
    so set the constrained columns inside. A constraint without a refusal stays an IntegrityError.
    """
    try:
        async with session.begin_nested():
            yield
            await session.flush()
    except IntegrityError as error:
        refusal = refusals.get(_constraint(error) or "")
        if refusal is None:
            raise
        raise refusal from error


def _constraint(error: IntegrityError) -> str | None:
    """The name of the constraint, as asyncpg's error beneath SQLAlchemy's two tells it."""
    driver = error.orig and error.orig.__cause__
    return getattr(driver, "constraint_name", None)
