"""A lost loan says what of its principal is back beside what is outstanding."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.lifecycle.funds import ClaimKind
from app.schemas.claims import RecoveryIn
from app.services import claims, figures, recoveries
from app.services.actor import SYSTEM, Actor, bind
from tests.conftest import ActorClient
from tests.make.funds import FIVE, LATE, Funded, claim_of, colleague_of, make_defaulted, settle

ClientOf = Callable[[Actor | None], ActorClient]


async def lose(session: AsyncSession, *, recovered: int) -> tuple[Funded, UUID]:
    """Five million in default, called in full on the guarantor, and so many yuan recovered."""
    funded, loan = await make_defaulted(session)
    bank, guarantor = funded.table.bank, funded.table.guarantor
    call = claim_of(ClaimKind.GUARANTEE, FIVE)
    claim = await claims.submit(session, actor=bank, loan_id=loan.id, data=call, now=LATE)
    second = await colleague_of(session, guarantor)
    await settle(session, claim, payer=guarantor, second=second, claimant=bank)
    data = RecoveryIn(reference="REC-1", received_on=LATE.date(), amount=Money.yuan(recovered))
    await recoveries.record(session, actor=bank, loan_id=loan.id, data=data, now=LATE)
    return funded, loan.id


async def test_a_part_that_is_back_stands_beside_what_is_outstanding(
    session: AsyncSession, client_of: ClientOf
) -> None:
    funded, loan_id = await lose(session, recovered=1_200_000)
    path = f"/loans/{loan_id}"

    async with client_of(funded.table.bank) as client:
        one = (await client.get(f"/v1/lender{path}")).json()["loan"]
        listed = (await client.get("/v1/lender/loans")).json()["items"]
    async with client_of(funded.table.firm) as client:
        firms = (await client.get(f"/v1/company{path}")).json()["loan"]
        of_firm = (await client.get("/v1/company/loans")).json()["items"]

    for told in (one, *listed, firms, *of_firm):
        amounts = (told["outstanding"], told["recovered"], told["net_outstanding"])
        assert amounts == ("5000000.00", "1200000.00", "3800000.00")
    assert (len(listed), len(of_firm)) == (1, 1)


async def test_all_of_it_back_leaves_nothing(session: AsyncSession, client_of: ClientOf) -> None:
    funded, loan_id = await lose(session, recovered=5_000_000)
    path = f"/v1/lender/loans/{loan_id}"

    async with client_of(funded.table.bank) as client:
        told = (await client.get(path)).json()["loan"]

    amounts = (told["outstanding"], told["recovered"], told["net_outstanding"])
    assert amounts == ("0.00", "5000000.00", "0.00")


async def test_a_park_is_told_what_is_back(session: AsyncSession) -> None:
    await lose(session, recovered=1_200_000)
    await bind(session, SYSTEM)

    found = await figures.read_figures(session, "PINGLUO", at=None, now=LATE)

    assert found.lending.recovered == Money.yuan(1_200_000)
    other = await figures.read_figures(session, "NINGDONG", at=None, now=LATE)
    assert other.lending.recovered == Money(0)
