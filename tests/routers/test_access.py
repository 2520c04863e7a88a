"""No endpoint is open by accident: every route says who may call it, and means it.

The one big test walks every route with every role. What a mark should mean is written down here
once more, on purpose: the test does not ask the code under test.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import Settings
from app.integrations.store import open_store
from app.lifecycle.parties import LENDERS, Level, OrganisationKind, OrganisationStatus
from app.routers.access import Access, Public, access_of
from app.routers.keyed import KeyedRoute
from app.services.actor import Actor
from app.services.clients import Scope
from tests.conftest import ActorClient
from tests.make.accounts import make_client_actor
from tests.make.parties import make_actor, make_organisation

ClientOf = Callable[[Actor | None], ActorClient]

# The pages that explain the service; they touch neither the database nor anybody's data.
UNMARKED = {"/docs"}

# POSTs that change nothing, or that nobody can be signed in for yet (deal.md, idempotency).
UNKEYED = re.compile(r"/v1/(calculators/.+|company/terms-designs|session/(sign-in|token))")

KINDS = sorted(set(OrganisationKind) - {OrganisationKind.SYSTEM})


@dataclass(frozen=True)
class Endpoint:
    method: str
    path: str
    marks: tuple[Public | Access, ...]
    keyed: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        """The path with an id in it that nothing has."""
        return re.sub(r"\{[^}]+\}", lambda _: str(uuid4()), self.path)


def endpoints(app: FastAPI) -> Iterator[Endpoint]:
    # app.routes does not list the routes of included routers; this iterator does.
    for context in iter_route_contexts(app.routes):
        if isinstance(context.route, APIRoute) and context.path not in UNMARKED:
            for method in sorted(context.methods or ()):
                yield Endpoint(
                    method,
                    context.path_format or "",
                    tuple(access_of(context.dependant)),
                    isinstance(context.route, KeyedRoute),
                )


def admits(mark: Public | Access, actor: Actor | None) -> bool:
    if isinstance(mark, Public):
        return True
    if actor is None or actor.kind not in mark.kinds:
        return False
    waiting = not actor.verified and actor.kind is not OrganisationKind.ENTERPRISE
    if mark.verified and waiting:
        return False
    if actor.client_id is not None:
        return mark.scope in actor.scopes
    return actor.level is Level.MANAGER or not mark.manager


async def make_roles(session: AsyncSession) -> dict[str, Actor | None]:
    """Anonymous; each kind as member, manager and API client with and without scopes; waiting."""
    roles: dict[str, Actor | None] = {"anonymous": None}
    for kind in KINDS:
        organisation = await make_organisation(session, kind)
        manager = await make_actor(session, organisation)
        roles[f"{kind} manager"] = manager
        roles[f"{kind} member"] = await make_actor(session, organisation, level=Level.MEMBER)
        roles[f"{kind} client"] = await make_client_actor(session, manager, *Scope)
        roles[f"{kind} client without scopes"] = await make_client_actor(session, manager)
    for kind in (*LENDERS, OrganisationKind.PARK):
        waiting = await make_organisation(session, kind, status=OrganisationStatus.PENDING)
        roles[f"unverified {kind}"] = await make_actor(session, waiting)
    return roles


def fault(endpoint: Endpoint, actor: Actor | None, status: int) -> str | None:
    """What is wrong with ``status`` as the answer to a call without input."""
    if status >= 500:
        return "crashed"
    if all(admits(mark, actor) for mark in endpoint.marks):
        return "refused one who may" if status in {401, 403} else None
    if actor is None:
        return None if status == 401 else "let a stranger in"
    return None if status == 403 else "let one in who may not"


def test_every_endpoint_says_who_may_call_it(app: FastAPI) -> None:
    unclear = [
        str(endpoint)
        for endpoint in endpoints(app)
        if len({type(mark) for mark in endpoint.marks}) != 1
    ]

    assert unclear == []


def test_every_changing_post_is_keyed(app: FastAPI) -> None:
    unkeyed = [
        endpoint.path
        for endpoint in endpoints(app)
        if endpoint.method == "POST" and not endpoint.keyed
    ]

    assert [path for path in unkeyed if not UNKEYED.fullmatch(path)] == []


def test_every_scope_that_a_route_asks_for_can_be_given(app: FastAPI) -> None:
    asked = {
        mark.scope
        for endpoint in endpoints(app)
        for mark in endpoint.marks
        if isinstance(mark, Access) and mark.scope is not None
    }

    assert asked <= set(Scope)


async def test_every_route_answers_every_role_as_its_mark_says(
    app: FastAPI, settings: Settings, client_of: ClientOf, session: AsyncSession
) -> None:
    app.state.store = open_store(settings.documents_url)
    roles = await make_roles(session)
    # Last comes the one that ends the session it is called with.
    walked = sorted(endpoints(app), key=lambda e: (e.method, e.path) == ("DELETE", "/v1/session"))
    faults: list[str] = []

    for name, actor in roles.items():
        async with client_of(actor) as client:
            for endpoint in walked:
                reply = await client.request(endpoint.method, endpoint.address, json={})
                if found := fault(endpoint, actor, reply.status_code):
                    faults.append(f"{endpoint} {found}: {name} got {reply.status_code}")

    assert len(walked) > 40
    assert faults == []


async def test_the_walk_would_notice_a_wrong_answer(session: AsyncSession) -> None:
    firm = await make_actor(session, await make_organisation(session, OrganisationKind.ENTERPRISE))
    banks_only = Endpoint(
        "GET", "/", (Access(frozenset({OrganisationKind.BANK}), scope="deals:read"),), keyed=False
    )
    bank = replace(firm, kind=OrganisationKind.BANK)

    assert fault(banks_only, firm, 200) == "let one in who may not"
    assert fault(banks_only, None, 200) == "let a stranger in"
    assert fault(banks_only, bank, 403) == "refused one who may"
    assert fault(banks_only, replace(bank, client_id=uuid4()), 200) == "let one in who may not"
    assert fault(banks_only, bank, 500) == "crashed"
    assert fault(banks_only, bank, 404) is None
