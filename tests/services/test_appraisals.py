"""Orders for external appraisals: who may order, who delivers, who sees what."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.decimals import plain
from app.core.errors import FieldRefused, NotFound
from app.core.money import Money
from app.lifecycle.appraisals import AppraisalStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind, OrganisationStatus
from app.models.appraisals import Accreditation, AppraisalOrder, AppraisalReport
from app.models.financing import FinancingRequest, RequestRight
from app.models.organisations import Organisation
from app.models.portfolios import PortfolioRight
from app.models.rights import Right
from app.schemas.appraisals import AccreditationIn, AppraisalOrderIn, DisputeIn, ReportIn
from app.services import (
    accreditations,
    appraisal_orders,
    appraisal_reports,
    appraisal_values,
    documents,
    model_values,
    open_requests,
    valuation_runs,
)
from app.services.accreditations import NotAccredited, RevokedAlready
from app.services.actor import SYSTEM, Actor, KindRefused, bind
from app.services.appraisal_orders import NothingToAppraise, NotTheOrderer
from app.valuation.engine import ENGINE_VERSION
from app.valuation.methods import BESIDE, METHODS
from tests.make.appraisals import REPORT, make_appraiser, make_order, make_report
from tests.make.market import make_firm, make_institution, make_open_request, make_right
from tests.make.rights import make_document
from tests.make.valued import make_backed


@dataclass
class Scene:
    firm: Actor
    bank: Actor
    appraiser: Actor
    request: FinancingRequest
    right: Right


@pytest.fixture
async def scene(session: AsyncSession) -> Scene:
    """A firm with an open request on one right, a bank that it has not told its name."""
    firm = await make_firm(session)
    request = await make_open_request(session, firm)
    right = await session.scalar(
        select(Right)
        .join(RequestRight, RequestRight.right_id == Right.id)
        .where(RequestRight.request_id == request.id)
    )
    assert right is not None
    return Scene(
        firm=firm,
        bank=await make_institution(session, OrganisationKind.BANK),
        appraiser=await make_appraiser(session),
        request=request,
        right=right,
    )


def stated(appraiser: Actor, **changes: Any) -> AppraisalOrderIn:
    return AppraisalOrderIn.model_validate(
        {
            "appraiser_id": appraiser.organisation_id,
            "instructions": "质押融资",
            "price": "48000.00",
            "due_on": "2026-12-20",
        }
        | changes
    )


async def tell(session: AsyncSession, scene: Scene, institution: Actor, now: datetime) -> None:
    """The firm lets the institution know who it is."""
    await bind(session, scene.firm)
    await open_requests.give_identity_consent(
        session,
        actor=scene.firm,
        request_id=scene.request.id,
        institution_id=institution.organisation_id,
        now=now,
    )


async def order_by_firm(
    session: AsyncSession, scene: Scene, now: datetime, **changes: Any
) -> AppraisalOrder:
    await bind(session, scene.firm)
    return await appraisal_orders.order_for_firm(
        session,
        actor=scene.firm,
        portfolio_id=scene.request.portfolio_id,
        stated=stated(scene.appraiser, **changes),
        now=now,
    )


async def order_by_bank(session: AsyncSession, scene: Scene, now: datetime) -> AppraisalOrder:
    await tell(session, scene, scene.bank, now)
    await bind(session, scene.bank)
    return await appraisal_orders.order_for_bank(
        session,
        actor=scene.bank,
        request_id=scene.request.id,
        stated=stated(scene.appraiser),
        now=now,
    )


async def deliver(
    session: AsyncSession, scene: Scene, order: AppraisalOrder, now: datetime, **changes: Any
) -> AppraisalOrder:
    await bind(session, scene.appraiser)
    if order.status is AppraisalStatus.OFFERED:
        await appraisal_orders.agree(session, actor=scene.appraiser, order_id=order.id, now=now)
    document = await make_document(session, scene.appraiser.organisation_id, kind="report")
    report = ReportIn.model_validate(REPORT | {"document_id": document.id} | changes)
    return await appraisal_reports.deliver(
        session, actor=scene.appraiser, order_id=order.id, stated=report, now=now
    )


class TestAccreditation:
    async def test_the_authority_accredits_and_revokes(
        self, session: AsyncSession, now: datetime
    ) -> None:
        authority = await make_institution(session, OrganisationKind.AUTHORITY)
        agency = await make_appraiser(session, accredited=False)
        await bind(session, authority)
        assert await accreditations.list_appraisers(session, on=now.date(), limit=9) == []

        granted = await accreditations.accredit(
            session,
            actor=authority,
            appraiser_id=agency.organisation_id,
            stated=AccreditationIn(
                certificate_number="备 1", starts_on="2026-01-01", expires_on="2026-12-31"
            ),
            now=now,
        )
        shown = await accreditations.list_appraisers(session, on=now.date(), limit=9)
        assert [one.id for one in shown] == [agency.organisation_id]

        await accreditations.revoke(
            session, actor=authority, accreditation_id=granted.id, reason="注销", now=now
        )
        assert await accreditations.list_appraisers(session, on=now.date(), limit=9) == []
        with pytest.raises(RevokedAlready):
            await accreditations.revoke(
                session, actor=authority, accreditation_id=granted.id, reason="x", now=now
            )

    async def test_only_a_verified_agency_is_accredited(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        authority = await make_institution(session, OrganisationKind.AUTHORITY)
        form = AccreditationIn(
            certificate_number="备 1", starts_on="2026-01-01", expires_on="2026-12-31"
        )
        agency = await session.get_one(Organisation, scene.appraiser.organisation_id)
        agency.status = OrganisationStatus.PENDING
        await session.flush()

        with pytest.raises(NotFound):
            await accreditations.accredit(
                session,
                actor=authority,
                appraiser_id=scene.bank.organisation_id,
                stated=form,
                now=now,
            )
        with pytest.raises(NotAccredited, match="has not verified"):
            await accreditations.accredit(
                session, actor=authority, appraiser_id=agency.id, stated=form, now=now
            )


class TestOrdering:
    async def test_a_firm_orders_all_or_some_rights_of_its_portfolio(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_firm(session, scene, now)

        scope = await appraisal_orders.list_scope(session, order)
        assert [row.number for row in scope] == [scene.right.number]
        assert (order.orderer_id, order.status) == (order.firm_id, AppraisalStatus.OFFERED)
        with pytest.raises(FieldRefused, match="right_ids"):
            await order_by_firm(session, scene, now, right_ids=[new_id()])
        with pytest.raises(FieldRefused, match="due_on: is in the past"):
            await order_by_firm(session, scene, now, due_on="2026-11-22")

    @pytest.mark.parametrize(
        ("accredited", "expires_on", "words"),
        [
            (False, date(2027, 1, 1), "the authority has never accredited it"),
            (True, date(2026, 11, 22), "its accreditation ended on 2026-11-22"),
        ],
    )
    async def test_an_appraiser_without_accreditation_in_force_is_refused_in_words(
        self,
        *,
        session: AsyncSession,
        scene: Scene,
        now: datetime,
        accredited: bool,
        expires_on: date,
        words: str,
    ) -> None:
        await bind(session, SYSTEM)
        scene.appraiser = await make_appraiser(
            session, accredited=accredited, expires_on=expires_on
        )

        with pytest.raises(NotAccredited, match=words):
            await order_by_firm(session, scene, now)

    async def test_who_is_no_appraiser_is_refused(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        scene.appraiser = scene.bank

        with pytest.raises(FieldRefused, match="appraiser_id: is no appraiser"):
            await order_by_firm(session, scene, now)

    async def test_a_bank_orders_once_the_firm_has_told_it_who_it_is(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        await bind(session, scene.bank)
        with pytest.raises(NothingToAppraise):
            await appraisal_orders.order_for_bank(
                session,
                actor=scene.bank,
                request_id=scene.request.id,
                stated=stated(scene.appraiser),
                now=now,
            )

        order = await order_by_bank(session, scene, now)

        assert (order.firm_id, order.orderer_id) == (
            scene.firm.organisation_id,
            scene.bank.organisation_id,
        )
        assert len(await appraisal_orders.list_scope(session, order)) == 1


class TestTheAppraiser:
    async def test_agrees_and_delivers_the_signed_report_to_both_sides(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_bank(session, scene, now)

        await deliver(session, scene, order, now)

        assert order.status is AppraisalStatus.DELIVERED
        for reader in (scene.firm, scene.bank):
            await bind(session, reader)
            shown = await appraisal_reports.tell(session, order, today=now.date())
            [report] = shown.reports
            assert (report.version, report.expired) == (1, False)
            assert [signer.name for signer in report.signers] == ["张示例", "李示例"]
            read = await documents.get_document(
                session, actor=reader, document_id=report.document_id
            )
            assert read.kind == "report"

    async def test_may_decline_and_is_no_more_asked(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_firm(session, scene, now)
        await bind(session, scene.appraiser)
        await appraisal_orders.decline(
            session, actor=scene.appraiser, order_id=order.id, reason="人手不足", now=now
        )

        assert (order.status, order.reason) == (AppraisalStatus.DECLINED, "人手不足")
        with pytest.raises(IllegalMove):
            await deliver(session, scene, order, now)

    async def test_whose_accreditation_was_revoked_delivers_nothing(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_firm(session, scene, now)
        await bind(session, scene.appraiser)
        await appraisal_orders.agree(session, actor=scene.appraiser, order_id=order.id, now=now)
        await bind(session, SYSTEM)
        [given] = await session.scalars(select(Accreditation))
        given.revoked_at = now
        await session.flush()

        with pytest.raises(NotAccredited, match="was revoked on 2026-11-23"):
            await deliver(session, scene, order, now)

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"method": "guess"}, "method"),
            ({"signers": REPORT["signers"][:1]}, "signers"),
            ({"valued_on": "2026-11-24"}, "valued_on"),
            ({"expires_on": "2026-10-30"}, "expires_on"),
            ({"expires_on": "2027-11-01"}, "expires_on"),
            ({"document_id": new_id()}, "document_id"),
        ],
    )
    async def test_a_report_that_cannot_be_is_refused(
        self,
        *,
        session: AsyncSession,
        scene: Scene,
        now: datetime,
        changed: dict[str, Any],
        field: str,
    ) -> None:
        order = await order_by_firm(session, scene, now)

        with pytest.raises(FieldRefused) as refused:
            await deliver(session, scene, order, now, **changed)

        assert refused.value.field == field

    async def test_another_document_is_no_report(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_firm(session, scene, now)
        await bind(session, scene.appraiser)
        contract = await make_document(session, scene.appraiser.organisation_id, kind="contract")

        with pytest.raises(FieldRefused, match="is a contract, not a report"):
            await deliver(session, scene, order, now, document_id=contract.id)

    async def test_is_not_shown_what_the_model_says(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_firm(session, scene, now)
        await deliver(session, scene, order, now)

        with pytest.raises(KindRefused):
            await appraisal_values.compare_report(
                session, actor=scene.appraiser, order_id=order.id, now=now
            )


class TestTheOrderer:
    async def test_a_dispute_and_the_corrected_report_both_stay(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_firm(session, scene, now)
        await deliver(session, scene, order, now)
        await bind(session, scene.firm)
        proof = await make_document(session, scene.firm.organisation_id)
        await appraisal_reports.dispute(
            session,
            actor=scene.firm,
            order_id=order.id,
            stated=DisputeIn(reason="折现率过高", document_id=proof.id),
            now=now,
        )
        await deliver(session, scene, order, now, value="15000000.00")
        await bind(session, scene.firm)
        await appraisal_reports.accept(session, actor=scene.firm, order_id=order.id, now=now)

        shown = await appraisal_reports.tell(session, order, today=now.date())
        first, second = shown.reports
        assert [(a.verdict, a.reason) for a in first.answers] == [("disputed", "折现率过高")]
        assert [a.verdict for a in second.answers] == ["accepted"]
        assert (first.value, second.value) == (Money.yuan(12_000_000), Money.yuan(15_000_000))
        await bind(session, scene.appraiser)
        read = await documents.get_document(session, actor=scene.appraiser, document_id=proof.id)
        assert read.id == proof.id

    async def test_cancels_only_while_there_is_no_report(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_firm(session, scene, now)
        other = await order_by_firm(session, scene, now)
        await appraisal_orders.cancel(
            session, actor=scene.firm, order_id=other.id, reason="不需要", now=now
        )
        await deliver(session, scene, order, now)
        await bind(session, scene.firm)

        assert other.status is AppraisalStatus.CANCELLED
        with pytest.raises(IllegalMove):
            await appraisal_orders.cancel(
                session, actor=scene.firm, order_id=order.id, reason="x", now=now
            )

    async def test_alone_answers_the_report(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_bank(session, scene, now)
        await deliver(session, scene, order, now)
        await bind(session, scene.firm)

        with pytest.raises(NotTheOrderer):
            await appraisal_reports.accept(session, actor=scene.firm, order_id=order.id, now=now)


async def test_the_clock_lapses_offers_and_marks_orders_overdue(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    offered = await order_by_firm(session, scene, now)
    agreed = await order_by_firm(session, scene, now)
    await bind(session, scene.appraiser)
    await appraisal_orders.agree(session, actor=scene.appraiser, order_id=agreed.id, now=now)
    on_the_day, after = now + timedelta(days=27), now + timedelta(days=28)

    assert await appraisal_orders.end_due(session, now=on_the_day) == 0
    assert await appraisal_orders.end_due(session, now=after) == 2
    assert (offered.status, agreed.status) == (AppraisalStatus.LAPSED, AppraisalStatus.OVERDUE)
    await deliver(session, scene, agreed, after)
    assert agreed.status is AppraisalStatus.DELIVERED


class TestWhoSees:
    async def seen(self, session: AsyncSession, actor: Actor) -> set[Any]:
        """What the policies show without a filter; it equals what the service shows."""
        await bind(session, SYSTEM)
        orders = appraisal_orders.visible_orders(actor)
        filtered = {order.id for order in await session.scalars(orders)}
        await bind(session, actor)
        assert set(await session.scalars(select(AppraisalOrder.id))) == filtered
        reported = select(AppraisalReport.order_id)
        assert set(await session.scalars(reported)) <= filtered
        return filtered

    async def test_a_banks_order_is_its_own_and_the_firms(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_bank(session, scene, now)
        await deliver(session, scene, order, now)
        rival = await make_institution(session, OrganisationKind.BANK)
        await tell(session, scene, rival, now)

        assert await self.seen(session, rival) == set()
        for party in (scene.bank, scene.firm, scene.appraiser):
            assert await self.seen(session, party) == {order.id}

    async def test_a_firms_report_is_seen_by_the_lenders_it_told_who_it_is(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_firm(session, scene, now)
        await tell(session, scene, scene.bank, now)
        assert await self.seen(session, scene.bank) == set()  # no report yet

        await deliver(session, scene, order, now)

        assert await self.seen(session, scene.bank) == {order.id}
        stranger = await make_institution(session, OrganisationKind.BANK)
        assert await self.seen(session, stranger) == set()
        await bind(session, scene.bank)
        document = await appraisal_reports.get_report_document(
            session, actor=scene.bank, order_id=order.id, version=1
        )
        assert document.kind == "report"
        listed = await appraisal_orders.list_orders(
            session, actor=scene.bank, limit=9, request_id=scene.request.id
        )
        assert [one.id for one in listed] == [order.id]

    async def test_a_report_on_a_right_that_a_lender_may_not_see_stays_hidden(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        more = await make_right(session, scene.firm)
        session.add(PortfolioRight(portfolio_id=scene.request.portfolio_id, right_id=more.id))
        await session.flush()
        order = await order_by_firm(session, scene, now)
        await deliver(session, scene, order, now)
        await tell(session, scene, scene.bank, now)

        assert await self.seen(session, scene.bank) == set()


class TestAReaderIsNoWriter:
    async def test_only_the_orderer_and_the_appraiser_change_an_order(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_bank(session, scene, now)
        await deliver(session, scene, order, now)
        cheaper = update(AppraisalOrder).values(price=Money(1)).returning(AppraisalOrder.id)
        await bind(session, scene.firm)

        assert (await session.scalars(select(AppraisalOrder.id))).all() == [order.id]
        assert (await session.scalars(cheaper)).all() == []

    async def test_nobody_orders_in_anothers_name_or_on_anothers_portfolio(
        self, session: AsyncSession, scene: Scene
    ) -> None:
        stranger = await make_firm(session)
        for orderer, firm in ((scene.firm, scene.firm), (stranger, scene.firm)):
            await bind(session, stranger)
            with pytest.raises(DBAPIError, match="row-level security"):
                async with session.begin_nested():
                    await make_order(
                        session,
                        orderer=orderer,
                        appraiser=scene.appraiser,
                        portfolio_id=scene.request.portfolio_id,
                        firm_id=firm.organisation_id,
                        rights=[],
                    )

    async def test_only_the_appraiser_of_the_order_writes_its_report_and_nobody_changes_it(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_firm(session, scene, now)
        await deliver(session, scene, order, now)
        for statement in (
            update(AppraisalReport).values(value=Money(1)),
            delete(AppraisalReport),
        ):
            await bind(session, SYSTEM)
            with pytest.raises(DBAPIError, match="append-only"):
                async with session.begin_nested():
                    await session.execute(statement)
        await bind(session, scene.firm)
        with pytest.raises(DBAPIError, match="row-level security"):
            async with session.begin_nested():
                await make_report(session, order, version=2)


class TestBesideTheModel:
    async def test_the_report_stands_beside_the_models_value_of_its_rights(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await order_by_firm(session, scene, now)
        await deliver(session, scene, order, now)
        await tell(session, scene, scene.bank, now)
        await bind(session, scene.bank)

        shown = await appraisal_values.compare_report(
            session, actor=scene.bank, order_id=order.id, now=now
        )

        assert shown.model is not None
        assert (shown.model.value, shown.report.value) == (
            Money.yuan(24_000_000),
            Money.yuan(12_000_000),
        )
        assert (str(shown.ratio), str(shown.difference_pct)) == ("0.5000", "100.0000")
        assert shown.beyond_level
        assert shown.uncalibrated
        assert "beyond_level" in {finding.code for finding in shown.findings}
        # Delivered, and not accepted yet.
        assert (shown.drawn_up, shown.counted) == (Money.yuan(24_000_000), ["model"])

    async def test_the_run_that_was_worked_out_is_the_models_word(
        self, session: AsyncSession, now: datetime
    ) -> None:
        backed = await make_backed(session, Money.yuan(46_000_000))
        results = await valuation_runs.work_out(backed.run.inputs)
        await valuation_runs.keep_result(session, run_id=backed.run.id, results=results, now=now)
        firm = backed.table.firm
        order = await make_order(
            session,
            orderer=firm,
            appraiser=await make_appraiser(session),
            portfolio_id=backed.run.portfolio_id,
            firm_id=firm.organisation_id,
            rights=[backed.right],
        )
        await make_report(session, order, discount_rate_pct=Decimal("14.2"), life_years=8)
        await bind(session, firm)

        shown = await appraisal_values.compare_report(
            session, actor=firm, order_id=order.id, now=now
        )

        assert shown.model is not None
        assert shown.engine == ENGINE_VERSION
        assert str(shown.model.value) == results["rights"][0]["value"]
        assert shown.model.method == "income"
        assert shown.model.inputs.annual_revenue == Money.yuan(46_000_000)
        told = {finding.code: finding.text for finding in shown.findings}
        assert told["discount_rate_pct"] == (
            f"discount rate, %: the report takes 14.2, the model"
            f" {plain(Decimal(results['rights'][0]['discount_rate_pct']))}"
        )
        assert "royalty_rate_pct" in told

    def test_every_method_a_value_may_rest_on_has_its_approach(self) -> None:
        assert model_values.APPROACHES.keys() == METHODS.keys() - BESIDE

    async def test_a_run_that_lacks_a_right_leaves_the_word_to_the_quick_valuation(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        backed = await make_backed(session)
        results = await valuation_runs.work_out(backed.run.inputs)
        await valuation_runs.keep_result(session, run_id=backed.run.id, results=results, now=now)

        missing = await model_values.find(
            session, portfolio_id=backed.run.portfolio_id, right_ids={scene.right.id}
        )
        quick = await model_values.find(
            session, portfolio_id=scene.request.portfolio_id, right_ids={scene.right.id}
        )

        assert missing is None
        assert quick is not None
        assert quick.engine == "test"

    async def test_an_expired_report_is_marked_and_does_not_count(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        order = await make_order(
            session,
            orderer=scene.firm,
            appraiser=scene.appraiser,
            portfolio_id=scene.request.portfolio_id,
            firm_id=scene.firm.organisation_id,
            rights=[scene.right],
            status=AppraisalStatus.ACCEPTED,
        )
        await make_report(session, order, expires_on=date(2026, 11, 23))
        await bind(session, scene.firm)

        today = await appraisal_values.compare_report(
            session, actor=scene.firm, order_id=order.id, now=now
        )
        tomorrow = await appraisal_values.compare_report(
            session, actor=scene.firm, order_id=order.id, now=now + timedelta(days=1)
        )
        told = await appraisal_reports.tell(session, order, today=date(2026, 11, 24))

        assert (today.drawn_up, today.counted) == (Money.yuan(12_000_000), ["model", "report"])
        assert tomorrow.drawn_up == Money.yuan(24_000_000)
        assert [one.reason for one in tomorrow.left_out] == ["expired on 2026-11-23"]
        assert [report.expired for report in told.reports] == [True]

    async def test_without_a_model_value_of_every_right_nothing_is_compared(
        self, session: AsyncSession, scene: Scene, now: datetime
    ) -> None:
        more = await make_right(session, scene.firm)
        session.add(PortfolioRight(portfolio_id=scene.request.portfolio_id, right_id=more.id))
        await session.flush()
        order = await order_by_firm(session, scene, now)
        await deliver(session, scene, order, now)
        await bind(session, scene.firm)

        shown = await appraisal_values.compare_report(
            session, actor=scene.firm, order_id=order.id, now=now
        )

        assert (shown.model, shown.ratio, shown.findings) == (None, None, [])
        assert shown.model_missing == "the model has not valued every right of the order"
