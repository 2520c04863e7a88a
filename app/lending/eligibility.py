"""Whether a firm may ask for a loan against its rights: every rule is tried, none stops another.

The service gathers the facts and reads the bounds from dated rules; here they only meet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Self

from app.core.messages import Language, Text, say, told
from app.core.money import Money
from app.identifiers.enterprise_size import SIZE_NAMES, EnterpriseSize
from app.lending.periods import months_after

PURPOSE_NAMES: dict[str, Text] = {
    "working_capital": say("working capital"),
    "research": say("research and development"),
    "equipment": say("equipment"),
    "purchase": say("purchase of materials"),
    "order_fulfilment": say("fulfilment of orders"),
    "securities": say("securities"),
    "real_estate": say("real estate"),
    "repay_other_loan": say("repayment of another loan"),
    "equity": say("equity"),
}
"""What people call the uses of funds that the rule "eligibility" names."""


class Outcome(StrEnum):
    PASSED = "passed"
    REFUSED = "refused"
    LEFT_OUT = "left_out"  # a right that carries nothing; the request fails only if others cannot


@dataclass(frozen=True, slots=True)
class Bounds:
    """The dated bounds of the rule "eligibility"."""

    sizes: tuple[str, ...]
    registered_months_min: int
    credit_authorisation_days_max: int
    purposes: tuple[str, ...]
    purposes_refused: tuple[str, ...]

    @classmethod
    def of(cls, body: dict[str, Any]) -> Self:
        return cls(
            sizes=tuple(body["sizes"]),
            registered_months_min=body["registered_months_min"],
            credit_authorisation_days_max=body["credit_authorisation_days_max"],
            purposes=tuple(body["purposes"]),
            purposes_refused=tuple(body["purposes_refused"]),
        )


@dataclass(frozen=True, slots=True)
class Firm:
    """``size`` is None if it cannot be told; ``size_basis`` is the rule applied, or why not."""

    size: str | None
    size_basis: str
    size_field: str  # the figure that is missing, or "industry"
    registered_on: date
    credit_authorised_on: date | None
    dishonest: bool
    abnormal: bool


@dataclass(frozen=True, slots=True)
class CarriedRight:
    """A right of the portfolio: what can be lent on it, and why it would carry nothing.

    Obstacles are (code, reason_zh, reason_en).
    """

    right_id: str
    lendable: Money
    obstacles: tuple[tuple[str, str, str], ...]
    pledgeable: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule said, in both languages; ``field`` is where to mend it."""

    rule: str
    field: str
    outcome: Outcome
    reason_zh: str
    reason_en: str


def assess(
    bounds: Bounds,
    *,
    firm: Firm | None,
    amount: Money,
    purpose: str,
    rights: Sequence[CarriedRight] | None,
    on: date,
) -> list[Verdict]:
    """The trace of every rule on the day ``on``.

    ``firm`` is None without a profile, ``rights`` None without a valuation: then the rules that
    need them are not tried, and the trace says what is missing.
    """
    return [
        *_judge_firm(bounds, firm, on),
        _judge_purpose(bounds, purpose),
        *_judge_rights(amount, rights),
    ]


def reasons(trace: Sequence[Verdict]) -> list[Verdict]:
    """All that is wrong: refusals, and the rights left out if they would have been needed."""
    needed = any(
        verdict.outcome is Outcome.REFUSED and verdict.rule in {"rights", "lendable"}
        for verdict in trace
    )
    wrong = {Outcome.REFUSED, Outcome.LEFT_OUT} if needed else {Outcome.REFUSED}
    return [verdict for verdict in trace if verdict.outcome in wrong]


def _verdict(rule: str, field: str, passed: bool, reason_zh: str, reason_en: str) -> Verdict:
    outcome = Outcome.PASSED if passed else Outcome.REFUSED
    return Verdict(rule, field, outcome, reason_zh, reason_en)


def _judge_firm(bounds: Bounds, firm: Firm | None, on: date) -> Iterator[Verdict]:
    if firm is None:
        yield _verdict(
            "profile", "profile", False, "尚未填写企业概况", "the firm has stated no profile"
        )
        return
    yield _judge_size(bounds, firm)
    yield _judge_registration(bounds, firm, on)
    yield _judge_authorisation(bounds, firm, on)
    for rule, marked, name_zh, name_en in (
        ("dishonest", firm.dishonest, "失信被执行人名单", "the list of dishonest debtors"),
        ("abnormal", firm.abnormal, "经营异常名录", "the list of abnormal operations"),
    ):
        stands_zh, stands_en = ("在", "is on") if marked else ("不在", "is not on")
        yield _verdict(
            rule,
            f"profile.{rule}",
            not marked,
            f"企业{stands_zh}{name_zh}",
            f"the firm {stands_en} {name_en}",
        )


