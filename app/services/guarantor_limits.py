"""Each guarantor's own limit beside what it signed for, and where it is beyond that."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money, Rounding
from app.lifecycle.deals import DealStatus
from app.models.deals import Deal
from app.models.ledger import LedgerAccount
from app.models.loans import Loan
from app.models.programme import GuarantorTerms
from app.risk.guarantors import over_pct, used_pct
from app.services.ledger import AccountRole, Book
from app.services.programme import balance

CLIENT_CAP_OVER = "client_cap_over_pct"
NET_ASSETS_OVER = "net_assets_over_pct"


@dataclass(frozen=True, slots=True)
class GuarantorLimit:
    """limit = held + outstanding + called + available; ``terms`` are those in force."""

    guarantor_id: UUID
    terms: GuarantorTerms | None
    held: Money
    outstanding: Money
    called: Money
    available: Money

    @property
    def used(self) -> Money:
        return Money.sum([self.held, self.outstanding, self.called])

    @property
    def limit(self) -> Money:
        return self.used + self.available

    @property
    def utilisation_pct(self) -> Decimal:
        """Of what it signed for, as its net assets bound that: above 100 when that is exceeded."""
        return used_pct(self.used, self.limit if self.terms is None else self.terms.capacity)

    @property
    def net_assets_max(self) -> Money | None:
        """Net assets × multiple, if the terms in force name both."""
        terms = self.terms
        if terms is None or terms.net_assets is None or terms.net_asset_multiple is None:
            return None
        return terms.net_assets.times(terms.net_asset_multiple, Rounding.DOWN)


async def list_limits(
    session: AsyncSession, *, on: date, guarantor_id: UUID | None = None
) -> list[GuarantorLimit]:
    """Of every guarantor with accounts, or of one. To be read as the platform or as itself."""
    accounts = select(LedgerAccount).where(LedgerAccount.book == Book.GUARANTOR)
    terms = (
        select(GuarantorTerms)
        .where(GuarantorTerms.valid_from <= on)
        .ext(distinct_on(GuarantorTerms.guarantor_id))
        .order_by(
            GuarantorTerms.guarantor_id,
            GuarantorTerms.valid_from.desc(),
            GuarantorTerms.id.desc(),
        )
    )
    if guarantor_id is not None:
        accounts = accounts.where(LedgerAccount.owner == str(guarantor_id))
        terms = terms.where(GuarantorTerms.guarantor_id == guarantor_id)
    by_owner: dict[str, dict[str, LedgerAccount]] = {}
    for account in await session.scalars(accounts.execution_options(populate_existing=True)):
        by_owner.setdefault(account.owner, {})[account.role] = account
    in_force = {row.guarantor_id: row for row in await session.scalars(terms)}
    return [
        _limit(UUID(owner), in_force.get(UUID(owner)), roles)
        for owner, roles in sorted(by_owner.items())
    ]


async def list_over(
    session: AsyncSession, limits: list[GuarantorLimit]
) -> dict[tuple[UUID, str], Decimal]:
    """By how many per cent what its terms allow is exceeded: (guarantor, measure) → per cent.

    The largest client against the cap on one, and all that is used against net assets × multiple.
    To be read as the platform.
    """
    over = {}
    for limit in limits:
        if (most := limit.net_assets_max) is not None and limit.used > most:
            over[limit.guarantor_id, NET_ASSETS_OVER] = over_pct(limit.used, most)
        cap = None if limit.terms is None else limit.terms.client_cap
        if cap is None or limit.used <= cap:
            continue
        largest = await _largest_client(session, limit.guarantor_id)
        if largest > cap:
            over[limit.guarantor_id, CLIENT_CAP_OVER] = over_pct(largest, cap)
    return over


async def _largest_client(session: AsyncSession, guarantor_id: UUID) -> Money:
    """What the guarantor carries for the firm for which it carries most, called parts included."""
    of_loan = func.coalesce(Loan.liability + Loan.called, 0)
    carried = cast(func.sum(Deal.held + of_loan), BigInteger)
    most = await session.scalar(
        select(carried)
        .outerjoin(Loan, Loan.deal_id == Deal.id)
        .where(Deal.guarantor_id == guarantor_id, Deal.status != DealStatus.FAILED)
        .group_by(Deal.firm_id)
        .order_by(carried.desc())
        .limit(1)
    )
    return Money(most or 0)


def _limit(
    guarantor_id: UUID, terms: GuarantorTerms | None, roles: dict[str, LedgerAccount]
) -> GuarantorLimit:
    available = roles[AccountRole.AVAILABLE]
    held = Money(available.debits_pending)
    return GuarantorLimit(
        guarantor_id=guarantor_id,
        terms=terms,
        held=held,
        outstanding=balance(roles[AccountRole.OUTSTANDING]),
        called=balance(roles[AccountRole.CALLED]),
        available=balance(available) - held,
    )
