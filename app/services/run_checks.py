"""Re-runs stored valuations: the same record and engine must give the same fen, and every byte."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.db import Sessions
from app.core.errors import NotFound
from app.models.valuation_runs import ValuationResult, ValuationRun
from app.services.actor import SYSTEM, bind
from app.valuation.engine import ENGINE_VERSION
from app.valuation.runs import digest, execute

PAGE = 50


class Verdict(StrEnum):
    """What a check found."""

    SAME = "same"
    OTHER_ENGINE = "other-engine"  # only its hashes could be checked
    PENDING = "pending"  # no worker has been at it
    INPUTS_CHANGED = "inputs-changed"  # they are not what their hash was made of
    RESULTS_CHANGED = "results-changed"  # likewise, or the columns say otherwise
    DIFFERENT = "different"  # this engine makes something else of them

    @property
    def is_bad(self) -> bool:
        return self in {Verdict.INPUTS_CHANGED, Verdict.RESULTS_CHANGED, Verdict.DIFFERENT}


@dataclass(frozen=True, slots=True)
class Checked:
    """``detail`` names the engine, or the first place where stored and computed differ."""

    run_id: UUID
    verdict: Verdict
    detail: str = ""


class NoSuchRun(NotFound):
    message = "There is no valuation run {run_id}."

    def __init__(self, run_id: UUID) -> None:
        self.run_id = run_id
        super().__init__()

    def facts(self) -> dict[str, Any]:
        return {"run_id": str(self.run_id)}


async def check_one(sessions: Sessions, *, run_id: UUID) -> Checked:
    """Check one run, or raise NoSuchRun."""
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        run = await session.get(ValuationRun, run_id)
        result = await session.get(ValuationResult, run_id)
    if run is None:
        raise NoSuchRun(run_id)
    return await asyncio.to_thread(check, run, result)


async def check_all(sessions: Sessions) -> AsyncIterator[Checked]:
    """Every stored run, oldest first; a page is in memory at a time."""
    after: UUID | None = None
    while True:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            runs = (
                select(ValuationRun, ValuationResult)
                .outerjoin(ValuationResult, ValuationResult.run_id == ValuationRun.id)
                .order_by(ValuationRun.id)
                .limit(PAGE)
            )
            if after is not None:
                runs = runs.where(ValuationRun.id > after)
            page = (await session.execute(runs)).all()
        for run, result in page:
            yield await asyncio.to_thread(check, run, result)
        if len(page) < PAGE:
            return
        after = page[-1][0].id


def check(run: ValuationRun, result: ValuationResult | None) -> Checked:
    """Pure: hashes first, which any engine can check; then the numbers, which only the same can."""
    verdict, detail = _judge(run, result)
    return Checked(run.id, verdict, detail)


def _judge(run: ValuationRun, result: ValuationResult | None) -> tuple[Verdict, str]:
    if digest(run.inputs) != run.inputs_sha256:
        return Verdict.INPUTS_CHANGED, "inputs_sha256"
    if result is None:
        return Verdict.PENDING, ""
    if (place := _tampered(result)) is not None:
        return Verdict.RESULTS_CHANGED, place
    if result.engine != ENGINE_VERSION:
        return Verdict.OTHER_ENGINE, result.engine
    place = first_difference(result.results, execute(run.inputs))
    return (Verdict.SAME, "") if place is None else (Verdict.DIFFERENT, place)


def _tampered(result: ValuationResult) -> str | None:
    """Where the result no longer agrees with its hash, or its columns with it."""
    if digest(result.results) != result.results_sha256:
        return "results_sha256"
    whole = result.results["whole"]
    columns = {
        "market": (str(result.market), whole["market"]["value"]),
        "liquidation": (str(result.liquidation), whole["orderly_liquidation"]["value"]),
        "lendable": (str(result.lendable), whole["lendable"]["value"]),
    }
    for name, (column, stored) in columns.items():
        if column != stored:
            return f"{name}: {column}, {stored}"
    return None


def first_difference(stored: Any, computed: Any, place: str = "results") -> str | None:
    """Where two results first differ, with both values; None if they are the same."""
    match stored, computed:
        case Mapping(), Mapping() if stored.keys() == computed.keys():
            parts = ((f"{place}.{key}", stored[key], computed[key]) for key in sorted(stored))
        case list(), list() if len(stored) == len(computed):
            pairs = enumerate(zip(stored, computed, strict=True))
            parts = ((f"{place}.{number}", one, other) for number, (one, other) in pairs)
        case _:
            return None if stored == computed else f"{place}: {stored}, {computed}"
    return next(
        (found for part in parts if (found := first_difference(part[1], part[2], part[0]))), None
    )
