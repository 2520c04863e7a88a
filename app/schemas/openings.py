"""Wire shapes of windows, openings and bookings."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.lifecycle.openings import OpeningKind, OpeningStatus
from app.lifecycle.parties import OrganisationKind
from app.schemas.base import Input, Instant, Output, ShortText
from app.schemas.fields import PctOut, Whole

CAPACITY_MAX = 5000
SLOTS_MAX = 48

_ID = "0198c0de-0000-7000-8000-000000000001"


class WindowOut(Output):
    code: str
    city: str
    name_zh: str
    name_en: str
    accepts: list[str] = Field(description="Kinds of case.")


class HoursIn(Input):
    """A stretch of a day, cut into openings of equal length."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "starts_at": "2026-12-01T09:00:00+08:00",
                    "ends_at": "2026-12-01T12:00:00+08:00",
                    "minutes": 30,
                    "capacity": 2,
                    "place": "政务大厅二楼",
                }
            ]
        }
    )

    starts_at: Instant
    ends_at: Instant
    minutes: Annotated[Whole, Field(ge=5, le=480)]
    capacity: Annotated[Whole, Field(ge=1, le=CAPACITY_MAX)] = Field(
        description="Counters that serve at once."
    )
    place: ShortText


class EventIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "知识产权政策宣讲会",
                    "place": "银川市民大厅",
                    "starts_at": "2026-12-10T14:30:00+08:00",
                    "ends_at": "2026-12-10T17:00:00+08:00",
                    "capacity": 120,
                }
            ]
        }
    )

    title: ShortText
    place: ShortText
    starts_at: Instant
    ends_at: Instant
    capacity: Annotated[Whole, Field(ge=1, le=CAPACITY_MAX)] = Field(description="People.")


class OpeningOut(Output):
    id: UUID
    kind: OpeningKind
    window_code: str | None
    organiser_id: UUID
    title: str
    place: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    taken: int
    status: OpeningStatus


class BookingIn(Input):
    """``matter`` is needed at a window: a kind of case that it accepts."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"matter": "fee-reduction"}]})

    people: Annotated[Whole, Field(ge=1, le=50)] = 1
    matter: ShortText | None = None


class BookingOut(Output):
    id: UUID
    opening_id: UUID
    organisation_id: UUID
    people: int
    matter: str | None
    booked_at: datetime
    cancelled_at: datetime | None
    attended: bool | None


class BookingNamedOut(BookingOut):
    """As the organiser sees who comes."""

    name: str
    kind: OrganisationKind


class AttendedIn(Input):
    """Whose bookings were used; whoever booked and is not named did not come."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"booking_ids": [_ID]}]})

    booking_ids: Annotated[list[UUID], Field(max_length=CAPACITY_MAX)]


class OpeningFiguresRow(Output):
    """Of a window, or of all events together (``window_code`` null)."""

    window_code: str | None
    openings: int
    places: int
    taken: int
    attended: int = Field(description="People of bookings that were used.")
    used_pct: PctOut | None


class OpeningFiguresOut(Output):
    since: date
    until: date
    rows: list[OpeningFiguresRow]
