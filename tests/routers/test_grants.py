"""Grants over HTTP, with row-level security live: a fifteenth measure goes the whole road."""

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from fastapi import FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import Settings
from app.grants.measure_files import BrokenMeasureFile
from app.identifiers.rights import RightKind
from app.lifecycle.parties import Level, OrganisationKind
from app.main import create_app
from app.models.organisations import Organisation
from app.routers import deps
from app.services import sealing
from app.services.actor import SYSTEM, Actor, bind
from tests.conftest import ActorClient
from tests.make.grants import AFTER_NOTICE, TODAY
from tests.make.market import make_firm
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.rights import make_document, make_right

Clients = Callable[[Actor | None], ActorClient]

VERSION = """
[[versions]]
valid_from = {first}
source = "made up for a test"
award = {{ form = "table", clause = "pages", cells = [{{ amount = "{award}.00" }}] }}
budget = {{ kind = "pot", amount = "{pot}.00", text_zh = "共 {pot} 元", text_en = "{pot} in all" }}

[[versions.clauses]]
id = "pages"
text_zh = "每家 {award} 元"
text_en = "{award} each"

[[versions.facts]]
name = "digital"
type = "boolean"
required = true
text_zh = "已数字化"
text_en = "done"

[[versions.rules]]
id = "digital"
clause = "pages"
fact = "digital"
equals = true
text_zh = "须已数字化"
text_en = "must be done"

[versions.duplication]
same = ["firm", "year"]
with_measures = [3]
related_firms = true
text_zh = "每年一次"
text_en = "once a year"

[[versions.periods]]
id = "public_notice"
days = 5
unit = "working"
text_zh = "公示"
text_en = "notice"

[[versions.periods]]
id = "correction"
days = 3
unit = "calendar"
text_zh = "补正"
text_en = "correction"
"""
FIFTEENTH = """
number = 15
id = "archives"
kind = "grant"
text_zh = "专利档案数字化补助"
text_en = "Digital patent archives"
"""
FIFTEENTH += VERSION.format(first="2022-01-01\nvalid_to = 2025-12-31", award=10000, pot=15000)
FIFTEENTH += VERSION.format(first="2026-01-01", award=20000, pot=50000)


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    (tmp_path / "measures").mkdir()
    (tmp_path / "measures" / "15-archives.toml").write_text(FIFTEENTH, "utf-8")
    return Settings(
        database_url=database,
        data_dir=tmp_path,
        documents_url=(tmp_path / "documents").as_uri(),
        calculator_rate=0,
        stream_seconds=0,
        measures_dir=tmp_path / "measures",
    )


class Road:
    """The people of a road, and the day."""

    def __init__(self, app: FastAPI, client_of: Clients, session: AsyncSession) -> None:
        self.app, self.client_of, self.session = app, client_of, session
        self.application = ""

    async def people(self) -> "Road":
        authority = await make_organisation(self.session, OrganisationKind.AUTHORITY)
        self.first, self.second = [await make_actor(self.session, authority) for _ in range(2)]
        self.clerk = await make_actor(self.session, authority, level=Level.MEMBER)
        self.agencies = [
            await make_actor(
                self.session, await make_organisation(self.session, OrganisationKind.AGENCY)
            )
            for _ in range(2)
        ]
        self.firm, self.stranger = [await make_firm(self.session) for _ in range(2)]
        return self

    def on(self, now: datetime) -> None:
        self.app.dependency_overrides[deps.get_now] = lambda: now

    async def post(self, actor: Actor, path: str, status: int = 200, **form: Any) -> Any:
        async with self.client_of(actor) as client:
            reply = await client.post(f"/v1{path}", json=form or None)
        assert reply.status_code == status, (path, reply.text)
        return reply.json()

    async def get(self, actor: Actor | None, path: str, **query: Any) -> httpx.Response:
        async with self.client_of(actor) as client:
            return await client.get(f"/v1{path}", params=query)

    async def window(self, measure: int, **more: Any) -> str:
        programme = await self.post(
            self.first, "/authority/grant-programmes", 201, measure=measure, title="专项", **more
        )
        path = f"/authority/grant-programmes/{programme['id']}"
        await self.post(self.first, f"{path}/opening")
        window = await self.post(
            self.first,
            f"{path}/windows",
            201,
            title="第一批",
            opens_on=TODAY.isoformat(),
            closes_on=(TODAY + timedelta(days=30)).isoformat(),
        )
        await self.post(self.first, f"/authority/grant-windows/{window['id']}/opening")
        return str(window["id"])

    async def apply(self, window: str, key: str, **facts: Any) -> str:
        document = await make_document(self.session, self.firm.organisation_id)
        drafted = await self.post(
            self.firm,
            "/grant-applications",
            201,
            window_id=window,
            key=key,
            title="项目",
            summary="说明",
            facts=facts,
            document_ids=[str(document.id)],
        )
        self.application = str(drafted["id"])
        return self.application

    async def step(self, actor: Actor, path: str, status: int = 200, **form: Any) -> Any:
        """A step of the applicant (…/submission) or of the desk (authority:notice)."""
        desk, _, act = path.rpartition(":")
        base = f"/{desk}/grant-applications" if desk else "/grant-applications"
        return await self.post(actor, f"{base}/{self.application}/{act}", status, **form)

    async def review(self) -> None:
        for agency in self.agencies:
            await self.step(
                self.first,
                "authority:reviewers",
                201,
                organisation_id=str(agency.organisation_id),
            )
            path = f"/grant-reviews/{self.application}"
            await self.post(agency, f"{path}/declaration", conflict=False, statement="无")
            await self.post(agency, f"{path}/sheet", marks={}, supports=True, comment="同意")


