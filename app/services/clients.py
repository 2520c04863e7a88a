"""API clients: programs of an organisation, their secrets and scopes, and the tokens they get."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, Forbidden, NotFound
from app.core.messages import say
from app.lifecycle.parties import OrganisationStatus
from app.models.accounts import ApiClient
from app.models.organisations import Organisation
from app.services import outbox, rules, tokens
from app.services.accounts import managing_person
from app.services.actor import SYSTEM, Actor, bind

CLIENTS_MAX = 50


class Scope(StrEnum):
    """What an API client may be allowed to do; ``MEANINGS`` says it in a line each."""

    RIGHTS_READ = "rights:read"
    RIGHTS_WRITE = "rights:write"
    PORTFOLIOS_READ = "portfolios:read"
    PORTFOLIOS_WRITE = "portfolios:write"
    VALUES_READ = "values:read"
    VALUES_WRITE = "values:write"
    REQUESTS_READ = "requests:read"
    REQUESTS_WRITE = "requests:write"
    QUOTES_READ = "quotes:read"
    QUOTES_WRITE = "quotes:write"
    DEALS_READ = "deals:read"
    DEALS_WRITE = "deals:write"
    LOANS_READ = "loans:read"
    LOANS_WRITE = "loans:write"
    FUNDS_READ = "funds:read"
    FUNDS_WRITE = "funds:write"
    CLAIMS_READ = "claims:read"
    CLAIMS_WRITE = "claims:write"
    GRANTS_READ = "grants:read"
    GRANTS_WRITE = "grants:write"
    DOCUMENTS_READ = "documents:read"
    DOCUMENTS_WRITE = "documents:write"
    PROGRAMME_READ = "programme:read"
    ORGANISATION_READ = "organisation:read"


MEANINGS: dict[Scope, str] = {
    Scope.RIGHTS_READ: say("Read rights and imports."),
    Scope.RIGHTS_WRITE: say("Enter, import and change rights."),
    Scope.PORTFOLIOS_READ: say("Read portfolios."),
    Scope.PORTFOLIOS_WRITE: say("Make and change portfolios."),
    Scope.VALUES_READ: say("Read valuations and appraisal reports."),
    Scope.VALUES_WRITE: say("Order valuations, enter appraisals and agreed values."),
    Scope.REQUESTS_READ: say("Read financing requests."),
    Scope.REQUESTS_WRITE: say("Draft, submit and withdraw financing requests."),
    Scope.QUOTES_READ: say("Read quotes and packages."),
    Scope.QUOTES_WRITE: say("Make, revise and withdraw quotes."),
    Scope.DEALS_READ: say("Read deals, approvals, contracts and pledge registrations."),
    Scope.DEALS_WRITE: say("Accept packages, approve, confirm and register."),
    Scope.LOANS_READ: say("Read loans, schedules and repayments."),
    Scope.LOANS_WRITE: say("Report drawdowns and repayments."),
    Scope.FUNDS_READ: say("Read compensation funds and the loans filed with them."),
    Scope.FUNDS_WRITE: say("File loans with funds, answer filings, attach papers."),
    Scope.CLAIMS_READ: say("Read claims and recoveries."),
    Scope.CLAIMS_WRITE: say("Make claims, report payments, confirm receipts."),
    Scope.GRANTS_READ: say("Read grant applications, reviews and entitlements."),
    Scope.GRANTS_WRITE: say("Apply for grants, and answer for one's applications."),
    Scope.DOCUMENTS_READ: say("Read documents."),
    Scope.DOCUMENTS_WRITE: say("Upload documents."),
    Scope.PROGRAMME_READ: say("Read quotas, queues and the programme's figures."),
    Scope.ORGANISATION_READ: say("Read the organisation's own record and its stored answers."),
}


class TooManyClients(Conflict):
    message = f"An organisation has at most {CLIENTS_MAX} API clients in force; revoke one first."


@dataclass(eq=False)
class UnknownClient(Forbidden):
    """RFC 6749 invalid_client: no such client, a wrong secret, revoked, or suspended."""

    message = "The client is unknown, revoked or suspended, or its secret is wrong."


@dataclass(eq=False)
class ScopeRefused(Forbidden):
    """RFC 6749 invalid_scope."""

    message = "The client was not given the scope {scope}."

    scope: str


@dataclass(frozen=True, slots=True)
class Granted:
    token: str
    lifetime: timedelta
    scopes: Sequence[str]


def visible_clients(actor: Actor) -> Select[Any]:
    """The API clients of the actor's own organisation; nobody else sees them."""
    return select(ApiClient).where(ApiClient.organisation_id == actor.organisation_id)


