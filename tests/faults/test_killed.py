"""Killed in the middle: whoever asks again with the same key gets the one effect there was."""

import asyncio
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import migrating
from app.core.clock import business_date
from app.core.db import connect
from app.core.embedded import EmbeddedPostgres
from app.core.money import Money
from app.core.postgres_tools import free_port, shared_place
from app.models.deals import Deal
from app.models.ledger import LedgerAccount
from app.services import exposures, reference, sealing, tokens
from app.services.actor import SYSTEM, bind
from app.services.ledger import AccountRole, Book
from tests.make.deals import make_table
from tests.make.figures import make_park
from tests.postgres import MAJOR

CALLS = 24
KILLS = 6
PARK = "PINGLUO"
SHARE = Money.yuan(4_000_000)


@dataclass
class Call:
    """One acceptance: who asks, for what, under which key, and what was acknowledged."""

    token: str
    path: str
    body: dict[str, Any]
    key: str
    acknowledged: list[str] = field(default_factory=list)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every account can enter, unlike pytest's own ``tmp_path``."""
    directory = Path(tempfile.mkdtemp(prefix="zhirong-killed-", dir=shared_place()))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


class Service:
    """The service on a durable server of its own, whose parts can be killed and started."""

    def __init__(self, place: Path) -> None:
        self.server = EmbeddedPostgres(place, major=MAJOR)
        self._data = place / f"pg{MAJOR}" / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = place / "acknowledged.jsonl"
        self.progress = asyncio.Event()
        self._web: subprocess.Popen[bytes] | None = None

    def start_web(self) -> None:
        command = [sys.executable, "-m", "granian", "app.main:create_app", "--factory"]
        command += ["--interface", "asgi", "--log-level", "critical", "--port", str(self.port)]
        environment = os.environ | {"ZHIRONG_DATABASE_URL": self.server.app_url()}
        self._web = subprocess.Popen(
            command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL
        )

    def kill_web(self) -> None:
        assert self._web is not None
        os.killpg(self._web.pid, signal.SIGKILL)
        self._web.wait()

    def kill_database(self) -> None:
        """The postmaster and every backend at once, as when the power fails."""
        pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
        postmaster = psutil.Process(pid)
        for process in (postmaster, *postmaster.children(recursive=True)):
            process.kill()

    def acknowledge(self, call: Call, deal_id: str) -> None:
        """On the disk before the next step, as a careful client does."""
        with self.log.open("a") as file:
            file.write(json.dumps({"key": call.key, "deal": deal_id}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        call.acknowledged.append(deal_id)
        self.progress.set()


@pytest.fixture
async def service(place: Path) -> AsyncIterator[Service]:
    service = Service(place)
    with service.server.owned():
        await asyncio.to_thread(
            migrating.upgrade, service.server.owner_url(), app_url=service.server.app_url()
        )
        async with connect(service.server.app_url()) as sessions, sessions.begin() as session:
            await reference.load(session)
        service.start_web()
        yield service
        service.kill_web()


async def make_calls(service: Service) -> list[Call]:
    """Firms that each accept 5,000,000 yuan, 80 % guaranteed by one guarantor."""
    calls = []
    async with connect(service.server.app_url()) as sessions, sessions.begin() as session:
        guarantor = None
        for number in range(CALLS):
            table = await make_table(session, guarantor=guarantor)
            guarantor = table.guarantor
            token = tokens.issue(
                session,
                organisation_id=table.firm.organisation_id,
                user_id=table.firm.user_id,
                lifetime=timedelta(days=1),
                now=datetime.now(UTC),
            )
            body = {
                "loan": {"quote_id": str(table.loan_id), "revision": 1},
                "guarantee": {"quote_id": str(table.guarantee_id), "revision": 1},
            }
            path = f"/v1/company/requests/{table.request_id}/acceptance"
            calls.append(Call(token, path, body, f"call-{number}"))
    return calls


async def until_answered(service: Service, client: httpx.AsyncClient, call: Call) -> None:
    """Ask, and ask again with the same key, until the service says what became of it."""
    headers = {"Authorization": f"Bearer {call.token}", "Idempotency-Key": call.key}
    while True:
        try:
            reply = await client.post(service.url + call.path, json=call.body, headers=headers)
        except httpx.TransportError:
            await asyncio.sleep(0.05)
            continue
        if reply.status_code == 201:
            service.acknowledge(call, reply.json()["id"])
            return
        # In flight, or failed: nothing else may ever be answered.
        assert reply.status_code in {409, 500}, reply.text
        assert reply.json()["type"] in {"/problems/key-in-flight", "/problems/internal"}, reply.text
        await asyncio.sleep(0.05)


async def kill_and_start(service: Service, chance: random.Random) -> None:
    """Kill the web server or PostgreSQL while calls are under way, and start it again."""
    for number in range(KILLS):
        service.progress.clear()
        await service.progress.wait()
        await asyncio.sleep(chance.uniform(0, 0.03))
        if number % 2:
            service.kill_database()
            await asyncio.to_thread(service.server.start)
        else:
            service.kill_web()
            service.start_web()


async def ledger_of(session: AsyncSession) -> dict[str, str]:
    """The park's counters as the ledger's accounts have them."""
    rows = await session.scalars(
        select(LedgerAccount).where(LedgerAccount.book == Book.QUOTA, LedgerAccount.owner == PARK)
    )
    by_role = {row.role: row for row in rows}
    available, used = by_role[AccountRole.AVAILABLE], by_role[AccountRole.OUTSTANDING]
    free = Money(available.credits_posted - available.debits_posted - available.debits_pending)
    held = Money(available.debits_pending)
    outstanding = Money(used.credits_posted - used.debits_posted)
    return {"available": str(free), "held": str(held), "outstanding": str(outstanding)}


async def everything_told(service: Service, client: httpx.AsyncClient) -> dict[str, Any]:
    """The park's counters as the public page, its own page, the export and the stream tell them."""
    async with connect(service.server.app_url()) as sessions, sessions.begin() as session:
        await bind(session, SYSTEM)
        park = await make_park(session, PARK)
        now = datetime.now(UTC)
        token = tokens.issue(
            session,
            organisation_id=park.organisation_id,
            user_id=park.user_id,
            lifetime=timedelta(days=1),
            now=now,
        )
    headers = {"Authorization": f"Bearer {token}"}
    public = (await client.get(f"{service.url}/v1/public/programme")).json()
    figures = (await client.get(f"{service.url}/v1/park/figures", headers=headers)).json()
    today = business_date(now)
    period = {"from": str(today - timedelta(days=1)), "to": str(today)}
    export = await client.get(
        f"{service.url}/v1/park/quota/statement.xlsx", params=period, headers=headers
    )
    assert export.status_code == 200, export.text
    rows = load_workbook(io.BytesIO(export.content))["accounts"].iter_rows(values_only=True)
    accounts = {row[0]: row for row in rows}
    posted, held = (Money.yuan(str(accounts["available"][column])) for column in (3, 6))
    stream = f"{service.url}/v1/park/quota/stream"
    async with client.stream("GET", stream, headers=headers) as answer:
        lines = (line async for line in answer.aiter_lines() if line.startswith("data: "))
        event = json.loads((await anext(lines)).removeprefix("data: "))
    counters = ("available", "held", "outstanding")
    [own] = [row for row in public["accounts"] if row["park_code"] == PARK]
    return {
        "public": {name: own[name] for name in counters},
        "figures": {name: figures["quota"][name] for name in counters},
        "stream": {name: event[name] for name in counters},
        "export": {
            "available": str(posted - held),
            "held": str(held),
            "outstanding": str(Money.yuan(str(accounts["outstanding"][3]))),
        },
    }


async def test_every_acceptance_takes_effect_once_whatever_is_killed(service: Service) -> None:
    calls = await make_calls(service)
    async with httpx.AsyncClient(timeout=10) as client:
        killing = asyncio.create_task(kill_and_start(service, random.Random(7)))
        slots = asyncio.Semaphore(3)

        async def ask(call: Call) -> None:
            async with slots:
                await until_answered(service, client, call)

        await asyncio.gather(*map(ask, calls))
        await asyncio.wait_for(killing, 60)  # or the calls were over before the last kill
        # Once more, as someone who lost every answer.
        await asyncio.gather(*map(ask, calls))
        told = await everything_told(service, client)

    for call in calls:
        first, again = call.acknowledged
        assert first == again
    async with connect(service.server.app_url()) as sessions, sessions.begin() as session:
        await bind(session, SYSTEM)
        assert await session.scalar(select(func.count()).select_from(Deal)) == CALLS
        held = await session.scalar(select(func.sum(Deal.held)))
        limit = await session.scalar(
            select(LedgerAccount.debits_pending).where(
                LedgerAccount.book == Book.GUARANTOR, LedgerAccount.role == AccountRole.AVAILABLE
            )
        )
        assert held is not None
        assert held.fen == limit
        assert held.fen % SHARE.fen == 0
        assert await sealing.verify(session) == []
        assert await exposures.verify(session) == []
        quota = await ledger_of(session)
    assert Money.yuan(quota["held"]) == held
    assert told == dict.fromkeys(told, quota)
