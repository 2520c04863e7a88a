"""Wire shapes of the green channel (绿色通道): clocks, their figures, the working calendar."""

from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.messages import say
from app.lifecycle.parties import OrganisationKind
from app.schemas.base import Day, Input, LongText, Output, ShortText, refused
from app.schemas.fields import PctOut, Whole
from app.workdays.calendar import YEAR_MAX, YEAR_MIN, Source
from app.workdays.clocks import Outcome, Step

DAYS_OF_YEAR = 366

Year = Annotated[Whole, Field(ge=YEAR_MIN, le=YEAR_MAX)]


class CalendarDayIn(Input):
    on: date
    working: bool


class CalendarBody(Input):
    """Days of one year as a decree sets them, each once."""

    decree: LongText
    document_number: ShortText | None = Field(
        None, description="The decree's 文号; needed where nothing is decreed for the year yet."
    )
    published_on: Day | None = Field(
        None,
        description="When the decree was published; needed with its number, never a day ahead.",
    )
    whole_year: bool = Field(description="These are all the days of the year's decree.")
    days: Annotated[list[CalendarDayIn], Field(min_length=1, max_length=DAYS_OF_YEAR)]

    @model_validator(mode="after")
    def _each_day_once(self) -> "CalendarBody":
        counted = Counter(day.on for day in self.days)
        if twice := sorted(day for day, count in counted.items() if count > 1):
            raise refused("days", say("{day} is stated twice", day=twice[0]))
        return self


class CalendarIn(CalendarBody):
    """Days of a year that nobody has decreed yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "decree": "国务院办公厅关于2027年部分节假日安排的通知",
                    "whole_year": False,
                    "days": [
                        {"on": "2027-02-08", "working": False},
                        {"on": "2027-02-13", "working": True},
                    ],
                }
            ]
        }
    )


class CalendarDayOut(Output):
    """A weekday that is off or a weekend day that is worked; ``decree`` if the authority set it.

    ``source``: a published decree that the library carries, a decree that the authority entered,
    or provisional, which the decree to come may change.
    """

    on: date
    working: bool
    source: Source
    decree: str | None
    document_number: str | None
    published_on: date | None


class CalendarOut(Output):
    """``provisional``: nobody has decreed the year yet, as far as is known here."""

    year: int
    provisional: bool
    working_days: int
    exceptions: list[CalendarDayOut]


class ClockOut(Output):
    """A step of the green channel and who must take it, in working days of Chinese offices."""

    step: Step
    role: OrganisationKind
    party_id: UUID | None  # none: whichever bank is first
    deal_id: UUID | None
    started_at: datetime
    due_on: date
    stopped_at: datetime | None
    outcome: Outcome
    working_days: int
    provisional: bool


class ClocksOut(Output):
    """``grounds`` is empty for a request that is not on the green channel: nothing is clocked."""

    grounds: list[str]
    clocks: list[ClockOut]


class StepFigures(Output):
    """How a step was kept. ``counted`` clocks came to their step's end."""

    step: Step
    counted: int
    on_time: int
    on_time_share_pct: PctOut | None
    median_working_days: PctOut | None
    running: int
    late_now: int
    provisional: int


class GreenChannelOut(Output):
    """The figures of one park; steps on which nothing was clocked are left out."""

    park_code: str
    requests: int
    steps: list[StepFigures]


class GreenChannelsOut(Output):
    """Every park with requests on the green channel, and the days whose clocks are counted."""

    since: date
    until: date
    uncalibrated: bool
    parks: list[GreenChannelOut]


class PublicStep(Output):
    """``counted`` and what follows is null where too few firms, or one above all, stand behind."""

    step: Step
    counted: int | None
    on_time_share_pct: PctOut | None
    median_working_days: PctOut | None


class PublicGreenChannelOut(Output):
    """The region's whole quarter; only what has ended is counted."""

    quarter: str
    steps: list[PublicStep]


def share_pct(part: int, whole: int) -> Decimal | None:
    """Two places, half up at the third; nothing of nothing."""
    return None if not whole else (Decimal(part * 100) / whole).quantize(Decimal("0.01"))
