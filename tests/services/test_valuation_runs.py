"""Valuation runs: what is stored, who sees it, what a challenge adds, what a check finds."""

from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.core.db import Sessions, connect, new_id
from app.core.errors import FieldRefused, NotFound
from app.core.money import ZERO, Money
from app.identifiers.rights import RightKind
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.valuations import RunKind
from app.models.rights import LegalEvent
from app.models.valuation_runs import ValuationResult, ValuationRun
from app.schemas.portfolios import RightInputs, ValuationInputs
from app.services import run_checks, valuation_runs, valuations
from app.services.actor import SYSTEM, Actor, bind
from app.services.run_checks import NoSuchRun, Verdict
from app.services.valuation_runs import NotToChallenge, OwnRun, Worked
from app.valuation.engine import ENGINE_VERSION
from app.valuation.runs import digest
from tests import postgres
from tests.make.deals import accept
from tests.make.market import make_firm, make_institution, make_portfolio, make_right
from tests.make.parties import NOW
from tests.make.rights import make_document
from tests.make.valued import Backed, make_backed, make_pledged


@pytest.fixture
async def backed(session: AsyncSession) -> Backed:
    return await make_backed(session)


async def worked(session: AsyncSession, sessions: Sessions, run: ValuationRun) -> ValuationResult:
    await valuation_runs.compute(sessions, run_id=run.id, now=NOW)
    await bind(session, SYSTEM)
    return await session.get_one(ValuationResult, run.id)


async def challenge(
    session: AsyncSession, actor: Actor, run: ValuationRun, *rights: RightInputs
) -> ValuationRun:
    await bind(session, actor)
    other = await valuation_runs.challenge(
        session, actor=actor, run_id=run.id, reason="销售额偏高", rights=list(rights), now=NOW
    )
    await bind(session, SYSTEM)
    return other