@pytest.fixture
async def road(app: FastAPI, client_of: Clients, session: AsyncSession) -> Road:
    return await Road(app, client_of, session).people()


async def test_a_fifteenth_measure_is_a_file_and_goes_the_whole_road(road: Road) -> None:
    window = await road.window(15)
    await road.apply(window, "DA-1", digital=True)
    assert (await road.get(road.first, f"/grant-applications/{road.application}")).is_error

    await road.step(road.firm, "submission")
    for actor, status in ((road.first, 200), (road.stranger, 404), (road.agencies[0], 404)):
        seen = await road.get(actor, f"/grant-applications/{road.application}")
        assert seen.status_code == status
    await road.step(road.first, "authority:return", reason="缺页")
    await road.step(road.firm, "submission")
    await road.step(road.first, "authority:acceptance", facts={})
    await road.review()
    papers = await road.get(road.agencies[0], f"/grant-applications/{road.application}/documents")
    assert len(papers.json()) == 1
    assert (await road.get(road.agencies[0], "/grant-reviews")).json()[0]["supports"] is True
    await road.step(road.first, "authority:recommendation")
    await road.step(road.first, "authority:notice")

    notices = (await road.get(None, "/public/grant-notices", measure=15)).json()["items"]
    assert [(n["award"], n["running"]) for n in notices] == [("20000.00", True)]
    objected = await road.post(
        road.stranger, f"/grant-notices/{road.application}/objections", 201, text="重复申报"
    )
    await road.post(
        road.clerk, f"/authority/grant-objections/{objected['id']}/answer", upheld=False,
        answer="经查不属实",
    )  # fmt: skip
    road.on(AFTER_NOTICE)
    await road.step(road.second, "authority:decision")
    await road.step(road.first, "authority:agreement", reference="XY-1", terms="专款专用")
    await road.step(road.firm, "agreement/confirmation", reference="XY-1")
    for _ in range(2):
        paid = await road.step(
            road.first,
            "authority:payment",
            paid_on=AFTER_NOTICE.date().isoformat(),
            reference="CZ-1",
        )
    assert (paid["status"], paid["trace"][-1]["clause_zh"]) == ("paid", "每家 20000 元")

    [budget] = (await road.get(None, "/public/grant-budgets", measure=15)).json()
    told = {name: budget[name] for name in ("ceiling", "paid", "left", "applications")}
    assert told == {
        "ceiling": "50000.00", "paid": "20000.00", "left": "30000.00", "applications": {"paid": 1},
    }  # fmt: skip
    events = (await road.get(road.firm, f"/grant-applications/{road.application}/history")).json()
    assert [e["event"] for e in events if e["target"]] == [
        "create", "submit", "return", "submit", "accept", "recommend", "notice", "approve",
        "agree", "pay",
    ]  # fmt: skip
    await bind(road.session, SYSTEM)
    assert await sealing.verify(road.session) == []


async def test_a_back_dated_programme_keeps_the_rules_then_in_force(road: Road) -> None:
    window = await road.window(15, year=2025, rules_on="2025-06-30")
    await road.apply(window, "DA-1", digital=True)

    submitted = await road.step(road.firm, "submission")
    assert submitted["award"] == "10000.00"
    async with road.client_of(None) as client:
        asked = {"measure": 15, "facts": {"digital": True}, "on": "2025-06-30"}
        told = await client.post("/v1/calculators/grant-award", json=asked)
        listed = (await client.get("/v1/calculators/grant-award/measures")).json()["measures"]
    assert told.json()["award"] == "10000.00"
    assert listed[-1]["number"] == 15
    # The newer rules give more, and so does the pot once a programme runs by them.
    await road.window(15)
    [budget] = (await road.get(None, "/public/grant-budgets", measure=15)).json()
    assert budget["ceiling"] == budget["left"] == "50000.00"


async def test_a_related_firm_is_refused_across_measures(road: Road) -> None:
    third, fifteenth = await road.window(3), await road.window(15)
    await road.apply(third, "Z-1", outstanding=True)
    await road.step(road.firm, "submission")
    await road.post(
        road.first,
        "/authority/firm-relations",
        201,
        firm_id=str(road.firm.organisation_id),
        related_id=str(road.stranger.organisation_id),
        ground="同一控制人",
    )
    road.firm = road.stranger
    await road.apply(fifteenth, "DA-1", digital=True)

    refused = await road.step(road.firm, "submission", 409)
    assert (refused["type"], refused["measures"]) == ("/problems/awarded-twice", [3])


