"""Dated rules that two people replace: alert levels, the renewal window, key industries."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.services import alerts, programme_changes, rules
from app.services.actor import SYSTEM, bind
from app.services.change_effects import NothingToChange
from app.services.programme_changes import Backdated, SamePerson
from tests.make.figures import make_park
from tests.make.loans import make_drawn
from tests.make.parties import NOW
from tests.make.programme import TODAY, Pair, decide, make_change, make_pair, propose

LEVELS: dict[str, Any] = {
    "utilisation_pct": ["70", "85", "95"],
    "bank_hhi": ["2500"],
    "firm_hhi": ["2500"],
    "largest_bank_pct": ["50"],
    "largest_firm_pct": ["20"],
    "small_firms_short_pct": ["0"],
    "small_tickets_short_pct": ["0"],
    "client_cap_over_pct": ["0"],
    "net_assets_over_pct": ["0"],
}
ALERTS: dict[str, Any] = {"loans_min": 10, "call_within_days": 5, "levels": LEVELS}
NEW: dict[str, dict[str, Any]] = {
    "alerts": ALERTS | {"loans_min": 3},
    "renewal": {"window_days": 90, "days_past_due_max": 0},
    "key_industries": {
        "industries": [
            {"code": "new_materials", "name": "新型材料"},
            {"code": "wine", "name": "葡萄酒"},
        ]
    },
}
BODIES = NEW | {"key_industries": {"new_materials": "新型材料", "wine": "葡萄酒"}}
LATER = date(2026, 12, 1)


@pytest.fixture
async def pair(session: AsyncSession) -> Pair:
    return await make_pair(session)


@pytest.mark.parametrize("kind", NEW)
async def test_it_holds_from_its_day_on_and_names_the_change(
    session: AsyncSession, pair: Pair, kind: str
) -> None:
    before = await rules.get(session, kind, on=TODAY)
    change = await decide(session, pair, kind, on=LATER.isoformat(), **NEW[kind])
    due = NOW.replace(month=12, day=1)
    assert await programme_changes.take_effect_due(session, now=due) == 1

    version = await rules.get_version(session, kind, on=LATER)

    assert version.body == BODIES[kind]
    assert str(change.id) in version.source
    assert await rules.get(session, kind, on=TODAY) == before


@pytest.mark.parametrize("kind", NEW)
async def test_a_past_day_and_one_person_are_refused(
    session: AsyncSession, pair: Pair, kind: str
) -> None:
    with pytest.raises(Backdated):
        await propose(session, pair, kind, on="2026-11-22", **NEW[kind])
    change = await propose(session, pair, kind, **NEW[kind])
    with pytest.raises(SamePerson):
        await programme_changes.approve(session, actor=pair.maker, change_id=change.id, now=NOW)

    assert (await rules.get_version(session, kind, on=TODAY)).valid_from == date(2022, 1, 1)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("alerts", ALERTS | {"levels": LEVELS | {"utilisation_pct": ["70.00", "85", "95.0"]}}),
        ("renewal", {"window_days": 60, "days_past_due_max": 0}),
        (
            "key_industries",
            {
                "industries": [
                    {"code": "new_materials", "name": "新型材料"},
                    {"code": "clean_energy", "name": "清洁能源"},
                    {"code": "equipment_manufacturing", "name": "装备制造"},
                    {"code": "digital_information", "name": "数字信息"},
                    {"code": "modern_chemicals", "name": "现代化工"},
                    {"code": "light_textiles", "name": "轻工纺织"},
                ]
            },
        ),
    ],
)
async def test_what_is_in_force_already_is_no_change(
    session: AsyncSession, pair: Pair, kind: str, facts: dict[str, Any]
) -> None:
    with pytest.raises(NothingToChange):
        await propose(session, pair, kind, **facts)


def without(name: str) -> dict[str, Any]:
    return {measure: levels for measure, levels in LEVELS.items() if measure != name}


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("alerts", ALERTS | {"loans_min": 0}),
        ("alerts", ALERTS | {"levels": LEVELS | {"utilisation_pct": ["85", "70"]}}),
        ("alerts", ALERTS | {"levels": LEVELS | {"utilisation_pct": ["70", "70"]}}),
        ("alerts", ALERTS | {"levels": LEVELS | {"utilisation_pct": ["0"]}}),
        ("alerts", ALERTS | {"levels": LEVELS | {"firm_hhi": ["10001"]}}),
        ("alerts", ALERTS | {"levels": LEVELS | {"moon_phase": ["1"]}}),
        ("alerts", ALERTS | {"levels": without("firm_hhi")}),
        ("renewal", {"window_days": 0, "days_past_due_max": 0}),
        ("renewal", {"window_days": 366, "days_past_due_max": 0}),
        ("renewal", {"window_days": 60, "days_past_due_max": -1}),
        ("renewal", {"window_days": 60}),
        ("key_industries", {"industries": []}),
        ("key_industries", {"industries": [{"code": "New Materials", "name": "新型材料"}]}),
        ("key_industries", {"industries": [{"code": "new_materials", "name": ""}]}),
        ("key_industries", {"industries": [{"code": "wine", "name": "酒"}] * 2}),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_when_proposed(
    kind: str, facts: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        make_change(kind, **facts)


async def test_new_levels_raise_and_clear_alerts(session: AsyncSession, pair: Pair) -> None:
    park = await make_park(session)
    # 30.4 of 36 million: 84.44 %.
    await make_drawn(session, amount=Money.yuan(38_000_000), limit=Money.yuan(100_000_000))
    assert await alerts.sweep(session, now=NOW) == 1

    levels = LEVELS | {"utilisation_pct": ["80", "84"]}
    await decide(session, pair, "alerts", **(ALERTS | {"levels": levels}))
    assert await alerts.sweep(session, now=NOW) == 3  # 70 is cleared, 80 and 84 are raised

    await bind(session, park)
    seen = await alerts.list_alerts(session, actor=park, limit=9)
    await bind(session, SYSTEM)
    assert {row.level: row.status for row in seen} == {70: "cleared", 80: "raised", 84: "raised"}
