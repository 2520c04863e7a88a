"""Into the parks (入园惠企): visits, recommendations, matchmaking events."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.lifecycle.park_desk import EventStatus, RecommendationStatus


class ParkVisit(WithId, Base):
    """Who went into the park on a day, and what came of it."""

    __tablename__ = "park_visits"
    __table_args__ = (Index("ix_park_visits_park_code_visited_on", "park_code", "visited_on"),)

    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))
    visited_on: Mapped[date]
    visitors: Mapped[str]
    notes: Mapped[str]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    recorded_at: Mapped[datetime]


class ParkVisitFirm(Base):
    """A firm that was visited."""

    __tablename__ = "park_visit_firms"

    visit_id: Mapped[UUID] = mapped_column(ForeignKey("park_visits.id"), primary_key=True)
    firm_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id"), primary_key=True, index=True
    )


class Recommendation(WithId, Base):
    """A park recommends a firm; lenders see it only after the firm has consented."""

    __tablename__ = "recommendations"
    __table_args__ = (
        Index(
            "uq_recommendations_live",
            "firm_id",
            "park_code",
            unique=True,
            postgresql_where=text("status IN ('proposed', 'consented')"),
        ),
        Index("ix_recommendations_park_code", "park_code"),
    )

    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    reason: Mapped[str]
    status: Mapped[RecommendationStatus] = mapped_column(default=RecommendationStatus.PROPOSED)
    by_name: Mapped[bool] = mapped_column(default=False)  # the park may follow the firm by name
    recommended_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class MatchmakingEvent(WithId, Base):
    """A meeting of firms and institutions (银企对接会)."""

    __tablename__ = "matchmaking_events"
    __table_args__ = (
        CheckConstraint("capacity > 0", name="capacity_positive"),
        Index("ix_matchmaking_events_held_on", "held_on"),
    )

    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))
    title: Mapped[str]
    held_on: Mapped[date]
    place: Mapped[str]
    capacity: Mapped[int]  # people
    status: Mapped[EventStatus] = mapped_column(default=EventStatus.ANNOUNCED)
    announced_at: Mapped[datetime]


class EventRegistration(Base):
    """Who comes to an event, with how many people, and whether they came."""

    __tablename__ = "event_registrations"
    __table_args__ = (CheckConstraint("people > 0", name="people_positive"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("matchmaking_events.id"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    people: Mapped[int]
    registered_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    attended: Mapped[bool | None]
