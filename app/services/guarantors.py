"""What guarantors signed for, by day: their limit, their cap per client, the mix they promise."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Select, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.core.money import ZERO, Money
from app.identifiers.enterprise_size import EnterpriseSize
from app.lifecycle.deals import DealStatus
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal
from app.models.financing import FinancingRequest
from app.models.ledger import LedgerAccount
from app.models.loans import Loan
from app.models.organisations import Organisation
from app.models.programme import GuarantorTerms
from app.risk.guarantors import Mix, Ticket, effective_capacity, mix
from app.schemas.programme import TICKET_UNSIZED, GuarantorTermsFacts
from app.services import ledger, limits
from app.services.actor import SYSTEM, Actor, bind
from app.services.ledger import AccountRole, Book
from app.services.programme import balance

SMALL = (EnterpriseSize.SMALL, EnterpriseSize.MICRO)

TERMS_MAX = 200

ROLES = (
    AccountRole.SOURCE,
    AccountRole.AVAILABLE,
    AccountRole.OUTSTANDING,
    AccountRole.CALLED,
)


class GuarantorNotVerified(Conflict):
    message = "The guarantor has not been verified, so it has no limit yet."


def visible_terms(actor: Actor) -> Select[GuarantorTerms]:
    """The terms ``actor`` may see: a guarantor its own, the authority all."""
    terms = select(GuarantorTerms)
    match actor.kind:
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return terms
        case OrganisationKind.GUARANTOR:
            return terms.where(GuarantorTerms.guarantor_id == actor.organisation_id)
        case _:
            return terms.where(false())


async def open_accounts(session: AsyncSession, *, guarantor_id: UUID) -> None:
    """The accounts of the guarantor's limit, empty: nothing is available until it signs for it."""
    for role in ROLES:
        await ledger.open_account(session, book=Book.GUARANTOR, owner=str(guarantor_id), role=role)


async def list_terms(
    session: AsyncSession, *, actor: Actor, guarantor_id: UUID
) -> Sequence[GuarantorTerms]:
    """What a guarantor signed for, newest first; NotFound for another's."""
    await must_see(session, actor, guarantor_id)
    rows = await session.scalars(
        visible_terms(actor)
        .where(GuarantorTerms.guarantor_id == guarantor_id)
        .order_by(GuarantorTerms.valid_from.desc(), GuarantorTerms.id.desc())
        .limit(TERMS_MAX)
    )
    return rows.all()


async def find_terms(
    session: AsyncSession, guarantor_id: UUID, *, on: date
) -> GuarantorTerms | None:
    """The terms in force on the day ``on``, if the actor may see them."""
    terms: GuarantorTerms | None = await session.scalar(
        select(GuarantorTerms)
        .where(GuarantorTerms.guarantor_id == guarantor_id, GuarantorTerms.valid_from <= on)
        .order_by(GuarantorTerms.valid_from.desc(), GuarantorTerms.id.desc())
        .limit(1)
    )
    return terms


async def must_be_verified(session: AsyncSession, guarantor_id: UUID) -> None:
    """Raise FieldRefused for what is no guarantor, GuarantorNotVerified for one without a limit."""
    guarantor = await session.scalar(
        select(Organisation.id).where(
            Organisation.id == guarantor_id, Organisation.kind == OrganisationKind.GUARANTOR
        )
    )
    if guarantor is None:
        raise FieldRefused("facts.guarantor_id", say("is no guarantor"))
    account = await ledger.find_account(
        session, book=Book.GUARANTOR, owner=str(guarantor_id), role=ROLES[0]
    )
    if account is None:
        raise GuarantorNotVerified


async def complete(
    session: AsyncSession, facts: GuarantorTermsFacts, *, on: date
) -> GuarantorTermsFacts:
    """The facts with what they leave out as the terms in force on the day ``on`` have it."""
    terms = await find_terms(session, facts.guarantor_id, on=on)
    left_out = type(facts).model_fields.keys() - facts.model_fields_set
    kept = {name: getattr(terms, name) for name in left_out} if terms else {}
    whole = facts.model_copy(update=kept)
    if not whole.is_ticket_sized():
        raise FieldRefused("facts.small_ticket_max", TICKET_UNSIZED)
    return whole


def are_in_force(terms: GuarantorTerms, facts: GuarantorTermsFacts) -> bool:
    """Whether the terms are those that a change proposes."""
    proposed = facts.model_dump(exclude={"kind"})
    return all(getattr(terms, name) == value for name, value in proposed.items())


async def put_in_force(
    session: AsyncSession, facts: GuarantorTermsFacts, *, change_id: UUID, on: date
) -> Money:
    """Write the terms and move the limit there, as far as what is used allows; the limit then."""
    session.add(
        GuarantorTerms(
            id=new_id(),
            valid_from=on,
            change_id=change_id,
            capacity=effective_capacity(
                facts.signed_capacity,
                net_assets=facts.net_assets,
                multiple=facts.net_asset_multiple,
            ),
            **facts.model_dump(exclude={"kind"}),
        )
    )
    await session.flush()
    return await align_limit(session, guarantor_id=facts.guarantor_id, reference=change_id)


