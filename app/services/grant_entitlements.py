"""What an organisation is entitled to (免申即享) by facts on the platform, filled in to apply."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.messages import Text, say
from app.grants.entitlements import Entitlement, Standing, entitlement
from app.grants.measure import Measure, MeasureVersion, read_value
from app.identifiers.rights import Register
from app.lifecycle.funds import DisposalKind, DisposalStatus
from app.lifecycle.grants import WindowStatus
from app.models.claims import Disposal
from app.models.deals import Deal
from app.models.grants import (
    GrantApplication,
    GrantBudget,
    GrantProgramme,
    GrantWindow,
    Recognition,
)
from app.models.organisations import FirmProfile
from app.models.rights import Right
from app.schemas.grants import EntitlementOut, EntitlementsOut, PrefilledOut
from app.services import grant_applications, grant_budgets, grant_duplicates, grant_rules
from app.services.actor import Actor

CASES_MAX = 200

FIELDS = {
    "new_materials": "new_materials",
    "modern_chemicals": "modern_chemicals",
    "equipment_manufacturing": "smart_equipment",
}
"""The key industries (六新) by the names that the fact ``field`` has for them."""

KINDS = {
    DisposalKind.LICENCE: "licence",
    DisposalKind.SALE: "transfer",
    DisposalKind.BUY_OUT: "transfer",
}


@dataclass(frozen=True, slots=True)
class Case:
    """Something that might be applied for, and where the platform has its facts from."""

    source: Text
    key: str
    title: str
    facts: Mapping[str, object]
    measure: int | None = None  # None: of every measure that asks for such facts


@dataclass(frozen=True, slots=True)
class Call:
    """A window that is open today, with what its budget has left."""

    window: GrantWindow
    programme: GrantProgramme
    budget: GrantBudget


async def list_entitlements(
    session: AsyncSession, *, actor: Actor, measures: Mapping[int, Measure], now: datetime
) -> EntitlementsOut:
    """Every paying measure in force today: what is awarded, what is missing, what refuses it.

    A case that was applied for already is left out.
    """
    actor.must_be(*grant_applications.APPLICANTS)
    on = business_date(now)
    cases = await _cases(session, actor, on)
    asked = await _asked(session, actor)
    calls = await _calls(session, on)
    items = []
    for measure in measures.values():
        version = measure.version_on(on)
        if not measure.pays or version is None:
            continue
        fitting = [
            case for case in cases
            if _fits(case, measure, version)
            and (measure.number, grant_duplicates.normal(case.key)) not in asked
        ]  # fmt: skip
        call = calls.get(measure.number)
        nothing: list[Case | None] = [None]
        for case in fitting or nothing:
            items.append(await _tell(session, measure, case, call, on))
    return EntitlementsOut(on=on, items=items)


def _fits(case: Case, measure: Measure, version: MeasureVersion) -> bool:
    """A case of the measure itself, or one that states every fact the measure requires."""
    if case.measure is not None:
        return case.measure == measure.number
    required = {fact.name for fact in version.facts if fact.required}
    return bool(required) and required <= case.facts.keys()


async def _tell(
    session: AsyncSession, measure: Measure, case: Case | None, call: Call | None, on: date
) -> EntitlementOut:
    version = measure.version_on(on)
    assert version is not None
    rules = grant_rules.rules_of(call.programme) if call else version
    facts = dict(_known(version, case.facts)) if case else {}
    known: dict[str, object] = dict(facts)
    left_name = grant_rules.what_is_left(rules)
    if call and left_name is not None:
        left = await grant_budgets.left_of(session, call.budget)
        if left is not None:
            known[left_name] = left.fen if call.budget.slots is not None else left
    found = entitlement(measure, known, on)
    assert found is not None
    award = found.award
    return EntitlementOut(
        measure=measure.number,
        name_zh=measure.text_zh,
        name_en=measure.text_en,
        standing=found.standing,
        source=str(case.source) if case else None,
        missing=list(found.missing),
        assumed=list(found.assumed),
        award=award.award if award else None,
        slots=award.slots if award else None,
        trace=grant_rules.tell_trace(version, award) if award else [],
        application=_prefilled(found, case, call, facts),
    )


def _prefilled(
    found: Entitlement, case: Case | None, call: Call | None, facts: Mapping[str, object]
) -> PrefilledOut | None:
    if case is None or found.standing is Standing.REFUSED:
        return None
    return PrefilledOut(
        window_id=call.window.id if call else None,
        key=case.key,
        title=case.title,
        facts=dict(facts),
    )


def _known(version: MeasureVersion, facts: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Those of the facts that the measure asks for."""
    for fact in version.facts:
        if fact.name in facts and read_value(fact, facts[fact.name]) is not None:
            yield fact.name, facts[fact.name]


