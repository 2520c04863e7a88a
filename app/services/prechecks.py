"""The pre-check of rights: what their registers would refuse, and the firm's recorded consents."""

import unicodedata
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import FieldRefused, Forbidden, NotFound
from app.core.messages import say
from app.identifiers.rights import Register
from app.lending import pledgeability
from app.lending.annuity_fees import AnnuityState, annuity_state
from app.lending.pledgeability import Finding, Ground, RightFacts, Severity
from app.models.deals import DealRight
from app.models.organisations import Organisation
from app.models.rights import Encumbrance, Licence, PrecheckConsent, Right
from app.services import rights, rules
from app.services.actor import Actor
from app.services.names import NAMES
from app.services.right_events import standing_of

ALREADY_PLEDGED = "already_pledged"
"""The ground that a right is held by a live deal."""


class PersonNeeded(Forbidden):
    message = "A consent is given by a person, not by an API client."


@dataclass(frozen=True, slots=True)
class RightCheck:
    """The pre-check of one right.

    ``pledgeable``: nothing blocks, it is not left out, and each warning has recorded consent.
    """

    right_id: UUID
    findings: tuple[Finding, ...]
    pledgeable: bool
    left_out: bool
    unconsented: tuple[str, ...]


async def check_rights(
    session: AsyncSession,
    *,
    actor: Actor,
    right_ids: Sequence[UUID],
    on: date,
    loan_ends_on: date,
    held: Set[UUID] = frozenset(),
) -> list[RightCheck]:
    """A check for each right, in the order given; NotFound for one the actor may not see.

    The rights ``held`` by the loan that a renewal replaces are pledged, and may stay so.
    """
    loaded = await _load(session, actor, right_ids)
    owners = await _names(session, {right.owner_id for right in loaded.values()})
    locked = await _locked(session, right_ids)
    consents = await _consents(session, right_ids)
    grounds = read_grounds(await rules.get(session, "refusal_grounds", on=on))
    grace_months = (await rules.get(session, "annuity_fees", on=on))["grace_months"]
    checks = []
    for right_id in right_ids:
        right = loaded[right_id]
        facts = facts_of(
            right,
            pledgor=owners[right.owner_id],
            locked=right_id in locked,
            annuity=annuity_of(right, on=on, grace_months=grace_months),
            on=on,
        )
        if right_id in held:
            facts = replace(facts, pledged=False)
        found = pledgeability.findings(
            facts, grounds=grounds[right.register], on=on, loan_ends_on=loan_ends_on
        )
        checks.append(_verdict(right_id, found, consents.get(right_id, set())))
    return checks


def _verdict(right_id: UUID, found: tuple[Finding, ...], consented: set[str]) -> RightCheck:
    severities = {finding.severity for finding in found}
    unconsented = tuple(
        finding.ground
        for finding in found
        if finding.severity is Severity.WARN and finding.ground not in consented
    )
    left_out = Severity.LEAVE_OUT in severities
    pledgeable = Severity.BLOCK not in severities and not left_out and not unconsented
    return RightCheck(right_id, found, pledgeable, left_out, unconsented)


async def _load(
    session: AsyncSession, actor: Actor, right_ids: Sequence[UUID]
) -> dict[UUID, Right]:
    found = await session.scalars(
        rights.visible_rights(actor)
        .where(Right.id.in_(right_ids))
        .options(
            selectinload(Right.co_owners),
            selectinload(Right.licences),
            selectinload(Right.encumbrances),
            selectinload(Right.events),
        )
        .execution_options(populate_existing=True)
    )
    loaded = {right.id: right for right in found}
    if not loaded.keys() >= set(right_ids):
        raise NotFound
    return loaded


async def _names(session: AsyncSession, ids: set[UUID]) -> dict[UUID, str]:
    rows = await session.execute(
        select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids))
    )
    return {row.id: row.name for row in rows}


async def _locked(session: AsyncSession, right_ids: Sequence[UUID]) -> set[UUID]:
    held = await session.scalars(
        select(DealRight.right_id).where(
            DealRight.right_id.in_(right_ids), DealRight.released_at.is_(None)
        )
    )
    return set(held)


