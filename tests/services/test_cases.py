"""Cases by their kinds: who may do what, clocks in working days, a chain that nobody rewrites."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.casework.chain import first_broken
from app.casework.reading import MoveRefused, NotYourMove
from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.cases import Case
from app.schemas.cases import CaseIn, MoveIn
from app.services import case_figures, case_moves, case_parts, cases
from app.services.actor import NOBODY, SYSTEM, Actor, KindRefused, bind
from app.services.case_moves import PrecheckFailed, SamePersonAgain
from app.services.cases import NoSuchKind
from tests.make.market import make_firm, make_institution, make_right
from tests.make.parties import NOW
from tests.make.rights import make_document
from tests.make.services import make_two_people

REDUCTION = {"applicant_type": "firm", "taxable_income": "800000.00"}
DISPUTE = {
    "patent_number": "202110000001.6",
    "respondent_name": "某公司",
    "claim": "请求责令停止侵权",
}


async def open_case(
    session: AsyncSession,
    actor: Actor,
    kind: str = "fee-reduction",
    fields: dict[str, Any] | None = None,
    *,
    now: datetime = NOW,
    **given: Any,
) -> Case:
    await bind(session, actor)
    data = CaseIn(title="示例", fields=REDUCTION if fields is None else fields, **given)
    return await case_moves.open_case(session, actor=actor, kind=kind, data=data, now=now)


async def act(
    session: AsyncSession, actor: Actor, case: Case, move: str, *, now: datetime = NOW, **given: Any
) -> Case:
    await bind(session, actor)
    return await case_moves.act(
        session, actor=actor, case_id=case.id, data=MoveIn(move=move, **given), now=now
    )


async def paper(session: AsyncSession, actor: Actor) -> Any:
    await bind(session, SYSTEM)
    return (await make_document(session, actor.organisation_id)).id


class TestTheDesk:
    async def test_a_case_from_the_window_to_its_number(self, session: AsyncSession) -> None:
        firm = await make_firm(session)
        clerk, _ = await make_two_people(session)
        case = await open_case(session, firm)
        with pytest.raises(NotYourMove):
            await act(session, firm, case, "accept")
        await act(session, clerk, case, "accept")
        with pytest.raises(FieldRefused):
            await act(session, clerk, case, "finish")
        with pytest.raises(MoveRefused) as refusal:
            await act(session, firm, case, "correct")
        done = await act(session, clerk, case, "finish", fields={"record_number": "FJ-1"})

        assert refusal.value.allowed == ["withdraw"]
        assert (done.state, done.closed_at, done.due_on) == ("done", NOW, None)
        assert cases.number_of(done).startswith("FJ-2026-")

    async def test_what_the_check_blocks_is_not_opened(self, session: AsyncSession) -> None:
        firm = await make_firm(session)
        rich = REDUCTION | {"taxable_income": "1000000.01"}
        found = await case_moves.precheck(
            session, actor=firm, kind="fee-reduction", fields=rich, now=NOW
        )
        with pytest.raises(PrecheckFailed):
            await open_case(session, firm, fields=rich)
        await open_case(session, firm, fields=REDUCTION | {"taxable_income": "1000000.00"})

        assert [finding.check for finding in found] == ["income"]

    async def test_the_precheck_of_a_pledge_asks_the_grounds_of_its_register(
        self, session: AsyncSession
    ) -> None:
        firm = await make_firm(session)
        good = await make_right(session, firm)
        disputed = await make_right(session, firm, ownership_disputed=True)
        fields = {
            "patent_number": "202110000001.6",
            "debt_amount": "5000000.00",
            "debt_ends_on": "2027-11-23",
            "mode": "online",
        }
        with pytest.raises(PrecheckFailed):
            await open_case(
                session, firm, "pledge-registration", fields | {"right_id": str(disputed.id)}
            )
        with pytest.raises(PrecheckFailed):  # the debt outlives the patent
            await open_case(
                session,
                firm,
                "pledge-registration",
                fields | {"right_id": str(good.id), "debt_ends_on": "2039-01-01"},
            )
        with pytest.raises(FieldRefused):
            await open_case(
                session,
                await make_firm(session),
                "pledge-registration",
                fields | {"right_id": str(good.id)},
            )

        opened = await open_case(
            session, firm, "pledge-registration", fields | {"right_id": str(good.id)}
        )
        assert opened.state == "submitted"

    async def test_who_may_not_and_what_is_not_stated(self, session: AsyncSession) -> None:
        bank = await make_institution(session, OrganisationKind.BANK)
        firm = await make_firm(session)
        with pytest.raises(KindRefused):
            await open_case(session, bank)
        with pytest.raises(NoSuchKind):
            await open_case(session, firm, "strange")
        with pytest.raises(NoSuchKind):
            await open_case(session, firm, now=datetime.fromisoformat("2021-06-01T00:00:00Z"))
        for fields in (
            {},
            REDUCTION | {"taxable_income": "-1"},
            REDUCTION | {"taxable_income": 1},
            REDUCTION | {"applicant_type": "x"},
            REDUCTION | {"other": "x"},
            REDUCTION | {"year": True},
        ):
            with pytest.raises(FieldRefused):
                await open_case(session, firm, fields=fields)

    async def test_a_stranger_sees_nothing(self, session: AsyncSession) -> None:
        case = await open_case(session, await make_firm(session))
        stranger = await make_firm(session)
        await bind(session, stranger)

        with pytest.raises(NotFound):
            await cases.get_case(session, actor=stranger, case_id=case.id)
        assert (await session.scalars(select(Case.id))).all() == []


class TestClocks:
    async def test_working_days_rest_while_the_applicant_corrects(
        self, session: AsyncSession
    ) -> None:
        firm = await make_firm(session)
        clerk, _ = await make_two_people(session)
        case = await open_case(session, firm)  # Monday
        due = [case.due_on]
        tuesday = NOW + timedelta(days=1)
        await act(session, clerk, case, "ask-correction", note="缺证明", now=tuesday)
        due.append(case.due_on)
        monday = NOW + timedelta(days=7)
        await act(session, firm, case, "correct", fields={"year": 2026}, now=monday)
        due.append(case.due_on)
        assert due == [date(2026, 11, 26), None, date(2026, 12, 2)]
        late = NOW + timedelta(days=11)
        await act(session, clerk, case, "accept", now=late)
        await act(session, clerk, case, "finish", fields={"record_number": "1"}, now=late)
        [clock] = await case_parts.clocks_of(session, case.id)

        assert (clock.late, clock.working_days) == (True, 9)

    async def test_a_hearing_is_announced_days_ahead_and_its_day_is_the_limit(
        self, session: AsyncSession
    ) -> None:
        firm = await make_firm(session)
        clerk, _ = await make_two_people(session)
        case = await open_case(session, firm, "patent-adjudication", DISPUTE)
        await act(session, clerk, case, "accept")
        soon = {"hearing_on": "2026-11-27", "hearing_place": "银川"}
        with pytest.raises(FieldRefused):
            await act(session, clerk, case, "set-hearing", fields=soon)
        await act(session, clerk, case, "set-hearing", fields=soon | {"hearing_on": "2026-11-30"})
        assert case.due_on == date(2026, 11, 30)
        await act(session, clerk, case, "set-hearing", fields=soon | {"hearing_on": "2026-12-10"})

        assert case.due_on == date(2026, 12, 10)

    async def test_figures_count_what_was_kept(self, session: AsyncSession) -> None:
        firm = await make_firm(session)
        clerk, _ = await make_two_people(session)
        for days in (1, 2, 20):
            case = await open_case(session, firm)
            later = NOW + timedelta(days=days)
            await act(session, clerk, case, "refuse", note="不符", now=later)
        await open_case(session, firm)
        await bind(session, clerk)

        shown = await case_figures.show(
            session,
            actor=clerk,
            since=None,
            until=NOW.date(),
            group="desk",
            now=NOW + timedelta(days=20),
        )

        [kind] = shown.kinds
        assert (kind.opened, kind.closed, kind.applicants) == (4, 3, 1)
        assert kind.by_state == {"refused": 3, "submitted": 1}
        [clock] = kind.clocks
        assert (clock.ended, clock.on_time, clock.running, clock.late_now) == (3, 2, 1, 1)


class TestAdjudication:
    async def test_the_respondent_answers_once_the_case_is_accepted(
        self, session: AsyncSession
    ) -> None:
        firm, other = await make_firm(session), await make_firm(session)
        clerk, chief = await make_two_people(session)
        await bind(session, SYSTEM)
        uscc = await session.scalar(
            text("SELECT uscc FROM organisations WHERE id = :id"), {"id": other.organisation_id}
        )
        case = await open_case(
            session, firm, "patent-adjudication", DISPUTE | {"respondent_uscc": uscc}
        )
        await bind(session, other)
        with pytest.raises(NotFound):
            await cases.get_case(session, actor=other, case_id=case.id)
        await act(session, clerk, case, "accept")
        await act(session, other, case, "answer", fields={"answer": "不侵权"})
        await act(session, clerk, case, "deliberate", note="书面审理")
        report = await paper(session, clerk)
        with pytest.raises(SamePersonAgain):
            await act(
                session, clerk, case, "decide", fields={"outcome": "infringed"}, document_id=report
            )
        decided = await act(
            session, chief, case, "decide", fields={"outcome": "infringed"}, document_id=report
        )
        await bind(session, NOBODY)
        [public] = await case_figures.list_public(
            session, kind="patent-adjudication", parent_id=None, query=None, limit=10
        )

        assert decided.state == "decided"
        assert public.fields == {"patent_number": "202110000001.6", "outcome": "infringed"}


class TestCustody:
    REFERRAL = {"suspect": "某店", "offence": "counterfeit_mark", "custodian": "执法一队"}

    async def make(self, session: AsyncSession) -> tuple[Case, Actor]:
        one, other = await make_two_people(session)
        case = await open_case(session, one, "criminal-referral", self.REFERRAL)
        await act(
            session,
            one,
            case,
            "seize",
            fields={"item": "包装盒 300 个", "custodian": "物证室"},
            document_id=await paper(session, one),
        )
        with pytest.raises(SamePersonAgain):
            await act(session, one, case, "approve", note="同意")
        await act(session, other, case, "approve", note="同意")
        return case, one

    async def test_every_hand_that_held_the_evidence_is_in_the_chain(
        self, session: AsyncSession
    ) -> None:
        case, one = await self.make(session)
        _, broken = await cases.verify(session, actor=one, case_id=case.id)
        entries = await cases.list_entries(session, case=case)

        assert broken is None
        assert [entry.move for entry in entries] == ["open", "seize", "approve"]
        assert entries[1].document_sha256 is not None
        assert entries[2].previous == entries[1].digest

    async def test_nobody_rewrites_an_entry(self, session: AsyncSession) -> None:
        await self.make(session)
        await bind(session, SYSTEM)
        for statement in ("UPDATE case_entries SET note = 'x'", "DELETE FROM case_entries"):
            with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
                async with session.begin_nested():
                    await session.execute(text(statement))

    async def test_what_was_changed_behind_our_back_is_found(self, session: AsyncSession) -> None:
        case, _ = await self.make(session)
        entries = await cases.list_entries(session, case=case)
        contents = [
            (row.number, case_parts.content_of(row), row.previous, row.digest) for row in entries
        ]
        forged = contents[1][1] | {"fields": {"custodian": "别处"}}
        assert first_broken(contents) is None
        assert first_broken([contents[0], (2, forged, *contents[1][2:]), contents[2]]) == 2
        assert first_broken([contents[0], contents[2]]) == 2
        assert first_broken(contents[1:]) == 1


class TestOneBelowAnother:
    async def station(self, session: AsyncSession) -> tuple[Case, Actor]:
        agency = await make_institution(session, OrganisationKind.AGENCY)
        clerk, _ = await make_two_people(session)
        fields = {"city": "wuzhong", "address": "利通区", "contact": "0953-1"}
        case = await open_case(session, agency, "brand-station", fields)
        return await act(session, clerk, case, "accredit", note="符合条件"), agency

    async def test_a_stations_tickets_are_its_record(self, session: AsyncSession) -> None:
        station, agency = await self.station(session)
        firm = await make_firm(session)
        ticket = await open_case(
            session,
            firm,
            "station-ticket",
            {"matter": "enforcement", "question": "被抢注怎么办"},
            parent_id=station.id,
        )
        await act(session, agency, ticket, "answer", fields={"answer": "提出异议"})
        await act(session, firm, ticket, "close", fields={"rating": 5})
        await bind(session, agency)
        record = await case_figures.show_below(
            session, actor=agency, case_id=station.id, since=None, until=None, now=NOW
        )
        await bind(session, NOBODY)
        shown = await case_figures.list_public(
            session, kind="brand-station", parent_id=None, query="利通", limit=10
        )

        assert [(kind.kind, kind.closed, kind.applicants) for kind in record.kinds] == [
            ("station-ticket", 1, 1)
        ]
        assert record.kinds[0].clocks[0].on_time == 1
        assert [row.case_id for row in shown] == [station.id]

    async def test_a_suspended_station_takes_no_ticket_and_is_shown_no_more(
        self, session: AsyncSession
    ) -> None:
        station, _ = await self.station(session)
        clerk, _ = await make_two_people(session)
        await act(session, clerk, station, "suspend", note="整改")
        with pytest.raises(FieldRefused):
            await open_case(
                session,
                await make_firm(session),
                "station-ticket",
                {"matter": "market", "question": "x"},
                parent_id=station.id,
            )
        await bind(session, NOBODY)

        assert (
            await case_figures.list_public(
                session, kind="brand-station", parent_id=None, query=None, limit=10
            )
            == []
        )

    async def test_only_the_agency_logs_its_services_and_the_firm_confirms(
        self, session: AsyncSession
    ) -> None:
        agency = await make_institution(session, OrganisationKind.AGENCY)
        rival = await make_institution(session, OrganisationKind.AGENCY)
        firm = await make_firm(session)
        clerk, _ = await make_two_people(session)
        terms = {"parks": "平罗工业园", "services": "托管", "contact": "x"}
        custody = await open_case(session, agency, "custody-agency", terms)
        await act(session, clerk, custody, "accredit", note="符合条件")
        fields = {"service": "filing", "served_on": "2026-11-20", "content": "代理申请"}
        given: dict[str, Any] = {"parent_id": custody.id, "handler_id": firm.organisation_id}
        with pytest.raises(FieldRefused):
            await open_case(session, rival, "custody-service", fields, **given)
        with pytest.raises(FieldRefused):
            await open_case(
                session, agency, "custody-service", fields | {"served_on": "2026-11-24"}, **given
            )
        service = await open_case(session, agency, "custody-service", fields, **given)
        confirmed = await act(session, firm, service, "confirm")

        assert confirmed.closed_at == NOW