class TestARun:
    async def test_keeps_facts_inputs_with_evidence_rules_with_sources_and_a_hash(
        self, backed: Backed
    ) -> None:
        record = backed.run.inputs

        [right] = record["rights"]
        assert right["facts"]["number"] == backed.right.number
        assert (right["facts"]["annuity"], right["facts"]["next_fee_due_on"]) == (
            "paid",
            "2027-03-01",
        )
        assert right["facts"]["grade"] == "stated"  # entered by hand
        assert right["inputs"]["annual_revenue"] == {"value": "200000000.00", "grade": "stated"}
        assert right["inputs"]["royalty_rate_pct"]["grade"] == "uncalibrated"
        assert record["rules"]["haircuts"]["uncalibrated"] is True
        assert "Branch 2002" in record["rules"]["haircuts"]["source"]
        assert "body" not in record["rules"]["event_effects"]
        assert record["scenarios"] == 16384
        assert backed.run.inputs_sha256 == digest(record)

    async def test_is_worked_out_once_by_an_engine_that_names_its_libraries(
        self, session: AsyncSession, sessions: Sessions, backed: Backed
    ) -> None:
        result = await worked(session, sessions, backed.run)
        await valuation_runs.compute(sessions, run_id=backed.run.id, now=NOW)
        await valuation_runs.compute(sessions, run_id=new_id(), now=NOW)

        assert result.engine == ENGINE_VERSION
        assert "numpy" in result.engine
        whole = result.results["whole"]
        assert result.market == Money.yuan(whole["market"]["value"]) > result.liquidation
        assert result.lendable == Money.yuan(whole["lendable"]["value"]) > ZERO
        assert list(whole["percentiles"]) == ["5", "25", "50", "75", "95"]
        assert len(whole["tornado"]) == 5
        number = await session.scalar(
            text("SELECT count(*) FROM outbox_events WHERE kind = 'valuation.computed'")
        )
        assert number == 1

    async def test_the_same_inputs_give_the_same_fen(
        self, session: AsyncSession, sessions: Sessions, backed: Backed
    ) -> None:
        first = await worked(session, sessions, backed.run)
        again = await valuations.value_portfolio(
            session,
            actor=backed.table.firm,
            portfolio_id=backed.valuation.portfolio_id,
            inputs=ValuationInputs(
                rights=[
                    RightInputs(right_id=backed.right.id, annual_revenue=Money.yuan(200_000_000))
                ]
            ),
            now=NOW,
        )
        run_id = await valuation_runs.find_first(session, valuation_id=again.id)
        assert run_id is not None
        run = await session.get_one(ValuationRun, run_id)
        second = await worked(session, sessions, run)

        assert run.inputs_sha256 == backed.run.inputs_sha256
        assert second.results_sha256 == first.results_sha256

    async def test_a_document_raises_the_grade_and_one_of_others_is_refused(
        self, session: AsyncSession
    ) -> None:
        firm = await make_firm(session)
        right = await make_right(session, firm, kind=RightKind.SOFTWARE_COPYRIGHT)
        portfolio = await make_portfolio(session, firm, [right], valued=False)
        own = await make_document(session, firm.organisation_id)
        other = await make_document(session, (await make_firm(session)).organisation_id)

        async def value(document_id: Any) -> ValuationRun:
            stated = RightInputs.model_validate(
                {
                    "right_id": right.id,
                    "kloc": 12,
                    "comparables": [{"price": "9.00", "income": "3.00", "source": "挂牌公告"}],
                    "evidence": {"kloc": document_id},
                }
            )
            valuation = await valuations.value_portfolio(
                session,
                actor=firm,
                portfolio_id=portfolio.id,
                inputs=ValuationInputs(rights=[stated]),
                now=NOW,
            )
            run_id = await valuation_runs.find_first(session, valuation_id=valuation.id)
            return await session.get_one(ValuationRun, run_id)

        [stored] = (await value(own.id)).inputs["rights"]
        assert stored["inputs"]["kloc"] == {
            "value": "12",
            "grade": "documented",
            "document_id": str(own.id),
            "sha256": "00" * 32,
        }
        await bind(session, firm)
        with pytest.raises(FieldRefused, match=r"rights.0.evidence.kloc: is no document of yours"):
            await value(other.id)

    async def test_events_and_missed_fees_end_the_life_of_a_right(
        self, session: AsyncSession, sessions: Sessions
    ) -> None:
        firm = await make_firm(session)
        rights = [await make_right(session, firm) for _ in range(2)]
        rights[0].annuity_paid_through_year = 7
        session.add(
            LegalEvent(
                right_id=rights[0].id,
                code="TR01",
                announced_on=NOW.date(),
                description="",
                effect="transfer",
                source="manual",
            )
        )
        portfolio = await make_portfolio(session, firm, rights, valued=False)
        inputs = ValuationInputs(
            rights=[
                RightInputs(right_id=right.id, annual_revenue=Money.yuan(1_000_000))
                for right in rights
            ]
        )
        valuation = await valuations.value_portfolio(
            session, actor=firm, portfolio_id=portfolio.id, inputs=inputs, now=NOW
        )
        run_id = await valuation_runs.find_first(session, valuation_id=valuation.id)
        run = await session.get_one(ValuationRun, run_id)

        result = await worked(session, sessions, run)

        facts = run.inputs["rights"][0]["facts"]
        assert (facts["lapsed_on"], facts["events"][0]["effect"]) == ("2025-03-01", "transfer")
        lapsed, alive = result.results["rights"]
        assert (lapsed["value"], lapsed["ends_by"]) == ("0.00", "lapsed_on")
        assert Money.yuan(alive["value"]) > ZERO

    async def test_growth_beyond_all_amounts_names_its_field(self, session: AsyncSession) -> None:
        with pytest.raises(FieldRefused, match=r"growth_pct: grows beyond what anyone earns"):
            await make_growing(session)

    async def test_nobody_rewrites_a_run_or_its_result(
        self, session: AsyncSession, sessions: Sessions, backed: Backed
    ) -> None:
        await worked(session, sessions, backed.run)

        for table in ("valuation_runs", "valuation_results"):
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET engine = ''"):
                with pytest.raises(DBAPIError):
                    async with session.begin_nested():
                        await session.execute(text(statement))


async def make_growing(session: AsyncSession) -> None:
    firm = await make_firm(session)
    right = await make_right(session, firm)
    portfolio = await make_portfolio(session, firm, [right], valued=False)
    stated = RightInputs.model_validate(
        {
            "right_id": right.id,
            "annual_revenue": "10000000000.00",
            "growth_pct": 100,
            "economic_life_years": 100,
        }
    )
    await valuations.value_portfolio(
        session,
        actor=firm,
        portfolio_id=portfolio.id,
        inputs=ValuationInputs(rights=[stated]),
        now=NOW,
    )


