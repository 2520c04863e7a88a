"""An authority of two people, two reviewing agencies, a window that is open, and applications."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.grants.measure import Measure
from app.grants.measure_files import MEASURES
from app.lifecycle.grants import ApplicationStatus
from app.lifecycle.parties import OrganisationKind
from app.models.grants import (
    GrantApplication,
    GrantProgramme,
    GrantWindow,
)
from app.schemas.grant_desk import (
    AgreementIn,
    DeclarationIn,
    GrantPaymentIn,
    SheetIn,
)
from app.schemas.grants import ApplicationIn, ProgrammeIn, WindowIn
from app.services import (
    grant_applications,
    grant_budgets,
    grant_checks,
    grant_notices,
    grant_payments,
    grant_programmes,
    grant_ranking,
    grant_reviews,
    grant_rules,
)
from app.services.actor import SYSTEM, Actor, bind
from app.services.grant_budgets import BudgetState
from tests.make.market import make_firm
from tests.make.parties import NOW, make_actor, make_organisation

TODAY = NOW.date()
AFTER_NOTICE = NOW + timedelta(days=14)
FACTS: dict[int, dict[str, Any]] = {
    1: {"designation": "pilot", "level": "city", "nationally_recognised": True},
    2: {"requested": "600000.00"},
    3: {"outstanding": True},
    4: {
        "deal_amount": "19999999.00",
        "buyer_size": "small",
        "buyer_in_region": True,
        "kind": "licence",
        "benefit_shown": True,
    },
    5: {"requested": "1500000.00"},
    9: {"application_kind": "invention", "field": "new_materials"},
    10: {"accredited": True},
    14: {"designation": "gi_protection_zone"},
}
"""Complete facts of every measure that pays, all rules met."""


@dataclass
class Desk:
    """Who decides, who reviews, who applies, and one open window."""

    first: Actor
    second: Actor
    reviewers: list[Actor]
    firm: Actor
    programme: GrantProgramme
    window: GrantWindow


async def make_desk(
    session: AsyncSession, measure: int = 4, *, measures: Mapping[int, Measure] = MEASURES
) -> Desk:
    await bind(session, SYSTEM)
    authority = await make_organisation(session, OrganisationKind.AUTHORITY)
    first, second = [await make_actor(session, authority) for _ in range(2)]
    reviewers = [
        await make_actor(session, await make_organisation(session, OrganisationKind.AGENCY))
        for _ in range(2)
    ]
    firm = await make_firm(session)
    programme = await grant_programmes.create_programme(
        session,
        actor=first,
        data=ProgrammeIn(measure=measure, title="专项"),
        measures=measures,
        now=NOW,
    )
    await grant_programmes.open_programme(session, actor=first, programme_id=programme.id, now=NOW)
    desk = Desk(first, second, reviewers, firm, programme, GrantWindow())
    desk.window = await open_window(session, desk)
    return desk


async def open_window(session: AsyncSession, desk: Desk) -> GrantWindow:
    window = await grant_programmes.create_window(
        session,
        actor=desk.first,
        programme_id=desk.programme.id,
        data=WindowIn(title="第一批", opens_on=TODAY, closes_on=TODAY + timedelta(days=30)),
        now=NOW,
    )
    return await grant_programmes.open_window(
        session, actor=desk.first, window_id=window.id, now=NOW
    )


def form_of(desk: Desk, key: str = "", **facts: Any) -> ApplicationIn:
    stated = FACTS.get(desk.programme.measure, {}) | facts
    return ApplicationIn(
        window_id=desk.window.id,
        key=key or f"K-{new_id()}",
        title="项目",
        summary="说明",
        facts=stated,
    )


async def submit(
    session: AsyncSession, desk: Desk, key: str = "", *, firm: Actor | None = None, **facts: Any
) -> GrantApplication:
    firm = firm or desk.firm
    drafted = await grant_applications.draft(
        session, actor=firm, data=form_of(desk, key, **facts), now=NOW
    )
    return await grant_applications.submit(session, actor=firm, application_id=drafted.id, now=NOW)


async def accept(session: AsyncSession, desk: Desk, application: GrantApplication) -> None:
    await grant_checks.accept(
        session, actor=desk.first, application_id=application.id, facts={}, now=NOW
    )


async def review(
    session: AsyncSession, desk: Desk, application: GrantApplication, *, mark: int = 80
) -> None:
    """Both agencies declare no conflict and file their sheets."""
    scoring = grant_rules.rules_of(desk.programme).scoring
    marks = {criterion.id: mark for criterion in scoring.criteria} if scoring else {}
    for reviewer in desk.reviewers:
        await grant_reviews.assign(
            session,
            actor=desk.first,
            application_id=application.id,
            organisation_id=reviewer.organisation_id,
            now=NOW,
        )
        await grant_reviews.declare(
            session,
            actor=reviewer,
            application_id=application.id,
            data=DeclarationIn(conflict=False, statement="无利害关系"),
            now=NOW,
        )
        await grant_reviews.file_sheet(
            session,
            actor=reviewer,
            application_id=application.id,
            data=SheetIn(marks=marks, supports=True, comment="同意"),
            now=NOW,
        )


async def reviewed(
    session: AsyncSession, desk: Desk, key: str = "", *, mark: int = 80, **more: Any
) -> GrantApplication:
    application = await submit(session, desk, key, **more)
    await accept(session, desk, application)
    await review(session, desk, application, mark=mark)
    return application


async def rank(session: AsyncSession, desk: Desk) -> list[GrantApplication]:
    await grant_programmes.close_window(
        session, actor=desk.first, window_id=desk.window.id, now=NOW
    )
    rows = await grant_ranking.rank_window(
        session, actor=desk.first, window_id=desk.window.id, now=NOW
    )
    return list(rows)


async def recommended(
    session: AsyncSession, desk: Desk, key: str = "", **more: Any
) -> GrantApplication:
    """One application, alone in its window if that is ranked."""
    application = await reviewed(session, desk, key, **more)
    if grant_rules.rules_of(desk.programme).scoring is not None:
        await rank(session, desk)
    else:
        await grant_ranking.recommend(
            session, actor=desk.first, application_id=application.id, now=NOW
        )
    return application


async def notice(
    session: AsyncSession, desk: Desk, application: GrantApplication
) -> GrantApplication:
    return await grant_notices.notice(
        session, actor=desk.first, application_id=application.id, now=NOW
    )


async def approve(
    session: AsyncSession, desk: Desk, application: GrantApplication
) -> GrantApplication:
    return await grant_payments.approve(
        session, actor=desk.second, application_id=application.id, now=AFTER_NOTICE
    )


async def pay(session: AsyncSession, desk: Desk, application: GrantApplication) -> GrantApplication:
    """From the decision to the money."""
    await agree(session, desk, application)
    return await grant_payments.pay(
        session,
        actor=desk.first,
        application_id=application.id,
        data=payment(),
        now=AFTER_NOTICE,
    )


async def agree(session: AsyncSession, desk: Desk, application: GrantApplication) -> None:
    await grant_payments.draw_up(
        session,
        actor=desk.first,
        application_id=application.id,
        data=AgreementIn(reference="XY-1", terms="专款专用"),
        now=AFTER_NOTICE,
    )
    await grant_payments.agree(
        session,
        actor=desk.firm,
        application_id=application.id,
        reference="XY-1",
        now=AFTER_NOTICE,
    )


def payment(reference: str = "CZ-1", *, now: datetime = AFTER_NOTICE) -> GrantPaymentIn:
    return GrantPaymentIn(paid_on=now.date(), reference=reference)


async def make_recommended(
    session: AsyncSession, desk: Desk, count: int, *, first: int = 0
) -> list[GrantApplication]:
    """Rows as they stand after the reviews, for races: the road to here has tests of its own."""
    rows = [
        GrantApplication(
            id=new_id(),
            programme_id=desk.programme.id,
            window_id=desk.window.id,
            measure=desk.programme.measure,
            year=desk.programme.year,
            applicant_id=desk.firm.organisation_id,
            applicant_name="示例企业",
            key=f"K-{number}",
            title="项目",
            summary="说明",
            facts=FACTS[desk.programme.measure],
            status=ApplicationStatus.RECOMMENDED,
            trace=[],
            checked_by=desk.first.user_id,
            recommended_by=desk.first.user_id,
        )
        for number in range(first, first + count)
    ]
    session.add_all(rows)
    await session.flush()
    return rows


async def state_of(session: AsyncSession, desk: Desk) -> BudgetState:
    await bind(session, SYSTEM)
    budget = await grant_budgets.lock_budget(session, desk.programme.budget_id)
    return (await grant_budgets.states_of(session, [budget]))[budget.id]
