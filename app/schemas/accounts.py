"""Wire shapes of people, their sessions and invitations, and of API clients."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from app.core.messages import say
from app.lifecycle.parties import Level, OrganisationKind, OrganisationStatus
from app.schemas.base import Input, Output, ShortText, Told, shape

# ASCII only: addresses in other scripts can look like one another.
_EMAIL = shape(
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
    say("must be an e-mail address in ASCII letters, such as zhang@example.com"),
)

Email = Annotated[str, StringConstraints(max_length=254, pattern=_EMAIL), AfterValidator(str.lower)]
NewPassword = Annotated[
    SecretStr, Field(min_length=10, max_length=128, description="10 to 128 characters.")
]
GivenPassword = Annotated[SecretStr, Field(min_length=1, max_length=128)]
OneTimeToken = Annotated[SecretStr, Field(min_length=1, max_length=128)]


class SignInIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "zhang@example.com", "password": "four-plain-words-here"}]
        }
    )

    email: Email
    password: GivenPassword


class ActorOut(Output):
    """Who is acting. ``user_id`` is None for an API client, ``client_id`` for a person."""

    organisation_id: UUID
    organisation_name: str
    kind: OrganisationKind
    status: OrganisationStatus
    level: Level
    user_id: UUID | None
    client_id: UUID | None
    scopes: list[str]


class AnswerOut(Output):
    """What a keyed call was answered. ``body`` is the JSON that was sent."""

    route: str
    status: int
    body: Any


class PasswordIn(BaseModel):
    """The new password that a body holds beside other things."""

    password: NewPassword


class AcceptInvitationIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": "the-token-of-the-link",
                    "name": "李四",
                    "password": "four-plain-words-here",
                }
            ]
        }
    )

    token: OneTimeToken
    name: ShortText
    password: NewPassword


class ResetPasswordIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"token": "the-token-of-the-link", "password": "four-plain-words-here"}]
        }
    )

    token: OneTimeToken
    password: NewPassword


class UserOut(Output):
    id: UUID
    organisation_id: UUID
    email: str
    name: str
    level: Level
    locked_until: datetime | None
    disabled_at: datetime | None
    created_at: datetime


class InvitationIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "li@example.com", "level": "member"}]}
    )

    email: Email
    level: Level


class InvitationOut(Output):
    """``token`` goes to the invited person; it is not kept and is said only here."""

    id: UUID
    email: str
    level: Level
    expires_at: datetime
    token: str


class ResetOut(Output):
    """``token`` goes to the user; it is not kept and is said only here."""

    user_id: UUID
    expires_at: datetime
    token: str


class ClientIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "核心系统", "scopes": ["quotes:read", "quotes:write"]}]
        }
    )

    name: ShortText
    scopes: list[ShortText] = Field(min_length=1, max_length=32)


class ClientOut(Output):
    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None


class NewClientOut(ClientOut):
    """``secret`` is the client's password at /v1/session/token."""

    secret: str


class ScopeOut(Output):
    scope: str
    meaning: Told


class TokenOut(Output):
    """RFC 6749 §5.1."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
