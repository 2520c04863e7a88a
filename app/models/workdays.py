"""The working calendar as the authority sets it, the green channel, and how clocks were judged."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.lifecycle.parties import OrganisationKind
from app.workdays.clocks import Outcome, Step


class CalendarDay(Base):
    """A day that the authority has set; it wins over the published calendar."""

    __tablename__ = "calendar_days"

    on: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    decree: Mapped[str]  # the text it comes from
    document_number: Mapped[str | None]  # of the decree (文号), where it was stated
    published_on: Mapped[date | None]
    whole_year: Mapped[bool]  # entered with all the days of that year's decree
    set_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    set_at: Mapped[datetime]


class GreenEntry(Base):
    """A request on the green channel (绿色通道), and why it is there."""

    __tablename__ = "green_entries"
    __table_args__ = (
        Index(
            "ix_green_entries_checked_at", "checked_at", postgresql_where=text("settled_at IS NULL")
        ),
        Index("ix_green_entries_park_code", "park_code"),
    )

    request_id: Mapped[UUID] = mapped_column(ForeignKey("financing_requests.id"), primary_key=True)
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))
    grounds: Mapped[list[str]]  # key_park, key_industry
    entered_at: Mapped[datetime]
    checked_at: Mapped[datetime]  # when the clocks were last judged
    settled_at: Mapped[datetime | None]  # nothing can start any more, and all is judged


class ClockJudgement(Base):
    """How a clock was judged: once late it was announced, once stopped it never changes again."""

    __tablename__ = "clock_judgements"
    __table_args__ = (
        CheckConstraint("working_days >= 0", name="working_days"),
        Index("ix_clock_judgements_park_code_step", "park_code", "step"),
        Index("ix_clock_judgements_request_id", "request_id"),
    )

    step: Mapped[Step] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)  # request, deal, approval, …
    request_id: Mapped[UUID] = mapped_column(ForeignKey("green_entries.request_id"))
    deal_id: Mapped[UUID | None] = mapped_column(ForeignKey("deals.id"))
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))
    role: Mapped[OrganisationKind]
    party_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    started_at: Mapped[datetime]
    due_on: Mapped[date]
    late_at: Mapped[datetime | None]  # when it was announced as late
    stopped_at: Mapped[datetime | None]
    outcome: Mapped[Outcome]
    working_days: Mapped[int]
    provisional: Mapped[bool]
