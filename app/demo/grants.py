"""One applicant through each measure that pays, over HTTP: from the call to the money.

A public notice takes working days. Where the demo was asked for by name the service takes its word
that they have passed; elsewhere the award stays on notice, and the table says until when.
"""

from dataclasses import dataclass
from datetime import datetime

from rich.table import Table

from app.core.clock import business_date
from app.demo.client import Json, Refused
from app.demo.failing import RoadBlocked
from app.demo.loss import verify
from app.demo.region import Region

DAYS_LATER = 60
"""Later than any notice of five working days ends, the longest holidays counted."""

REVIEWERS = ("reviewer_a", "reviewer_b")


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who applies under a measure, with what, and the award that the policy gives."""

    measure: int
    party: str
    title: str
    facts: Json
    award: str  # yuan, or places


APPLICANTS = (
    Applicant(1, "park_zhongning", "国家知识产权强国建设试点园区",
              {"designation": "pilot", "level": "park", "nationally_recognised": True},
              "200000.00"),
    Applicant(2, "zhongning_digital", "东数西算专利导航", {"requested": "600000.00"}, "600000.00"),
    Applicant(3, "park_pingluo", "商标品牌指导站", {"outstanding": True}, "200000.00"),
    Applicant(4, "pingluo_devices", "专利许可",
              {"deal_amount": "19999999.00", "buyer_size": "small", "buyer_in_region": True,
               "kind": "licence", "benefit_shown": True}, "999999.95"),
    Applicant(5, "ningdong_energy", "地理标志运用项目", {"requested": "800000.00"}, "800000.00"),
    Applicant(9, "pingluo_materials", "发明专利优先审查",
              {"application_kind": "invention", "field": "new_materials"}, "1"),
    Applicant(10, "fund_manager", "知识产权托管", {"accredited": True}, "200000.00"),
    Applicant(14, "park_qingtongxia", "国家地理标志产品保护示范区",
              {"designation": "gi_protection_zone"}, "200000.00"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Awarded:
    """A line of the closing table."""

    applicant: Applicant
    name: str
    award: str
    state: str
    left: str


async def award_all(whole: Region, today: str) -> list[Awarded]:
    """Every measure in turn; RoadBlocked where the award is not what the policy gives."""
    return [await _Road(whole, applicant, today).go() for applicant in APPLICANTS]


class _Road:
    """One application on its way."""

    def __init__(self, whole: Region, applicant: Applicant, today: str) -> None:
        self.whole, self.applicant, self.today = whole, applicant, today
        self.first, self.second = whole["authority"], whole["authority_second"]
        self.party = whole[applicant.party]
        self.desk = self.own = self.window = ""

    async def go(self) -> Awarded:
        await self._call()
        await self._apply()
        await self._review()
        noticed = await self.first.post(f"{self.desk}/notice")
        state = await self._decide(noticed)
        await verify(self.whole)
        return await self._told(noticed, state)

    async def _call(self) -> None:
        """The programme, and its window, which is open from today."""
        form = {"measure": self.applicant.measure, "title": "专项（演示）"}
        programme = await self.first.post("/v1/authority/grant-programmes", form)
        path = f"/v1/authority/grant-programmes/{programme['id']}"
        await self.first.post(f"{path}/opening")
        window: Json = {"title": "第一批（演示）", "opens_on": self.today, "closes_on": self.today}
        announced = await self.first.post(f"{path}/windows", window)
        self.window = announced["id"]
        await self.first.post(f"/v1/authority/grant-windows/{self.window}/opening")

    async def _apply(self) -> None:
        """What the authority has on record fills the application in (免申即享)."""
        organisation_id = self.whole.ids[self.applicant.party]
        record: Json = {
            "measure": self.applicant.measure,
            "organisation_id": organisation_id,
            "key": f"DEMO-{self.applicant.measure}",
            "title": self.applicant.title,
            "facts": self.applicant.facts,
            "recognised_on": self.today,
        }
        await self.first.post("/v1/authority/recognitions", record)
        told = await self.party.get("/v1/company/entitlements")
        filled = next(
            item["application"]
            for item in told["items"]
            if item["application"] and item["application"]["key"] == record["key"]
        )
        drafted = await self.party.post(
            "/v1/grant-applications", filled | {"summary": "免申即享（演示）"}
        )
        self.own = f"/v1/grant-applications/{drafted['id']}"
        self.desk = f"/v1/authority/grant-applications/{drafted['id']}"
        await self.party.post(f"{self.own}/submission")
        await self.first.post(f"{self.desk}/acceptance")

    async def _review(self) -> None:
        """Two agencies declare and score; scored windows are ranked, others recommended."""
        programmes = await self.first.get(
            "/v1/public/grant-programmes", measure=self.applicant.measure
        )
        scoring = programmes["items"][0]["rules"].get("scoring")
        marks = {criterion["id"]: 85 for criterion in scoring["criteria"]} if scoring else {}
        path = self.own.replace("grant-applications", "grant-reviews")
        for key in REVIEWERS:
            await self.first.post(
                f"{self.desk}/reviewers", {"organisation_id": self.whole.ids[key]}
            )
            declared = {"conflict": False, "statement": "与申请人无利害关系（演示）"}
            await self.whole[key].post(f"{path}/declaration", declared)
            sheet = {"marks": marks, "supports": True, "comment": "同意推荐（演示）"}
            await self.whole[key].post(f"{path}/sheet", sheet)
        if scoring:
            window = f"/v1/authority/grant-windows/{self.window}"
            await self.first.post(f"{window}/closing")
            await self.first.post(f"{window}/ranking")
        else:
            await self.first.post(f"{self.desk}/recommendation")

    async def _decide(self, noticed: Json) -> str:
        """After the notice: decided by another person, agreed, paid. What became of it."""
        first, second, party = (
            one.later(DAYS_LATER) for one in (self.first, self.second, self.party)
        )
        try:
            decided = await second.post(f"{self.desk}/decision")
        except Refused as refusal:
            if not refusal.problem.get("type", "").endswith("/notice-running"):
                raise
            return f"on notice until {noticed['notice_until']}"
        if decided["slots"] is not None:
            return "place given"
        reference = f"XY-DEMO-{self.applicant.measure}"
        agreement = {"reference": reference, "terms": "专款专用（演示）"}
        await first.post(f"{self.desk}/agreement", agreement)
        await party.post(f"{self.own}/agreement/confirmation", {"reference": reference})
        paid = await first.post(f"{self.desk}/payment", self._payment(decided))
        return str(paid["status"])

    def _payment(self, decided: Json) -> Json:
        day = business_date(datetime.fromisoformat(decided["approved_at"])).isoformat()
        return {"paid_on": day, "reference": f"CZ-DEMO-{self.applicant.measure}"}

    async def _told(self, noticed: Json, state: str) -> Awarded:
        slots = noticed["slots"]
        award = noticed["award"] if slots is None else str(slots)
        if award != self.applicant.award:
            raise RoadBlocked(
                f"measure {self.applicant.measure} awards {award},"
                f" not {self.applicant.award} as the policy does"
            )
        [budget] = await self.first.get("/v1/public/grant-budgets", measure=self.applicant.measure)
        left = budget["left"] or "no ceiling stated"
        if slots is not None:
            award, left = f"{award} place", f"{left} places"
        return Awarded(self.applicant, self.party.name, award, state, left)


def table(awards: list[Awarded]) -> Table:
    """A line per measure: facts, award, what became of it, what the budget has left."""
    shown = Table(title="The measures that pay, one applicant each, in yuan")
    for heading in ("measure", "applicant", "facts"):
        shown.add_column(heading)
    for heading in ("award", "state", "budget left"):
        shown.add_column(heading, justify="right")
    for one in awards:
        facts = ", ".join(f"{name}: {value}" for name, value in one.applicant.facts.items())
        measure = str(one.applicant.measure)
        shown.add_row(measure, one.name, facts, one.award, one.state, one.left)
    return shown
