"""The pages of organisations, parks, firms and the authority: once per promise."""

from collections.abc import Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import Level, OrganisationKind, OrganisationStatus
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.accounts import make_user
from tests.make.parties import make_actor, make_organisation

ClientOf = Callable[[Actor | None], ActorClient]


async def new_actor(session: AsyncSession, kind: OrganisationKind) -> Actor:
    return await make_actor(session, await make_organisation(session, kind))


@pytest.fixture
async def authority(session: AsyncSession) -> Actor:
    return await new_actor(session, OrganisationKind.AUTHORITY)


@pytest.fixture
async def bank(session: AsyncSession) -> Actor:
    return await new_actor(session, OrganisationKind.BANK)


@pytest.fixture
async def firm(session: AsyncSession) -> Actor:
    return await new_actor(session, OrganisationKind.ENTERPRISE)


class TestOrganisation:
    async def test_reads_its_own_record_and_the_institutions(
        self, client_of: ClientOf, bank: Actor
    ) -> None:
        async with client_of(bank) as client:
            own = (await client.get("/v1/organisation")).json()
            listed = (await client.get("/v1/organisation/institutions?limit=200")).json()
            kept = (await client.get("/v1/organisation")).headers["cache-control"]

        assert own["id"] == str(bank.organisation_id)
        assert kept == "no-store"
        assert {"id": own["id"], "kind": "bank", "name": own["name"], "guarantor_type": None} in (
            listed["items"]
        )

    async def test_lists_and_disables_its_people(
        self, client_of: ClientOf, session: AsyncSession
    ) -> None:
        organisation = await make_organisation(session, OrganisationKind.BANK)
        manager = await make_actor(session, organisation)
        member_id = (await make_user(session, organisation, level=Level.MEMBER)).id

        async with client_of(manager) as client:
            page = (await client.get("/v1/organisation/users?limit=1")).json()
            rest = (await client.get(f"/v1/organisation/users?after={page['next']}")).json()
            out = await client.post(f"/v1/organisation/users/{member_id}/disable")
            last = await client.post(f"/v1/organisation/users/{manager.user_id}/disable")

        assert [user["id"] for user in page["items"]] == [str(manager.user_id)]
        assert [user["id"] for user in rest["items"]] == [str(member_id)]
        assert "password_hash" not in rest["items"][0]
        assert out.json()["disabled_at"] is not None
        assert (last.status_code, last.json()["type"]) == (409, "/problems/last-manager")

    async def test_creates_lists_and_revokes_api_clients(
        self, client_of: ClientOf, bank: Actor
    ) -> None:
        async with client_of(bank) as client:
            scopes = [
                item["scope"] for item in (await client.get("/v1/organisation/scopes")).json()
            ]
            made = await client.post(
                "/v1/organisation/clients", json={"name": "核心系统", "scopes": scopes[:2]}
            )
            listed = (await client.get("/v1/organisation/clients")).json()
            gone = await client.post(f"/v1/organisation/clients/{made.json()['id']}/revoke")

        assert made.status_code == 201
        assert len(made.json()["secret"]) == 43
        assert [item["id"] for item in listed["items"]] == [made.json()["id"]]
        assert "secret" not in listed["items"][0]
        assert gone.json()["revoked_at"] is not None


class TestCooperations:
    async def test_are_proposed_confirmed_listed_and_ended(
        self, client_of: ClientOf, session: AsyncSession, bank: Actor
    ) -> None:
        insurer = await new_actor(session, OrganisationKind.INSURER)
        path = "/v1/organisation/cooperations"
        async with client_of(bank) as client:
            proposed = await client.post(
                path,
                json={
                    "counterpart_id": str(insurer.organisation_id),
                    "agreement_number": "合作〔2026〕12号",
                    "signed_on": "2026-03-01",
                },
            )
            assert proposed.status_code == 201
            one = f"{path}/{proposed.json()['id']}"
            own = await client.post(f"{one}/confirmation")
        async with client_of(insurer) as client:
            confirmed = await client.post(f"{one}/confirmation")
            listed = (await client.get(path)).json()
            ended = await client.post(f"{one}/end")

        assert (own.status_code, own.json()["type"]) == (403, "/problems/own-proposal")
        assert confirmed.json()["confirmed_at"] is not None
        assert listed == {"items": [confirmed.json()], "next": None}
        assert ended.json()["ended_on"] == "2026-11-23"


