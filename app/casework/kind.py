"""What a kind of case is: who opens and handles it, its fields, states, moves, clocks and checks.

One file under ``kinds`` is one kind with all its dated versions (kind_files.py reads them); a case
lives by the version in force when it was opened. A new kind of case is a file and no code.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from app.core.messages import Pair
from app.lifecycle.parties import OrganisationKind

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
RawValue = StrictBool | StrictInt | StrictStr

OPEN_MOVE = "open"
"""The first entry of every case."""


class Role(StrEnum):
    """What an organisation is in a case. Without a handler of its own a case is the authority's."""

    APPLICANT = "applicant"
    HANDLER = "handler"
    AUTHORITY = "authority"
    RESPONDENT = "respondent"


class Handling(StrEnum):
    """Who handles the cases of a kind."""

    AUTHORITY = "authority"
    APPLICANT = "applicant"  # whoever keeps a log or a plan of its own
    PARENT = "parent"  # whoever opened the case above it
    CHOSEN = "chosen"  # an organisation that the applicant names


class FieldType(StrEnum):
    TEXT = "text"
    CHOICE = "choice"
    DATE = "date"
    MONEY = "money"
    COUNT = "count"
    BOOLEAN = "boolean"
    PATENT = "patent"  # a patent number
    USCC = "uscc"  # a unified social credit code
    RIGHT = "right"  # a right of the applicant's on this platform


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Named(_Data):
    text_zh: str = Field(min_length=1)
    text_en: str = Field(min_length=1)

    @property
    def text(self) -> Pair:
        return Pair(self.text_en, self.text_zh)


class CaseField(_Named):
    """What is stated of a case. ``ahead_working_days``: a day lies at least so far ahead."""

    name: Id
    type: FieldType
    required: bool = False  # when the case is opened
    choices: Sequence[str] = ()
    at_most: int | None = None
    ahead_working_days: int | None = Field(default=None, ge=0)
    not_ahead: bool = False  # a day that has come


class State(_Named):
    id: Id
    final: bool = False


class Move(_Named):
    """A step from some states to one, or within the state it finds (no ``to``).

    ``takes``: fields that may be stated with it, ``needs``: those that must stand by then.
    ``other_than``: earlier moves whose person may not make this one.
    """

    id: Id
    sources: Sequence[Id] = Field(min_length=1)
    to: Id | None = None
    by: Sequence[Role] = Field(min_length=1)
    takes: Sequence[Id] = ()
    needs: Sequence[Id] = ()
    note: bool = False
    document: bool = False
    other_than: Sequence[Id] = ()
    joins: Id | None = None  # the field whose credit code names the respondent


class Clock(_Named):
    """A time limit from entering some states to entering others; it rests in ``pauses``.

    Either so many ``days``, or until the day in ``due_field``.
    """

    id: Id
    starts: Sequence[Id] = Field(min_length=1)
    stops: Sequence[Id] = Field(min_length=1)
    pauses: Sequence[Id] = ()
    days: int | None = Field(default=None, ge=1)
    unit: Literal["working", "calendar"] = "working"
    due_field: Id | None = None
    uncalibrated: bool = False


class Check(_Named):
    """A condition over one field, looked at before the case is opened: it blocks, or warns."""

    id: Id
    field: Id
    level: Literal["block", "warn"] = "block"
    equals: RawValue | None = None
    one_of: Sequence[RawValue] | None = None
    at_least: RawValue | None = None
    at_most: RawValue | None = None


class KindVersion(_Data):
    """What a kind is from one day to another."""

    valid_from: date
    valid_to: date | None = None
    source: str = Field(min_length=1)
    uncalibrated: bool = False
    opened_by: Sequence[OrganisationKind] = Field(min_length=1)
    handling: Handling = Handling.AUTHORITY
    handler_kinds: Sequence[OrganisationKind] = ()
    parent: Id | None = None
    parent_states: Sequence[Id] = ()
    parents_own: bool = False  # only whoever opened the case above opens one below it
    public_states: Sequence[Id] = ()
    public_fields: Sequence[Id] = ()
    pledge_check: Id | None = None  # the field of a right that the refusal grounds are asked of
    fields: Sequence[CaseField] = ()
    states: Sequence[State] = Field(min_length=1)
    initial: Id
    moves: Sequence[Move] = ()
    clocks: Sequence[Clock] = ()
    checks: Sequence[Check] = ()

    @property
    def field_by_name(self) -> Mapping[str, CaseField]:
        return {field.name: field for field in self.fields}

    def state(self, id_: str) -> State:
        return next(state for state in self.states if state.id == id_)


class Kind(_Named):
    """A kind of case; ``group`` is the service that it belongs to, ``measure`` the policy's."""

    id: Id
    group: Id
    measure: int = Field(ge=1)
    prefix: str = Field(pattern=r"^[A-Z]{2,4}$")
    versions: Sequence[KindVersion] = Field(min_length=1)

    def version_on(self, day: date) -> KindVersion | None:
        """The version in force on ``day``, if any was."""
        for version in self.versions:
            if version.valid_from <= day and (version.valid_to is None or day <= version.valid_to):
                return version
        return None

    def version_from(self, valid_from: date) -> KindVersion:
        """The version that a case lives by."""
        return next(one for one in self.versions if one.valid_from == valid_from)
