"""Valuation runs, challenges and cover signals over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions
from app.services import revaluations, valuation_runs
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.deals import accept
from tests.make.market import make_firm
from tests.make.parties import NOW
from tests.make.valued import make_backed, make_pledged

ClientOf = Callable[[Actor | None], ActorClient]


@pytest.fixture
def chinese() -> dict[str, str]:
    return {"Accept-Language": "zh"}


async def test_a_firm_values_its_portfolio_and_reads_the_run_behind_it(
    session: AsyncSession, sessions: Sessions, client_of: ClientOf, chinese: dict[str, str]
) -> None:
    backed = await make_backed(session)
    async with client_of(backed.table.firm) as client:
        value = await client.post(
            f"/v1/company/portfolios/{backed.valuation.portfolio_id}/valuations",
            json={
                "rights": [{"right_id": str(backed.right.id), "annual_revenue": "10000000.00"}],
                "amount": "300000.00",
                "term_months": 36,
                "yearly_cash": "500000.00",
            },
        )
        run_id = value.json()["run_id"]
        waiting = (await client.get(f"/v1/valuation-runs/{run_id}")).json()
    await valuation_runs.compute(sessions, run_id=run_id, now=NOW)
    async with client_of(backed.table.firm) as client:
        found = (await client.get(f"/v1/valuation-runs/{run_id}", headers=chinese)).json()
        listed = await client.get("/v1/valuation-runs", params={"limit": 1})

    assert (waiting["market"], waiting["results"]) == (None, None)
    assert found["market"] == found["results"]["whole"]["market"]["value"]
    assert found["inputs"]["loan"] == {
        "owed": "300000.00",
        "ends_on": "2029-11-23",
        "yearly_cash": "500000.00",
    }
    assert 0 <= float(found["results"]["whole"]["probability_below_loan"]) <= 1
    reasons = {one["reason"] for one in found["results"]["rights"][0]["methods"]}
    assert reasons <= found["wording"].keys()
    assert found["wording"]["income_is_stated"].startswith("采用")
    assert len(found["inputs_sha256"]) == len(found["results_sha256"]) == 64
    assert [one["id"] for one in listed.json()["items"]] == [run_id]


async def test_a_lender_reads_and_challenges_what_backs_its_loan(
    session: AsyncSession, sessions: Sessions, client_of: ClientOf
) -> None:
    backed = await make_backed(session)
    await accept(session, backed.table)
    run_id = str(backed.run.id)
    body = {
        "reason": "近三年销售额更低",
        "rights": [{"right_id": str(backed.right.id), "annual_revenue": "1000000.00"}],
    }
    async with client_of(backed.table.bank) as client:
        behind = await client.get(
            "/v1/valuation-runs", params={"request_id": str(backed.table.request_id)}
        )
        key = {"Idempotency-Key": "one"}
        made = await client.post(f"/v1/valuation-runs/{run_id}/challenges", json=body, headers=key)
        again = await client.post(f"/v1/valuation-runs/{run_id}/challenges", json=body, headers=key)
    for one in (run_id, made.json()["id"]):
        await valuation_runs.compute(sessions, run_id=one, now=NOW)  # type: ignore[arg-type]
    async with client_of(backed.table.firm) as client:
        sides = (await client.get(f"/v1/valuation-runs/{run_id}/challenges")).json()
        own = await client.post(f"/v1/valuation-runs/{run_id}/challenges", json=body)

    assert [one["id"] for one in behind.json()["items"]] == [run_id]
    assert (made.status_code, made.json()["engine"]) == (202, None)
    assert again.json() == made.json()
    [side] = sides
    assert (side["run"]["id"], side["run"]["reason"]) == (made.json()["id"], body["reason"])
    assert float(side["run"]["market"]) < 1_000_000
    [difference] = side["differences"]
    assert difference["before"]["value"] == "200000000.00"
    assert difference["after"]["value"] == "1000000.00"
    assert (own.status_code, own.json()["type"]) == (409, "/problems/own-run")


@pytest.mark.parametrize(
    ("right", "field"),
    [
        ({"annual_revenue": 5}, "rights.0.annual_revenue"),
        ({"growth_pct": "101"}, "rights.0.growth_pct"),
        ({"economic_life_years": 10_000}, "rights.0.economic_life_years"),
        ({"royalty_rate_pct": "-1"}, "rights.0.royalty_rate_pct"),
        ({"evidence": {"kloc": "0193a1b2-0000-7000-8000-000000000001"}}, "rights.0.evidence"),
        ({"comparables": [{"price": "0.00", "income": "1.00", "source": "x"}]}, None),
        ({"value": "1.00"}, "rights.0.value"),
    ],
)
async def test_a_bad_input_names_its_field(
    session: AsyncSession, client_of: ClientOf, *, right: dict[str, Any], field: str | None
) -> None:
    backed = await make_backed(session)
    path = f"/v1/company/portfolios/{backed.valuation.portfolio_id}/valuations"
    async with client_of(backed.table.firm) as client:
        answer = await client.post(
            path, json={"rights": [{"right_id": str(backed.right.id)} | right]}
        )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == (field or "rights.0.comparables.0.price")


async def test_a_pledgee_finds_the_signal_and_records_its_decision(
    session: AsyncSession, sessions: Sessions, client_of: ClientOf
) -> None:
    pledged = await make_pledged(session)
    pledged.right.annuity_paid_through_year = 7
    await session.flush()
    opened = await revaluations.open_round(session, now=NOW)
    await revaluations.revalue(sessions, round_id=opened.id, deal_id=pledged.deal.id, now=NOW)
    body = {"choice": "prepay", "reason": "专利已因未缴年费终止，要求提前还款"}
    async with client_of(pledged.table.bank) as client:
        listed = (await client.get("/v1/cover-signals")).json()["items"]
        [signal] = listed
        decided = await client.post(f"/v1/cover-signals/{signal['id']}/decision", json=body)
        twice = await client.post(f"/v1/cover-signals/{signal['id']}/decision", json=body)
    async with client_of(pledged.table.firm) as client:
        seen = await client.get(f"/v1/cover-signals/{signal['id']}")
        refused = await client.post(f"/v1/cover-signals/{signal['id']}/decision", json=body)

    assert (signal["level_pct"], signal["cover_pct"], signal["decisions"]) == ("100", "0", [])
    assert decided.status_code == 201
    assert decided.json()["decisions"][0]["choice"] == "prepay"
    assert (twice.status_code, refused.status_code) == (409, 403)
    assert seen.json() == decided.json()


async def test_a_report_is_one_page_and_one_file_for_who_may_read_the_run(
    session: AsyncSession, sessions: Sessions, client_of: ClientOf
) -> None:
    backed = await make_backed(session)
    run_id = backed.run.id
    path = f"/v1/valuation-runs/{run_id}/report"
    async with client_of(backed.table.firm) as client:
        early = await client.get(f"{path}.html")
    await valuation_runs.compute(sessions, run_id=run_id, now=NOW)
    async with client_of(backed.table.firm) as client:
        page = await client.get(f"{path}.html")
        file = await client.get(f"{path}.pdf")
        again = await client.get(f"{path}.pdf")
    async with client_of(await make_firm(session)) as client:
        others = [await client.get(f"{path}.{kind}") for kind in ("html", "pdf")]

    assert (early.status_code, early.json()["type"]) == (409, "/problems/not-worked-out")
    assert early.headers["retry-after"] == "5"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "不是资产评估报告" in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "private, no-store"
    assert file.headers["content-type"] == "application/pdf"
    assert f'filename="valuation-{run_id}.pdf"' in file.headers["content-disposition"]
    assert file.content.startswith(b"%PDF")
    assert file.content == again.content
    assert [answer.status_code for answer in others] == [404, 404]
