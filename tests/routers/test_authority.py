"""What the authority sees over HTTP: whether the ledger holds."""

from collections.abc import Callable

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import OrganisationKind
from app.models.ledger import LedgerAccount, LedgerSeal
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.deals import accept, make_table
from tests.make.parties import NOW, make_actor, make_organisation

ClientOf = Callable[[Actor | None], ActorClient]

PATH = "/v1/authority/ledger/verification"


async def test_the_ledger_is_verified_and_what_is_wrong_is_named(
    session: AsyncSession, client_of: ClientOf
) -> None:
    authority = await make_actor(
        session, await make_organisation(session, OrganisationKind.AUTHORITY)
    )
    await accept(session, await make_table(session))
    async with client_of(authority) as client:
        sound = await client.get(PATH)
    account_id = await session.scalar(select(LedgerAccount.id).limit(1))
    forged = {"sequence": 1, "account_id": account_id, "hash": bytes(32)}
    await session.execute(insert(LedgerSeal).values(**forged, sealed_at=NOW, horizon=0))
    async with client_of(authority) as client:
        broken = await client.get(PATH)

    assert sound.json() == {"holds": True, "findings": []}
    assert not broken.json()["holds"]
    assert [finding["kind"] for finding in broken.json()["findings"]] == ["hash_mismatch"]