async def _consents(session: AsyncSession, right_ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    given: dict[UUID, set[str]] = {}
    for consent_row in await session.scalars(
        select(PrecheckConsent).where(PrecheckConsent.right_id.in_(right_ids))
    ):
        given.setdefault(consent_row.right_id, set()).add(consent_row.ground)
    return given


def read_grounds(body: Mapping[str, Any]) -> dict[Register, dict[str, Ground]]:
    """The body of the rule "refusal_grounds", by register."""
    return {
        Register(register): {
            name: Ground(Severity(row["severity"]), row["text_zh"], row["text_en"])
            for name, row in grounds.items()
        }
        for register, grounds in body.items()
    }


def annuity_of(right: Right, *, on: date, grace_months: int) -> AnnuityState:
    """The annual fees of a patent; meaningless for the other registers, which have none."""
    return annuity_state(
        filed_on=right.filed_on,
        expires_on=right.expires_on,
        paid_through_year=right.annuity_paid_through_year,
        on=on,
        grace_months=grace_months,
    )


async def find_annuity(session: AsyncSession, right: Right, *, on: date) -> AnnuityState | None:
    """The annual fees of a Chinese patent; None for anything else."""
    if right.register is not Register.PATENTS:
        return None
    if right.jurisdiction != pledgeability.PLEDGEABLE_JURISDICTION:
        return None
    rule = await rules.get(session, "annuity_fees", on=on)
    return annuity_of(right, on=on, grace_months=rule["grace_months"])


def facts_of(
    right: Right, *, pledgor: str, locked: bool, annuity: AnnuityState, on: date
) -> RightFacts:
    """What the grounds ask, gathered from the row, its children and its events."""
    standing = standing_of(right.events)
    burdens = {burden.kind for burden in right.encumbrances if _in_force(burden, on)}
    return RightFacts(
        register=right.register,
        jurisdiction=right.jurisdiction,
        granted=bool(right.granted_on or right.grant_number or right.certificate_number),
        ended_on=right.ended_on,
        expires_on=right.expires_on,
        annuity=annuity.status,
        pledgor_holds=_folded(pledgor) in _holders(right),
        silent_owners=_silent_owners(right, pledgor),
        disputed=right.ownership_disputed,
        preserved=right.preserved or "preservation" in burdens,
        pledged=locked or standing.pledged or "pledge" in burdens,
        exclusive_licence=any(
            licence.exclusive and _in_force(licence, on) for licence in right.licences
        ),
        same_day_invention=right.same_day_invention,
        invalidation_pending=right.invalidation_pending,
        cancellation_pending=right.cancellation_pending,
        similar_marks_outside=right.similar_marks_outside,
        unclear_events=standing.unclear,
    )


def _in_force(burden: Encumbrance | Licence, on: date) -> bool:
    return burden.starts_on <= on and (burden.ends_on is None or on <= burden.ends_on)


def _holders(right: Right) -> set[str]:
    return {_folded(right.holder_name), *(_folded(owner.name) for owner in right.co_owners)}


def _silent_owners(right: Right, pledgor: str) -> tuple[str, ...]:
    """Holders besides the pledgor of whom no consent is on file, as the register names them."""
    speaking = {_folded(pledgor)} | {
        _folded(owner.name) for owner in right.co_owners if owner.consent_document_id is not None
    }
    names = (right.holder_name, *(owner.name for owner in right.co_owners))
    return tuple(dict.fromkeys(name for name in names if _folded(name) not in speaking))


def _folded(name: str) -> str:
    """A firm's name without the differences that registers make: width, case, spaces."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


async def consent(
    session: AsyncSession,
    *,
    actor: Actor,
    right_id: UUID,
    ground: str,
    statement: str,
    now: datetime,
) -> PrecheckConsent:
    """Record the firm's consent to a ground that only warns. Saying it again changes nothing."""
    right = await rights.lock_right(session, actor=actor, right_id=right_id)
    if actor.user_id is None:
        raise PersonNeeded
    grounds = read_grounds(await rules.get(session, "refusal_grounds", on=business_date(now)))
    known = grounds[right.register].get(ground)
    if known is None or known.severity is not Severity.WARN:
        raise FieldRefused(
            "ground",
            say(
                "is no ground of {register} that consent can waive", register=NAMES[right.register]
            ),
        )
    row = insert(PrecheckConsent).values(
        id=new_id(),
        right_id=right.id,
        ground=ground,
        statement=statement,
        consented_by=actor.user_id,
        consented_at=now,
    )
    await session.execute(row.on_conflict_do_nothing(index_elements=["right_id", "ground"]))
    given: PrecheckConsent | None = await session.scalar(
        select(PrecheckConsent).where(
            PrecheckConsent.right_id == right.id, PrecheckConsent.ground == ground
        )
    )
    assert given is not None  # the row is there, old or new
    return given
