"""A park's pages over HTTP: figures, files, alerts, consent, and the stream of a real server."""

import asyncio
import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import connect
from app.core.money import Money
from app.lifecycle.parties import OrganisationKind
from app.services import alerts, tokens
from app.services.actor import SYSTEM, Actor, bind
from tests.conftest import ActorClient
from tests.make.deals import accept, make_table
from tests.make.figures import make_park
from tests.make.loans import make_drawn
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.programme import set_terms

ClientOf = Callable[[Actor | None], ActorClient]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def test_park_and_authority_read_the_same(session: AsyncSession, client_of: ClientOf) -> None:
    park = await make_park(session)
    authority = await make_actor(
        session, await make_organisation(session, OrganisationKind.AUTHORITY)
    )
    await make_drawn(session)

    async with client_of(park) as client:
        own = (await client.get("/v1/park/figures")).json()
    async with client_of(authority) as client:
        seen = (await client.get("/v1/authority/parks/PINGLUO/figures")).json()
        nowhere = await client.get("/v1/authority/parks/NOWHERE/figures")

    assert own == seen
    assert own["quota"]["outstanding"] == "4000000.00"
    assert own["floor"]["cumulative"] == "0.00"  # the builder posts no floor
    assert nowhere.status_code == 404


@pytest.mark.parametrize("at", ["2026-11-23T03:00:00Z", "2026-11-23T03:00:00", "yesterday"])
async def test_an_instant_to_come_or_without_an_offset_is_422(
    session: AsyncSession, client_of: ClientOf, at: str
) -> None:
    async with client_of(await make_park(session)) as client:
        answer = await client.get("/v1/park/figures", params={"at": at})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "at"


async def test_every_file_comes_with_its_name(session: AsyncSession, client_of: ClientOf) -> None:
    days = {"from": "2026-11-01", "to": "2026-11-23"}
    files: dict[str, tuple[dict[str, str], str]] = {
        "/v1/park/figures.csv": ({}, "figures-PINGLUO.csv"),
        "/v1/park/figures.xlsx": ({}, "figures-PINGLUO.xlsx"),
        "/v1/park/quota/statement.csv": (days, "statement-PINGLUO.csv"),
        "/v1/park/quota/statement.xlsx": (days, "statement-PINGLUO.xlsx"),
        "/v1/park/returns/2026-Q4": ({}, "return-PINGLUO-2026-Q4.xlsx"),
        "/v1/park/call-list.xlsx": ({}, "call-list.xlsx"),
    }
    async with client_of(await make_park(session)) as client:
        for path, (query, name) in files.items():
            answer = await client.get(path, params=query)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
            assert answer.headers["content-type"] in {XLSX, "text/csv; charset=utf-8"}


async def test_consent_makes_the_name_appear(session: AsyncSession, client_of: ClientOf) -> None:
    park = await make_park(session)
    table = await make_table(session)
    await accept(session, table)
    await bind(session, SYSTEM)

    async def shown() -> Any:
        async with client_of(park) as client:
            return (await client.get("/v1/park/stuck")).json()["items"][0]["firm_name"]

    assert await shown() is None
    async with client_of(table.firm) as client:
        assert (await client.post("/v1/company/park-consent")).status_code == 201
        assert (await client.post("/v1/company/park-consent")).status_code == 409
    assert await shown() == "示例enterprise"
    async with client_of(table.firm) as client:
        assert (await client.post("/v1/company/park-consent/withdrawal")).status_code == 200
        [kept] = (await client.get("/v1/company/park-consent")).json()
    assert kept["withdrawn_at"] is not None
    assert await shown() is None


async def test_lenders_see_what_is_their_own(session: AsyncSession, client_of: ClientOf) -> None:
    drawn = await make_drawn(session)
    await make_drawn(session)
    assert drawn.guarantor is not None

    async with client_of(drawn.bank) as client:
        bank = (await client.get("/v1/lender/exposure")).json()
    async with client_of(drawn.guarantor) as client:
        guarantor = (await client.get("/v1/lender/exposure")).json()

    parks = [
        {
            "park_code": "PINGLUO",
            "loans": 1,
            "outstanding": "5000000.00",
            "liability": "4000000.00",
        }
    ]
    assert bank["parks"] == guarantor["parks"] == parks
    assert bank["own_limit"] is None
    for found in (bank, guarantor):
        assert [(firm["firm_name"], firm["share_pct"]) for firm in found["firms"]] == [
            ("示例enterprise", "100")
        ]
        assert (found["firms_hhi"], found["largest_firm_pct"]) == ("10000", "100")


async def test_a_guarantor_sees_its_limit_and_what_waits_for_it(
    session: AsyncSession, client_of: ClientOf
) -> None:
    table = await make_table(session, limit=Money.yuan(6_000_000))
    await accept(session, table)  # holds 4.0 million
    await accept(session, await make_table(session, guarantor=table.guarantor))
    signed = Money.yuan(3_200_000)
    await set_terms(
        session, table.guarantor.organisation_id, signed, client_cap=Money.yuan(3_000_000)
    )

    async with client_of(table.guarantor) as client:
        own = (await client.get("/v1/lender/exposure")).json()["own_limit"]
        sheet = await client.get("/v1/lender/exposure.csv")
        book = await client.get("/v1/lender/exposure.xlsx")
    authority = await make_actor(
        session, await make_organisation(session, OrganisationKind.AUTHORITY)
    )
    async with client_of(authority) as client:
        path = f"/v1/authority/guarantors/{table.guarantor.organisation_id}/limit"
        seen = (await client.get(path)).json()
        nobody = await client.get(f"/v1/authority/guarantors/{table.firm.organisation_id}/limit")

    assert (seen, nobody.status_code) == (own, 404)
    assert own == {
        "limit": "6000000.00",
        "held": "4000000.00",
        "outstanding": "0.00",
        "called": "0.00",
        "available": "2000000.00",
        "queued": "4000000.00",
        "queued_deals": 1,
        "signed_capacity": "3200000.00",
        "capacity": "3200000.00",
        "utilisation_pct": "125",
        "client_cap": "3000000.00",
        "net_assets_max": None,
    }
    told = {row[1]: row[2] for row in csv.reader(io.StringIO(sheet.content.decode("utf-8-sig")))}
    assert told["Utilisation of the capacity, %"] == "125.00"
    assert told["Queued"] == "4000000.00"
    assert book.headers["content-type"] == XLSX
    pages = openpyxl.load_workbook(io.BytesIO(book.content))
    assert pages.sheetnames == ["exposure", "parks", "firms"]


