"""The policy's measures at work: budgets, programmes, windows, applications and their reviews."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import Money
from app.grants.measure import BudgetKind
from app.lifecycle.grants import ApplicationStatus, ProgrammeStatus, WindowStatus


class GrantBudget(WithId, Base):
    """What a measure may give, in all or in one year; its accounts are on the ledger."""

    __tablename__ = "grant_budgets"
    __table_args__ = (
        CheckConstraint("num_nonnulls(amount, slots) <= 1", name="one_unit"),
        Index("uq_grant_budgets_period", "measure", text("coalesce(year, 0)"), unique=True),
    )

    measure: Mapped[int]
    year: Mapped[int | None]  # None: in all
    kind: Mapped[BudgetKind]
    amount: Mapped[Money | None]
    slots: Mapped[int | None]


class GrantProgramme(WithId, Base):
    """A measure as it is run in a year, by the rules in force on a day, which it keeps."""

    __tablename__ = "grant_programmes"
    __table_args__ = (Index("ix_grant_programmes_measure_year", "measure", "year"),)

    measure: Mapped[int]
    year: Mapped[int]
    title: Mapped[str]
    name_zh: Mapped[str]  # of the measure
    name_en: Mapped[str]
    rules_on: Mapped[date]
    rules: Mapped[dict[str, Any]]  # the measure's version of that day, whole
    budget_id: Mapped[UUID] = mapped_column(ForeignKey("grant_budgets.id"))
    status: Mapped[ProgrammeStatus] = mapped_column(default=ProgrammeStatus.PLANNED)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]


class GrantWindow(WithId, Base):
    """A call of a programme: applications come in while it is open and are ranked together."""

    __tablename__ = "grant_windows"
    __table_args__ = (
        CheckConstraint("opens_on <= closes_on", name="days"),
        Index("ix_grant_windows_programme_id", "programme_id"),
    )

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("grant_programmes.id"))
    title: Mapped[str]
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    status: Mapped[WindowStatus] = mapped_column(default=WindowStatus.PLANNED)
    ranked_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    ranked_at: Mapped[datetime | None]


class GrantApplication(WithId, Base):
    """One application, from draft to audit. What moves money names the person who moved it."""

    __tablename__ = "grant_applications"
    __table_args__ = (
        CheckConstraint("award IS NULL OR award >= 0", name="award"),
        CheckConstraint("clawed_back IS NULL OR clawed_back BETWEEN 1 AND award", name="claw_back"),
        CheckConstraint("approved_by IS NULL OR approved_by <> checked_by", name="two_people"),
        CheckConstraint("paid_by IS NULL OR paid_by <> approved_by", name="two_payers"),
        Index("ix_grant_applications_applicant_id_id", "applicant_id", "id"),
        Index("ix_grant_applications_window_id_status", "window_id", "status"),
        Index("ix_grant_applications_measure_key", "measure", "key"),
        Index("ix_grant_applications_programme_id", "programme_id"),
    )

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("grant_programmes.id"))
    window_id: Mapped[UUID] = mapped_column(ForeignKey("grant_windows.id"))
    measure: Mapped[int]
    year: Mapped[int]
    applicant_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    applicant_name: Mapped[str]  # 公示 names it
    key: Mapped[str]  # number of the designation, contract, project or application
    title: Mapped[str]
    summary: Mapped[str]
    facts: Mapped[dict[str, Any]]
    status: Mapped[ApplicationStatus] = mapped_column(default=ApplicationStatus.DRAFT)
    round: Mapped[int] = mapped_column(default=1)  # of review
    submitted_at: Mapped[datetime | None]
    checked_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    checked_at: Mapped[datetime | None]
    return_reason: Mapped[str | None]
    correct_by: Mapped[date | None]
    score: Mapped[Decimal | None]
    place: Mapped[int | None]  # in the ranking of its window
    award: Mapped[Money | None]
    slots: Mapped[int | None]
    trace: Mapped[list[Any]]  # every rule in both languages
    recommended_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    recommended_at: Mapped[datetime | None]
    hold_id: Mapped[UUID | None]  # on the budget, from notice to decision
    notice_from: Mapped[date | None]
    notice_until: Mapped[date | None]
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    approved_at: Mapped[datetime | None]
    agreement_reference: Mapped[str | None]
    agreement_terms: Mapped[str | None]
    agreed_at: Mapped[datetime | None]
    paid_on: Mapped[date | None]
    payment_reference: Mapped[str | None]
    paid_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    paid_at: Mapped[datetime | None]
    audit_passed: Mapped[bool | None]
    audit_findings: Mapped[str | None]
    audited_at: Mapped[datetime | None]
    clawed_back: Mapped[Money | None]
    claw_back_reason: Mapped[str | None]
    claw_back_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    recovery_reference: Mapped[str | None]
    recovered_at: Mapped[datetime | None]
    rejection: Mapped[str | None]
    rejected_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    appeal: Mapped[str | None]
    appeal_answer: Mapped[str | None]


class GrantReview(Base):
    """An agency asked to review: what it declared of its interests, and its sheet."""

    __tablename__ = "grant_reviews"
    __table_args__ = (
        CheckConstraint("filed_at IS NULL OR conflict = false", name="no_conflict"),
        Index("ix_grant_reviews_organisation_id", "organisation_id"),
    )

    application_id: Mapped[UUID] = mapped_column(
        ForeignKey("grant_applications.id"), primary_key=True
    )
    round: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    assigned_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    assigned_at: Mapped[datetime]
    conflict: Mapped[bool | None]  # None: nothing declared yet
    statement: Mapped[str | None]
    declared_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    declared_at: Mapped[datetime | None]
    marks: Mapped[dict[str, Any] | None]
    supports: Mapped[bool | None]
    comment: Mapped[str | None]
    filed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    filed_at: Mapped[datetime | None]


class GrantPaper(Base):
    """A document of the application."""

    __tablename__ = "grant_papers"

    application_id: Mapped[UUID] = mapped_column(
        ForeignKey("grant_applications.id"), primary_key=True
    )
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), primary_key=True)


class GrantObjection(WithId, Base):
    """What somebody has against an award on notice; it is answered before a decision."""

    __tablename__ = "grant_objections"
    __table_args__ = (Index("ix_grant_objections_application_id", "application_id"),)

    application_id: Mapped[UUID] = mapped_column(ForeignKey("grant_applications.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    text: Mapped[str]
    objected_at: Mapped[datetime]
    upheld: Mapped[bool | None]
    answer: Mapped[str | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    answered_at: Mapped[datetime | None]


class Recognition(WithId, Base):
    """What the authority has on record of an organisation under a measure: a designation, an
    accreditation. It fills an application in.
    """

    __tablename__ = "recognitions"
    __table_args__ = (
        CheckConstraint("ended_on IS NULL OR ended_on >= recognised_on", name="days"),
        Index("uq_recognitions_key", "measure", "organisation_id", "key", unique=True),
        Index("ix_recognitions_organisation_id", "organisation_id"),
    )

    measure: Mapped[int]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    key: Mapped[str]
    title: Mapped[str]
    facts: Mapped[dict[str, Any]]
    recognised_on: Mapped[date]
    ended_on: Mapped[date | None]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[datetime]


class FirmRelation(Base):
    """Two organisations of one group, on the authority's record; the smaller id stands first."""

    __tablename__ = "firm_relations"
    __table_args__ = (
        CheckConstraint("firm_id < related_id", name="ordered"),
        Index("ix_firm_relations_related_id", "related_id"),
    )

    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    related_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    ground: Mapped[str]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[datetime]
