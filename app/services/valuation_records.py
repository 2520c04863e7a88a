"""Builds the canonical record of a run: facts, inputs with their evidence, rules, seed."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import FEN_MAX, ZERO, Money
from app.identifiers.rights import Register, RightKind
from app.lending.annuity_fees import AnnuityState, AnnuityStatus, annuity_state
from app.lending.pledgeability import PLEDGEABLE_JURISDICTION
from app.models.documents import Document
from app.models.records import RuleVersion
from app.models.rights import LegalEvent, Right
from app.schemas.portfolios import RightInputs
from app.services import rules
from app.valuation.checks import WHOLE_PCT
from app.valuation.inputs import DEFAULTED, YEARLY, Grade, Inputs, Rates, default_inputs
from app.valuation.runs import seed_of

RULES = ("valuation", "valuation_runs", "pledge_rates", "haircuts", "annuity_fees")
NAMED = ("event_effects", "event_consequences")
"""Rules whose effect is in the facts already: their version belongs to the record, not the body."""
STATED = tuple(name for name in RightInputs.model_fields if name not in {"right_id", "evidence"})
SHOWN_EVENTS = 20
_QUIET = {None, "none"}

Stated = Mapping[str, Mapping[str, Any]]
"""By right, what ``RightInputs`` dumps."""


async def build(
    session: AsyncSession,
    *,
    rights: Sequence[Right],
    stated: Stated,
    owed: Money | None,
    ends_on: date,
    yearly_cash: str | None,
    on: date,
    scenarios: str = "scenarios",
) -> dict[str, Any]:
    """The record of a run on the day ``on``; the rule says how many ``scenarios`` it draws."""
    versions = await rules.get_versions(session, [*RULES, *NAMED], on=on)
    kept = {key: _version(versions[key], body=key in RULES) for key in versions}
    events = await _events(session, [right.id for right in rights])
    proofs = await _proofs(session, stated.values())
    record: dict[str, Any] = {
        "as_of": on.isoformat(),
        "rules": kept,
        "loan": {
            "owed": None if owed is None else str(owed),
            "ends_on": ends_on.isoformat(),
            "yearly_cash": yearly_cash,
        },
        "scenarios": kept["valuation_runs"]["body"][scenarios],
        "rights": [
            {
                **_facts(right, events.get(right.id, []), kept, on=on),
                "inputs": _inputs(right, stated.get(str(right.id), {}), kept, proofs),
            }
            for right in sorted(rights, key=lambda right: right.id)
        ],
    }
    _refuse_explosions(record)
    record["seed"] = seed_of(record)
    return record


def _refuse_explosions(record: Mapping[str, Any]) -> None:
    """FieldRefused where growth would make more of a year than any amount of the trade."""
    for right in record["rights"]:
        inputs = Inputs(right["inputs"])
        growth = 1 + float(inputs.rate("growth_pct")) / WHOLE_PCT
        highest = max((inputs.money(name) or ZERO).fen for name in YEARLY)
        if highest * growth ** int(inputs.rate("economic_life_years")) > FEN_MAX:
            raise FieldRefused(
                f"rights.{right['right_id']}.growth_pct", say("grows beyond what anyone earns")
            )


def _version(version: RuleVersion, *, body: bool) -> dict[str, Any]:
    told = {
        "valid_from": version.valid_from.isoformat(),
        "source": version.source,
        "uncalibrated": version.uncalibrated,
    }
    return told | ({"body": version.body} if body else {})


async def _events(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[LegalEvent]]:
    found: dict[UUID, list[LegalEvent]] = {}
    rows = select(LegalEvent).where(LegalEvent.right_id.in_(ids))
    for event in await session.scalars(rows.order_by(LegalEvent.announced_on, LegalEvent.id)):
        if event.effect not in _QUIET:
            found.setdefault(event.right_id, []).append(event)
    return found


async def _proofs(
    session: AsyncSession, stated: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, str]]:
    """The documents named as evidence that are on file, by id."""
    named = {str(document) for one in stated for document in one.get("evidence", {}).values()}
    rows = select(Document).where(Document.id.in_([UUID(one) for one in named]))
    return {
        str(document.id): {"document_id": str(document.id), "sha256": document.sha256.hex()}
        for document in await session.scalars(rows)
    }


def _facts(
    right: Right, events: Sequence[LegalEvent], kept: Mapping[str, Any], *, on: date
) -> dict[str, Any]:
    annuity = _annuity(right, kept["annuity_fees"]["body"], on=on)
    lapsed = annuity is not None and annuity.status is AnnuityStatus.LAPSED
    patent = right.register is Register.PATENTS
    obstacles = {
        "foreign": right.jurisdiction != PLEDGEABLE_JURISDICTION,
        "preserved": right.preserved,
        "disputed": right.ownership_disputed,
    }
    return {
        "right_id": str(right.id),
        "kind": right.kind.value,
        "facts": {
            "register": right.register.value,
            "jurisdiction": right.jurisdiction,
            "number": right.number,
            "title": right.title,
            "holder_name": right.holder_name,
            "filed_on": _day(right.filed_on),
            "granted_on": _day(right.granted_on),
            "made_on": _day(right.filed_on if patent else right.completed_on),
            "expires_on": _day(right.expires_on),
            "ended_on": _day(right.ended_on),
            # From the fees, a year before the gazette: back at the end of the last paid year.
            "lapsed_on": _day(annuity.next_due_on) if annuity and lapsed else None,
            "annuity": None if annuity is None else annuity.status.value,
            "annuity_paid_through_year": right.annuity_paid_through_year,
            "next_fee_due_on": None if annuity is None else _day(annuity.next_due_on),
            "challenged": right.invalidation_pending or right.cancellation_pending,
            "grade": (Grade.STATED if right.source == "manual" else Grade.REGISTER).value,
            "source": right.source,
            "events": [
                {
                    "code": event.code,
                    "on": _day(event.effective_on or event.announced_on),
                    "effect": event.effect,
                    "source": event.source,
                }
                for event in events[-SHOWN_EVENTS:]
            ],
        },
        "obstacles": sorted(name for name, there in obstacles.items() if there),
    }


def _annuity(right: Right, body: Mapping[str, Any], *, on: date) -> AnnuityState | None:
    """Of a Chinese patent; nothing else pays these fees."""
    if right.register is not Register.PATENTS or right.jurisdiction != PLEDGEABLE_JURISDICTION:
        return None
    return annuity_state(
        filed_on=right.filed_on,
        expires_on=right.expires_on,
        paid_through_year=right.annuity_paid_through_year,
        on=on,
        grace_months=body["grace_months"],
    )


def _inputs(
    right: Right,
    stated: Mapping[str, Any],
    kept: Mapping[str, Any],
    proofs: Mapping[str, dict[str, str]],
) -> dict[str, Any]:
    kind = RightKind(right.kind)
    challenged = right.invalidation_pending or right.cancellation_pending
    inputs: dict[str, Any] = {}
    for name, (value, rule) in default_inputs(kind, Rates.of(kept), challenged=challenged).items():
        grade = Grade.UNCALIBRATED if kept[rule]["uncalibrated"] else Grade.RULE
        inputs[name] = {"value": value, "grade": grade.value, "source": rule}
    for name in STATED:
        if stated.get(name) is not None:
            proof = proofs.get(stated.get("evidence", {}).get(name, ""))
            inputs[name] = _stated(stated[name], proof)
    return inputs


def _stated(value: Any, proof: dict[str, str] | None) -> dict[str, Any]:
    grade = Grade.STATED if proof is None else Grade.DOCUMENTED
    # Life is a whole number on the wire and text in the record, as the rules have it.
    return {"value": str(value) if isinstance(value, int) else value, "grade": grade.value} | (
        proof or {}
    )


async def challenge(
    session: AsyncSession, record: Mapping[str, Any], stated: Sequence[RightInputs], *, by: UUID
) -> dict[str, Any]:
    """``record`` with other inputs, everything else the same: facts, day, rules, draws.

    An input stated as null is struck out. FieldRefused for a right that is not in the record, or
    for striking out what every right has.
    """
    after: dict[str, Any] = copy.deepcopy(dict(record))
    by_right = {right["right_id"]: right for right in after["rights"]}
    dumped = [one.model_dump(mode="json", exclude_unset=True) for one in stated]
    proofs = await _proofs(session, dumped)
    for place, one in enumerate(dumped):
        right = by_right.get(one["right_id"])
        if right is None:
            raise FieldRefused(f"rights.{place}.right_id", say("is not in the valuation"))
        inputs = right["inputs"]
        for name in sorted(one.keys() & set(STATED)):
            if one[name] is not None:
                proof = proofs.get(one.get("evidence", {}).get(name, ""))
                inputs[name] = _stated(one[name], proof) | {"by": str(by)}
            elif name in DEFAULTED:
                raise FieldRefused(f"rights.{place}.{name}", say("every right has one"))
            else:
                inputs.pop(name, None)
    _refuse_explosions(after)
    return after


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The inputs in which two records of the same rights differ, right by right."""
    others = {right["right_id"]: right["inputs"] for right in other["rights"]}
    found = []
    for right in one["rights"]:
        ours, theirs = right["inputs"], others[right["right_id"]]
        found += [
            {
                "right_id": right["right_id"],
                "input": name,
                "before": ours.get(name),
                "after": theirs.get(name),
            }
            for name in sorted(ours.keys() | theirs.keys())
            if ours.get(name) != theirs.get(name)
        ]
    return found


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
