"""Coming in over HTTP: sign-up, sign-in, sign-out, links, and the OAuth2 token endpoint."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import OrganisationKind
from app.routers import deps
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.accounts import PASSWORD, make_client_actor, make_user, sign_up_form
from tests.make.parties import make_actor, make_organisation

ClientOf = Callable[[Actor | None], ActorClient]

COOKIE = "zhirong_session"
SECRET = "s" * 43


@pytest.fixture(autouse=True)
def true_clock(app: FastAPI) -> None:
    """Tokens run out by the database's clock, so these tests live in its time."""
    app.dependency_overrides[deps.get_now] = lambda: datetime.now(UTC)


@pytest.fixture
async def email(session: AsyncSession) -> str:
    """The address of a user whose password is PASSWORD."""
    firm = await make_organisation(session, OrganisationKind.ENTERPRISE)
    return (await make_user(session, firm)).email


@pytest.fixture
async def program(session: AsyncSession) -> Actor:
    manager = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))
    return await make_client_actor(session, manager, "organisation:read", "quotes:read")


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await client.post("/v1/session/sign-in", json={"email": email, "password": password})


class TestSignUp:
    async def test_then_signing_in_works(self, client_of: ClientOf) -> None:
        form = sign_up_form()

        async with client_of(None) as client:
            reply = await client.post("/v1/session/sign-up", json=form)
            assert reply.status_code == 201
            assert (reply.json()["status"], reply.json()["uscc"]) == ("pending", form["uscc"])

            reply = await client.post(
                "/v1/session/sign-in",
                json={"email": form["email"].upper(), "password": PASSWORD},
            )
            assert reply.status_code == 200
            assert reply.json()["organisation_name"] == form["name"]
            me = await client.get("/v1/organisation/me")
        assert me.json() == reply.json()

    async def test_a_repeat_is_a_conflict_that_names_the_field(self, client_of: ClientOf) -> None:
        form = sign_up_form()

        async with client_of(None) as client:
            await client.post("/v1/session/sign-up", json=form)
            reply = await client.post("/v1/session/sign-up", json=form)

        assert reply.status_code == 409
        assert reply.json()["errors"] == [
            {"field": "uscc", "reason": "an organisation with this code is registered"}
        ]

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"uscc": "91640221MA75X00041"}, "uscc"),
            ({"email": "nobody"}, "email"),
            ({"email": "\u0430@example.com"}, "email"),
            ({"password": "too short"}, "password"),
            ({"password": "x" * 129}, "password"),
            ({"kind": "authority"}, "kind"),
            ({"kind": "king"}, "kind"),
            ({"level": "manager"}, "level"),
        ],
    )
    async def test_bad_input_is_named(
        self, client_of: ClientOf, changes: dict[str, Any], field: str
    ) -> None:
        async with client_of(None) as client:
            reply = await client.post("/v1/session/sign-up", json=sign_up_form(**changes))

        assert reply.status_code == 422
        assert [error["field"] for error in reply.json()["errors"]] == [field]
        assert "x" * 129 not in reply.text


