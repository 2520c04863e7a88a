"""What the register, and the platform's own record of it, answer about a patent on a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.lending.annuity_fees import AnnuityStatus
from app.models.organisations import FirmProfile
from app.models.rights import Encumbrance, Licence, Right
from app.schemas.grading import MeasuresIn
from app.services import prechecks, rights, rules
from app.services.right_events import standing_of
from app.valuation.composite import Measure
from app.valuation.events import remaining_years
from app.valuation.grading_table import WORDS, Fact, FactValue

_TENTHS = Decimal("0.1")
_SUBCLASS = 4  # A23L of A23L 3/40


@dataclass(frozen=True, slots=True)
class Known:
    """The facts that have an answer, the measures of the composite, and the patent's cohort."""

    facts: Mapping[Fact, FactValue]
    measures: Mapping[Measure, Decimal]
    ipc: Sequence[str]
    year: int | None
    source: str | None  # of the measures that the firm stated

    def as_json(self) -> dict[str, Any]:
        return {
            "facts": {fact.value: str(value) for fact, value in self.facts.items()},
            "measures": {name.value: str(value) for name, value in self.measures.items()},
            "ipc": list(self.ipc),
            "year": self.year,
            "source": self.source,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """As a sheet keeps it."""
        facts = {Fact(name): value for name, value in record["facts"].items()}
        return cls(
            facts={
                fact: value if fact in WORDS else Decimal(value) for fact, value in facts.items()
            },
            measures={Measure(name): Decimal(value) for name, value in record["measures"].items()},
            ipc=record["ipc"],
            year=record["year"],
            source=record["source"],
        )


async def gather(
    session: AsyncSession, right: Right, *, stated: MeasuresIn | None, on: date
) -> Known:
    """Of a patent with its children and events loaded; a fact that nobody knows is left out."""
    measures = _stated(stated)
    facts: dict[Fact, FactValue] = {
        Fact.KIND: right.kind.value,
        Fact.STANDING: _standing(right, on),
        Fact.BURDEN: await _burden(session, right, on),
        Fact.LICENCES: Decimal(sum(_in_force(licence, on) for licence in right.licences)),
        **{Fact(name.value): count for name, count in measures.items()},
    }
    if right.ipc:
        facts[Fact.IPC_SUBCLASSES] = Decimal(len({code[:_SUBCLASS] for code in right.ipc}))
    if right.expires_on is not None:
        left = remaining_years(on=on, expires_on=right.expires_on, ended_on=right.ended_on)
        facts[Fact.REMAINING_YEARS] = Decimal(str(left)).quantize(_TENTHS)
    annuity = await prechecks.find_annuity(session, right, on=on)
    if annuity is not None and annuity.status is not AnnuityStatus.UNKNOWN:
        facts[Fact.FEES] = annuity.status.value
    profile = await session.scalar(select(FirmProfile).where(FirmProfile.firm_id == right.owner_id))
    if profile is not None:
        industries = await rules.get(session, "key_industries", on=on)
        facts[Fact.KEY_FIELD] = "yes" if profile.field in industries else "no"
    if right.filed_on is not None:
        age = Decimal((on - right.filed_on).days) / Decimal("365.25")
        measures[Measure.AGE_YEARS] = age.quantize(_TENTHS)
    return Known(
        facts=facts,
        measures=measures,
        ipc=right.ipc,
        year=right.filed_on.year if right.filed_on else None,
        source=stated.source if stated else None,
    )


def _stated(stated: MeasuresIn | None) -> dict[Measure, Decimal]:
    if stated is None:
        return {}
    counts = {
        Measure.FAMILY_SIZE: stated.family_size,
        Measure.CLAIMS: stated.claims,
        Measure.CITATIONS: stated.citations,
    }
    return {name: Decimal(count) for name, count in counts.items() if count is not None}


def _standing(right: Right, on: date) -> str:
    if right.ended_on is not None and right.ended_on <= on:
        return "ended"
    return "challenged" if right.invalidation_pending or right.ownership_disputed else "clear"


async def _burden(session: AsyncSession, right: Right, on: date) -> str:
    standing = standing_of(right.events)
    burdens = {burden.kind for burden in right.encumbrances if _in_force(burden, on)}
    if right.preserved or standing.preserved or "preservation" in burdens:
        return "preserved"
    locked = await rights.is_locked(session, right.id)
    return "pledged" if locked or standing.pledged or "pledge" in burdens else "free"


def _in_force(burden: Encumbrance | Licence, on: date) -> bool:
    return burden.starts_on <= on and (burden.ends_on is None or on <= burden.ends_on)
