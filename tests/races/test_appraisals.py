"""Whatever two people click, a report is delivered and answered once, and a sheet is begun once."""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, connect
from app.core.errors import DomainError
from app.lifecycle.appraisals import AppraisalStatus
from app.models.appraisals import AppraisalAnswer, AppraisalOrder, AppraisalReport, GradeSheet
from app.models.rights import Right
from app.schemas.appraisals import ReportIn
from app.schemas.grading import GradeAnswerIn, GradeSheetIn
from app.services import appraisal_orders, appraisal_reports, grade_sheets
from app.services.actor import SYSTEM, Actor, bind
from tests.make.appraisals import REPORT, make_appraiser, make_order
from tests.make.market import make_firm, make_portfolio, make_right
from tests.make.parties import NOW
from tests.make.rights import make_document

PEOPLE = 6

Act = Callable[[AsyncSession], Awaitable[object]]


async def at_once(sessions: Sessions, *acts: tuple[Actor, Act]) -> list[str]:
    """What came of each act, all at the same time: done, or the code of the refusal."""

    async def one(actor: Actor, act: Act) -> str:
        try:
            async with sessions.begin() as session:
                await bind(session, actor)
                await act(session)
        except DomainError as error:
            return error.error_code()
        return "done"

    return await asyncio.gather(*(one(actor, act) for actor, act in acts))


async def make_scene(sessions: Sessions) -> tuple[Actor, Actor, Right, AppraisalOrder, ReportIn]:
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        firm = await make_firm(session)
        appraiser = await make_appraiser(session)
        right = await make_right(session, firm)
        portfolio = await make_portfolio(session, firm, [right])
        order = await make_order(
            session,
            orderer=firm,
            appraiser=appraiser,
            portfolio_id=portfolio.id,
            firm_id=firm.organisation_id,
            rights=[right],
            status=AppraisalStatus.AGREED,
        )
        document = await make_document(session, appraiser.organisation_id, kind="report")
        report = ReportIn.model_validate(REPORT | {"document_id": document.id})
        return firm, appraiser, right, order, report


async def test_a_report_is_delivered_once_and_answered_once(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=PEOPLE) as sessions:
        firm, appraiser, _, order, report = await make_scene(sessions)

        async def deliver(session: AsyncSession) -> object:
            return await appraisal_reports.deliver(
                session, actor=appraiser, order_id=order.id, stated=report, now=NOW
            )

        async def accept(session: AsyncSession) -> object:
            return await appraisal_reports.accept(session, actor=firm, order_id=order.id, now=NOW)

        delivered = await at_once(sessions, *[(appraiser, deliver)] * PEOPLE)
        accepted = await at_once(sessions, *[(firm, accept)] * PEOPLE)

        assert sorted(delivered) == ["done"] + ["illegal-move"] * (PEOPLE - 1)
        assert sorted(accepted) == ["done"] + ["illegal-move"] * (PEOPLE - 1)
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            for table in (AppraisalReport, AppraisalAnswer):
                assert await session.scalar(select(func.count()).select_from(table)) == 1


async def test_an_order_is_either_cancelled_or_delivered(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=PEOPLE) as sessions:
        firm, appraiser, _, order, report = await make_scene(sessions)

        async def deliver(session: AsyncSession) -> object:
            return await appraisal_reports.deliver(
                session, actor=appraiser, order_id=order.id, stated=report, now=NOW
            )

        async def cancel(session: AsyncSession) -> object:
            return await appraisal_orders.cancel(
                session, actor=firm, order_id=order.id, reason="不需要", now=NOW
            )

        outcomes = await at_once(sessions, (appraiser, deliver), (firm, cancel))

        assert sorted(outcomes) == ["done", "illegal-move"]
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            status = await session.scalar(select(AppraisalOrder.status))
            reports = await session.scalar(select(func.count()).select_from(AppraisalReport))
        assert (status is AppraisalStatus.DELIVERED) is (reports == 1)


async def test_a_sheet_is_begun_once_and_takes_no_answer_once_finished(
    fresh_database: str,
) -> None:
    async with connect(fresh_database, pool_size=PEOPLE) as sessions:
        firm, _, right, _, _ = await make_scene(sessions)

        async def start(session: AsyncSession) -> object:
            return await grade_sheets.start(
                session, actor=firm, right_id=right.id, stated=GradeSheetIn(use="finance"), now=NOW
            )

        begun = await at_once(sessions, *[(firm, start)] * PEOPLE)
        assert sorted(begun) == ["done"] + ["sheet-stands"] * (PEOPLE - 1)
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            sheet_id = await session.scalar(select(GradeSheet.id))
        assert sheet_id is not None

        async def answer(session: AsyncSession) -> object:
            return await grade_sheets.answer(
                session,
                actor=firm,
                sheet_id=sheet_id,
                indicator="rivals",
                stated=GradeAnswerIn(level=5, note="见附注"),
                now=NOW,
            )

        async def finish(session: AsyncSession) -> object:
            return await grade_sheets.finish(session, actor=firm, sheet_id=sheet_id, now=NOW)

        first, second = await at_once(sessions, (firm, answer), (firm, finish))

        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            sheet = (await session.scalars(select(GradeSheet))).one()
        assert second == "done"
        assert sheet.result is not None
        assert ("rivals" in sheet.result["missing"]) is (first == "illegal-move")
