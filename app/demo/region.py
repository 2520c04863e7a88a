"""The demo region: signs its invented organisations up over HTTP and makes them fit to deal.

Everything here may be done again: who is there already signs in, what is recorded stays.
"""

import tomllib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.demo.client import Json, Party, Refused

DIRECTORY = Path(__file__).parent
PASSWORD = "zhirong-demo-2026"  # accounts of invented firms, made on loopback only
CONFLICT = 409

GUARANTOR_TERMS: Json = {
    "signed_capacity": "8000000.00",
    "client_cap": "8000000.00",
    "net_assets": "2000000.00",
    "net_asset_multiple": "10",
    "min_small_firm_pct": "80",
    "min_small_ticket_pct": "50",
    "small_ticket_max": "5000000.00",
}
PARTNERS = {  # a deal mixes only institutions with a recorded agreement
    "bank_a": ("guarantor", "insurer"),
    "bank_b": ("guarantor",),
    "bank_c": ("insurer",),
}
PROFILES: dict[str, Json] = {
    "pingluo_materials": {"industry": "industry", "field": "new_materials"},
    "qingtongxia_equipment": {"industry": "industry", "field": "equipment_manufacturing"},
    "zhongning_digital": {"industry": "software", "field": "digital_information"},
    "ningdong_energy": {"industry": "industry", "field": "modern_chemicals"},
    "pingluo_devices": {"industry": "industry", "field": None},
}
FIGURES: Json = {
    "employees": 120,
    "revenue": "36000000.00",
    "assets": "52000000.00",
    "registered_on": "2016-05-18",
}


@dataclass(frozen=True, slots=True)
class Account:
    """One organisation of the region and the sign-in of a manager of it."""

    key: str
    kind: str
    name: str
    uscc: str
    email: str
    park_code: str | None = None
    guarantor_type: str | None = None
    colleague_of: str | None = None  # the account that invites this person


def accounts() -> list[Account]:
    text = (DIRECTORY / "region.toml").read_text("utf-8")
    return [Account(**entry) for entry in tomllib.loads(text)["organisations"]]


@dataclass(frozen=True, slots=True)
class Region:
    """Everybody, signed in, with the ids of their organisations."""

    parties: dict[str, Party]
    ids: dict[str, str]

    def __getitem__(self, key: str) -> Party:
        return self.parties[key]

    def key_of(self, organisation_id: str) -> str:
        return next(key for key, known in self.ids.items() if known == organisation_id)


@asynccontextmanager
async def region(url: str, *, today: str) -> AsyncIterator[Region]:
    """The whole region at the service at ``url``, ready to deal once ``sign_terms`` was called.

    The authority of the demo must exist there; its account is made by the shell.
    """
    async with AsyncExitStack() as stack:
        parties: dict[str, Party] = {}
        ids: dict[str, str] = {}
        for account in accounts():
            http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
            colleague = parties.get(account.colleague_of or "")
            parties[account.key] = await _enter(http, account, invited_by=colleague)
            ids[account.key] = (await parties[account.key].get("/v1/organisation/me"))[
                "organisation_id"
            ]
        whole = Region(parties, ids)
        await _verify(whole)
        await _certify(whole, today)
        await _agree(whole, today)
        yield whole


async def _enter(http: httpx.AsyncClient, account: Account, *, invited_by: Party | None) -> Party:
    party = Party(http, account.name)
    if invited_by is not None:
        await _invite(party, account, by=invited_by)
    elif account.kind != "authority":
        form = {
            "kind": account.kind,
            "uscc": account.uscc,
            "name": account.name,
            "email": account.email,
            "manager_name": "演示经理",
            "password": PASSWORD,
            "guarantor_type": account.guarantor_type,
            "park_code": account.park_code if account.kind == "park" else None,
        }
        await _unless_there(party, "/v1/session/sign-up", form)
    await party.post("/v1/session/sign-in", {"email": account.email, "password": PASSWORD})
    return party


async def _invite(party: Party, account: Account, *, by: Party) -> None:
    """Become a manager beside the one who invites, unless that happened before."""
    asked = await _unless_there(
        by, "/v1/organisation/invitations", {"email": account.email, "level": "manager"}
    )
    if asked is not None:
        form = {"token": asked["token"], "name": "演示同事", "password": PASSWORD}
        await _unless_there(party, "/v1/session/invitation", form)


async def _unless_there(party: Party, path: str, form: Json) -> Any:
    """POST, or None if the service says that it is there already."""
    try:
        return await party.post(path, form)
    except Refused as refusal:
        if refusal.status != CONFLICT:
            raise
        return None


async def _verify(whole: Region) -> None:
    authority = whole["authority"]
    for account in accounts():
        if account.kind not in {"authority", "enterprise"}:
            path = f"/v1/authority/organisations/{whole.ids[account.key]}/verification"
            await _unless_there(authority, path, {})


async def decide(whole: Region, today: str, facts: Json, *, reason: str) -> None:
    """A change of the programme in force today: one of the authority proposes, another approves."""
    changes = "/v1/authority/programme/changes"
    form: Json = {"facts": facts, "effective_on": today, "reason": reason}
    proposed = await whole["authority"].post(changes, form)
    await whole["authority_second"].post(f"{changes}/{proposed['id']}/approval")


async def sign_terms(whole: Region, today: str) -> None:
    """Two of the authority, one after the other, and then the guarantor signs."""
    facts = GUARANTOR_TERMS | {
        "kind": "guarantor_terms",
        "guarantor_id": whole.ids["guarantor"],
    }
    changes = "/v1/authority/programme/changes"
    proposed = await _unless_there(
        whole["authority"],
        changes,
        {"facts": facts, "effective_on": today, "reason": "担保授信额度（演示）"},
    )
    if proposed is None:
        return
    path = f"{changes}/{proposed['id']}"
    approved = await _unless_there(whole["authority_second"], f"{path}/approval", {})
    signature = f"/v1/lender/guarantor/changes/{proposed['id']}/signature"
    if approved is None or await _unless_there(whole["guarantor"], signature, {}) is None:
        # Another run of the demo was quicker with the same terms.
        await whole["authority"].post(f"{path}/withdrawal", {"note": "重复（演示）"})


async def _certify(whole: Region, today: str) -> None:
    """Every firm states its figures and claims its park; the park certifies it."""
    parks = {a.park_code: whole[a.key] for a in accounts() if a.kind == "park"}
    for account in accounts():
        if account.kind != "enterprise":
            continue
        firm = whole[account.key]
        profile = FIGURES | PROFILES[account.key] | {"credit_authorised_on": today}
        await firm.post("/v1/company/profile", profile)
        claimed = await _unless_there(
            firm, "/v1/company/park-membership", {"park_code": account.park_code}
        )
        if claimed is not None:
            park = parks[account.park_code]
            await park.post(f"/v1/park/memberships/{claimed['id']}/certification")


async def _agree(whole: Region, today: str) -> None:
    """Banks propose cooperation, partners confirm."""
    for bank, partners in PARTNERS.items():
        for partner in partners:
            proposed = await _unless_there(
                whole[bank],
                "/v1/organisation/cooperations",
                {
                    "counterpart_id": whole.ids[partner],
                    "agreement_number": f"HZ-{bank}-{partner}".upper(),
                    "signed_on": today,
                },
            )
            if proposed is not None:
                path = f"/v1/organisation/cooperations/{proposed['id']}/confirmation"
                await whole[partner].post(path)
