"""Whatever the published schema allows, or nearly allows, is answered: done, or refused in words.

Schemathesis reads the OpenAPI document and makes the requests, fitting and unfitting ones, for
every operation. They are aimed at a market that stands: an open request, a deal before its
drawdown and a drawn loan, so that they reach the services and not only the 404s before them.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core import NotSet
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.clock import business_date
from app.core.settings import Settings
from app.integrations.store import open_store
from app.main import create_app
from app.models.accounts import ApiClient, User
from app.models.appraisals import Accreditation, AppraisalOrder, GradeSheet
from app.models.deals import Condition, Deal, Drawdown, Registration
from app.models.documents import Document
from app.models.financing import FinancingRequest, Quote
from app.models.loans import Extension, Loan, Repayment
from app.models.organisations import Cooperation, Organisation, ParkMembership
from app.models.park_desk import MatchmakingEvent, Recommendation
from app.models.portfolios import Portfolio, StatedValue, Valuation
from app.models.programme import ProgrammeChange
from app.models.rights import Right
from app.schemas.grading import GradeSheetIn
from app.services import drawdowns, grade_sheets
from app.services.actor import SYSTEM, Actor, bind
from tests.conftest import ActorClient
from tests.make.appraisals import make_appraiser, make_order, make_report
from tests.make.deals import Table, make_ready, make_table
from tests.make.market import make_portfolio
from tests.make.parties import NOW
from tests.make.programme import make_pair, propose

Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]
ClientOf = Callable[[Actor | None], ActorClient]

# Requests per operation and caller.
FITTING, UNFITTING = 5, 3

# Its refusals have the form of RFC 6749.
TOKEN = "/v1/session/token"

NAMED: dict[str, type[Any]] = {
    "change_id": ProgrammeChange,
    "accreditation_id": Accreditation,
    "client_id": ApiClient,
    "condition_id": Condition,
    "cooperation_id": Cooperation,
    "deal_id": Deal,
    "document_id": Document,
    "drawdown_id": Drawdown,
    "event_id": MatchmakingEvent,
    "extension_id": Extension,
    "loan_id": Loan,
    "membership_id": ParkMembership,
    "order_id": AppraisalOrder,
    "organisation_id": Organisation,
    "portfolio_id": Portfolio,
    "quote_id": Quote,
    "recommendation_id": Recommendation,
    "registration_id": Registration,
    "repayment_id": Repayment,
    "request_id": FinancingRequest,
    "right_id": Right,
    "sheet_id": GradeSheet,
    "user_id": User,
    "value_id": StatedValue,
    "valuation_id": Valuation,
}


def _operations() -> dict[str, Operation]:
    schema = schemathesis.openapi.from_dict(
        create_app(Settings(database_url="postgresql://nowhere/none")).openapi()
    )
    found = [
        operation.ok() for operation in schema.get_all_operations() if isinstance(operation, Ok)
    ]
    return {operation.label: operation for operation in found}


OPERATIONS = _operations()


def _cases(operation: Operation, mode: GenerationMode, count: int) -> list[AnyCase]:
    """The same cases at every run; none where the schema leaves nothing to get wrong."""
    found: list[AnyCase] = []

    @hypothesis_settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode))
    def collect(case: AnyCase) -> None:
        found.append(case)

    try:
        collect()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label
    return found


class Caller:
    """An organisation and one row of each kind that it can see, if there is one."""

    def __init__(self, name: str, actor: Actor) -> None:
        self.name, self.actor = name, actor
        self.ids: dict[str, str] = {}

    async def look_around(self, session: AsyncSession) -> None:
        await bind(session, self.actor)
        for name, model in NAMED.items():
            found: UUID | None = await session.scalar(select(model.id).order_by(model.id.desc()))
            if found is not None:
                self.ids[name] = str(found)
        await bind(session, SYSTEM)


async def make_loan(session: AsyncSession) -> Table:
    table = await make_table(session)
    deal = await make_ready(session, table)
    drawdown = await drawdowns.release(
        session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
    )
    await drawdowns.report_drawn(
        session,
        actor=table.bank,
        deal_id=deal.id,
        drawdown_id=drawdown.id,
        drawn_on=business_date(NOW),
        reference="FK-1",
        last=True,
        now=NOW,
    )
    return table


async def make_values(session: AsyncSession, firm: Actor) -> None:
    """A report that the firm ordered of one of its rights, and an open grade sheet of it."""
    right = (
        await session.scalars(select(Right).where(Right.owner_id == firm.organisation_id).limit(1))
    ).one()
    portfolio = await make_portfolio(session, firm, [right])
    order = await make_order(
        session,
        orderer=firm,
        appraiser=await make_appraiser(session),
        portfolio_id=portfolio.id,
        firm_id=firm.organisation_id,
        rights=[right],
    )
    await make_report(session, order)
    await grade_sheets.start(
        session, actor=firm, right_id=right.id, stated=GradeSheetIn(use="finance"), now=NOW
    )


@pytest.fixture
async def callers(app: FastAPI, settings: Settings, session: AsyncSession) -> list[Caller]:
    app.state.store = open_store(settings.documents_url)
    market = await make_table(session)
    signed = await make_table(session)
    await make_ready(session, signed)
    drawn = await make_loan(session)
    for document in await session.scalars(select(Document)):
        await app.state.store.put(document.store_key, b"%PDF-1.7")
    await make_values(session, market.firm)
    pair = await make_pair(session)
    await propose(session, pair, "capacity", capacity="250000000.00")
    callers = [
        Caller("firm with quotes", market.firm),
        Caller("firm with a deal", signed.firm),
        Caller("firm with a loan", drawn.firm),
        Caller("bank that quoted", market.bank),
        Caller("bank with a deal", signed.bank),
        Caller("bank with a loan", drawn.bank),
        Caller("authority", pair.checker),
    ]
    for caller in callers:
        await caller.look_around(session)
    await session.flush()
    return callers


async def test_every_operation_answers_fitting_and_unfitting_input(
    session: AsyncSession, client_of: ClientOf, callers: list[Caller]
) -> None:
    connection = session.bind
    assert isinstance(connection, AsyncConnection)
    cases = [
        (case, mode)
        for operation in OPERATIONS.values()
        for mode, count in (
            (GenerationMode.POSITIVE, FITTING),
            (GenerationMode.NEGATIVE, UNFITTING),
        )
        for case in _cases(operation, mode, count)
    ]
    seen: set[int] = set()
    wrong: list[str] = []

    for caller in callers:
        async with client_of(caller.actor) as client:
            closed: set[str] = set()
            for case, mode in cases:
                if case.operation.label in closed:
                    continue
                aimed = caller.ids if mode is GenerationMode.POSITIVE else {}
                async with connection.begin_nested() as undone:
                    answer = await client.request(**_request(case, aimed))
                    await undone.rollback()
                seen.add(answer.status_code)
                if answer.status_code == 403:
                    closed.add(case.operation.label)
                if (fault := _fault(answer)) is not None:
                    wrong.append(f"{fault} as {caller.name}: {_told(answer)}")

    assert not wrong, "\n".join(wrong)
    # The requests came through to the services, and were refused by rules too.
    assert {200, 201, 403, 404, 409, 422} <= seen


def _request(case: AnyCase, ids: dict[str, str]) -> dict[str, Any]:
    path = case.path.format_map({**case.path_parameters, **_known(case.path_parameters, ids)})
    request: dict[str, Any] = {
        "method": case.method,
        "url": path,
        "params": {name: value for name, value in case.query.items() if value is not None},
        "headers": {"content-type": case.media_type} if case.media_type else {},
    }
    if isinstance(case.body, NotSet):
        return request
    if isinstance(case.body, bytes):
        return request | {"content": case.body}
    if case.media_type == "application/x-www-form-urlencoded":
        return request | {"data": case.body, "headers": {}}
    return request | {"content": json.dumps(_aimed(case.body, ids)).encode()}


def _known(parameters: dict[str, Any], ids: dict[str, str]) -> dict[str, str]:
    return {name: ids[name] for name in parameters if name in ids}


def _aimed(body: Any, ids: dict[str, str]) -> Any:
    """The body with the ids in it replaced by ids of rows that exist."""
    if isinstance(body, list):
        return [_aimed(item, ids) for item in body]
    if isinstance(body, dict):
        return {name: ids.get(name) or _aimed(value, ids) for name, value in body.items()}
    return body


def _fault(answer: httpx.Response) -> str | None:
    if answer.status_code >= 500:
        return "crashed"
    if answer.status_code >= 400:
        if answer.request.url.path == TOKEN:
            return None
        if answer.headers.get("content-type") != "application/problem+json":
            return "not a problem document"
        if not answer.json()["detail"]:
            return "a refusal without words"
    return None


def _told(answer: httpx.Response) -> str:
    sent = answer.request
    return f"{sent.method} {sent.url} {sent.content[:400]!r} -> {answer.status_code}"