class TestWhoSeesIt:
    async def seen(self, session: AsyncSession, actor: Actor, run: ValuationRun) -> bool:
        """By the service and by the policies alike."""
        await bind(session, SYSTEM)
        runs = valuation_runs.visible_runs(actor).where(ValuationRun.id == run.id)
        filtered = (await session.scalars(runs)).all()
        await bind(session, actor)
        shown = await session.scalar(
            select(func.count()).select_from(ValuationRun).where(ValuationRun.id == run.id)
        )
        await bind(session, SYSTEM)
        assert bool(filtered) == bool(shown), actor.kind
        return bool(shown)

    async def test_the_firm_and_whoever_its_request_backs(
        self, session: AsyncSession, backed: Backed
    ) -> None:
        table = backed.table
        rival = await make_institution(session, OrganisationKind.BANK)

        assert await self.seen(session, table.firm, backed.run)
        assert not await self.seen(session, table.bank, backed.run)  # only quoted so far
        await accept(session, table)
        for party in (table.bank, table.guarantor):
            assert await self.seen(session, party, backed.run)
        for stranger in (table.insurer, rival, await make_firm(session)):
            assert not await self.seen(session, stranger, backed.run)
        authority = await make_institution(session, OrganisationKind.AUTHORITY)
        assert await self.seen(session, authority, backed.run)

    async def test_a_run_that_backs_nothing_is_the_firms_alone(
        self, session: AsyncSession, backed: Backed
    ) -> None:
        tried = await valuations.value_portfolio(
            session,
            actor=backed.table.firm,
            portfolio_id=backed.valuation.portfolio_id,
            inputs=ValuationInputs(rights=[RightInputs(right_id=backed.right.id)]),
            now=NOW,
        )
        await accept(session, backed.table)
        run_id = await valuation_runs.find_first(session, valuation_id=tried.id)
        run = await session.get_one(ValuationRun, run_id)

        assert await self.seen(session, backed.table.firm, run)
        assert not await self.seen(session, backed.table.bank, run)

    async def test_a_challenge_is_its_makers_and_the_firms(
        self, session: AsyncSession, backed: Backed
    ) -> None:
        await accept(session, backed.table)
        other = await challenge(
            session,
            backed.table.bank,
            backed.run,
            RightInputs(right_id=backed.right.id, annual_revenue=Money.yuan(1)),
        )

        assert await self.seen(session, backed.table.firm, other)
        assert await self.seen(session, backed.table.bank, other)
        assert not await self.seen(session, backed.table.guarantor, other)


class TestAChallenge:
    @pytest.fixture
    async def dealt(self, session: AsyncSession, backed: Backed) -> Backed:
        await accept(session, backed.table)
        return backed

    async def test_keeps_both_sides_on_the_same_basis(
        self, session: AsyncSession, sessions: Sessions, dealt: Backed
    ) -> None:
        first = await worked(session, sessions, dealt.run)
        bank = dealt.table.bank
        other = await challenge(
            session,
            bank,
            dealt.run,
            RightInputs(right_id=dealt.right.id, annual_revenue=Money.yuan(100_000_000)),
        )
        second = await worked(session, sessions, other)

        assert (other.kind, other.challenges_id) == (RunKind.CHALLENGE, dealt.run.id)
        assert other.inputs["seed"] == dealt.run.inputs["seed"]
        assert 0.49 < second.market.fen / first.market.fen < 0.51
        [side] = await valuation_runs.list_challenges(
            session, actor=dealt.table.firm, run_id=dealt.run.id, limit=9
        )
        assert side.worked == Worked(other, second)
        assert [(one["input"], one["after"]["value"]) for one in side.differences] == [
            ("annual_revenue", "100000000.00")
        ]
        assert side.differences[0]["after"]["by"] == str(bank.organisation_id)
        told = await session.scalar(
            text("SELECT organisation_id FROM outbox_events WHERE kind = 'valuation.challenged'")
        )
        assert told == dealt.table.firm.organisation_id

    async def test_strikes_out_what_is_not_proven(
        self, session: AsyncSession, sessions: Sessions, dealt: Backed
    ) -> None:
        struck = RightInputs(right_id=dealt.right.id, annual_revenue=None)
        other = await challenge(session, dealt.table.bank, dealt.run, struck)

        assert (await worked(session, sessions, other)).market == ZERO

    async def test_refuses_what_fits_no_right(self, session: AsyncSession, dealt: Backed) -> None:
        bank = dealt.table.bank
        with pytest.raises(FieldRefused, match=r"rights.0.right_id: is not in the valuation"):
            await challenge(session, bank, dealt.run, RightInputs(right_id=new_id()))
        nothing = RightInputs(right_id=dealt.right.id, royalty_rate_pct=None)
        with pytest.raises(FieldRefused, match=r"royalty_rate_pct: every right has one"):
            await challenge(session, bank, dealt.run, nothing)

    async def test_is_of_anothers_figures_and_no_chain(
        self, session: AsyncSession, dealt: Backed
    ) -> None:
        stated = RightInputs(right_id=dealt.right.id, annual_revenue=Money.yuan(1))
        with pytest.raises(OwnRun):
            await challenge(session, dealt.table.firm, dealt.run, stated)
        other = await challenge(session, dealt.table.bank, dealt.run, stated)
        with pytest.raises(NotToChallenge):
            await challenge(session, dealt.table.firm, other, stated)

    async def test_is_for_whoever_sees_the_run(self, session: AsyncSession, dealt: Backed) -> None:
        rival = await make_institution(session, OrganisationKind.BANK)
        stated = RightInputs(right_id=dealt.right.id, annual_revenue=Money.yuan(1))
        with pytest.raises(NotFound):
            await challenge(session, rival, dealt.run, stated)