async def test_the_second_of_two_awards_is_refused_when_the_pot_is_short(road: Road) -> None:
    window = await road.window(15, rules_on="2025-06-30")
    for number, status in ((1, 200), (2, 409)):
        road.firm = await make_firm(road.session)
        await road.apply(window, f"DA-{number}", digital=True)
        await road.step(road.firm, "submission")
        await road.step(road.first, "authority:acceptance", facts={})
        await road.review()
        if number == 1:
            await road.step(road.first, "authority:recommendation")
            await road.step(road.first, "authority:notice")
        else:
            refused = await road.step(road.first, "authority:recommendation", status)
    assert (refused["type"], refused["left"]) == ("/problems/budget-spent", "5000.00")


class TestEntitlements:
    async def told(self, road: Road) -> dict[int, list[dict[str, Any]]]:
        reply = await road.get(road.firm, "/company/entitlements")
        assert reply.status_code == 200, reply.text
        found: dict[int, list[dict[str, Any]]] = {}
        for item in reply.json()["items"]:
            found.setdefault(item["measure"], []).append(item)
        return found

    async def test_a_recognition_fills_the_application_in(self, road: Road) -> None:
        window = await road.window(1)
        before = (await self.told(road))[1]
        assert [item["standing"] for item in before] == ["missing"]
        await road.post(
            road.first,
            "/authority/recognitions",
            201,
            measure=1,
            organisation_id=str(road.firm.organisation_id),
            key="国知发运字〔2022〕35号",
            title="国家知识产权强市建设试点城市",
            facts={"designation": "pilot", "level": "city", "nationally_recognised": True},
            recognised_on="2022-09-22",
        )

        [item] = (await self.told(road))[1]
        assert (item["standing"], item["award"]) == ("eligible", "500000.00")
        filled = item["application"]
        assert filled["window_id"] == window
        drafted = await road.post(
            road.firm, "/grant-applications", 201, summary="免申即享", **filled
        )
        submitted = await road.post(road.firm, f"/grant-applications/{drafted['id']}/submission")
        assert submitted["award"] == "500000.00"
        assert [item["standing"] for item in (await self.told(road))[1]] == ["missing"]

    async def test_a_patent_application_here_may_ask_for_a_place(
        self, road: Road, session: AsyncSession
    ) -> None:
        owner = await session.get_one(Organisation, road.firm.organisation_id)
        row = await make_right(session, owner, RightKind.INVENTION, granted_on=None)
        number = row.number

        [item] = (await self.told(road))[9]
        assert (item["standing"], item["slots"]) == ("eligible", 1)
        assert item["application"]["key"] == number


async def test_open_choices_are_public_and_dated(road: Road) -> None:
    told = (await road.get(None, "/public/measures/choices")).json()
    assert {choice["measure"] for choice in told} >= {1, 2, 3, 4, 5, 9, 10, 14}
    assert all(choice["decided_on"] and choice["reason_zh"] for choice in told)
    before = await road.get(None, "/public/measures/choices", on="2021-06-30")
    assert before.json() == []


async def test_files_have_the_figures_of_the_pages(road: Road) -> None:
    await road.window(4)
    await road.window(9)
    table = (await road.get(None, "/public/grant-budgets.csv")).text
    assert "政策未载明总额上限，故不设上限" in table
    book = openpyxl.load_workbook(io.BytesIO((await road.get(None, "/public/grants.xlsx")).content))
    assert book.sheetnames == ["budgets", "notices"]
    assert [row[5].value for row in book["budgets"].iter_rows(min_row=2)][1] == "100"
    desk = await road.get(road.first, "/authority/grant-applications.csv", measure=4)
    assert "合计 total" in desk.text
    assert (await road.get(None, "/public/grant-notices.csv")).status_code == 200
    assert (await road.get(road.first, "/authority/grant-applications.xlsx")).status_code == 200


def test_a_broken_measure_of_the_installation_stops_the_start(
    settings: Settings, tmp_path: Path
) -> None:
    bad = FIFTEENTH.replace('fact = "digital"', 'fact = "paper"')
    (tmp_path / "measures" / "15-archives.toml").write_text(bad, "utf-8")

    with pytest.raises(BrokenMeasureFile) as broken:
        create_app(settings)
    assert str(broken.value) == (
        "15-archives.toml: versions.0.rules.0.fact: paper is no fact of the measure"
    )


@pytest.mark.parametrize(("demo", "days"), [(True, 9), (False, 0), (None, 0)])
async def test_only_a_demo_asked_for_by_name_lets_a_caller_say_what_day_it_is(
    settings: Settings, demo: bool | None, days: int
) -> None:
    app = create_app(settings.model_copy(update={"demo": demo}))
    scope = {"type": "http", "app": app, "headers": [(b"zhirong-demo-days", b"9")]}

    told = deps.get_now(Request(scope))

    assert round((told - datetime.now(NOW.tzinfo)).total_seconds() / 86400) == days