async def create_client(
    session: AsyncSession, *, actor: Actor, name: str, scopes: frozenset[str], now: datetime
) -> tuple[ApiClient, str]:
    """A new client and its secret, of which only a hash is kept. FieldRefused, TooManyClients."""
    user_id = managing_person(actor)
    if unknown := sorted(scopes - MEANINGS.keys()):
        raise FieldRefused(
            "scopes",
            say(
                "{unknown} is none of {known}",
                unknown=unknown[0],
                known=", ".join(sorted(MEANINGS)),
            ),
        )
    await session.get_one(Organisation, actor.organisation_id, with_for_update=True)
    in_force = await session.scalars(
        visible_clients(actor).where(ApiClient.revoked_at.is_(None)).with_only_columns(ApiClient.id)
    )
    if len(in_force.all()) >= CLIENTS_MAX:
        raise TooManyClients
    secret = tokens.new_token()
    client = ApiClient(
        id=new_id(),
        organisation_id=actor.organisation_id,
        name=name,
        secret_hash=tokens.digest_of(secret),
        scopes=sorted(scopes),
        created_by=user_id,
        created_at=now,
    )
    session.add(client)
    outbox.announce(
        session, "client.created", client.id, organisation_id=actor.organisation_id, now=now
    )
    await session.flush()
    return client, secret


async def list_clients(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> Sequence[ApiClient]:
    """The organisation's clients, newest first, the revoked ones too."""
    managing_person(actor)
    statement = visible_clients(actor).order_by(ApiClient.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(ApiClient.id < after)
    return (await session.scalars(statement)).all()


async def revoke_client(
    session: AsyncSession, *, actor: Actor, client_id: UUID, now: datetime
) -> ApiClient:
    """End a client and every token it holds. Revoking again changes nothing."""
    managing_person(actor)
    client: ApiClient | None = await session.scalar(
        visible_clients(actor).where(ApiClient.id == client_id).with_for_update()
    )
    if client is None:
        raise NotFound
    if client.revoked_at is None:
        client.revoked_at = now
        await tokens.revoke_of_client(session, client.id, now=now)
        outbox.announce(
            session, "client.revoked", client.id, organisation_id=actor.organisation_id, now=now
        )
    return client


async def grant_token(
    session: AsyncSession,
    *,
    client_id: UUID,
    secret: str,
    scopes: frozenset[str] | None,
    now: datetime,
) -> Granted:
    """A bearer token for a client that knows its secret, for all its scopes or those it names.

    Raises UnknownClient or ScopeRefused.
    """
    await bind(session, SYSTEM)  # the client is nobody before its secret is proved
    client = await session.scalar(
        select(ApiClient)
        .join(Organisation, Organisation.id == ApiClient.organisation_id)
        .where(
            ApiClient.id == client_id,
            ApiClient.revoked_at.is_(None),
            Organisation.status != OrganisationStatus.SUSPENDED,
        )
        # Revoking the client waits for us, and then revokes this token too.
        .with_for_update(read=True)
    )
    if client is None or not secrets.compare_digest(client.secret_hash, tokens.digest_of(secret)):
        raise UnknownClient
    given = frozenset(client.scopes)
    wanted = given if scopes is None else scopes
    if beyond := sorted(wanted - given):
        raise ScopeRefused(beyond[0])
    rule = await rules.get(session, "security", on=business_date(now))
    lifetime = timedelta(minutes=rule["token_minutes"])
    token = tokens.issue(
        session,
        organisation_id=client.organisation_id,
        client_id=client.id,
        scopes=wanted,
        lifetime=lifetime,
        now=now,
    )
    return Granted(token=token, lifetime=lifetime, scopes=sorted(wanted))
