"""Wire shapes of the park's desk (入园惠企): visits, recommendations, events, the funnel."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.lifecycle.park_desk import EventStatus, RecommendationStatus
from app.lifecycle.parties import OrganisationKind
from app.schemas.base import Day, Input, LongText, Output, ShortText
from app.schemas.fields import Whole

FIRMS_MAX = 200
PEOPLE_MAX = 50
CAPACITY_MAX = 5000

_ID = "0198c0de-0000-7000-8000-000000000001"

FirmIds = Annotated[list[UUID], Field(min_length=1, max_length=FIRMS_MAX)]


class VisitIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "visited_on": "2026-11-20",
                    "visitors": "自治区知识产权局、中国银行平罗支行",
                    "notes": "走访企业，讲解质押融资政策",
                    "firm_ids": [_ID],
                }
            ]
        }
    )

    visited_on: Day
    visitors: ShortText
    notes: LongText
    firm_ids: FirmIds = Field(description="Certified firms of the park.")


class VisitOut(Output):
    id: UUID
    park_code: str
    visited_on: date
    visitors: str
    notes: str
    firm_ids: list[UUID]
    recorded_at: datetime


class RecommendationIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "高新技术企业，订单充足", "firm_ids": [_ID]}]}
    )

    reason: LongText
    firm_ids: FirmIds = Field(description="Certified firms of the park.")


class RecommendationConsentIn(Input):
    """Consent to be shown as recommended, and perhaps to be followed by name by the park."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"by_name": True}]})

    by_name: bool = Field(
        default=False, description="The park may see by name how the firm's loans stand."
    )


class RecommendationOut(Output):
    id: UUID
    park_code: str
    firm_id: UUID
    reason: str
    status: RecommendationStatus
    by_name: bool
    recommended_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None


class MatchmakingIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "平罗工业园知识产权质押融资对接会",
                    "held_on": "2026-12-10",
                    "place": "园区管委会一楼报告厅",
                    "capacity": 60,
                }
            ]
        }
    )

    title: ShortText
    held_on: Day
    place: ShortText
    capacity: Annotated[Whole, Field(ge=1, le=CAPACITY_MAX)] = Field(description="People.")


class MatchmakingOut(Output):
    """``places_left`` counts people."""

    id: UUID
    park_code: str
    title: str
    held_on: date
    place: str
    capacity: int
    places_left: int
    status: EventStatus


class AttendeeIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"people": 2}]})

    people: Annotated[Whole, Field(ge=1, le=PEOPLE_MAX)]


class AttendeeOut(Output):
    event_id: UUID
    organisation_id: UUID
    people: int
    registered_at: datetime
    withdrawn_at: datetime | None
    attended: bool | None


class AttendeeNamedOut(AttendeeOut):
    """As the park sees who comes."""

    name: str
    kind: OrganisationKind


class AttendanceIn(Input):
    """Who came; whoever registered and is not named did not."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"organisation_ids": [_ID]}]})

    organisation_ids: Annotated[list[UUID], Field(max_length=CAPACITY_MAX)]


class Stage(StrEnum):
    """How far a firm came, in order."""

    VISITED = "visited"
    RECOMMENDED = "recommended"
    REQUESTED = "requested"
    QUOTED = "quoted"
    ACCEPTED = "accepted"
    DRAWN = "drawn"


class StageOut(Output):
    """Firms that came this far in the period, each once; of them, those visited before."""

    stage: Stage
    firms: int
    visited_before: int


class FunnelOut(Output):
    park_code: str
    since: date
    until: date
    stages: list[StageOut]
