"""Valuation runs with their results, rounds of revaluation, and the signals they raise."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import Money
from app.lifecycle.valuations import CoverChoice, RevaluationOutcome, RunKind


class ValuationRun(WithId, Base):
    """What a valuation is worked out from. Append-only; the result follows in its own table."""

    __tablename__ = "valuation_runs"
    __table_args__ = (
        CheckConstraint("(kind = 'challenge') = (challenges_id IS NOT NULL)", name="challenge"),
        CheckConstraint("(kind = 'challenge') = (reason IS NOT NULL)", name="reason"),
        CheckConstraint("(kind = 'revaluation') = (deal_id IS NOT NULL)", name="revaluation"),
        Index("ix_valuation_runs_portfolio_id_id", "portfolio_id", "id"),
        Index("ix_valuation_runs_deal_id_id", "deal_id", "id"),
        Index("ix_valuation_runs_challenges_id", "challenges_id"),
        Index(
            "uq_valuation_runs_first",
            "valuation_id",
            unique=True,
            postgresql_where=text("kind = 'first'"),
        ),
        # Never twice the same portfolio in one round.
        UniqueConstraint("round_id", "deal_id"),
    )

    kind: Mapped[RunKind]
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    portfolio_id: Mapped[UUID] = mapped_column(ForeignKey("portfolios.id"))
    valuation_id: Mapped[UUID] = mapped_column(ForeignKey("valuations.id"))  # whose inputs it takes
    deal_id: Mapped[UUID | None] = mapped_column(ForeignKey("deals.id"))
    round_id: Mapped[UUID | None] = mapped_column(ForeignKey("revaluation_rounds.id"))
    challenges_id: Mapped[UUID | None] = mapped_column(ForeignKey("valuation_runs.id"))
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))  # or the platform
    reason: Mapped[str | None]
    valued_on: Mapped[date]
    inputs: Mapped[dict[str, Any]]  # the canonical record (app/valuation/runs.py)
    inputs_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class ValuationResult(Base):
    """What an engine made of a run. Append-only: a newer engine never rewrites it."""

    __tablename__ = "valuation_results"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("valuation_runs.id"), primary_key=True)
    engine: Mapped[str]  # with the versions of its libraries
    market: Mapped[Money]
    liquidation: Mapped[Money]  # orderly
    lendable: Mapped[Money]
    results: Mapped[dict[str, Any]]
    results_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    computed_at: Mapped[datetime]


class RevaluationRound(WithId, Base):
    """One revaluation of everything that is pledged, shared out over the workers."""

    __tablename__ = "revaluation_rounds"
    __table_args__ = (
        Index(
            "uq_revaluation_rounds_open",
            text("(true)"),
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    valued_on: Mapped[date]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class RevaluationItem(Base):
    """The pledge of one deal in a round; done once ``outcome`` is there."""

    __tablename__ = "revaluation_items"
    __table_args__ = (
        Index(
            "ix_revaluation_items_left",
            "round_id",
            "deal_id",
            postgresql_where=text("outcome IS NULL"),
        ),
        Index("ix_revaluation_items_deal_id_round_id", "deal_id", "round_id"),
    )

    round_id: Mapped[UUID] = mapped_column(ForeignKey("revaluation_rounds.id"), primary_key=True)
    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"), primary_key=True)
    outcome: Mapped[RevaluationOutcome | None]
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("valuation_runs.id"))
    cover_pct: Mapped[Decimal | None]
    done_at: Mapped[datetime | None]


class CoverSignal(WithId, Base):
    """Cover of a loan fell below a level. Append-only; what follows is the pledgee's decision."""

    __tablename__ = "cover_signals"
    __table_args__ = (Index("ix_cover_signals_deal_id_id", "deal_id", "id"),)

    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"))
    loan_id: Mapped[UUID] = mapped_column(ForeignKey("loans.id"))
    run_id: Mapped[UUID] = mapped_column(ForeignKey("valuation_runs.id"), unique=True)
    level_pct: Mapped[Decimal]
    cover_pct: Mapped[Decimal]
    previous_pct: Mapped[Decimal | None]
    outstanding: Mapped[Money]
    liquidation: Mapped[Money]
    raised_at: Mapped[datetime]


class CoverDecision(Base):
    """What a pledgee decided on a signal, once. Joint pledgees each decide. Append-only."""

    __tablename__ = "cover_decisions"

    signal_id: Mapped[UUID] = mapped_column(ForeignKey("cover_signals.id"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    choice: Mapped[CoverChoice]
    reason: Mapped[str]
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime]