class TestAuthority:
    async def test_verifies_suspends_and_reinstates(
        self, client_of: ClientOf, session: AsyncSession, authority: Actor
    ) -> None:
        waiting = await make_organisation(
            session, OrganisationKind.AGENCY, status=OrganisationStatus.PENDING
        )
        waiting_id = str(waiting.id)
        one = f"/v1/authority/organisations/{waiting_id}"

        async with client_of(authority) as client:
            listed = (
                await client.get("/v1/authority/organisations?status=pending&kind=agency")
            ).json()
            statuses = [
                (await client.post(f"{one}/{act}")).json()["status"]
                for act in ("verification", "suspension", "reinstatement")
            ]
            again = await client.post(f"{one}/verification")
            record = (await client.get(one)).json()
            people = (await client.get(f"{one}/users")).json()

        assert [item["id"] for item in listed["items"]] == [waiting_id]
        assert statuses == ["verified", "suspended", "verified"]
        assert (again.status_code, again.json()["type"]) == (409, "/problems/illegal-move")
        assert record["status"] == "verified"
        assert people == {"items": [], "next": None}

    async def test_marks_a_firm_that_has_a_profile(
        self, client_of: ClientOf, authority: Actor, firm: Actor
    ) -> None:
        marks = f"/v1/authority/organisations/{firm.organisation_id}/marks"
        profile = {"industry": "industry", "registered_on": "2018-05-10"}
        async with client_of(authority) as client:
            early = await client.post(marks, json={"dishonest": True, "abnormal": False})
        async with client_of(firm) as client:
            entered = await client.post("/v1/company/profile", json=profile)
            wrong = await client.post("/v1/company/profile", json=profile | {"industry": "x"})
        async with client_of(authority) as client:
            marked = await client.post(marks, json={"dishonest": True, "abnormal": False})
        async with client_of(firm) as client:
            own = await client.get("/v1/company/profile")

        assert (early.status_code, early.json()["type"]) == (404, "/problems/no-profile")
        assert (entered.status_code, entered.json()["dishonest"]) == (200, False)
        assert wrong.json()["errors"][0]["field"] == "industry"
        assert marked.json()["dishonest"] is True
        assert own.json() == marked.json()


class TestPark:
    async def test_certifies_a_firm_that_may_leave_again(
        self, client_of: ClientOf, session: AsyncSession, firm: Actor
    ) -> None:
        park = await new_actor(session, OrganisationKind.PARK)
        async with client_of(firm) as client:
            claimed = await client.post(
                "/v1/company/park-membership", json={"park_code": "PINGLUO"}
            )
        one = f"memberships/{claimed.json()['id']}"
        async with client_of(park) as client:
            listed = (await client.get("/v1/park/memberships?status=claimed")).json()
            certified = await client.post(f"/v1/park/{one}/certification")
            late = await client.post(f"/v1/park/{one}/refusal")
        async with client_of(firm) as client:
            await client.post(f"/v1/company/park-membership/{claimed.json()['id']}/end")
            own = (await client.get("/v1/company/park-membership")).json()
        async with client_of(park) as client:
            ended = await client.post(f"/v1/park/{one}/end")

        assert claimed.status_code == 201
        assert listed["items"][0]["firm_uscc"].startswith("91640221")
        assert certified.json()["status"] == "certified"
        assert late.status_code == ended.status_code == 409
        assert own["items"][0]["status"] == "ended"
