"""Every Chinese event code has a consequence for life, burdens and pledge."""

from datetime import date

import pytest

from app.reference import files
from app.valuation.events import Consequence, OnBurden, OnLife, OnPledge, remaining_years

ON = date(2026, 11, 25)
CODES = files.in_force("event_effects", on=ON).body["CN"]
CONSEQUENCES = {
    effect: Consequence.of(row)
    for effect, row in files.in_force("event_consequences", on=ON).body.items()
}


def test_all_codes_are_there_and_every_effect_has_a_consequence() -> None:
    assert len(CODES) == 110
    assert set(CODES.values()) == set(CONSEQUENCES)


@pytest.mark.parametrize(
    ("code", "life", "burden", "pledge"),
    [
        ("CF01", OnLife.ENDS, OnBurden.NONE, OnPledge.REFUSED),
        ("CX01", OnLife.ENDS, OnBurden.NONE, OnPledge.REFUSED),
        ("IW01", OnLife.ENDS, OnBurden.NONE, OnPledge.REFUSED),
        ("AV01", OnLife.ENDS, OnBurden.NONE, OnPledge.REFUSED),
        ("IP01", OnLife.NARROWED, OnBurden.NONE, OnPledge.REVALUE),
        ("PP01", OnLife.NONE, OnBurden.PRESERVATION, OnPledge.BLOCKED),
        ("PD01", OnLife.NONE, OnBurden.PRESERVATION_END, OnPledge.ALLOWED),
        ("PE01", OnLife.NONE, OnBurden.PLEDGE, OnPledge.BLOCKED),
        ("TR01", OnLife.NONE, OnBurden.OWNER, OnPledge.CONSENT),
        ("EE01", OnLife.NONE, OnBurden.LICENCE, OnPledge.CONSENT),
        ("CP01", OnLife.NONE, OnBurden.OWNER, OnPledge.REVIEW),
        ("RR01", OnLife.RESTORED, OnBurden.NONE, OnPledge.REVIEW),
        ("TG01", OnLife.EXTENDED, OnBurden.NONE, OnPledge.REVALUE),
    ],
)
def test_the_published_severities(
    code: str, life: OnLife, burden: OnBurden, pledge: OnPledge
) -> None:
    assert CONSEQUENCES[CODES[code]] == Consequence(life, burden, pledge)


def test_the_first_end_counts() -> None:
    term = date(2039, 3, 10)

    assert remaining_years(on=ON, expires_on=term, ended_on=None) == pytest.approx(12.29, abs=0.01)
    assert remaining_years(on=ON, expires_on=term, ended_on=date(2025, 1, 1)) == 0
    assert remaining_years(
        on=ON, expires_on=term, ended_on=None, lapses_on=date(2027, 3, 10)
    ) == pytest.approx(0.287, abs=0.001)
    assert remaining_years(on=ON, expires_on=None, ended_on=None) == 0
