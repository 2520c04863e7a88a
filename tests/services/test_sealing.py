"""The ledger proves itself: a replay finds what was tampered with, and where."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import connect
from app.core.money import Money
from app.services import ledger, sealing
from app.services.actor import SYSTEM, bind
from app.services.ledger import AccountRole, Book
from app.services.sealing import FindingKind
from tests.make.deals import accept, make_table


async def test_an_untouched_ledger_holds(session: AsyncSession) -> None:
    await accept(session, await make_table(session))

    assert await sealing.verify(session) == []


async def test_a_changed_counter_is_found(session: AsyncSession) -> None:
    await session.execute(
        text(
            "UPDATE ledger_accounts SET credits_posted = credits_posted + 1 WHERE role = 'reserve'"
        )
    )

    assert [finding.kind for finding in await sealing.verify(session)] == [
        FindingKind.BALANCE_MISMATCH
    ]


async def test_a_forged_entry_and_transfer_are_found(session: AsyncSession) -> None:
    reserve = await ledger.find_account(
        session, book=Book.QUOTA, owner="programme", role=AccountRole.RESERVE
    )
    park = await ledger.find_account(
        session, book=Book.QUOTA, owner="PINGLUO", role=AccountRole.AVAILABLE
    )
    assert reserve is not None
    assert park is not None
    await session.execute(
        text(
            "INSERT INTO ledger_transfers"
            " (id, kind, code, debit_account_id, credit_account_id, amount, reference)"
            " VALUES (gen_random_uuid(), 'transfer', 'forged', :debit, :credit, 5, :debit)"
        ),
        {"debit": reserve.id, "credit": park.id},
    )
    await session.execute(
        text(
            "INSERT INTO ledger_entries SELECT :id, 9, t.id, 0, 0, 7, 0, now()"
            " FROM ledger_transfers t WHERE t.code = 'forged'"
        ),
        {"id": park.id},
    )

    kinds = {finding.kind for finding in await sealing.verify(session)}

    assert kinds == {
        FindingKind.SEQUENCE_GAP,
        FindingKind.UNBALANCED,
        FindingKind.BALANCE_MISMATCH,
    }


async def test_rows_of_the_ledger_cannot_be_changed(session: AsyncSession) -> None:
    with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
        async with session.begin_nested():
            await session.execute(text("UPDATE ledger_transfers SET amount = 1"))


async def test_a_limit_is_not_passed(session: AsyncSession) -> None:
    park = await ledger.find_account(
        session, book=Book.QUOTA, owner="PINGLUO", role=AccountRole.AVAILABLE
    )
    reserve = await ledger.find_account(
        session, book=Book.QUOTA, owner="programme", role=AccountRole.RESERVE
    )
    assert park is not None
    assert reserve is not None
    small = ledger.transfer("test", park.id, reserve.id, Money(1), park.id)
    large = ledger.transfer("test", park.id, reserve.id, Money.yuan(36_000_000), park.id)

    with pytest.raises(ledger.LedgerRefused, match="exceeds"):
        await ledger.apply(session, [small, large])

    await session.refresh(park)
    assert (park.debits_posted, park.version) == (0, 1)


async def test_sealed_transfers_form_a_chain_that_shows_a_forgery(fresh_database: str) -> None:
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            sealed = await sealing.seal(session)
        async with sessions.begin() as session:
            assert sealed > 1
            assert await sealing.seal(session) == 0
            assert await sealing.verify(session) == []
            await session.execute(
                text(
                    "INSERT INTO ledger_transfers"
                    " (id, kind, code, debit_account_id, credit_account_id, amount, reference)"
                    " SELECT gen_random_uuid(), kind, code, debit_account_id, credit_account_id,"
                    " amount, reference FROM ledger_transfers LIMIT 1"
                )
            )
            await session.execute(
                text(
                    "INSERT INTO ledger_seals (transfer_id, hash) SELECT id, 'x' FROM"
                    " ledger_transfers WHERE id NOT IN (SELECT transfer_id FROM ledger_seals)"
                )
            )
            kinds = {finding.kind for finding in await sealing.verify(session)}
    assert kinds == {FindingKind.HASH_MISMATCH, FindingKind.UNBALANCED}
