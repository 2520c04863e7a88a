"""What the shell's commands do in the database, each in transactions of its own."""

import asyncio
import contextlib
import ipaddress
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO
from uuid import UUID

import asyncpg
from pgqueuer import PgQueuer

from app.core.db import Sessions, connect, snapshots
from app.core.errors import Conflict
from app.core.settings import Settings
from app.demo.region import PASSWORD, accounts
from app.journal.lines import canonical
from app.journal.replay import Finding
from app.services import (
    exposures,
    imports,
    journal,
    organisations,
    passwords,
    reference,
    revaluations,
    run_checks,
    sealing,
)
from app.services.actor import SYSTEM, bind
from app.services.revaluations import Progress
from app.services.run_checks import Checked
from app.worker import AT_ONCE, register_revaluation

POLL_S = 0.5


async def load_reference(database_url: str) -> None:
    async with connect(database_url) as sessions, sessions.begin() as session:
        await reference.load(session)


def wants_demo(settings: Settings) -> bool:
    """Whether the demo region belongs here: as set, or else when served on loopback."""
    if settings.demo is not None:
        return settings.demo and is_loopback(settings.host)
    return is_loopback(settings.host)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class DemoAccountsPublic(Conflict):
    message = (
        "the database holds demo accounts, whose password everybody knows;"
        " serve on loopback, or start with another --data-dir or --database-url"
    )


async def refuse_public_demo(database_url: str) -> None:
    """Raise DemoAccountsPublic if demo accounts are there. For a service off loopback."""
    async with connect(database_url) as sessions, sessions.begin() as session:
        await bind(session, SYSTEM)
        if await organisations.has_demo(session):
            raise DemoAccountsPublic


async def make_authority(
    database_url: str, *, uscc: str, name: str, email: str, password: str
) -> None:
    """The first authority account; AuthorityExists if there is one."""
    chosen = await passwords.choose(password)
    async with connect(database_url) as sessions, sessions.begin() as session:
        await bind(session, SYSTEM)
        await organisations.first_authority(
            session, uscc=uscc, name=name, email=email, password=chosen, now=datetime.now(UTC)
        )


async def make_demo_authority(database_url: str) -> bool:
    """The demo's authority account; False if an authority is there already."""
    demo = next(account for account in accounts() if account.kind == "authority")
    try:
        await make_authority(
            database_url, uscc=demo.uscc, name=demo.name, email=demo.email, password=PASSWORD
        )
    except organisations.AuthorityExists:
        return False
    return True


async def verify(database_url: str) -> Sequence[Finding | exposures.ExposureFinding]:
    """What is wrong with the ledger, replayed from its first transfer, and with parks' figures."""
    async with connect(database_url) as sessions:
        return [*await sealing.verify_all(sessions), *await exposures.verify_all(sessions)]


async def export_journal(database_url: str, out: IO[str]) -> int:
    """Write every sealed line of the journal, as of one instant; how many."""
    lines = 0
    async with connect(database_url) as sessions, snapshots(sessions)() as session:
        await bind(session, SYSTEM)
        async for line in journal.sealed_lines(session):
            out.write(canonical(line).decode() + "\n")
            lines += 1
    return lines


async def import_records(
    database_url: str, *, firm_uscc: str, data: bytes, file_name: str
) -> imports.ImportReport:
    """Import the rights in a file for the firm with this credit code."""
    async with connect(database_url) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            actor = await organisations.actor_of_firm(session, uscc=firm_uscc)
        return await imports.import_file(
            sessions,
            actor=actor,
            data=data,
            file_name=file_name,
            format=None,
            now=datetime.now(UTC),
        )


async def check_runs(database_url: str, run_id: UUID | None) -> AsyncIterator[Checked]:
    """Re-run one stored valuation, or without an id every one."""
    async with connect(database_url) as sessions:
        if run_id is not None:
            yield await run_checks.check_one(sessions, run_id=run_id)
            return
        async for checked in run_checks.check_all(sessions):
            yield checked


@dataclass(frozen=True, slots=True)
class Revalued:
    """How far a round came. ``failed`` are deals whose jobs gave up, at most a few."""

    progress: Progress
    signals: int
    failed: Sequence[UUID]
    interrupted: bool


async def revalue_all(database_url: str, *, show: Callable[[Progress], None]) -> Revalued:
    """Open or resume a round and work on it, beside other workers, until nothing is left of it.

    SIGINT and SIGTERM let running jobs finish; the round then waits for whoever resumes it.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with connect(database_url) as sessions, _revaluing(database_url, sessions):
        async with sessions.begin() as session:
            opened = await revaluations.open_round(session, now=datetime.now(UTC))
            await revaluations.enqueue_left(session, opened.id)
        while True:
            async with sessions.begin() as session:
                done = await revaluations.progress(session, opened.id)
            show(done)
            if stop.is_set() or not done.left or not done.in_flight:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), POLL_S)
        async with sessions.begin() as session:
            signals = await revaluations.count_signals(session, opened.id)
            failed = [] if done.in_flight else await revaluations.list_left(session, opened.id)
    return Revalued(done, signals, failed, stop.is_set())


@contextlib.asynccontextmanager
async def _revaluing(database_url: str, sessions: Sessions) -> AsyncIterator[None]:
    """Inside, this process takes jobs of revaluation; at the end those that run are finished."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", "", 1))
    try:
        queuer = PgQueuer.from_asyncpg_connection(connection)
        register_revaluation(queuer, sessions=sessions)
        run = queuer.qm.run(batch_size=AT_ONCE // 2, max_concurrent_tasks=AT_ONCE)
        working = asyncio.create_task(run)
        try:
            yield
        finally:
            queuer.shutdown.set()
            await working
    finally:
        await connection.close()
