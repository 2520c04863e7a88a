"""An application from its draft to the audit, and every way it ends before."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lifecycle.grants import ApplicationStatus
from app.schemas.grant_desk import DeclarationIn, SheetIn
from app.schemas.grants import DraftIn, RelationIn
from app.services import (
    grant_applications,
    grant_checks,
    grant_endings,
    grant_letters,
    grant_payments,
    grant_ranking,
    grant_related,
    grant_reviews,
    sealing,
)
from app.services.grant_applications import CorrectionOver
from app.services.grant_budgets import BudgetState
from app.services.grant_duplicates import AwardedTwice
from app.services.grant_ranking import NotSupported
from app.services.grant_reviews import (
    DeclaredConflict,
    DeclareFirst,
    ReviewerRelated,
    ReviewersEnough,
    SheetsMissing,
)
from app.services.grant_rules import NotEligible, OnePersonTwice
from tests.make import grants
from tests.make.grants import FACTS, TODAY
from tests.make.market import make_firm
from tests.make.parties import NOW


def counters(state: BudgetState) -> Mapping[str, Money | None]:
    return {
        "reserved": state.reserved,
        "committed": state.committed,
        "paid": state.paid,
        "left": state.left,
    }


@pytest.mark.parametrize(
    ("measure", "award"),
    [(1, 500_000), (2, 600_000), (3, 200_000), (4, "999999.95"), (5, 1_500_000), (10, 200_000),
     (14, 200_000)],
)  # fmt: skip
async def test_every_paying_measure_goes_the_whole_road(
    session: AsyncSession, measure: int, award: int | str
) -> None:
    desk = await grants.make_desk(session, measure)
    before = (await grants.state_of(session, desk)).left
    application = await grants.recommended(session, desk)
    amount = Money.yuan(award)

    await grants.notice(session, desk, application)
    assert (await grants.state_of(session, desk)).reserved == amount
    await grants.approve(session, desk, application)
    assert (await grants.state_of(session, desk)).committed == amount
    await grants.pay(session, desk, application)

    state = await grants.state_of(session, desk)
    left = None if before is None else before - amount
    assert counters(state) == {
        "reserved": ZERO, "committed": ZERO, "paid": amount, "left": left,
    }  # fmt: skip
    assert (application.status, application.award) == (ApplicationStatus.PAID, amount)
    step = application.trace[-1]
    assert step["clause_zh"]
    assert step["text_zh"] != step["text_en"]
    assert await sealing.verify(session) == []


async def test_a_measure_without_a_stated_ceiling_has_none(session: AsyncSession) -> None:
    assert (await grants.state_of(session, await grants.make_desk(session, 4))).left is None


async def test_a_place_is_given_by_the_decision_and_pays_nothing(session: AsyncSession) -> None:
    desk = await grants.make_desk(session, 9)
    application = await grants.recommended(session, desk)
    await grants.notice(session, desk, application)
    await grants.approve(session, desk, application)

    state = await grants.state_of(session, desk)
    assert (state.committed, state.left) == (Money(1), Money(99))
    letter = await grant_letters.write(session, actor=desk.firm, application_id=application.id)
    assert ("申请人", application.applicant_name) in letter.facts
    assert letter.number == str(application.id)
    pdf = await grant_letters.to_pdf(letter)
    assert pdf == await grant_letters.to_pdf(letter)
    assert f'<rdf:li xml:lang="x-default">{letter.title}</rdf:li>'.encode() in pdf
    with pytest.raises(grant_payments.NothingToPay):
        await grants.pay(session, desk, application)


async def test_a_letter_goes_with_a_place_that_is_given(session: AsyncSession) -> None:
    desk = await grants.make_desk(session, 9)
    application = await grants.recommended(session, desk)

    with pytest.raises(grant_letters.NoLetter):
        await grant_letters.write(session, actor=desk.firm, application_id=application.id)


async def test_an_unstated_fact_and_a_rule_that_fails_refuse_a_submission(
    session: AsyncSession,
) -> None:
    desk = await grants.make_desk(session, 9)
    form = grants.form_of(desk)
    form.facts = {"application_kind": "invention"}
    drafted = await grant_applications.draft(session, actor=desk.firm, data=form, now=NOW)

    async with session.begin_nested() as savepoint:
        with pytest.raises(FieldRefused) as missing:
            await grant_applications.submit(
                session, actor=desk.firm, application_id=drafted.id, now=NOW
            )
        await savepoint.rollback()
    with pytest.raises(NotEligible) as refused:
        await grants.submit(session, desk, application_kind="design")

    assert missing.value.field == "facts.field"
    assert refused.value.rules == ["invention"]


async def test_what_the_budget_has_left_is_no_fact_of_an_applicant(session: AsyncSession) -> None:
    desk = await grants.make_desk(session, 2)

    with pytest.raises(FieldRefused) as refused:
        await grants.submit(session, desk, pot_left="1100000.00")
    assert refused.value.field == "facts.pot_left"


class TestCorrection:
    async def test_a_returned_application_comes_back_in_working_days(
        self, session: AsyncSession
    ) -> None:
        desk = await grants.make_desk(session)
        application = await grants.submit(session, desk)
        await grant_checks.send_back(
            session, actor=desk.first, application_id=application.id, reason="缺效益证明", now=NOW
        )
        # Ten working days after Monday, 23 November 2026.
        assert application.correct_by == TODAY + timedelta(days=14)

        changed = DraftIn(key="K-2", title="新", summary="补充", facts=FACTS[4])
        await grant_applications.change(
            session, actor=desk.firm, application_id=application.id, data=changed
        )
        late = NOW + timedelta(days=15)
        async with session.begin_nested() as savepoint:
            with pytest.raises(CorrectionOver):
                await grant_applications.submit(
                    session, actor=desk.firm, application_id=application.id, now=late
                )
            await savepoint.rollback()
        await session.refresh(application)
        await grant_applications.submit(
            session, actor=desk.firm, application_id=application.id, now=NOW
        )
        assert (application.status, application.round) == (ApplicationStatus.SUBMITTED, 2)

    async def test_the_desk_corrects_a_fact_by_the_papers(self, session: AsyncSession) -> None:
        desk = await grants.make_desk(session)
        application = await grants.submit(session, desk)

        with pytest.raises(NotEligible):
            await grant_checks.accept(
                session,
                actor=desk.first,
                application_id=application.id,
                facts={"buyer_size": "large"},
                now=NOW,
            )


class TestReview:
    async def test_nobody_reviews_itself_or_its_group(self, session: AsyncSession) -> None:
        desk = await grants.make_desk(session)
        application = await grants.submit(session, desk)
        await grants.accept(session, desk, application)
        reviewer = desk.reviewers[0].organisation_id
        middle = await make_firm(session)
        for other in (desk.firm.organisation_id, reviewer):
            data = RelationIn(firm_id=middle.organisation_id, related_id=other, ground="同一控制人")
            await grant_related.relate(session, actor=desk.first, data=data, now=NOW)

        with pytest.raises(ReviewerRelated):
            await grant_reviews.assign(
                session,
                actor=desk.first,
                application_id=application.id,
                organisation_id=reviewer,
                now=NOW,
            )

    async def test_a_declared_conflict_ends_the_review_and_another_is_asked(
        self, session: AsyncSession
    ) -> None:
        desk = await grants.make_desk(session)
        application = await grants.submit(session, desk)
        await grants.accept(session, desk, application)
        bound = (await grants.make_desk(session)).reviewers[0]
        await grant_reviews.assign(
            session,
            actor=desk.first,
            application_id=application.id,
            organisation_id=bound.organisation_id,
            now=NOW,
        )
        sheet = SheetIn(marks={}, supports=True, comment="同意")
        with pytest.raises(DeclareFirst):
            await grant_reviews.file_sheet(
                session, actor=bound, application_id=application.id, data=sheet, now=NOW
            )
        await grant_reviews.declare(
            session,
            actor=bound,
            application_id=application.id,
            data=DeclarationIn(conflict=True, statement="曾任顾问"),
            now=NOW,
        )
        with pytest.raises(DeclaredConflict):
            await grant_reviews.file_sheet(
                session, actor=bound, application_id=application.id, data=sheet, now=NOW
            )
        with pytest.raises(SheetsMissing):
            await grant_ranking.recommend(
                session, actor=desk.first, application_id=application.id, now=NOW
            )
        await grants.review(session, desk, application)  # by two others
        with pytest.raises(ReviewersEnough):
            await grant_reviews.assign(
                session,
                actor=desk.first,
                application_id=application.id,
                organisation_id=(await grants.make_desk(session)).reviewers[0].organisation_id,
                now=NOW,
            )

    async def test_without_both_in_favour_nothing_is_recommended(
        self, session: AsyncSession
    ) -> None:
        desk = await grants.make_desk(session)
        application = await grants.reviewed(session, desk)
        [review, _] = await grant_reviews.reviews_of(session, application)
        review.supports = False
        await session.flush()

        with pytest.raises(NotSupported):
            await grant_ranking.recommend(
                session, actor=desk.first, application_id=application.id, now=NOW
            )


class TestDuplicates:
    async def test_one_contract_is_awarded_once_whoever_asks(self, session: AsyncSession) -> None:
        desk = await grants.make_desk(session)
        await grants.submit(session, desk, "HT-1")

        with pytest.raises(AwardedTwice) as refused:
            await grants.submit(session, desk, " ht-1 ".strip(), firm=await make_firm(session))
        assert (refused.value.measures, refused.value.keys) == ([4], ["HT-1"])

    async def test_one_that_was_withdrawn_stands_in_nobodys_way(
        self, session: AsyncSession
    ) -> None:
        desk = await grants.make_desk(session)
        first = await grants.submit(session, desk, "HT-1")
        await grant_endings.withdraw(session, actor=desk.firm, application_id=first.id, now=NOW)

        await grants.submit(session, desk, "HT-1")


class TestAppeal:
    async def test_another_person_decides_and_it_is_reviewed_anew(
        self, session: AsyncSession
    ) -> None:
        desk = await grants.make_desk(session)
        application = await grants.reviewed(session, desk)
        await grant_endings.reject(
            session, actor=desk.first, application_id=application.id, reason="效益不足", now=NOW
        )
        await grant_applications.appeal(
            session, actor=desk.firm, application_id=application.id, reason="补充证明", now=NOW
        )
        with pytest.raises(OnePersonTwice):
            await grant_checks.decide_appeal(
                session, actor=desk.first, application_id=application.id, overturn=True,
                answer="同意", now=NOW,
            )  # fmt: skip
        await grant_checks.decide_appeal(
            session, actor=desk.second, application_id=application.id, overturn=True,
            answer="同意", now=NOW,
        )  # fmt: skip
        assert application.status is ApplicationStatus.REVIEWING

        with pytest.raises(SheetsMissing):
            await grant_ranking.recommend(
                session, actor=desk.first, application_id=application.id, now=NOW
            )
