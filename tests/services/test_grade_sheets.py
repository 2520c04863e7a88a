"""Grade sheets: begun, answered with evidence, finished; who reads them, and what stays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.identifiers.rights import RightKind
from app.lifecycle.appraisals import GradeSheetStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.appraisals import GradeAnswer, GradeSheet
from app.models.financing import FinancingRequest, RequestRight
from app.models.organisations import FirmProfile
from app.models.rights import Right
from app.schemas.grading import GradeAnswerIn, GradeResultOut, GradeSheetDetailOut, GradeSheetIn
from app.services import documents, grade_results, grade_sheets, open_requests
from app.services.actor import SYSTEM, Actor, bind
from app.services.grade_sheets import NotGraded, SheetStands, TableChanged
from app.valuation.grading import Origin
from app.valuation.grading_table import TABLES
from tests.make.market import make_firm, make_institution, make_open_request, make_right
from tests.make.rights import make_document

MEASURES = {"family_size": 3, "claims": 10, "citations": 4, "source": "公布公告系统"}


@dataclass
class Scene:
    firm: Actor
    request: FinancingRequest
    right: Right


@pytest.fixture
async def scene(session: AsyncSession) -> Scene:
    firm = await make_firm(session)
    request = await make_open_request(session, firm)
    right = await session.scalar(
        select(Right)
        .join(RequestRight, RequestRight.right_id == Right.id)
        .where(RequestRight.request_id == request.id)
    )
    assert right is not None
    await bind(session, firm)
    return Scene(firm, request, right)


async def start(session: AsyncSession, scene: Scene, now: datetime, **changes: Any) -> GradeSheet:
    return await grade_sheets.start(
        session,
        actor=scene.firm,
        right_id=scene.right.id,
        stated=GradeSheetIn.model_validate({"use": "finance"} | changes),
        now=now,
    )


async def answer(
    session: AsyncSession,
    scene: Scene,
    sheet: GradeSheet,
    now: datetime,
    *,
    indicator: str = "rivals",
    **fields: Any,
) -> GradeAnswer:
    return await grade_sheets.answer(
        session,
        actor=scene.firm,
        sheet_id=sheet.id,
        indicator=indicator,
        stated=GradeAnswerIn.model_validate({"level": 4, "note": "见附注"} | fields),
        now=now,
    )


async def told(session: AsyncSession, sheet: GradeSheet) -> GradeSheetDetailOut:
    return await grade_results.tell(
        session,
        sheet,
        grade_sheets.find_table(sheet),
        await grade_sheets.list_answers(session, sheet),
    )


async def result_of(session: AsyncSession, sheet: GradeSheet) -> GradeResultOut:
    result = (await told(session, sheet)).result
    assert result is not None
    return result


async def test_the_register_answers_what_it_can_and_the_rest_is_missing(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    sheet = await start(session, scene, now)

    shown = await told(session, sheet)
    result = await result_of(session, sheet)
    by_register = {line.indicator: line.fact for line in result.lines if line.fact is not None}
    assert by_register == {
        "examined": "invention",
        "challenges": "clear",
        "remaining_term": "11.3",
        "fees": "paid",
        "key_field": "no",
        "licences": "0",
        "burdens": "free",
    }
    assert "family" in result.missing
    assert result.whole.score is None
    assert result.whole.low < result.whole.high
    assert (result.rows, result.unverified_rows) == (44, 44)
    assert "no conformity is claimed" in shown.conformity


async def test_stated_measures_answer_too_and_name_their_source(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    sheet = await start(session, scene, now, measures=MEASURES)

    shown = await told(session, sheet)
    result = await result_of(session, sheet)
    assert shown.measures_source == "公布公告系统"
    assert shown.facts["claims"] == "10"
    assert "family" not in result.missing
    composite = result.composite
    assert [str(one.value) for one in composite.standings] == ["3", "10", "4", "8.7"]
    assert {one.percentile for one in composite.standings} == {None}
    assert (composite.score, composite.cohort, composite.uncalibrated) == (None, None, True)


async def test_an_answer_needs_evidence_and_may_be_given_again(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    sheet = await start(session, scene, now)
    proof = await make_document(session, scene.firm.organisation_id)

    with pytest.raises(FieldRefused, match="needs evidence"):
        await answer(session, scene, sheet, now, note=None)
    with pytest.raises(FieldRefused, match="is no document of yours"):
        await answer(session, scene, sheet, now, document_id=new_id())
    before = (await result_of(session, sheet)).whole
    await answer(session, scene, sheet, now, level=2)
    await answer(session, scene, sheet, now, level=5, note=None, document_id=proof.id)

    result = await result_of(session, sheet)
    [line] = [line for line in result.lines if line.indicator == "rivals"]
    assert (line.origin, line.level, line.document_id) == (Origin.HAND, 5, proof.id)
    assert result.whole.low > before.low
    assert result.whole.high == before.high


async def test_a_document_that_another_shared_is_no_evidence(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    bank = await make_institution(session, OrganisationKind.BANK)
    await bind(session, bank)
    theirs = await make_document(session, bank.organisation_id)
    await documents.share(session, theirs, organisation_ids=[scene.firm.organisation_id])
    await bind(session, scene.firm)
    sheet = await start(session, scene, now)

    with pytest.raises(FieldRefused, match="is no document of yours"):
        await answer(session, scene, sheet, now, document_id=theirs.id)


async def test_what_the_register_answers_is_not_asked_of_people(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    sheet = await start(session, scene, now)

    with pytest.raises(FieldRefused, match="is answered by the register"):
        await answer(session, scene, sheet, now, indicator="fees")
    with pytest.raises(NotFound):
        await answer(session, scene, sheet, now, indicator="charm")


async def test_a_finished_sheet_stays_as_it_was(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    sheet = await start(session, scene, now)
    await answer(session, scene, sheet, now)
    before = await result_of(session, sheet)
    await grade_sheets.finish(session, actor=scene.firm, sheet_id=sheet.id, now=now)
    await session.flush()
    scene.right.invalidation_pending = True
    await session.flush()

    assert await result_of(session, sheet) == before
    assert sheet.table_sha256 == TABLES[0].sha256
    with pytest.raises(IllegalMove):
        await answer(session, scene, sheet, now)
    again = await start(session, scene, now)
    facts = (await told(session, again)).facts
    assert facts["standing"] == "challenged"


async def test_one_open_sheet_for_each_use_of_a_right(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    sheet = await start(session, scene, now)
    await start(session, scene, now, use="management")

    with pytest.raises(SheetStands):
        await start(session, scene, now)
    await grade_sheets.discard(session, actor=scene.firm, sheet_id=sheet.id, now=now)
    await session.flush()
    assert sheet.status is GradeSheetStatus.DISCARDED
    await start(session, scene, now)


async def test_a_sheet_of_another_edition_is_discarded_not_finished(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    sheet = await start(session, scene, now)
    sheet.table_sha256 = b"another"
    await session.flush()

    assert (await told(session, sheet)).result is None
    with pytest.raises(TableChanged):
        await grade_sheets.finish(session, actor=scene.firm, sheet_id=sheet.id, now=now)
    await grade_sheets.discard(session, actor=scene.firm, sheet_id=sheet.id, now=now)


async def test_uses_and_kinds_that_the_table_has_not_are_refused(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    mark = await make_right(session, scene.firm, kind=RightKind.TRADEMARK)

    with pytest.raises(FieldRefused, match="use: is none of"):
        await start(session, scene, now, use="decoration")
    scene.right = mark
    with pytest.raises(NotGraded, match="invention, utility model only, not for trademark"):
        await start(session, scene, now)


async def test_a_firm_without_a_profile_leaves_its_field_open(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    await bind(session, SYSTEM)
    profile = await session.get_one(FirmProfile, scene.firm.organisation_id)
    await session.delete(profile)
    await session.flush()

    assert "key_field" in (await result_of(session, await start(session, scene, now))).missing


async def test_lenders_read_finished_sheets_of_rights_they_may_see(
    session: AsyncSession, scene: Scene, now: datetime
) -> None:
    sheet = await start(session, scene, now)
    proof = await make_document(session, scene.firm.organisation_id)
    await answer(session, scene, sheet, now, document_id=proof.id)
    bank = await make_institution(session, OrganisationKind.BANK)
    authority = await make_institution(session, OrganisationKind.AUTHORITY)
    stranger = await make_firm(session)

    async def seen(actor: Actor) -> set[Any]:
        await bind(session, SYSTEM)
        filtered = {one.id for one in await session.scalars(grade_sheets.visible_sheets(actor))}
        await bind(session, actor)
        assert set(await session.scalars(select(GradeSheet.id))) == filtered
        assert set(await session.scalars(select(GradeAnswer.sheet_id))) == filtered
        return filtered

    await bind(session, scene.firm)
    await open_requests.give_identity_consent(
        session,
        actor=scene.firm,
        request_id=scene.request.id,
        institution_id=bank.organisation_id,
        now=now,
    )
    assert await seen(bank) == set()  # still open
    await bind(session, scene.firm)
    await grade_sheets.finish(session, actor=scene.firm, sheet_id=sheet.id, now=now)
    await session.flush()

    rival = await make_institution(session, OrganisationKind.BANK)
    for reader in (bank, authority, scene.firm):
        assert await seen(reader) == {sheet.id}
        evidence = await grade_sheets.get_evidence(
            session, actor=reader, sheet_id=sheet.id, indicator="rivals"
        )
        assert evidence.id == proof.id
    for other in (rival, stranger):
        assert await seen(other) == set()
        with pytest.raises(NotFound):
            await grade_sheets.get_evidence(
                session, actor=other, sheet_id=sheet.id, indicator="rivals"
            )
