"""Who may offer what on a renewal: the pledge is kept by a change of registration.

The pledgee therefore stays, and the old loan is settled by a book entry of the bank that holds
it, so the bank stays too. The guarantor stays or is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, FieldRefused
from app.core.messages import say
from app.lifecycle.deals import PledgeeKind
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal
from app.models.financing import FinancingRequest
from app.schemas.quotes import GuaranteeTerms, InsuranceTerms, LoanTerms
from app.services.actor import Actor, as_platform
from app.services.names import NAMES


@dataclass(eq=False)
class PartyMustStay(Conflict):
    """A renewal keeps the pledge, so those who hold or guarantee it stay who they are."""

    message = "This renews a loan: its {role} stays the same, and yours is another."

    role: OrganisationKind

    def words(self) -> Mapping[str, Any]:
        return {"role": NAMES[self.role]}


async def check_quote(
    session: AsyncSession,
    *,
    actor: Actor,
    request: FinancingRequest,
    terms: LoanTerms | GuaranteeTerms | InsuranceTerms,
) -> None:
    """Refuse a quote that no renewal of the old deal can be made of (PartyMustStay)."""
    if request.renews_deal_id is None:
        return
    async with as_platform(session):  # another institution's deal, of which nothing is told
        old = await session.get_one(Deal, request.renews_deal_id)
    if isinstance(terms, LoanTerms):
        check_bank(old, bank_id=actor.organisation_id, pledgee=PledgeeKind(terms.pledgee))
    elif actor.kind is OrganisationKind.GUARANTOR:
        check_guarantor(old, guarantor_id=actor.organisation_id)


def check_bank(old: Deal, *, bank_id: UUID, pledgee: PledgeeKind) -> None:
    if bank_id != old.bank_id:
        raise PartyMustStay(OrganisationKind.BANK)
    if pledgee is not old.pledgee:
        raise FieldRefused(
            "terms.pledgee",
            say("a renewal keeps its pledgee: {pledgee}", pledgee=NAMES[old.pledgee]),
        )


def check_guarantor(old: Deal, *, guarantor_id: UUID | None) -> None:
    """The old guarantor or none; a loan that had none may get one."""
    if old.guarantor_id is not None and guarantor_id not in {None, old.guarantor_id}:
        raise PartyMustStay(OrganisationKind.GUARANTOR)
