"""The double-entry ledger: accounts, transfers, the entries they make, and the seals over them.

A transfer has one debit account, one credit account and a positive amount. A *hold* is a pending
transfer; it is resolved once, by a new row that posts, voids or expires it.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId


class LedgerAccount(WithId, Base):
    """An account with four counters, in fen. A limited one never owes more than it was given."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint("book", "owner", "role"),
        # No counter is negative, and the limit holds over posted plus pending, at every commit.
        # The server reads each CHECK anew at each statement: hence one, of few words.
        CheckConstraint(
            "least(debits_posted, debits_pending, credits_posted, credits_pending,"
            " CASE WHEN limited THEN credits_posted - debits_posted - debits_pending END) >= 0",
            name="counters",
        ),
    )

    book: Mapped[str]  # quota, guarantor, floor, fund, fund_base, fund_exposure, grant …
    owner: Mapped[str]  # park code, id of organisation, fund or budget, or the programme
    role: Mapped[str]  # source, reserve, available, outstanding, called, reserved, paid …
    limited: Mapped[bool]
    debits_posted: Mapped[int] = mapped_column(BigInteger, default=0)
    debits_pending: Mapped[int] = mapped_column(BigInteger, default=0)
    credits_posted: Mapped[int] = mapped_column(BigInteger, default=0)
    credits_pending: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=0)  # entries made so far
    at: Mapped[datetime | None]  # of the last of them


class LedgerTransfer(Base):
    __tablename__ = "ledger_transfers"
    __table_args__ = (
        CheckConstraint("amount > 0 AND debit_account_id <> credit_account_id", name="sound"),
        # A hold is resolved once.
        Index(
            "uq_ledger_transfers_hold_id",
            "hold_id",
            unique=True,
            postgresql_where=text("hold_id IS NOT NULL"),
        ),
        Index("ix_ledger_transfers_reference", "reference"),
        Index("ix_ledger_transfers_txid", "txid"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    code: Mapped[str]  # why: allocate, accept, drawdown, repay, …
    debit_account_id: Mapped[UUID]
    credit_account_id: Mapped[UUID]
    amount: Mapped[int] = mapped_column(BigInteger)
    hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transfers.id"))
    reference: Mapped[UUID]  # the deal, drawdown, repayment or decision behind it
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    txid: Mapped[int] = mapped_column(
        BigInteger, server_default=text("pg_current_xact_id()::text::bigint")
    )


class LedgerEntry(Base):
    """What a transfer did to one account: its four counters before and after. Version by version.

    Instants rise strictly within an account, so (account, instant) finds the balance at any past
    instant, and the two entries of a transfer.
    """

    __tablename__ = "ledger_entries"
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)  # 1, 2, 3 … within the account
    transfer_id: Mapped[UUID]
    debits_posted: Mapped[int] = mapped_column(BigInteger)
    debits_pending: Mapped[int] = mapped_column(BigInteger)
    credits_posted: Mapped[int] = mapped_column(BigInteger)
    credits_pending: Mapped[int] = mapped_column(BigInteger)
    previous_debits_posted: Mapped[int] = mapped_column(BigInteger)
    previous_debits_pending: Mapped[int] = mapped_column(BigInteger)
    previous_credits_posted: Mapped[int] = mapped_column(BigInteger)
    previous_credits_pending: Mapped[int] = mapped_column(BigInteger)


class LedgerSeal(Base):
    """A link of the hash chain over accounts and transfers, made off the hot path.

    Sequence numbers have no gap. ``horizon``: every transaction with a number below it was over,
    and sealed, when this link was made.
    """

    __tablename__ = "ledger_seals"
    __table_args__ = (
        CheckConstraint("num_nonnulls(account_id, transfer_id) = 1", name="one_subject"),
    )

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_accounts.id"), unique=True)
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transfers.id"), unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]
    horizon: Mapped[int] = mapped_column(BigInteger)


class LedgerRoot(Base):
    """The head of the chain when a business day (Asia/Shanghai) was over; public."""

    __tablename__ = "ledger_roots"
    __table_args__ = (CheckConstraint("transfers >= 0", name="not_negative"),)

    business_on: Mapped[date] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_seals.sequence"))
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    transfers: Mapped[int] = mapped_column(BigInteger)  # sealed since the root before
