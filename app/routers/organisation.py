"""What any signed-in organisation does for itself: its record, its people, its API clients."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Response

from app.core.errors import FieldRefused, NotFound
from app.models.accounts import ApiClient, User
from app.models.organisations import Organisation
from app.routers.access import public, signed_in
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.accounts import (
    ActorOut,
    ClientIn,
    ClientOut,
    InvitationIn,
    InvitationOut,
    NewClientOut,
    ResetOut,
    ScopeOut,
    UserOut,
)
from app.schemas.base import Page
from app.schemas.organisations import EventOut, InstitutionOut, OrganisationOut
from app.services import accounts, clients, cooperations, links, organisations, outbox
from app.services.accounts import LastManager, Taken
from app.services.clients import MEANINGS, TooManyClients

router = APIRouter(prefix="/organisation", tags=["organisation"], route_class=KeyedRoute)

READS = signed_in(scope="organisation:read")
MANAGES = signed_in(manager=True)


@router.get("/me", dependencies=[READS], summary="Who am I")
async def get_me(actor: CurrentActor, session: Session) -> ActorOut:
    """The organisation behind the token, its standing, and what the caller may do in it."""
    own = await organisations.get_organisation(
        session, actor=actor, organisation_id=actor.organisation_id
    )
    return ActorOut(
        organisation_id=own.id,
        organisation_name=own.name,
        kind=own.kind,
        status=own.status,
        level=actor.level,
        user_id=actor.user_id,
        client_id=actor.client_id,
        scopes=sorted(actor.scopes),
    )


@router.get(
    "", response_model=OrganisationOut, dependencies=[READS], summary="The organisation's record"
)
async def get_own(actor: CurrentActor, session: Session) -> Organisation:
    """As it signed up, with its status."""
    return await organisations.get_organisation(
        session, actor=actor, organisation_id=actor.organisation_id
    )


@router.get("/institutions", dependencies=[READS], summary="Verified institutions")
async def list_institutions(
    session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[InstitutionOut]:
    """Banks, insurers and guarantors that work here: to find a partner or a reader by its id."""
    rows = await cooperations.list_institutions(session, limit=limit, after=after)
    return Page(
        items=[InstitutionOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get("/events", dependencies=[READS], summary="What has happened that concerns you")
async def list_events(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[EventOut]:
    """Oldest first. Ask again with ``after`` = the last id you have seen: none is ever missed.

    ``kind`` says what happened and ``subject_id`` to what: read it where such things are read
    (`deal.promoted` names a deal, `loan.repayment` a repayment). An event appears once every
    transaction that began before it has ended, usually at once.
    """
    rows = await outbox.list_events(
        session, organisation_id=actor.organisation_id, limit=limit, after=after
    )
    return Page(
        items=[EventOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get("/users", dependencies=[MANAGES], summary="The organisation's people")
async def list_users(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[UserOut]:
    """In the order they came, disabled ones too."""
    rows = await accounts.list_users(
        session, actor=actor, organisation_id=actor.organisation_id, limit=limit, after=after
    )
    return Page(
        items=[UserOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/users/{user_id}/disable",
    response_model=UserOut,
    dependencies=[MANAGES],
    responses=problems(NotFound, LastManager),
    summary="Shut a colleague out",
)
async def disable_user(user_id: UUID, actor: CurrentActor, session: Session, now: Now) -> User:
    """Ends their sessions at once. An organisation keeps at least one manager."""
    return await accounts.disable_user(session, actor=actor, user_id=user_id, now=now)


@router.post(
    "/users/{user_id}/password-reset",
    status_code=201,
    dependencies=[MANAGES],
    responses=problems(NotFound),
    summary="Let a colleague set a new password",
)
async def issue_reset(
    user_id: UUID, actor: CurrentActor, session: Session, response: Response, now: Now
) -> ResetOut:
    """Answers the token to hand over; it works once, for a day, at POST /v1/session/password."""
    reset, token = await links.issue_reset(session, actor=actor, user_id=user_id, now=now)
    response.headers["Cache-Control"] = "no-store"
    return ResetOut(user_id=user_id, expires_at=reset.expires_at, token=token)


@router.post(
    "/invitations",
    status_code=201,
    dependencies=[MANAGES],
    responses=problems(Taken),
    summary="Invite a colleague",
)
async def invite(
    form: InvitationIn, actor: CurrentActor, session: Session, response: Response, now: Now
) -> InvitationOut:
    """Answers the token to hand over; it works once, for a week, at POST /v1/session/invitation."""
    invitation, token = await links.invite(
        session, actor=actor, email=form.email, level=form.level, now=now
    )
    response.headers["Cache-Control"] = "no-store"
    return InvitationOut(
        id=invitation.id,
        email=invitation.email,
        level=invitation.level,
        expires_at=invitation.expires_at,
        token=token,
    )


@router.get("/scopes", dependencies=[public()], summary="Scopes of API clients")
async def list_scopes() -> list[ScopeOut]:
    """What an API client may be given. A scope opens only what its organisation may do."""
    return [ScopeOut(scope=scope, meaning=meaning) for scope, meaning in MEANINGS.items()]


@router.post(
    "/clients",
    status_code=201,
    dependencies=[MANAGES],
    responses=problems(FieldRefused, TooManyClients),
    summary="Create an API client",
)
async def create_client(
    form: ClientIn, actor: CurrentActor, session: Session, response: Response, now: Now
) -> NewClientOut:
    """The secret is in this answer only. Exchange it for tokens at POST /v1/session/token."""
    client, secret = await clients.create_client(
        session, actor=actor, name=form.name, scopes=frozenset(form.scopes), now=now
    )
    response.headers["Cache-Control"] = "no-store"
    return NewClientOut(
        **ClientOut.model_validate(client).model_dump(),
        secret=secret,
    )


@router.get("/clients", dependencies=[MANAGES], summary="API clients")
async def list_clients(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[ClientOut]:
    """Newest first, revoked ones too."""
    rows: Sequence[ApiClient] = await clients.list_clients(
        session, actor=actor, limit=limit, after=after
    )
    return Page(
        items=[ClientOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/clients/{client_id}/revoke",
    response_model=ClientOut,
    dependencies=[MANAGES],
    responses=problems(NotFound),
    summary="Revoke an API client",
)
async def revoke_client(
    client_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ApiClient:
    """Ends the client and every token it holds, at once."""
    return await clients.revoke_client(session, actor=actor, client_id=client_id, now=now)