async def align_limit(session: AsyncSession, *, guarantor_id: UUID, reference: UUID) -> Money:
    """Bring the limit to max(capacity, what is used), as far as no retake waits for what is free.

    The limit as it is then; GuarantorNotVerified without accounts.
    """
    capacity = await limits.find_capacity(session, guarantor_id) or ZERO
    accounts = await _lock_accounts(session, guarantor_id)
    source, available = accounts[AccountRole.SOURCE], accounts[AccountRole.AVAILABLE]
    free = balance(available) - Money(available.debits_pending)
    limit = Money.sum([balance(accounts[role]) for role in ROLES if role is not AccountRole.SOURCE])
    if capacity > limit:
        more = ledger.transfer("capacity", source.id, available.id, capacity - limit, reference)
        await ledger.apply(session, [more])
        return capacity
    excess = min(free, limit - capacity)
    if not excess or await limits.is_retake_waiting(session, [available.id]):
        return limit
    less = ledger.transfer("capacity", available.id, source.id, excess, reference)
    await ledger.apply(session, [less])
    return limit - excess


async def _lock_accounts(
    session: AsyncSession, guarantor_id: UUID
) -> dict[AccountRole, LedgerAccount]:
    """The four accounts, locked in the order in which the ledger's functions lock them."""
    rows = await session.scalars(
        select(LedgerAccount)
        .where(LedgerAccount.book == Book.GUARANTOR, LedgerAccount.owner == str(guarantor_id))
        .order_by(LedgerAccount.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    accounts = {AccountRole(account.role): account for account in rows}
    if not accounts:
        raise GuarantorNotVerified
    return accounts


async def get_mix(session: AsyncSession, *, actor: Actor, guarantor_id: UUID, on: date) -> Mix:
    """``guarantor_mix`` for the guarantor itself or the authority."""
    await must_see(session, actor, guarantor_id)
    await bind(session, SYSTEM)  # the firms' sizes stand on their requests; only sums are told
    found = await guarantor_mix(session, guarantor_id, on)
    await bind(session, actor)
    return found


async def guarantor_mix(session: AsyncSession, guarantor_id: UUID, on: date) -> Mix:
    """How the guarantor's liability is spread now, against the terms in force ``on`` that day.

    Held and outstanding liability of every live deal, by the firm's size when it asked. To be
    read as the platform; ``below`` of the answer names what deserves an alarm.
    """
    terms = await find_terms(session, guarantor_id, on=on)
    small_ticket_max = terms.small_ticket_max if terms else None
    small_firm = FinancingRequest.size.in_(SMALL)
    small_ticket = Deal.principal <= (small_ticket_max or ZERO)
    # A group is on one side of each line, and so is the least principal in it.
    rows = await session.execute(
        select(func.sum(Deal.held), func.sum(Loan.liability), func.min(Deal.principal), small_firm)
        .join(FinancingRequest, FinancingRequest.id == Deal.request_id)
        .outerjoin(Loan, Loan.deal_id == Deal.id)
        .where(
            Deal.guarantor_id == guarantor_id,
            Deal.status != DealStatus.FAILED,
            or_(Deal.held > ZERO, Loan.liability > ZERO),
        )
        .group_by(small_firm, small_ticket)
    )
    return mix(
        [
            Ticket(held + (outstanding or ZERO), principal, small_firm=bool(small))
            for held, outstanding, principal, small in rows
        ],
        min_small_firm_pct=terms.min_small_firm_pct if terms else None,
        min_small_ticket_pct=terms.min_small_ticket_pct if terms else None,
        small_ticket_max=small_ticket_max,
    )


async def list_short(session: AsyncSession, *, on: date) -> dict[tuple[UUID, str], Decimal]:
    """By how many points whose mix is below what its terms ask: (guarantor, share) → points.

    To be read as the platform.
    """
    asked = await session.scalars(
        select(GuarantorTerms.guarantor_id)
        .where(
            or_(
                GuarantorTerms.min_small_firm_pct.is_not(None),
                GuarantorTerms.min_small_ticket_pct.is_not(None),
            )
        )
        .distinct()
        .order_by(GuarantorTerms.guarantor_id)
    )
    short = {}
    for guarantor_id in asked.all():
        found = await guarantor_mix(session, guarantor_id, on)
        for name in found.below:
            share = found.shares[name]
            assert share.min_pct is not None
            assert share.share_pct is not None
            short[guarantor_id, name] = share.min_pct - share.share_pct
    return short


async def must_see(session: AsyncSession, actor: Actor, guarantor_id: UUID) -> None:
    """Raise NotFound unless it is a guarantor, and the actor's own unless they are staff."""
    actor.must_be(OrganisationKind.GUARANTOR, OrganisationKind.AUTHORITY)
    found = await session.scalar(
        select(Organisation.id).where(
            Organisation.id == guarantor_id, Organisation.kind == OrganisationKind.GUARANTOR
        )
    )
    if found is None or (not actor.is_staff and guarantor_id != actor.organisation_id):
        raise NotFound
