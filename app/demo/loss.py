"""A loan that is lost, over HTTP: filed with a fund, in default, claimed, paid, recovered, closed.

Months cannot pass in a demo. The bank's own grade, worse than the days past due, is what opens
default on the day of the drawdown, as the dated rule allows.
"""

from app.demo.client import Json, Party
from app.demo.failing import RoadBlocked
from app.demo.region import Region, decide

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
CAPITAL = "5000000.00"
FUND_NAMES = {
    "zhongshan-2021": "知识产权质押融资风险补偿资金（演示，银行模式）",
    "guodan-2019": "知识产权质押融资风险补偿资金（演示，担保模式）",
}


async def open_funds(whole: Region, today: str) -> dict[str, str]:
    """A fund for each model with its capital paid in; the ids by scheme."""
    for scheme, name in FUND_NAMES.items():
        if scheme in await _funds(whole):
            continue
        facts = {
            "kind": "fund",
            "name": name,
            "owner_id": whole.ids["authority"],
            "manager_id": whole.ids["fund_manager"],
            "park_code": None,
            "scheme": scheme,
            "leverage_warn": "8",
            "leverage_max": "10",
        }
        await decide(whole, today, facts, reason="设立风险补偿资金（演示）")
        paid: Json = {
            "kind": "fund_capital",
            "fund_id": (await _funds(whole))[scheme],
            "amount": CAPITAL,
            "reference": f"FIN-{scheme}",
        }
        await decide(whole, today, paid, reason="首期资金到位（演示）")
    return await _funds(whole)


async def _funds(whole: Region) -> dict[str, str]:
    listed = (await whole["authority"].get("/v1/funds", limit=200))["items"]
    names = set(FUND_NAMES.values())
    return {fund["scheme"]: fund["id"] for fund in listed if fund["name"] in names}


async def verify(whole: Region) -> None:
    """The service replays its ledger and its figures; RoadBlocked for anything it finds."""
    verdict = await whole["authority"].get("/v1/authority/ledger/verification")
    if not verdict["holds"]:
        raise RoadBlocked(f"the ledger does not hold: {verdict['findings']}")


class Loss:
    """One lost loan, its claimant, and what the closing table tells of it."""

    def __init__(self, whole: Region, deal: Json, scheme: str, fund_id: str, today: str) -> None:
        self.whole, self.deal, self.scheme = whole, deal, scheme
        self.fund_id, self.today = fund_id, today
        self.filing_id = ""

    @property
    def bank(self) -> Party:
        return self.whole[self.whole.key_of(self.deal["bank_id"])]

    @property
    def claimant(self) -> Party:
        return self.whole["guarantor"] if self.scheme == "guodan-2019" else self.bank

    async def file(self) -> None:
        """Before any cash; the fund's manager acknowledges, and the papers are put together."""
        filed = await self.claimant.post(
            f"/v1/lender/deals/{self.deal['id']}/fund-filing",
            {"fund_id": self.fund_id, "ip_share_pct": "100", "facts": {}},
        )
        self.filing_id = filed["id"]
        path = f"/v1/fund-filings/{self.filing_id}"
        number = {"reference": f"RC-{self.filing_id}"}
        await self.whole["fund_manager"].post(f"{path}/acknowledgement", number)

    async def lose(self, loan_id: str) -> dict[str, str]:
        """From the bad grade to the closed claim; what was compensated and recovered."""
        loan = await self.bank.get(f"/v1/lender/loans/{loan_id}")
        principal: str = loan["loan"]["outstanding"]
        await self._default(loan_id)
        if self.claimant is not self.bank:
            people = (self.whole["guarantor"], self.whole["guarantor_second"])
            await self._settle(loan_id, "guarantee", principal, self.bank, people)
        people = (self.whole["fund_manager"], self.whole["fund_manager_second"])
        claim = await self._settle(loan_id, "fund", principal, self.claimant, people)
        await self._recover(loan_id, principal)
        closed = await self.claimant.get(f"/v1/claims/{claim['id']}")
        if closed["status"] != "closed":
            raise RoadBlocked(f"the claim is {closed['status']} after all was recovered")
        return {"compensated": claim["approved"], "recovered": principal}

    async def _default(self, loan_id: str) -> None:
        path = f"/v1/lender/loans/{loan_id}"
        await self.bank.post(f"{path}/grades", {"grade": "doubtful", "reason": "停产（演示）"})
        await self.bank.post(
            f"{path}/inspections", {"inspected_on": self.today, "findings": "厂房停工（演示）"}
        )
        shown = await self.claimant.get(f"/v1/fund-filings/{self.filing_id}/readiness")
        for code in shown["missing_for_claim"]:
            paper = await self.claimant.upload(PDF, kind="other", file_name=f"{code}.pdf")
            form = {"code": code, "document_id": paper["id"]}
            await self.claimant.post(f"/v1/fund-filings/{self.filing_id}/papers", form)
        await self.bank.post(f"{path}/default")
        await verify(self.whole)

    async def _settle(
        self,
        loan_id: str,
        kind: str,
        principal: str,
        claimant: Party,
        people: tuple[Party, Party],
    ) -> Json:
        """Claimed, reviewed by one, approved by another, paid, confirmed; verified after each."""
        claim = await claimant.post(
            f"/v1/lender/loans/{loan_id}/claims",
            {
                "kind": kind,
                "principal": principal,
                "lost_on": self.today,
                "reference": f"CL-{kind}-{loan_id}",
            },
        )
        path = f"/v1/claims/{claim['id']}"
        payment = {"paid_on": self.today, "reference": f"PAY-{claim['id']}"}
        for party, act, form in (
            (people[0], "review", {"note": "材料齐全，建议同意（演示）"}),
            (people[1], "approval", {}),
            (people[0], "payment", payment),
            (claimant, "confirmation", {}),
        ):
            done: Json = await party.post(f"{path}/{act}", form)
            await verify(self.whole)
        return done

    async def _recover(self, loan_id: str, principal: str) -> None:
        """All of it comes in; everybody who bore a part confirms it."""
        receipt = {
            "reference": f"REC-{loan_id}",
            "received_on": self.today,
            "amount": principal,
        }
        recovered = await self.claimant.post(f"/v1/lender/loans/{loan_id}/recoveries", receipt)
        for share in recovered["shares"]:
            if share["received_at"] is None:
                party = self.whole[self.whole.key_of(share["organisation_id"])]
                await party.post(f"/v1/recoveries/{recovered['id']}/receipt")
        await verify(self.whole)
