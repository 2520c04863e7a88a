"""Anybody reads the list of public services; only the authority writes it."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncSession

from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.market import make_firm
from tests.make.services import PLEDGES, make_two_people

OpenClient = Callable[[Actor | None], ActorClient]
PATH = "/v1/authority/service-versions"


async def test_from_the_proposal_to_open_data(session: AsyncSession, client_of: OpenClient) -> None:
    one, other = await make_two_people(session)
    async with client_of(one) as client:
        proposed = await client.post(f"{PATH}/pledge-registration", json=PLEDGES)
        own = await client.post(f"{PATH}/{proposed.json()['id']}/publication")
    async with client_of(other) as client:
        published = await client.post(f"{PATH}/{proposed.json()['id']}/publication")
        listed = await client.get(PATH, params={"status": "published"})
    async with client_of(None) as client:
        found = await client.get("/v1/public/services", params={"q": "质押"})
        before = await client.get("/v1/public/services", params={"on": "2026-01-01"})
        one_service = await client.get("/v1/public/services/pledge-registration")
        missing = await client.get("/v1/public/services/nothing")
        data = await client.get("/v1/public/services/open-data.json")
        table = await client.get("/v1/public/services/open-data.csv")
        categories = await client.get("/v1/public/services/categories")

    assert (proposed.status_code, own.status_code, published.status_code) == (201, 403, 200)
    assert own.json()["type"].endswith("own-version")
    assert [row["number"] for row in listed.json()["items"]] == [1]
    assert [row["code"] for row in found.json()["items"]] == ["pledge-registration"]
    assert before.json() == {"items": [], "next": None}
    assert [row["number"] for row in one_service.json()] == [1]
    assert missing.status_code == 404
    assert data.json()["on"] == "2026-11-23"
    assert data.json()["services"][0]["process"] == PLEDGES["process"]
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert "专利权质押登记" in table.text
    assert {one["code"]: one["services"] for one in categories.json()}["acceptance"] == 1


async def test_a_page_says_where_the_next_begins(
    session: AsyncSession, client_of: OpenClient
) -> None:
    one, other = await make_two_people(session)
    for code in ("alpha", "beta", "gamma"):
        async with client_of(one) as client:
            proposed = await client.post(f"{PATH}/{code}", json=PLEDGES)
        async with client_of(other) as client:
            await client.post(f"{PATH}/{proposed.json()['id']}/publication")
    async with client_of(None) as client:
        first = await client.get("/v1/public/services", params={"limit": 2})
        second = await client.get(
            "/v1/public/services", params={"limit": 2, "after": first.json()["next"]}
        )

    assert [row["code"] for row in first.json()["items"]] == ["alpha", "beta"]
    assert [row["code"] for row in second.json()["items"]] == ["gamma"]
    assert second.json()["next"] is None


async def test_a_firm_does_not_write_the_list(session: AsyncSession, client_of: OpenClient) -> None:
    async with client_of(await make_firm(session)) as client:
        refused = await client.post(f"{PATH}/pledges", json=PLEDGES)

    assert refused.status_code == 403
