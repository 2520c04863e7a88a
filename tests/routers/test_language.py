"""Answers in the reader's language: Accept-Language, Content-Language, and no word left behind."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.messages import Language, say
from app.lifecycle.parties import OrganisationKind
from app.routers.language import preferred
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.parties import make_actor, make_organisation

OpenClient = Callable[[Actor | None], ActorClient]

CHINESE, ENGLISH = Language.CHINESE, Language.ENGLISH

SCHEDULE = "/v1/calculators/repayment-schedule"
IDENTIFIER = "/v1/calculators/identifier"
TERMS = {
    "principal": "5000.00",
    "annual_rate_pct": "12",
    "term_months": 18,
    "method": "equal_instalment",
    "day_count": "30/360",
    "first_day": "2022-11-01",
}
IN_CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (b"zh", CHINESE),
        (b"zh-CN", CHINESE),
        (b"ZH-hans-cn", CHINESE),
        (b"zh-Hant-TW", CHINESE),
        (b"en", ENGLISH),
        (b"en-GB", ENGLISH),
        (b"*", CHINESE),
        (b"fr, *;q=0.1", CHINESE),
        (b"fr", ENGLISH),
        (b"", ENGLISH),
        (b"zh;q=0.4, en;q=0.8", ENGLISH),
        (b"en;q=0.4, zh-CN;q=0.8", CHINESE),
        (b"en;q=0.999, zh;q=1.000", CHINESE),
        (b"fr, en;q=0.5, zh;q=0.4", ENGLISH),
        (b"en, zh", ENGLISH),
        (b"zh, en", CHINESE),
        (b"en, *", ENGLISH),
        (b"en;q=0.3, *;q=0.5", CHINESE),
        (b"zh;q=0, *", ENGLISH),
        (b"zh;q=0", ENGLISH),
        (b"en;q=0, *;q=0.1", CHINESE),
        (b"zh;q=0.2, zh-CN;q=0.9, en;q=0.5", CHINESE),
        (b"en ; q=0.1 , zh ; Q=0.2", CHINESE),
        (b"zh;q=2, en;q=0.1", ENGLISH),
        (b"zh;q=high, en;q=0.1", ENGLISH),
        (b"zhuang, en;q=0.1", ENGLISH),
        (b"zh_CN, en;q=0.1", ENGLISH),
        (b",,;q=1,zh", CHINESE),
    ],
)
def test_the_best_language_is_chosen(header: bytes, language: Language) -> None:
    assert preferred(header) is language


@given(
    st.binary(max_size=600)
    | st.text("zhenfr-*;q=.,019 \t\xff", max_size=80).map(lambda text: text.encode("latin-1"))
)
def test_no_header_is_too_strange(header: bytes) -> None:
    assert preferred(header) in Language


async def test_a_strange_header_is_answered_over_http(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        for value in (b"\xff\xfe", b"zh;q=" + b"9" * 5000, b",;" * 3000):
            reply = await client.get("/v1/nowhere", headers={b"Accept-Language": value})

            assert (reply.status_code, reply.headers["content-language"]) == (404, "en")


async def refused(client: httpx.AsyncClient, **changed: Any) -> httpx.Response:
    return await client.post(SCHEDULE, json=TERMS | changed, headers=IN_CHINESE)


async def test_a_refusal_is_told_in_chinese_and_names_the_field(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        reply = await refused(client, grace_months=18)

    assert reply.status_code == 422
    assert reply.headers["content-language"] == "zh"
    assert reply.headers["vary"] == "Accept-Language"
    problem = reply.json()
    assert problem["type"] == "/problems/field-refused"
    assert problem["title"] == "Unprocessable Entity"
    assert problem["field"] == "grace_months"
    assert problem["reason"] == "须在贷款期限之内且短于贷款期限"
    assert problem["detail"] == "grace_months：须在贷款期限之内且短于贷款期限"
    assert problem["errors"] == [{"field": "grace_months", "reason": problem["reason"]}]


async def test_without_the_header_it_is_the_english_source(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        reply = await client.post(SCHEDULE, json=TERMS | {"grace_months": 18})

    assert reply.headers["content-language"] == "en"
    assert reply.headers["vary"] == "Accept-Language"
    assert reply.json()["detail"] == "grace_months: must be inside the term and less than it"


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        (
            {"principal": None},
            "principal",
            '应为以元为单位的金额字符串，最多两位小数，例如 "5000.00"',
        ),
        ({"principal": "0.00"}, "principal", "须大于零且不超过 10000000000.00"),
        ({"annual_rate_pct": "-1"}, "annual_rate_pct", "应大于或等于 0"),
        ({"annual_rate_pct": "x"}, "annual_rate_pct", '应为数值，或者数字字符串，例如 "4.35"'),
        ({"annual_rate_pct": 0.12345678901}, "annual_rate_pct", "小数位数不得超过 10 位"),
        ({"term_months": 1.5}, "term_months", "应为整数"),
        ({"term_months": 0}, "term_months", "应大于或等于 1"),
        ({"method": "balloon"}, "method", "应为以下之一：equal_instalment, "),
        ({"first_day": "2022-13-01"}, "first_day", "不是历法中存在的日期"),
        ({"rounding": "down"}, "rounding", "应为以下之一：half_up, half_even"),
        ({"colour": "red"}, "colour", "不接受该字段"),
    ],
)
async def test_pydantics_own_messages_are_told_in_chinese(
    client_of: OpenClient, changed: dict[str, Any], field: str, reason: str
) -> None:
    async with client_of(None) as client:
        reply = await refused(client, **changed)

    [error] = reply.json()["errors"]
    assert error["field"] == field
    assert error["reason"].startswith(reason)
    assert reply.json()["detail"] == f"{field}：{error['reason']}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "请求正文不是有效的 JSON"),
        (b"[]", "应为对象"),
        (b"", "未填写"),
        ('{"principal": "1.00\u200b"}'.encode(), "未填写"),
    ],
)
async def test_bodies_that_are_none_are_refused_in_chinese(
    client_of: OpenClient, content: bytes, reason: str
) -> None:
    headers = IN_CHINESE | {"Content-Type": "application/json"}
    async with client_of(None) as client:
        reply = await client.post(SCHEDULE, content=content, headers=headers)

    assert reply.status_code == 422
    reasons = [error["reason"] for error in reply.json()["errors"]]
    assert reason in reasons
    assert [told for told in reasons if not HAN.search(told)] == []


@pytest.mark.parametrize(
    ("asked", "status", "detail"),
    [
        (("GET", "/v1/nowhere", {}), 404, "资源不存在"),
        (("DELETE", "/health", {}), 405, "不支持该请求方法"),
        (("GET", "/v1/company/rights", {}), 401, "请先登录，或提供访问令牌。"),
        (
            ("GET", "/v1/company/rights", {"Authorization": "Bearer x"}),
            401,
            "访问令牌不存在、已过期或已撤销。",
        ),
        (
            ("POST", SCHEDULE, {"Content-Length": "99999999"}),
            413,
            "请求正文超过 1048576 字节。",
        ),
        (("GET", "/v1/public/parks?x=%00", {}), 422, "x：含有字符 U+0000"),
    ],
)
async def test_what_http_itself_refuses_is_told_in_chinese(
    client_of: OpenClient, asked: tuple[str, str, dict[str, str]], status: int, detail: str
) -> None:
    method, path, headers = asked
    async with client_of(None) as client:
        reply = await client.request(method, path, headers=IN_CHINESE | headers)

    assert (reply.status_code, reply.json()["detail"]) == (status, detail)
    assert reply.headers["content-language"] == "zh"


async def test_too_many_calls_are_refused_in_chinese(app: FastAPI, client_of: OpenClient) -> None:
    app.state.settings = app.state.settings.model_copy(update={"calculator_rate": 1})
    async with client_of(None) as client:
        await refused(client)
        reply = await refused(client)

    assert (reply.status_code, reply.json()["detail"]) == (429, "同一地址每秒调用超过 1 次。")


async def test_a_crash_is_told_in_chinese_too(app: FastAPI) -> None:
    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError(say("is missing"))

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        reply = await client.get("/crash", headers=IN_CHINESE)

    assert reply.status_code == 500
    assert reply.json()["detail"].startswith("服务发生故障")
    assert reply.headers["content-language"] == "zh"


async def test_a_reason_inside_an_answer_is_told_in_chinese(client_of: OpenClient) -> None:
    asked = {"kind": "patent", "value": "202110000001.5"}
    async with client_of(None) as client:
        chinese = await client.post(IDENTIFIER, json=asked, headers=IN_CHINESE)
        english = await client.post(IDENTIFIER, json=asked)

    assert chinese.json()["reason"] == "校验位为 5，应为 6"
    assert english.json()["reason"] == "has check digit 5; 6 was expected"


async def test_a_stored_refusal_keeps_its_language(
    client_of: OpenClient, session: AsyncSession
) -> None:
    """Same key, same answer: a replay does not claim to be in the language asked for now."""
    firm = await make_organisation(session, kind=OrganisationKind.ENTERPRISE)
    headers = IN_CHINESE | {"Idempotency-Key": "once"}
    body = {
        "portfolio_id": "01934c2e-7c00-7000-8000-000000000001",
        "amount": "5000000.00",
        "term_months": 12,
        "purpose": "working_capital",
        "purpose_text": "采购原材料",
        "method": "interest_only",
    }
    async with client_of(await make_actor(session, firm)) as client:
        first = await client.post("/v1/company/requests", json=body, headers=headers)
        headers["Accept-Language"] = "en"
        again = await client.post("/v1/company/requests", json=body, headers=headers)

    assert first.json()["reason"] == "不是贵机构的知识产权组合"
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "content-language" not in again.headers


async def test_an_oauth_error_stays_ascii(client_of: OpenClient) -> None:
    """RFC 6749 §5.2 admits nothing else in error_description."""
    form = {
        "grant_type": "client_credentials",
        "client_id": "0193598a-0000-7000-8000-000000000001",
        "client_secret": "wrong",
    }
    async with client_of(None) as client:
        reply = await client.post("/v1/session/token", data=form, headers=IN_CHINESE)

    assert reply.json()["error"] == "invalid_client"
    assert reply.json()["error_description"].isascii()


async def test_one_request_leaves_no_language_behind(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        await client.get("/v1/nowhere", headers=IN_CHINESE)
        reply = await client.get("/v1/nowhere")

    assert reply.json()["detail"] == "Not Found"
