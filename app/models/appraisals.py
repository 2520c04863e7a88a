"""External appraisals: who may make them, orders, signed reports; and grade sheets of rights."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import Money
from app.identifiers.rights import Register, RightKind
from app.lifecycle.appraisals import AppraisalStatus, GradeSheetStatus


class Accreditation(WithId, Base):
    """The authority's word that an agency may appraise, until a day."""

    __tablename__ = "accreditations"
    __table_args__ = (
        CheckConstraint("starts_on <= expires_on", name="days_ordered"),
        Index("ix_accreditations_appraiser_id_expires_on", "appraiser_id", "expires_on"),
    )

    appraiser_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    certificate_number: Mapped[str]  # of its filing with the financial bureau (备案公告)
    starts_on: Mapped[date]
    expires_on: Mapped[date]
    granted_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    granted_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revocation: Mapped[str | None]  # why


class AppraisalOrder(WithId, Base):
    """A firm or a bank orders a report on some rights of one portfolio."""

    __tablename__ = "appraisal_orders"
    __table_args__ = (
        CheckConstraint("price > 0", name="price_positive"),
        Index("ix_appraisal_orders_orderer_id_id", "orderer_id", "id"),
        Index("ix_appraisal_orders_appraiser_id_id", "appraiser_id", "id"),
        Index("ix_appraisal_orders_firm_id_id", "firm_id", "id"),
        Index("ix_appraisal_orders_portfolio_id", "portfolio_id"),
        Index(
            "ix_appraisal_orders_due",
            "due_on",
            postgresql_where=text("status IN ('offered', 'agreed')"),
        ),
    )

    portfolio_id: Mapped[UUID] = mapped_column(ForeignKey("portfolios.id"))
    request_id: Mapped[UUID | None] = mapped_column(ForeignKey("financing_requests.id"))
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))  # whose rights they are
    orderer_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    appraiser_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    instructions: Mapped[str]
    price: Mapped[Money]
    due_on: Mapped[date]
    status: Mapped[AppraisalStatus] = mapped_column(default=AppraisalStatus.OFFERED)
    reason: Mapped[str | None]  # of a refusal or a cancellation
    ordered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class AppraisalOrderRight(Base):
    """A right in an order's scope, as its register named it on the day of the order."""

    __tablename__ = "appraisal_order_rights"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("appraisal_orders.id"), primary_key=True)
    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"), primary_key=True, index=True)
    kind: Mapped[RightKind]
    register: Mapped[Register]
    number: Mapped[str]
    title: Mapped[str]
    holder_name: Mapped[str]
    expires_on: Mapped[date | None]


class AppraisalReport(WithId, Base):
    """A signed report, never changed: a corrected one is a further version."""

    __tablename__ = "appraisal_reports"
    __table_args__ = (
        CheckConstraint("value > 0", name="value_positive"),
        CheckConstraint("valued_on <= expires_on", name="days_ordered"),
        UniqueConstraint("order_id", "version"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("appraisal_orders.id"))
    version: Mapped[int]
    report_number: Mapped[str]
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), index=True)
    value: Mapped[Money]
    method: Mapped[str]  # a code of the rule "appraisal"
    valued_on: Mapped[date]  # 评估基准日
    expires_on: Mapped[date]  # the last day on which the report may be used
    signers: Mapped[list[Any]]  # name and certificate number of each
    discount_rate_pct: Mapped[Decimal | None]
    royalty_rate_pct: Mapped[Decimal | None]
    life_years: Mapped[int | None]
    annual_revenue: Mapped[Money | None]
    assumptions: Mapped[str | None]
    delivered_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    delivered_at: Mapped[datetime]


class AppraisalAnswer(WithId, Base):
    """What whoever ordered a report said to it; a dispute and what followed both stay."""

    __tablename__ = "appraisal_answers"
    __table_args__ = (CheckConstraint("verdict IN ('accepted', 'disputed')", name="verdict"),)

    report_id: Mapped[UUID] = mapped_column(ForeignKey("appraisal_reports.id"), index=True)
    verdict: Mapped[str]
    reason: Mapped[str | None]
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    answered_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    answered_at: Mapped[datetime]


class GradeSheet(WithId, Base):
    """One right graded for one use, by one version of the table of indicators."""

    __tablename__ = "grade_sheets"
    __table_args__ = (
        Index("ix_grade_sheets_right_id_id", "right_id", "id"),
        Index(
            "uq_grade_sheets_open",
            "right_id",
            "use",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
    )

    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"))
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    use: Mapped[str]
    table_id: Mapped[str]
    table_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    graded_on: Mapped[date]  # the day of the register's facts
    facts: Mapped[dict[str, Any]]  # as the register had them that day, or as stated
    engine: Mapped[str]
    status: Mapped[GradeSheetStatus] = mapped_column(default=GradeSheetStatus.OPEN)
    result: Mapped[dict[str, Any] | None]  # once finished
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class GradeAnswer(Base):
    """What a person answered to one indicator, and on what evidence."""

    __tablename__ = "grade_answers"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 5", name="level"),)

    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("grade_sheets.id"), primary_key=True)
    indicator: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int]
    note: Mapped[str | None]
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    answered_at: Mapped[datetime]