async def _cases(session: AsyncSession, actor: Actor, on: date) -> Sequence[Case]:
    return [
        *await _recognised(session, actor, on),
        *await _filed(session, actor),
        *await _transferred(session, actor),
    ]


async def _recognised(session: AsyncSession, actor: Actor, on: date) -> Sequence[Case]:
    rows = await session.scalars(
        select(Recognition)
        .where(
            Recognition.organisation_id == actor.organisation_id,
            Recognition.recognised_on <= on,
            or_(Recognition.ended_on.is_(None), Recognition.ended_on > on),
        )
        .order_by(Recognition.id)
        .limit(CASES_MAX)
    )
    source = say("the authority's record of recognitions")
    return [Case(source, row.key, row.title, row.facts, row.measure) for row in rows]


async def _filed(session: AsyncSession, actor: Actor) -> Sequence[Case]:
    """Patents applied for and not granted, with the field that the firm's profile names."""
    profile = await session.get(FirmProfile, actor.organisation_id)
    field = FIELDS.get(profile.field or "", "other") if profile else "other"
    rows = await session.scalars(
        select(Right)
        .where(
            Right.owner_id == actor.organisation_id,
            Right.register == Register.PATENTS,
            Right.jurisdiction == "CN",
            Right.granted_on.is_(None),
            Right.ended_on.is_(None),
        )
        .order_by(Right.id)
        .limit(CASES_MAX)
    )
    source = say("your patent applications here")
    return [
        Case(source, row.number, row.title, {"application_kind": row.kind.value, "field": field})
        for row in rows
    ]


async def _transferred(session: AsyncSession, actor: Actor) -> Sequence[Case]:
    """Licences and sales of pledged rights that were settled here, at their price."""
    rows = await session.execute(
        select(Disposal, Right.title)
        .join(Deal, Deal.id == Disposal.deal_id)
        .join(Right, Right.id == Disposal.right_id)
        .where(
            Deal.firm_id == actor.organisation_id,
            Disposal.status == DisposalStatus.SETTLED,
            Disposal.kind.in_(KINDS),
        )
        .order_by(Disposal.id)
        .limit(CASES_MAX)
    )
    source = say("licences and sales settled here")
    return [
        Case(
            source,
            str(row.id),
            title,
            {"deal_amount": str(row.price), "kind": KINDS[row.kind]},
        )
        for row, title in rows
    ]


async def _asked(session: AsyncSession, actor: Actor) -> set[tuple[int, str]]:
    rows = await session.execute(
        select(GrantApplication.measure, GrantApplication.key).where(
            GrantApplication.applicant_id == actor.organisation_id,
            GrantApplication.status.not_in(grant_duplicates.OVER),
        )
    )
    return {(measure, key) for measure, key in rows}


async def _calls(session: AsyncSession, on: date) -> dict[int, Call]:
    """Open windows by measure, the one that closes first."""
    rows = await session.execute(
        select(GrantWindow, GrantProgramme, GrantBudget)
        .join(GrantProgramme, GrantProgramme.id == GrantWindow.programme_id)
        .join(GrantBudget, GrantBudget.id == GrantProgramme.budget_id)
        .where(
            GrantWindow.status == WindowStatus.OPEN,
            GrantWindow.opens_on <= on,
            GrantWindow.closes_on >= on,
        )
        .order_by(GrantWindow.closes_on.desc(), GrantWindow.id.desc())
    )
    return {programme.measure: Call(window, programme, budget)
            for window, programme, budget in rows}  # fmt: skip