class TestACheck:
    """On a database of its own: what is tampered with there is the owner's doing."""

    @pytest.fixture
    async def run_id(self, fresh_database: str) -> Any:
        async with connect(fresh_database) as sessions:
            async with sessions.begin() as session:
                backed = await make_backed(session)
            await valuation_runs.compute(sessions, run_id=backed.run.id, now=NOW)
        return backed.run.id

    async def tamper(self, url: str, statement: str) -> None:
        engine = create_async_engine(postgres.owner_url(url))
        async with engine.begin() as connection:
            for table in ("valuation_runs", "valuation_results"):
                await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER append_only"))
            await connection.execute(text(statement))
        await engine.dispose()

    async def verdict(self, url: str, run_id: Any) -> tuple[Verdict, str]:
        async with connect(url) as sessions:
            found = [one async for one in run_checks.check_all(sessions)]
            checked = await run_checks.check_one(sessions, run_id=run_id)
        assert found == [checked]
        return checked.verdict, checked.detail

    async def test_gets_the_same_fen(self, fresh_database: str, run_id: Any) -> None:
        assert await self.verdict(fresh_database, run_id) == (Verdict.SAME, "")

    async def test_names_another_engine_instead_of_pretending(
        self, fresh_database: str, run_id: Any
    ) -> None:
        await self.tamper(fresh_database, "UPDATE valuation_results SET engine = 'other 1'")

        assert await self.verdict(fresh_database, run_id) == (Verdict.OTHER_ENGINE, "other 1")

    @pytest.mark.parametrize(
        ("statement", "verdict", "detail"),
        [
            (
                "UPDATE valuation_results SET lendable = lendable + 1",
                Verdict.RESULTS_CHANGED,
                "lendable",
            ),
            (
                "UPDATE valuation_results SET results ="
                " jsonb_set(results, '{whole,percentiles,5}', '\"1.00\"')",
                Verdict.RESULTS_CHANGED,
                "results_sha256",
            ),
            (
                "UPDATE valuation_runs SET inputs = jsonb_set(inputs, '{seed}', '1')",
                Verdict.INPUTS_CHANGED,
                "inputs_sha256",
            ),
        ],
    )
    async def test_finds_what_was_tampered_with(
        self,
        fresh_database: str,
        run_id: Any,
        *,
        statement: str,
        verdict: Verdict,
        detail: str,
    ) -> None:
        await self.tamper(fresh_database, statement)

        found, where = await self.verdict(fresh_database, run_id)
        assert (found, where.split(":", maxsplit=1)[0]) == (verdict, detail)

    async def test_finds_a_result_whose_hash_was_made_to_fit(
        self, fresh_database: str, run_id: Any
    ) -> None:
        async with connect(fresh_database) as sessions, sessions.begin() as session:
            await bind(session, SYSTEM)
            results = (await session.get_one(ValuationResult, run_id)).results
        results["whole"]["percentiles"]["5"] = "1.00"
        await self.tamper(
            fresh_database,
            "UPDATE valuation_results SET results ="
            " jsonb_set(results, '{whole,percentiles,5}', '\"1.00\"'),"
            f" results_sha256 = decode('{digest(results).hex()}', 'hex')",
        )

        found, where = await self.verdict(fresh_database, run_id)
        assert found is Verdict.DIFFERENT
        assert where.startswith("results.whole.percentiles.5: 1.00, ")

    async def test_a_run_that_waits_and_one_that_is_not_there(self, fresh_database: str) -> None:
        async with connect(fresh_database) as sessions:
            async with sessions.begin() as session:
                backed = await make_backed(session)
            found = await run_checks.check_one(sessions, run_id=backed.run.id)
            with pytest.raises(NoSuchRun):
                await run_checks.check_one(sessions, run_id=new_id())
        assert found.verdict is Verdict.PENDING


async def test_a_loan_lists_its_first_run_and_its_revaluations(session: AsyncSession) -> None:
    pledged = await make_pledged(session)

    for where in (
        {"loan_id": pledged.loan.id},
        {"request_id": pledged.table.request_id},
        {"portfolio_id": pledged.valuation.portfolio_id},
    ):
        found = await valuation_runs.list_runs(session, actor=pledged.table.bank, limit=9, **where)
        assert [one.run.id for one in found] == [pledged.run.id]
        after = await valuation_runs.list_runs(
            session, actor=pledged.table.bank, limit=9, after=pledged.run.id, **where
        )
        assert after == []
