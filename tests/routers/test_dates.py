"""Days and instants in queries: the first and the last there are, wherever one is taken."""

from collections.abc import Callable
from itertools import product
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.lifecycle.parties import OrganisationKind
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.figures import make_park
from tests.make.loans import make_drawn
from tests.make.parties import make_actor, make_organisation
from tests.make.services import make_case

ClientOf = Callable[[Actor | None], ActorClient]

EXTREMES = {
    "date": ("0001-01-01", "9999-12-31"),
    "date-time": (
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-12:00",
    ),
}


AHEAD = "must not be in the future; for the days up to today, 2026-11-23, leave it out"


def formats_of(parameter: dict[str, Any]) -> set[str]:
    schema = parameter["schema"]
    return {part.get("format") for part in (schema, *schema.get("anyOf", ()))} & EXTREMES.keys()


async def test_extreme_days_are_answered_or_refused(
    session: AsyncSession, app: FastAPI, client_of: ClientOf
) -> None:
    drawn = await make_drawn(session)
    authority = await make_organisation(session, OrganisationKind.AUTHORITY)
    actors = {
        "authority": await make_actor(session, authority),
        "opening-figures": await make_actor(session, authority),
        "park": await make_park(session),
        "lender": drawn.bank,
        "public": None,
    }
    case = await make_case(session, drawn.firm)
    filled = {"code": "PINGLUO", "loan_id": drawn.loan.id, "case_id": case.id}
    others = {"right_id": str(new_id())}
    failed, asked = [], 0
    for path, methods in app.openapi()["paths"].items():
        parameters = {p["name"]: p for p in methods.get("get", {}).get("parameters", [])}
        dated = {name: EXTREMES[f] for name, p in parameters.items() for f in formats_of(p)}
        always = {name: value for name, value in others.items() if name in parameters}
        required = {name for name in dated if parameters[name]["required"]}
        together = [dict(zip(dated, days, strict=True)) for days in product(*dated.values())]
        if not dated:
            continue
        alone = [{name: day} for name, days in dated.items() for day in days]
        async with client_of(actors.get(path.split("/")[2], drawn.firm)) as client:
            for days in [*together, *alone]:
                if required <= days.keys():
                    reply = await client.get(path.format(**filled), params=always | days)
                    asked += 1
                    if reply.status_code not in {200, 422}:
                        failed.append((path, days, reply.status_code))
    assert asked > 100
    assert failed == []


async def test_a_statement_of_days_to_come_is_refused(
    session: AsyncSession, client_of: ClientOf
) -> None:
    async with client_of(await make_park(session)) as client:
        path = "/v1/park/quota/statement.csv"
        today = await client.get(path, params={"from": "2026-11-01", "to": "2026-11-23"})
        ahead = await client.get(path, params={"from": "2026-11-01", "to": "2026-11-24"})
        running = await client.get(path, params={"from": "2026-11-01"})
        month = await client.get("/v1/park/returns/2026-11")
        quarter = await client.get("/v1/park/returns/2027-Q1")

    assert (today.status_code, ahead.status_code, quarter.status_code) == (200, 422, 422)
    assert (running.status_code, running.content, month.status_code) == (200, today.content, 200)
    assert quarter.json()["field"] == "period"
    assert ahead.json()["errors"] == [{"field": "to", "reason": AHEAD}]


async def test_a_quarter_has_one_form(client_of: ClientOf) -> None:
    async with client_of(None) as client:
        path = "/v1/public/green-channel"
        told = await client.get(path, params={"quarter": "2026-Q3"})
        bare = await client.get(path, params={"quarter": "2026Q3"})

    assert (told.status_code, told.json()["quarter"], bare.status_code) == (200, "2026-Q3", 422)
