"""Financing requests, and the quotes that institutions make on them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import Money
from app.lifecycle.financing import QuoteKind, QuoteStatus, RequestStatus


class FinancingRequest(WithId, Base):
    """A firm asks for a loan against a portfolio."""

    __tablename__ = "financing_requests"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("term_months BETWEEN 1 AND 360", name="term"),
        UniqueConstraint("firm_id", "reference"),
        Index("ix_financing_requests_firm_id_id", "firm_id", "id"),
        Index("ix_financing_requests_valuation_id", "valuation_id"),
        # The lenders' list: open requests, newest first, by keyset.
        Index(
            "ix_financing_requests_open",
            text("opened_at DESC"),
            text("id DESC"),
            postgresql_where=text("status = 'open'"),
        ),
        Index(
            "ix_financing_requests_open_park",
            "park_code",
            text("opened_at DESC"),
            text("id DESC"),
            postgresql_where=text("status = 'open'"),
        ),
        Index(
            "ix_financing_requests_expiring",
            "expires_at",
            postgresql_where=text("status = 'open'"),
        ),
        # One renewal of a deal at a time.
        Index(
            "uq_financing_requests_renewal",
            "renews_deal_id",
            unique=True,
            postgresql_where=text("status IN ('draft', 'open', 'matched')"),
        ),
    )

    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    reference: Mapped[str | None]  # the firm's own
    # The deal whose loan this one shall replace (无还本续贷); its rights are the ones pledged.
    renews_deal_id: Mapped[UUID | None] = mapped_column(ForeignKey("deals.id", use_alter=True))
    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))  # whose quota it would use
    portfolio_id: Mapped[UUID] = mapped_column(ForeignKey("portfolios.id"))
    valuation_id: Mapped[UUID | None] = mapped_column(ForeignKey("valuations.id"))
    amount: Mapped[Money]
    term_months: Mapped[int]
    purpose: Mapped[str]  # a code of the dated list of uses of funds
    purpose_text: Mapped[str]
    method: Mapped[str]  # RepaymentMethod
    frequency: Mapped[str]  # Frequency
    status: Mapped[RequestStatus] = mapped_column(default=RequestStatus.DRAFT)
    industry: Mapped[str | None]  # of the firm on the day of opening, for the lenders' list
    size: Mapped[str | None]  # EnterpriseSize, likewise
    key_industry: Mapped[bool] = mapped_column(default=False)
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)  # RightsSummary: no names in it
    eligibility: Mapped[list[Any]] = mapped_column(default=list)  # the trace of every rule
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class RequestRight(Base):
    """A right that carries the request, with its value on the day of opening."""

    __tablename__ = "request_rights"

    request_id: Mapped[UUID] = mapped_column(ForeignKey("financing_requests.id"), primary_key=True)
    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"), primary_key=True, index=True)
    value: Mapped[Money]
    lendable: Mapped[Money]


class IdentityConsent(Base):
    """The firm lets one institution see who it is and its accounts."""

    __tablename__ = "identity_consents"

    request_id: Mapped[UUID] = mapped_column(ForeignKey("financing_requests.id"), primary_key=True)
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    consented_at: Mapped[datetime]


class Quote(WithId, Base):
    """What one institution offers on one request. Indicative until accepted and approved."""

    __tablename__ = "quotes"
    __table_args__ = (
        CheckConstraint("revision >= 1", name="revision_positive"),
        # One live quote of a kind per institution and request; a better one is a revision of it.
        Index(
            "uq_quotes_live",
            "request_id",
            "institution_id",
            "kind",
            unique=True,
            postgresql_where=text("status IN ('offered', 'standing_by', 'accepted')"),
        ),
        # At most one accepted quote of a kind per request, whatever the code above believes.
        Index(
            "uq_quotes_accepted",
            "request_id",
            "kind",
            unique=True,
            postgresql_where=text("status = 'accepted'"),
        ),
        UniqueConstraint("institution_id", "reference"),
        Index("ix_quotes_institution_id_id", "institution_id", "id"),
        Index(
            "ix_quotes_expiring",
            "expires_at",
            postgresql_where=text("status IN ('offered', 'standing_by')"),
        ),
    )

    request_id: Mapped[UUID] = mapped_column(ForeignKey("financing_requests.id"), index=True)
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    firm_id: Mapped[UUID]  # the request's, repeated for row-level security
    kind: Mapped[QuoteKind]
    reference: Mapped[str | None]  # the institution's own
    status: Mapped[QuoteStatus] = mapped_column(default=QuoteStatus.OFFERED)
    revision: Mapped[int] = mapped_column(default=1)
    terms: Mapped[dict[str, Any]]  # LoanTerms, GuaranteeTerms or InsuranceTerms
    offered_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class QuoteRevision(Base):
    """Every set of terms a quote ever had."""

    __tablename__ = "quote_revisions"

    quote_id: Mapped[UUID] = mapped_column(ForeignKey("quotes.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    terms: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime]
    made_at: Mapped[datetime]