async def test_a_banks_own_concentration_is_of_its_principal(
    session: AsyncSession, client_of: ClientOf
) -> None:
    drawn = await make_drawn(session, amount=Money.yuan(3_000_000))
    other = await make_drawn(session, amount=Money.yuan(1_000_000), guarantor_type=None)
    moved = {"bank": drawn.deal.bank_id, "loan": other.loan.id}
    await session.execute(
        text("UPDATE loan_exposures SET bank_id = :bank WHERE loan_id = :loan"), moved
    )

    async with client_of(drawn.bank) as client:
        bank = (await client.get("/v1/lender/exposure")).json()

    assert [firm["share_pct"] for firm in bank["firms"]] == ["75", "25"]
    assert (bank["firms_hhi"], bank["largest_firm_pct"]) == ("6250", "75")


async def test_an_alert_is_acknowledged_over_http(
    session: AsyncSession, client_of: ClientOf
) -> None:
    park = await make_park(session)
    other = await make_park(session, "ZHONGNING")
    await make_drawn(session, amount=Money.yuan(38_000_000), limit=Money.yuan(100_000_000))
    await alerts.sweep(session, now=NOW)

    async with client_of(other) as client:
        assert (await client.get("/v1/park/alerts")).json()["items"] == []
    async with client_of(park) as client:
        [alert] = (await client.get("/v1/park/alerts?status=raised")).json()["items"]
        path = f"/v1/park/alerts/{alert['id']}/acknowledgement"
        done = await client.post(path, json={"note": "已联系银行"})
        again = await client.post(path, json={"note": "再次"})

    assert (done.status_code, done.json()["status"]) == (200, "acknowledged")
    assert again.status_code == 409
    assert (alert["level"], done.json()["level"]) == ("70", "70")  # not as the column has it


async def test_streams_beyond_the_limit_are_429(app: FastAPI, client_of: ClientOf) -> None:
    app.state.streams = app.state.settings.streams_max

    async with client_of(None) as client:
        refused = await client.get("/v1/public/quota/stream")
        app.state.streams = 0
        admitted = await client.get("/v1/public/quota/stream")

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert admitted.status_code == 200
    assert app.state.streams == 0


class TestARealServer:
    """On committed data, with a PostgreSQL that notifies, as an installation has it."""

    @pytest.fixture
    def served(self, fresh_database: str, tmp_path: Path) -> Iterator[tuple[str, Any]]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = os.environ | {
            "ZHIRONG_DATABASE_URL": fresh_database,
            "ZHIRONG_DATA_DIR": str(tmp_path),
            "ZHIRONG_POOL_SIZE": "1",
        }
        command = [sys.executable, "-m", "granian", "app.main:create_app", "--factory"]
        command += [
            "--interface",
            "asgi",
            "--loop",
            "asyncio",
            "--loop",
            "uvloop",
            "--log-level",
            "error",
            "--port",
            str(port),
        ]
        command += ["--workers-kill-timeout", "10"]
        process = subprocess.Popen(command, env=environment)
        try:
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()
            process.wait(timeout=20)

    async def test_delivers_a_change_and_ends_with_the_service(
        self, fresh_database: str, served: tuple[str, Any]
    ) -> None:
        url, process = served
        async with connect(fresh_database) as sessions:
            async with sessions.begin() as session:
                await bind(session, SYSTEM)
                park = await make_park(session)
                token = tokens.issue(
                    session,
                    organisation_id=park.organisation_id,
                    user_id=park.user_id,
                    lifetime=timedelta(days=1),
                    now=datetime.now(UTC),
                )
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:
                await _until_up(client)
                headers = {"Authorization": f"Bearer {token}"}
                path = "/v1/park/quota/stream"
                async with client.stream("GET", path, headers=headers) as answer:
                    assert answer.headers["content-type"].startswith("text/event-stream")
                    events = _events(answer)
                    first = await anext(events)
                    assert (first["park_code"], first["held"]) == ("PINGLUO", "0.00")

                    # The pool has one connection, and the stream does not hold it.
                    assert (await client.get("/v1/public/parks")).status_code == 200
                    async with sessions.begin() as session:
                        await bind(session, SYSTEM)
                        await accept(session, await make_table(session))

                    second = await anext(events)
                    assert second["held"] == "4000000.00"
                    assert second["available"] == "32000000.00"

                    process.send_signal(signal.SIGTERM)
                    assert [event async for event in events] == []
        assert process.wait(timeout=20) == 0


async def _until_up(client: httpx.AsyncClient) -> None:
    for _ in range(200):
        try:
            if (await client.get("/health")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    raise AssertionError("the server did not answer within 20 s")


async def _events(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
