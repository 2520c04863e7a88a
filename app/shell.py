"""What the shell's commands do in the database, each in transactions of its own."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import IO

from app.core.db import connect, snapshots
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
    sealing,
)
from app.services.actor import SYSTEM, bind


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
