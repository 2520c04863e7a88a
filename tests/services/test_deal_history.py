"""The history of a deal names every act, also of what has no states of its own."""

from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.models.deals import Deal
from app.schemas.loans import ExtensionIn
from app.services import approvals, deals, extensions, failures, reversals
from app.services.actor import Actor
from tests.make.deals import accept, make_table
from tests.make.limits import at
from tests.make.loans import make_drawn, pay
from tests.make.parties import NOW

JUNE_20 = date(2026, 6, 20)


async def acts(session: AsyncSession, actor: Actor, deal: Deal) -> list[tuple[str, str]]:
    await session.flush()
    rows = await deals.list_history(session, actor=actor, deal_id=deal.id)
    return [(row.subject, row.event) for row in rows]


async def test_repayments_reversals_and_extensions(session: AsyncSession) -> None:
    drawn = await make_drawn(session)
    bank = drawn.bank
    repayment = await pay(session, drawn, "15500.00", JUNE_20)
    await reversals.reverse(
        session, actor=bank, repayment_id=repayment.id, reason="记错", now=at(JUNE_20)
    )
    await pay(session, drawn, "15500.00", JUNE_20)
    await extensions.request(
        session,
        actor=drawn.firm,
        loan_id=drawn.loan.id,
        data=ExtensionIn(extra_months=6, reason="客户回款延期"),
        now=at(JUNE_20),
    )

    found = await acts(session, drawn.firm, drawn.deal)

    assert [act for act in found if act[0] in {"repayment", "extension"}] == [
        ("repayment", "record"),
        ("repayment", "reverse"),
        ("repayment", "record"),
        ("extension", "create"),
    ]


async def test_conditions_and_what_becomes_of_the_hold(session: AsyncSession) -> None:
    table = await make_table(session)
    deal = await accept(session, table)
    given: dict[str, Any] = {"reference": None, "valid_days": 90, "now": NOW}
    await approvals.approve(
        session,
        actor=table.bank,
        deal_id=deal.id,
        principal=Money.yuan(4_000_000),
        conditions=["补充担保"],
        **given,
    )
    [condition] = (await deals.get_details(session, actor=table.bank, deal_id=deal.id)).conditions
    await approvals.meet_condition(
        session,
        actor=table.bank,
        deal_id=deal.id,
        condition_id=condition.id,
        document_id=None,
        now=NOW,
    )
    await failures.withdraw_deal(session, actor=table.firm, deal_id=deal.id, reason="改期", now=NOW)

    found = await acts(session, table.firm, deal)

    assert [act for act in found if act[0] in {"hold", "condition"}] == [
        ("hold", "reduce"),
        ("condition", "meet"),
        ("hold", "void"),
    ]
