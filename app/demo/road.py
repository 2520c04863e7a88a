"""One firm's road, step by step, as its people and its institutions would go it over HTTP."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.demo.cases import TERM_MONTHS, Case, Ending, offers
from app.demo.client import Json, Party
from app.demo.failing import RoadBlocked
from app.demo.loss import PDF, Loss
from app.demo.region import Region

RECORDS = Path(__file__).parent / "records"
WAIT_S = 60.0

STEPS = ("portfolio", "request", "quotes", "package", "approvals", "contracts", "pledge", "cash",
         "ending")  # fmt: skip


@dataclass
class Journey:
    """One firm on its way: what it has so far, and what the closing table tells."""

    region: Region
    case: Case
    today: str
    step: Callable[[str], None]
    request_id: str = ""
    deal_id: str = ""
    loan_id: str = ""
    queued: bool = False
    funds: Mapping[str, str] = field(default_factory=dict)  # ids by scheme
    loss: Loss | None = None
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def firm(self) -> Party:
        return self.region[self.case.firm]

    async def until_cash(self) -> None:
        """From the request to the drawn loan; a deal that queues stops there."""
        await self.ask()
        await self.collect_quotes()
        await self.accept()
        if self.queued:
            return
        await self.complete()

    async def complete(self) -> None:
        """From approval to cash."""
        if self.case.declined_first:
            await self.be_declined()
        await self.approve()
        await self.sign()
        await self.perfect()
        if self.case.scheme:
            await self.file()
        await self.draw()

    async def assemble(self) -> None:
        """Import the records, build the portfolio, value it."""
        content = (RECORDS / self.case.records).read_bytes()
        document = await self.firm.upload(content, kind="import", file_name=self.case.records)
        started = await self.firm.post("/v1/company/imports", document_id=document["id"])
        done = await self._poll(
            f"/v1/company/imports/{started['id']}", lambda job: job["status"] in {"done", "failed"}
        )
        if done["status"] != "done" or done["refused"]:
            report = f"{done['accepted']} accepted, {done['refused']} refused"
            raise RoadBlocked(
                f"the import of {self.case.records} {done['status']}: {report}; its patents may"
                " stand for another firm there"
            )
        rights = (await self.firm.get("/v1/company/rights", limit=100))["items"]
        ours = [right for right in rights if right["jurisdiction"] == "CN"]
        portfolio = await self.firm.post("/v1/company/portfolios", {"name": "质押组合（演示）"})
        chosen = {"right_ids": [right["id"] for right in ours]}
        path = f"/v1/company/portfolios/{portfolio['id']}"
        await self.firm.post(f"{path}/rights", chosen)
        inputs = [self._inputs(right) for right in ours]
        valuation = await self.firm.post(f"{path}/valuations", {"rights": inputs})
        self.facts["portfolio"] = f"{len(ours)}"
        self.facts["value"] = valuation["value"]
        self.facts["_portfolio_id"] = portfolio["id"]
        self.step("portfolio")

    def _inputs(self, right: Json) -> Json:
        if right["kind"] in {"invention", "utility_model"}:
            return {"right_id": right["id"], "annual_revenue": self.case.annual_revenue}
        return {"right_id": right["id"], "materials": "50000.00", "labour": "400000.00"}

    async def ask(self) -> None:
        drafted = await self.firm.post(
            "/v1/company/requests",
            {
                "portfolio_id": self.facts["_portfolio_id"],
                "amount": self.case.amount,
                "term_months": TERM_MONTHS,
                "purpose": "working_capital",
                "purpose_text": "采购原材料，扩大生产（演示）",
                "method": "interest_only",
                "frequency": "monthly",
            },
        )
        self.request_id = drafted["id"]
        await self.firm.post(f"/v1/company/requests/{self.request_id}/submission")
        self.step("request")

    async def collect_quotes(self) -> None:
        """Every institution finds the request on its list and quotes."""
        for key, terms in offers(self.case.amount).items():
            institution = self.region[key]
            listed = (await institution.get("/v1/lender/requests", limit=200))["items"]
            if self.request_id not in {item["id"] for item in listed}:
                raise RoadBlocked(f"{institution.name} does not see request {self.request_id}")
            path = f"/v1/lender/requests/{self.request_id}/quotes"
            await institution.post(path, {"valid_days": 30, "terms": terms})
        self.step("quotes")

    async def accept(self) -> None:
        """Take the cheapest package that is as the case wants it."""
        compared = await self.firm.get(f"/v1/company/requests/{self.request_id}/packages")
        package = next(
            p for p in compared["packages"] if (p["guarantee"] is not None) == self.case.guaranteed
        )
        cost = package["cost"]
        self.facts["headline"] = cost["nominal_annual_rate_pct"]
        self.facts["all_in"] = cost["before_subsidies_pct"]
        self.facts["before"] = await self._available()
        accepted = await self._take(package)
        self.deal_id, self.queued = accepted["id"], accepted["status"] == "queued"
        self.step("package")

    async def _take(self, package: Json) -> Json:
        consent = {"institution_id": package["loan"]["institution_id"]}
        await self.firm.post(f"/v1/company/requests/{self.request_id}/identity-consents", consent)
        chosen = {
            part: {"quote_id": package[part]["quote_id"], "revision": package[part]["revision"]}
            for part in ("loan", "guarantee", "insurance")
            if package[part] is not None
        }
        path = f"/v1/company/requests/{self.request_id}/acceptance"
        accepted: Json = await self.firm.post(path, chosen)
        return accepted

    async def be_declined(self) -> None:
        """The guarantor declines: all is undone, and the firm goes on without it."""
        path = f"/v1/lender/deals/{self.deal_id}/refusal"
        await self.region["guarantor"].post(path, {"reason": "反担保不足（演示）"})
        after = await self._available()
        if after != self.facts["before"]:
            raise RoadBlocked(f"the declined deal left {after} of {self.facts['before']} free")
        compared = await self.firm.get(f"/v1/company/requests/{self.request_id}/packages")
        package = next(p for p in compared["packages"] if p["guarantee"] is None)
        self.facts["all_in"] = package["cost"]["before_subsidies_pct"]
        self.facts["headline"] = package["cost"]["nominal_annual_rate_pct"]
        self.deal_id = (await self._take(package))["id"]

    async def promoted(self) -> None:
        """Wait until room has appeared, then all sides reconfirm."""
        await self._poll(
            f"/v1/company/deals/{self.deal_id}",
            lambda answer: answer["deal"]["status"] == "reconfirming",
        )
        await self.firm.post(f"/v1/company/deals/{self.deal_id}/reconfirmation")
        for institution in await self._institutions():
            await institution.post(f"/v1/lender/deals/{self.deal_id}/reconfirmation")

    async def approve(self) -> None:
        for institution in await self._institutions():
            path = f"/v1/lender/deals/{self.deal_id}/approval"
            await institution.post(path, {"valid_days": 60, "reference": "PF-2026-演示"})
        self.step("approvals")

    async def sign(self) -> None:
        """Put each contract forward by one side and have every side confirm it."""
        deal = (await self._details())["deal"]
        sides = {"loan": ["firm", "bank"], "pledge": ["firm", "bank"]}
        if deal["guarantor_id"]:
            sides |= {"guarantee": ["guarantor", "bank"]}
            sides |= {"counter_guarantee": ["firm", "guarantor"]}
        if deal["insurer_id"]:
            sides |= {"insurance": ["firm", "insurer", "bank"]}
        for kind, roles in sides.items():
            drafter, base = self._side(deal, roles[0])
            document = await drafter.upload(PDF, kind="contract", file_name=f"{kind}.pdf")
            path = f"/deals/{self.deal_id}/contracts/{kind}"
            drafted = await drafter.post(base + path, {"document_id": document["id"]})
            confirmed = {"version": drafted["version"], "sha256": document["sha256"]}
            for role in roles:
                party, base = self._side(deal, role)
                await party.post(f"{base}{path}/confirmation", confirmed)
        self.step("contracts")

    async def perfect(self) -> None:
        """Register the pledge in every register, and meet what else the gate waits for."""
        details = await self._details()
        deal = details["deal"]
        bank, _ = self._side(deal, "bank")
        for number, registration in enumerate(details["registrations"], start=1):
            path = (
                f"/v1/lender/deals/{self.deal_id}/registrations/{registration['register']}/events"
            )
            await bank.post(path, {"event": "submit"})
            given = f"Y2026-{self.deal_id[-12:]}-{number}"
            await bank.post(path, {"event": "register", "number": given, "on": self.today})
        milestones = f"/v1/lender/deals/{self.deal_id}/milestones"
        if deal["guarantor_id"]:
            for kind in ("counter_guarantee_done", "guarantee_effective"):
                await self.region["guarantor"].post(f"{milestones}/{kind}")
        if deal["insurer_id"]:
            await self.region["insurer"].post(f"{milestones}/policy_paid")
        await self.firm.post(
            f"/v1/company/deals/{self.deal_id}/use-of-funds", {"use": "采购原材料"}
        )
        self.step("pledge")

    async def file(self) -> None:
        """With the compensation fund of the case, before any cash."""
        deal = (await self._details())["deal"]
        fund_id = self.funds[self.case.scheme]
        self.loss = Loss(self.region, deal, self.case.scheme, fund_id, self.today)
        await self.loss.file()

    async def draw(self) -> None:
        """Through the gate: the platform releases, the bank reports that it paid."""
        bank, _ = self._side((await self._details())["deal"], "bank")
        path = f"/v1/lender/deals/{self.deal_id}"
        gate = await bank.get(f"{path}/gate", amount=self.case.amount)
        if not gate["open"]:
            raise RoadBlocked(f"the gate misses {gate['missing']}")
        released = await bank.post(f"{path}/drawdowns", {"amount": self.case.amount})
        report = {"drawn_on": self.today, "reference": f"FK-{self.deal_id}", "last": True}
        await bank.post(f"{path}/drawdowns/{released['id']}/drawn", report)
        loans = (await bank.get("/v1/lender/loans", limit=200))["items"]
        self.loan_id = next(loan["id"] for loan in loans if loan["deal_id"] == self.deal_id)
        self.facts["after"] = await self._available()
        self.step("cash")

    async def end(self) -> None:
        """Prepay or repay, and release the pledge, as the case has it."""
        bank, _ = self._side((await self._details())["deal"], "bank")
        if self.case.ending is Ending.PREPAID:
            await self._repay(bank, "1000000.00")
        if self.case.ending is Ending.RELEASED:
            loan = await bank.get(f"/v1/lender/loans/{self.loan_id}", on=self.today)
            await self._repay(bank, loan["statement"]["payoff"])
            await self._release(bank)
        if self.loss is not None:
            self.facts |= await self.loss.lose(self.loan_id)
            await self._release(bank)
        self.step("ending")

    async def _repay(self, bank: Party, amount: str) -> None:
        repaid = await bank.post(
            f"/v1/lender/loans/{self.loan_id}/repayments",
            {
                "reference": f"HK-{self.loan_id}",
                "amount": amount,
                "received_on": self.today,
                "kind": "prepayment",
                "choice": "keep_term",
            },
        )
        self.facts["paid"] = repaid["amount"]

    async def _release(self, bank: Party) -> None:
        path = f"/v1/lender/deals/{self.deal_id}/discharge"
        discharged = await bank.post(path)
        if "guarantor" in discharged["awaiting"]:  # after a call its consent is needed too
            discharged = await self.region["guarantor"].post(path)
        for registration in discharged["registrations"]:
            path = f"/v1/lender/registrations/{registration['id']}/cancellation"
            await bank.post(path, {"cancelled_on": self.today})
        details = await self._details()
        if details["deal"]["status"] != "closed":
            raise RoadBlocked(f"the deal is {details['deal']['status']} after its release")
        if not all(right["released_at"] for right in details["rights"]):
            raise RoadBlocked("a right is still locked after the release")
        self.facts["released"] = "yes"

    async def _details(self) -> Json:
        details: Json = await self.firm.get(f"/v1/company/deals/{self.deal_id}")
        return details

    async def _institutions(self) -> list[Party]:
        deal = (await self._details())["deal"]
        ids = [deal["bank_id"], deal["guarantor_id"], deal["insurer_id"]]
        return [self.region[self.region.key_of(known)] for known in ids if known]

    def _side(self, deal: Json, role: str) -> tuple[Party, str]:
        if role == "firm":
            return self.firm, "/v1/company"
        return self.region[self.region.key_of(deal[f"{role}_id"])], "/v1/lender"

    async def _available(self) -> str:
        figures = await self.firm.get("/v1/public/programme")
        park = (await self.firm.get(f"/v1/company/requests/{self.request_id}"))["park_code"]
        available: str = next(
            account["available"] for account in figures["accounts"] if account["park_code"] == park
        )
        return available

    async def _poll(self, path: str, ready: Callable[[Any], bool]) -> Json:
        async with asyncio.timeout(WAIT_S):
            while True:
                answer: Json = await self.firm.get(path)
                if ready(answer):
                    return answer
                await asyncio.sleep(0.2)
