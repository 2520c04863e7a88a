"""A fund's page and its files over HTTP, and funds for everybody."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import openpyxl
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.funds import ClaimKind
from app.routers import deps
from app.services import claims
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.figures import make_park
from tests.make.funds import FIVE, LATE, claim_of, make_defaulted, make_filed, make_fund, settle

ClientOf = Callable[[Actor | None], ActorClient]


@pytest.fixture(autouse=True)
def late(app: FastAPI) -> None:
    app.dependency_overrides[deps.get_now] = lambda: LATE + timedelta(minutes=1)


async def test_a_manager_reads_its_funds_page_and_files(
    session: AsyncSession, client_of: ClientOf
) -> None:
    funded, loan = await make_defaulted(session)
    claim = await claims.submit(
        session,
        actor=funded.claimant,
        loan_id=loan.id,
        data=claim_of(ClaimKind.FUND, FIVE),
        now=LATE,
    )
    await settle(
        session, claim, payer=funded.manager, second=funded.colleague, claimant=funded.claimant
    )
    base = f"/v1/funds/{funded.fund.id}"

    async with client_of(funded.manager) as client:
        page = (await client.get(f"{base}/figures")).json()
        lines = await client.get(f"{base}/figures.csv")
        book = await client.get(f"{base}/figures.xlsx")
        listed = await client.get(f"{base}/claims.csv")
        filed = await client.get(f"{base}/filings.csv")

    assert page["fund"]["balance"] == "7300000.00"
    assert (page["compensated"], page["recovered"]) == ("2700000.00", "0.00")
    assert [bank["compensated"] for bank in page["banks"]] == ["2700000.00"]
    told = {row[1]: row[2] for row in csv.reader(io.StringIO(lines.content.decode("utf-8-sig")))}
    assert told["Balance"] == "7300000.00"
    assert openpyxl.load_workbook(io.BytesIO(book.content)).sheetnames[-2:] == [
        "claims",
        "recoveries",
    ]
    *_, total = csv.reader(io.StringIO(listed.content.decode("utf-8-sig")))
    assert "2700000.00" in total
    assert filed.status_code == 200


async def test_a_park_reads_its_funds_page_but_not_filing_by_filing(
    session: AsyncSession, client_of: ClientOf
) -> None:
    funded = await make_filed(session, park_code="PINGLUO")
    base = f"/v1/funds/{funded.fund.id}"

    async with client_of(await make_park(session)) as client:
        page = await client.get(f"{base}/figures")
        book = await client.get(f"{base}/figures.xlsx")
        lists = [await client.get(f"{base}/{name}.csv") for name in ("filings", "claims")]
    async with client_of(await make_park(session, "ZHONGNING")) as client:
        other = await client.get(f"{base}/figures")
    async with client_of(funded.table.bank) as client:
        bank = await client.get(f"{base}/figures")

    assert page.json()["firms"] is None
    assert openpyxl.load_workbook(io.BytesIO(book.content)).sheetnames == ["figures", "fuses"]
    assert [answer.status_code for answer in (*lists, other, bank)] == [403, 403, 404, 403]


async def test_every_park_reads_a_fund_that_serves_every_park(
    session: AsyncSession, client_of: ClientOf
) -> None:
    funded = await make_filed(session)
    neighbours, _, _ = await make_fund(session, park_code="NINGDONG")
    own, theirs = str(funded.fund.id), str(neighbours.id)

    async with client_of(await make_park(session)) as client:
        listed = (await client.get("/v1/funds")).json()["items"]
        one = await client.get(f"/v1/funds/{own}")
        page = await client.get(f"/v1/funds/{own}/figures")
        other = await client.get(f"/v1/funds/{theirs}")

    assert [fund["id"] for fund in listed] == [own]
    hidden = ("base_reserved", "base_outstanding", "exposure_reserved", "leverage", "room")
    assert [one.json()[name] for name in hidden] == [None] * len(hidden)
    assert [page.json()["fund"][name] for name in hidden] == [None] * len(hidden)
    assert (one.json()["paid_in"], one.json()["balance"]) == ("10000000.00",) * 2
    assert (page.json()["fund"]["id"], page.json()["firms"]) == (own, None)
    assert other.status_code == 404


async def test_everybody_reads_the_funds_money(session: AsyncSession, client_of: ClientOf) -> None:
    funded = await make_filed(session)
    name = funded.fund.name

    async with client_of(None) as client:
        [told] = (await client.get("/v1/public/funds")).json()

    assert told == {
        "name": name,
        "scheme": "zhongshan-2021",
        "scheme_name": "Zhongshan IP-pledge risk compensation (2021)",
        "scheme_invented": False,
        "park_code": None,
        "paid_in": "10000000.00",
        "balance": "10000000.00",
        "quarter": "2027Q1",
        "leverage": None,
        "loans": None,
    }
