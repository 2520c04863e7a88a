"""The supply-and-demand board and open-licence market: listings, enquiries, contracts."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import Money
from app.lifecycle.market import (
    ContractStatus,
    EnquiryStatus,
    ListingSide,
    ListingStatus,
    TransferForm,
)


class MarketListing(WithId, Base):
    """A patent on offer, or a technology asked for. An open one is public; of who asks, no name."""

    __tablename__ = "market_listings"
    __table_args__ = (
        CheckConstraint("side <> 'offer' OR patent_number IS NOT NULL", name="offer_patent"),
        CheckConstraint(
            "form <> 'open_licence' OR side <> 'offer' OR (price IS NOT NULL AND terms <> '')",
            name="open_licence_terms",
        ),
        CheckConstraint("price >= 0", name="price_not_negative"),
        Index("ix_market_listings_grams", "grams", postgresql_using="gin"),
        Index("ix_market_listings_subclasses", "subclasses", postgresql_using="gin"),
        Index("ix_market_listings_owner_id_id", "owner_id", "id"),
        Index(
            "uq_market_listings_offer",
            "patent_number",
            "form",
            unique=True,
            postgresql_where=text("side = 'offer' AND status = 'open'"),
        ),
    )

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    side: Mapped[ListingSide]
    form: Mapped[TransferForm]
    title: Mapped[str]
    summary: Mapped[str]
    ipc: Mapped[list[str]] = mapped_column(ARRAY(Text))
    subclasses: Mapped[list[str]] = mapped_column(ARRAY(Text))
    patent_number: Mapped[str | None]
    right_id: Mapped[UUID | None] = mapped_column(ForeignKey("rights.id"))
    holder_name: Mapped[str | None]  # of an offer, as the register of patents shows it anyway
    price: Mapped[Money | None]  # empty: to be agreed
    terms: Mapped[str]
    disposal_id: Mapped[UUID | None] = mapped_column(ForeignKey("disposals.id"))
    valid_until: Mapped[date]
    status: Mapped[ListingStatus] = mapped_column(default=ListingStatus.OPEN)
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text))
    listed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class MarketEnquiry(WithId, Base):
    """Contact through the platform: names are exchanged once the owner accepts."""

    __tablename__ = "market_enquiries"
    __table_args__ = (
        Index(
            "uq_market_enquiries_live",
            "listing_id",
            "asker_id",
            unique=True,
            postgresql_where=text("status IN ('asked', 'accepted')"),
        ),
        Index("ix_market_enquiries_asker_id_id", "asker_id", "id"),
        Index("ix_market_enquiries_owner_id_id", "owner_id", "id"),
        CheckConstraint("asker_id <> owner_id", name="two_sides"),
    )

    listing_id: Mapped[UUID] = mapped_column(ForeignKey("market_listings.id"))
    asker_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    status: Mapped[EnquiryStatus] = mapped_column(default=EnquiryStatus.ASKED)
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class MarketMessage(Base):
    """What one side wrote to the other. Append-only."""

    __tablename__ = "market_messages"

    enquiry_id: Mapped[UUID] = mapped_column(ForeignKey("market_enquiries.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sender_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    body: Mapped[str]
    at: Mapped[datetime]


class TransferContract(WithId, Base):
    """A technology-transfer contract, recorded by the supplier and confirmed by the buyer."""

    __tablename__ = "transfer_contracts"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("paid BETWEEN 0 AND amount", name="paid"),
        CheckConstraint("supplier_id <> buyer_id", name="two_sides"),
        CheckConstraint("ends_on IS NULL OR ends_on >= signed_on", name="dates_ordered"),
        Index(
            "uq_transfer_contracts_live",
            "enquiry_id",
            unique=True,
            postgresql_where=text("status IN ('proposed', 'confirmed')"),
        ),
        Index(
            "uq_transfer_contracts_consent",
            "disposal_id",
            unique=True,
            postgresql_where=text("status IN ('proposed', 'confirmed') AND form <> 'open_licence'"),
        ),
        Index("ix_transfer_contracts_supplier_id_id", "supplier_id", "id"),
        Index("ix_transfer_contracts_buyer_id_id", "buyer_id", "id"),
    )

    enquiry_id: Mapped[UUID] = mapped_column(ForeignKey("market_enquiries.id"))
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    form: Mapped[TransferForm]
    patent_number: Mapped[str]
    right_id: Mapped[UUID | None] = mapped_column(ForeignKey("rights.id"))
    disposal_id: Mapped[UUID | None] = mapped_column(ForeignKey("disposals.id"))
    amount: Mapped[Money]
    exclusive: Mapped[bool]
    signed_on: Mapped[date]
    ends_on: Mapped[date | None]
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    record_number: Mapped[str | None]  # of the recordal (备案), once it is known
    status: Mapped[ContractStatus] = mapped_column(default=ContractStatus.PROPOSED)
    proposed_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    note: Mapped[str | None]
    paid: Mapped[Money]
    benefit: Mapped[str | None]  # 经济效益, as the buyer states and proves it
    benefit_document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
