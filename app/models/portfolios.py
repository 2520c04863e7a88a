"""Portfolios, their valuations, and values that others stated."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import Money


class Portfolio(WithId, Base):
    __tablename__ = "portfolios"
    __table_args__ = (Index("ix_portfolios_firm_id_id", "firm_id", "id"),)

    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str]
    created_at: Mapped[datetime]


class PortfolioRight(Base):
    __tablename__ = "portfolio_rights"

    portfolio_id: Mapped[UUID] = mapped_column(ForeignKey("portfolios.id"), primary_key=True)
    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"), primary_key=True, index=True)


class Valuation(WithId, Base):
    """A model value (not a 资产评估报告): inputs, engine and hash, so that anyone can redo it."""

    __tablename__ = "valuations"
    __table_args__ = (Index("ix_valuations_portfolio_id_id", "portfolio_id", "id"),)

    portfolio_id: Mapped[UUID] = mapped_column(ForeignKey("portfolios.id"))
    valued_on: Mapped[date]
    engine: Mapped[str]
    inputs: Mapped[dict[str, Any]]
    inputs_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    value: Mapped[Money]
    liquidation_value: Mapped[Money]
    lendable: Mapped[Money]
    created_at: Mapped[datetime]


class ValuationItem(Base):
    """What one right of the portfolio is worth, method by method."""

    __tablename__ = "valuation_items"

    valuation_id: Mapped[UUID] = mapped_column(ForeignKey("valuations.id"), primary_key=True)
    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"), primary_key=True)
    income_value: Mapped[Money | None]  # relief from royalty
    cost_value: Mapped[Money | None]  # replacement cost
    value: Mapped[Money]
    liquidation_value: Mapped[Money]
    lendable: Mapped[Money]
    life_years: Mapped[int]  # whole years of income counted, capped at the remaining legal life
    working: Mapped[dict[str, Any]]


class StatedValue(WithId, Base):
    """A value somebody stated: an external appraisal report, or one both sides agreed."""

    __tablename__ = "stated_values"
    __table_args__ = (
        CheckConstraint("kind IN ('appraisal', 'agreed')", name="kind"),
        CheckConstraint("value > 0", name="value_positive"),
        Index("ix_stated_values_portfolio_id", "portfolio_id"),
    )

    portfolio_id: Mapped[UUID] = mapped_column(ForeignKey("portfolios.id"))
    kind: Mapped[str]
    value: Mapped[Money]
    method: Mapped[str | None]
    appraiser: Mapped[str | None]
    signers: Mapped[list[str]] = mapped_column(default=list)
    valued_on: Mapped[date]
    expires_on: Mapped[date | None]
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    agreed_with: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    agreed_at: Mapped[datetime | None]  # when the other side confirmed
    recorded_at: Mapped[datetime]