class TestSignIn:
    async def test_sets_a_cookie_that_scripts_and_other_sites_cannot_use(
        self, client_of: ClientOf, email: str
    ) -> None:
        async with client_of(None) as client:
            reply = await sign_in(client, email, PASSWORD)

        cookie = reply.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert {"HttpOnly", "Max-Age=28800", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        assert reply.headers["cache-control"] == "no-store"

    async def test_the_cookie_is_secure_behind_https(self, client_of: ClientOf, email: str) -> None:
        async with client_of(None) as client:
            reply = await client.post(
                "https://test/v1/session/sign-in",
                json={"email": email, "password": PASSWORD},
            )

        assert "Secure" in reply.headers["set-cookie"]

    async def test_a_wrong_password_and_an_unknown_address_are_told_the_same(
        self, client_of: ClientOf, email: str
    ) -> None:
        async with client_of(None) as client:
            wrong = await sign_in(client, email, "not the password")
            unknown = await client.post(
                "/v1/session/sign-in",
                json={"email": "nobody@example.com", "password": "not the password"},
            )

        assert wrong.status_code == 401
        assert wrong.headers["content-type"] == "application/problem+json"
        assert wrong.json() == unknown.json()
        assert "set-cookie" not in wrong.headers

    async def test_five_wrong_passwords_lock_although_each_was_refused(
        self, client_of: ClientOf, email: str
    ) -> None:
        async with client_of(None) as client:
            statuses = [
                (await sign_in(client, email, "not the password")).status_code for _ in range(5)
            ]
            locked = await sign_in(client, email, PASSWORD)

        assert statuses == [401] * 4 + [429]
        assert locked.status_code == 429
        assert 880 <= int(locked.headers["retry-after"]) <= 900


class TestSignOut:
    async def test_ends_the_session_at_once(self, client_of: ClientOf, email: str) -> None:
        async with client_of(None) as client:
            token = (await sign_in(client, email, PASSWORD)).cookies[COOKIE]
            reply = await client.delete("/v1/session")
            assert reply.status_code == 204
            assert COOKIE not in client.cookies

            stolen = await client.get(
                "/v1/organisation/me", headers={"Authorization": f"Bearer {token}"}
            )
        assert stolen.status_code == 401

    async def test_another_site_cannot_do_it(self, client_of: ClientOf, email: str) -> None:
        async with client_of(None) as client:
            await sign_in(client, email, PASSWORD)
            reply = await client.delete("/v1/session", headers={"Origin": "https://evil.example"})

        assert reply.status_code == 403


class TestLinks:
    async def test_an_invited_colleague_joins_and_signs_in(
        self, client_of: ClientOf, session: AsyncSession
    ) -> None:
        firm = await make_organisation(session, OrganisationKind.ENTERPRISE)
        async with client_of(await make_actor(session, firm)) as manager:
            invited = await manager.post(
                "/v1/organisation/invitations",
                json={"email": "Li@Firm.example", "level": "member"},
            )
        assert invited.status_code == 201
        assert invited.headers["cache-control"] == "no-store"

        form = {"token": invited.json()["token"], "name": "李四", "password": PASSWORD}
        async with client_of(None) as client:
            joined = await client.post("/v1/session/invitation", json=form)
            again = await client.post("/v1/session/invitation", json=form)
            entered = await client.post(
                "/v1/session/sign-in", json={"email": "li@firm.example", "password": PASSWORD}
            )

        assert (joined.status_code, joined.json()["level"]) == (201, "member")
        assert (again.status_code, again.json()["type"]) == (404, "/problems/link-unusable")
        assert (entered.status_code, entered.json()["level"]) == (200, "member")

    @pytest.mark.parametrize("by", [OrganisationKind.ENTERPRISE, OrganisationKind.AUTHORITY])
    async def test_a_forgotten_password_is_set_anew(
        self, client_of: ClientOf, session: AsyncSession, by: OrganisationKind
    ) -> None:
        helper = await make_organisation(session, by)
        firm = (
            helper
            if by is OrganisationKind.ENTERPRISE
            else await make_organisation(session, OrganisationKind.ENTERPRISE)
        )
        user = await make_user(session, firm)
        user_id, email = user.id, user.email
        room = "organisation" if by is OrganisationKind.ENTERPRISE else "authority"
        async with client_of(await make_actor(session, helper)) as client:
            issued = await client.post(f"/v1/{room}/users/{user_id}/password-reset")
        assert issued.status_code == 201

        async with client_of(None) as client:
            reply = await client.post(
                "/v1/session/password",
                json={"token": issued.json()["token"], "password": "another good one"},
            )
            old = await sign_in(client, email, PASSWORD)
            new = await sign_in(client, email, "another good one")

        assert [reply.status_code, old.status_code, new.status_code] == [204, 401, 200]


class TestAnswers:
    async def test_a_lost_answer_is_found_by_its_key_and_only_by_its_owner(
        self, client_of: ClientOf, session: AsyncSession
    ) -> None:
        firm = await make_actor(
            session, await make_organisation(session, OrganisationKind.ENTERPRISE)
        )
        stranger = await make_actor(
            session, await make_organisation(session, OrganisationKind.ENTERPRISE)
        )
        key = str(uuid4())
        async with client_of(firm) as client:
            told = await client.post(
                "/v1/company/park-membership",
                json={"park_code": "PINGLUO"},
                headers={"Idempotency-Key": key},
            )
            found = await client.get(f"/v1/session/answers/{key}")
        async with client_of(stranger) as client:
            hidden = await client.get(f"/v1/session/answers/{key}")

        (answer,) = found.json()
        assert answer["route"].endswith("/company/park-membership")
        assert (answer["status"], answer["body"]) == (201, told.json())
        assert hidden.json() == []

    async def test_a_key_is_visible_ascii(self, client_of: ClientOf, email: str) -> None:
        async with client_of(None) as client:
            await sign_in(client, email, PASSWORD)
            reply = await client.get("/v1/session/answers/密")

        assert reply.status_code == 422


class TestToken:
    async def test_is_granted_for_credentials_in_the_form(
        self, client_of: ClientOf, program: Actor
    ) -> None:
        async with client_of(None) as client:
            reply = await client.post(
                "/v1/session/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": str(program.client_id),
                    "client_secret": SECRET,
                    "scope": "organisation:read",
                },
            )
            token = reply.json()["access_token"]
            me = await client.get(
                "/v1/organisation/me", headers={"Authorization": f"Bearer {token}"}
            )

        assert reply.status_code == 200
        assert reply.headers["cache-control"] == "no-store"
        assert reply.json() | {"access_token": ""} == {
            "access_token": "",
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "organisation:read",
        }
        assert (me.json()["client_id"], me.json()["scopes"]) == (
            str(program.client_id),
            ["organisation:read"],
        )

    async def test_is_granted_for_basic_credentials(
        self, client_of: ClientOf, program: Actor
    ) -> None:
        async with client_of(None) as client:
            reply = await client.post(
                "/v1/session/token",
                data={"grant_type": "client_credentials"},
                headers=basic(str(program.client_id), SECRET),
            )

        assert reply.json()["scope"] == "organisation:read quotes:read"

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            (b"", 400, "invalid_request"),
            (b"grant_type=password", 400, "unsupported_grant_type"),
            (b"grant_type=a&grant_type=b", 400, "invalid_request"),
            (b"grant_type=%ff", 400, "invalid_request"),
            (b"\xff", 400, "invalid_request"),
            (b"&".join(b"a%d=1" % n for n in range(11)), 400, "invalid_request"),
            (b"grant_type=" + b"x" * 4096, 400, "invalid_request"),
            (b"grant_type=client_credentials", 401, "invalid_client"),
            (b"grant_type=client_credentials&client_id=x", 401, "invalid_client"),
        ],
    )
    async def test_errors_have_the_form_of_the_rfc(
        self, client_of: ClientOf, body: bytes, status: int, error: str
    ) -> None:
        async with client_of(None) as client:
            reply = await client.post("/v1/session/token", content=body)

        assert (reply.status_code, reply.json()["error"]) == (status, error)
        assert reply.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in reply.headers) is (status == 401)

    async def test_a_scope_beyond_the_clients_is_invalid(
        self, client_of: ClientOf, program: Actor
    ) -> None:
        async with client_of(None) as client:
            reply = await client.post(
                "/v1/session/token",
                data={"grant_type": "client_credentials", "scope": "loans:write"},
                headers=basic(str(program.client_id), SECRET),
            )

        assert reply.status_code == 400
        assert reply.json() == {
            "error": "invalid_scope",
            "error_description": "The client was not given the scope loans:write.",
        }

    @pytest.mark.parametrize(
        "header",
        ["Basic !", "Basic /w==", "Bearer YWI6Yw==", "Basic " + base64.b64encode(b"x").decode()],
    )
    async def test_credentials_that_cannot_be_read_are_no_client(
        self, client_of: ClientOf, header: str
    ) -> None:
        async with client_of(None) as client:
            reply = await client.post(
                "/v1/session/token",
                data={"grant_type": "client_credentials"},
                headers={"Authorization": header},
            )

        assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")

    async def test_credentials_in_two_places_are_refused(
        self, client_of: ClientOf, program: Actor
    ) -> None:
        async with client_of(None) as client:
            reply = await client.post(
                "/v1/session/token",
                data={"grant_type": "client_credentials", "client_secret": SECRET},
                headers=basic(str(program.client_id), SECRET),
            )

        assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


def basic(client_id: str, secret: str) -> dict[str, str]:
    credentials = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}