def _judge_size(bounds: Bounds, firm: Firm) -> Verdict:
    field = f"profile.{firm.size_field}"
    basis_zh = told(firm.size_basis, Language.CHINESE)
    basis_en = told(firm.size_basis, Language.ENGLISH)
    if firm.size is None:
        return _verdict(
            "size",
            field,
            False,
            f"无法划型：{basis_zh}",
            f"the size cannot be told: {basis_en}",
        )
    size = SIZE_NAMES[EnterpriseSize(firm.size)]
    allowed = [SIZE_NAMES[EnterpriseSize(name)] for name in bounds.sizes]
    return _verdict(
        "size",
        field,
        firm.size in bounds.sizes,
        f"企业规模为{_zh(size)}，允许{_zh(*allowed)}（{basis_zh}）",
        f"the firm's size is {_en(size)}, allowed are {_en(*allowed)} ({basis_en})",
    )


def _judge_registration(bounds: Bounds, firm: Firm, on: date) -> Verdict:
    months = bounds.registered_months_min
    return _verdict(
        "registration_age",
        "profile.registered_on",
        months_after(firm.registered_on, months) <= on,
        f"成立于 {firm.registered_on}，须满 {months} 个月",
        f"registered on {firm.registered_on}, and {months} months are required",
    )


def _judge_authorisation(bounds: Bounds, firm: Firm, on: date) -> Verdict:
    given, days = firm.credit_authorised_on, bounds.credit_authorisation_days_max
    stated_zh = "尚未授权征信查询" if given is None else f"征信查询授权日期为 {given}"
    stated_en = (
        "no query of the credit register is authorised"
        if given is None
        else f"the query of the credit register was authorised on {given}"
    )
    return _verdict(
        "credit_authorisation",
        "profile.credit_authorised_on",
        given is not None and 0 <= (on - given).days <= days,
        f"{stated_zh}，授权须在 {days} 天内",
        f"{stated_en}; it must be at most {days} days old",
    )


def _judge_purpose(bounds: Bounds, purpose: str) -> Verdict:
    refused = purpose in bounds.purposes_refused
    stated = PURPOSE_NAMES.get(purpose, purpose)
    allowed = [PURPOSE_NAMES.get(name, name) for name in bounds.purposes]
    return _verdict(
        "purpose",
        "purpose",
        purpose in bounds.purposes and not refused,
        f"资金用途为{_zh(stated)}{'，属禁止用途' if refused else ''}，允许{_zh(*allowed)}",
        f"the use of funds {_en(stated)} {'is forbidden' if refused else 'was stated'};"
        f" allowed are {_en(*allowed)}",
    )


def _zh(*names: str) -> str:
    return "、".join(told(name, Language.CHINESE) for name in names)


def _en(*names: str) -> str:
    return ", ".join(told(name, Language.ENGLISH) for name in names)


def _judge_rights(amount: Money, rights: Sequence[CarriedRight] | None) -> Iterator[Verdict]:
    if rights is None:
        yield _verdict(
            "valuation", "portfolio_id", False, "组合尚未评估", "the portfolio has no valuation"
        )
        return
    for right in rights:
        field = f"rights.{right.right_id}"
        for code, zh, en in right.obstacles:
            yield Verdict(f"right.{code}", field, Outcome.LEFT_OUT, zh, en)
    carrying = [right for right in rights if right.pledgeable and right.lendable]
    count = len(carrying)
    yield _verdict(
        "rights",
        "portfolio_id",
        bool(carrying),
        f"可质押的知识产权 {count} 项，至少 1 项",
        f"{count} rights of the portfolio can be pledged, and one is required",
    )
    lendable = Money.sum([right.lendable for right in carrying])
    yield _verdict(
        "lendable",
        "amount",
        amount <= lendable,
        f"申请 {amount} 元，可贷 {lendable} 元",
        f"{amount} yuan are asked for, and {lendable} can be lent",
    )
