"""Coming in: sign-up, sign-in and sign-out of people, invitations, forgotten passwords."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from app.core.errors import FieldRefused
from app.core.messages import say
from app.models.accounts import User
from app.models.organisations import Organisation
from app.routers.access import public, signed_in
from app.routers.bodies import Handler, JsonRoute
from app.routers.deps import SESSION_COOKIE, CurrentActor, Now, Session, presented_token
from app.routers.keyed import KEY, KeyedRoute
from app.routers.problems import problems
from app.schemas.accounts import (
    AcceptInvitationIn,
    ActorOut,
    AnswerOut,
    PasswordIn,
    ResetPasswordIn,
    SignInIn,
    UserOut,
)
from app.schemas.base import shape
from app.schemas.organisations import OrganisationOut, SignUpIn
from app.services import accounts, idempotency, links, organisations, passwords, tokens
from app.services.accounts import (
    OrganisationSuspended,
    SignedIn,
    SignInRefused,
    Taken,
    UserDisabled,
)
from app.services.links import LinkUnusable
from app.services.passwords import Chosen

router = APIRouter(prefix="/session", tags=["session"], route_class=JsonRoute)


class PasswordRoute(KeyedRoute):
    """Hashes the chosen password before the transaction is open: it waits for a free core."""

    def get_route_handler(self) -> Handler:
        keyed = super().get_route_handler()

        async def chosen(request: Request) -> Response:
            request.state.chosen = await _choice_of(await request.body())
            return await keyed(request)

        return chosen


async def _choice_of(body: bytes) -> Chosen | None:
    """The password in ``body``, hashed; None for input that will be refused anyway."""
    try:
        choice = PasswordIn.model_validate_json(body)
    except ValidationError:
        return None
    return await passwords.choose(choice.password.get_secret_value())


async def get_chosen(request: Request) -> Chosen:
    """The password of the body; there is one whenever the body was found valid."""
    chosen: Chosen = request.state.chosen
    return chosen


NewPassword = Annotated[Chosen, Depends(get_chosen)]

# Signing in needs no key; what enters somebody or sets a password does.
keyed = APIRouter(prefix="/session", tags=["session"], route_class=PasswordRoute)


@keyed.post(
    "/sign-up",
    status_code=201,
    response_model=OrganisationOut,
    dependencies=[public()],
    responses=problems(Taken, FieldRefused),
    summary="Sign up an organisation",
)
async def sign_up(
    form: SignUpIn, password: NewPassword, session: Session, now: Now
) -> Organisation:
    """Enters the organisation and its first manager, who then signs in.

    A firm works at once; banks, insurers, guarantors, parks and agencies after the authority has
    verified them.
    """
    return await organisations.sign_up(session, form=form, password=password, now=now)


@router.post(
    "/sign-in",
    dependencies=[public()],
    responses=problems(UserDisabled, OrganisationSuspended)
    | {
        401: {"description": "wrong e-mail or password"},
        429: {"description": "locked after too many wrong passwords; see Retry-After"},
    },
    summary="Sign in a person",
)
async def sign_in(form: SignInIn, request: Request, response: Response, now: Now) -> ActorOut:
    """Sets the cookie `zhirong_session` for 8 hours. Five wrong passwords lock for 15 minutes."""
    sessions = request.app.state.sessions
    async with sessions.begin() as session:
        user = await accounts.find_user(session, email=form.email)
    # No connection is held while the password is hashed, and nobody's address saves the work.
    right = await passwords.verify(
        form.password.get_secret_value(), None if user is None else user.password_hash
    )
    if user is None:
        raise _wrong_credentials()
    async with sessions.begin() as session:
        outcome = await accounts.conclude_sign_in(session, user_id=user.id, right=right, now=now)
    # The count is committed by now, so refusing may raise.
    if isinstance(outcome, SignInRefused):
        raise outcome.shut_out or _refusal(outcome, now)
    response.set_cookie(
        SESSION_COOKIE,
        outcome.token,
        max_age=int(outcome.lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    response.headers["Cache-Control"] = "no-store"
    return _person(outcome)


def _wrong_credentials() -> HTTPException:
    return HTTPException(401, say("The e-mail address or the password is wrong."))


def _refusal(refused: SignInRefused, now: datetime) -> HTTPException:
    if refused.locked_until is None:
        return _wrong_credentials()
    wait_s = max(1, int((refused.locked_until - now).total_seconds()))
    return HTTPException(
        429,
        say(
            "Too many wrong passwords; try again after {until}.",
            until=refused.locked_until.isoformat(),
        ),
        headers={"Retry-After": str(wait_s)},
    )


def _person(signed_in: SignedIn) -> ActorOut:
    organisation, user = signed_in.organisation, signed_in.user
    return ActorOut(
        organisation_id=organisation.id,
        organisation_name=organisation.name,
        kind=organisation.kind,
        status=organisation.status,
        level=user.level,
        user_id=user.id,
        client_id=None,
        scopes=[],
    )


@router.delete("", status_code=204, dependencies=[signed_in()], summary="End one's own session")
async def sign_out(request: Request, response: Response, session: Session, now: Now) -> None:
    """Revokes the presented token at once, and takes the cookie back. Once more it is a 401."""
    await tokens.revoke(session, presented_token(request), now=now)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")


@keyed.post(
    "/invitation",
    status_code=201,
    response_model=UserOut,
    dependencies=[public()],
    responses=problems(LinkUnusable, Taken, FieldRefused),
    summary="Accept an invitation",
)
async def accept_invitation(
    form: AcceptInvitationIn, password: NewPassword, session: Session, now: Now
) -> User:
    """Become a user of the organisation that invited. The token works once, for seven days."""
    return await links.accept_invitation(
        session,
        token=form.token.get_secret_value(),
        name=form.name,
        password=password,
        now=now,
    )


@keyed.post(
    "/password",
    status_code=204,
    dependencies=[public()],
    responses=problems(LinkUnusable, FieldRefused),
    summary="Set a forgotten password anew",
)
async def reset_password(
    form: ResetPasswordIn, password: NewPassword, session: Session, now: Now
) -> None:
    """With the token that a manager or the authority handed over. Ends every session."""
    await links.use_reset(
        session,
        token=form.token.get_secret_value(),
        password=password,
        now=now,
    )


@router.get(
    "/answers/{key}",
    dependencies=[signed_in(scope="organisation:read")],
    summary="Stored answers of one Idempotency-Key",
)
async def list_answers(
    key: Annotated[
        str,
        Path(pattern=shape(f"^{KEY.pattern}$", say("must be 1 to 64 visible ASCII characters"))),
    ],
    actor: CurrentActor,
    session: Session,
) -> list[AnswerOut]:
    """For a caller that lost an answer: what its organisation's calls under the key were told.

    Empty if no such call was answered: it may be sent, or sent again, under the same key.
    """
    found = await idempotency.find_answer(session, organisation_id=actor.organisation_id, key=key)
    return [
        AnswerOut(route=route, status=answer.status, body=_body(answer)) for route, answer in found
    ]


def _body(answer: idempotency.Answer) -> Any:
    """The JSON that was sent, or None for an answer without content."""
    return json.loads(answer.body) if answer.body else None
