"""The statutory end of each kind of right, at the days where the law changes."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.identifiers.rights import Register, RightKind, register_of
from app.identifiers.terms import TERM_RULES, expires_on, find_term_rule

Kind = RightKind
COPYRIGHTS = (Kind.SOFTWARE_COPYRIGHT, Kind.WORK_COPYRIGHT)


@pytest.mark.parametrize(
    ("kind", "filed_on", "ends_on"),
    [
        (Kind.INVENTION, date(2019, 3, 10), date(2039, 3, 10)),
        (Kind.UTILITY_MODEL, date(2019, 3, 10), date(2029, 3, 10)),
        (Kind.UTILITY_MODEL, date(2020, 2, 29), date(2030, 2, 28)),
        (Kind.INVENTION, date(2020, 2, 29), date(2040, 2, 29)),
        (Kind.DESIGN, date(2021, 5, 31), date(2031, 5, 31)),
        (Kind.DESIGN, date(2021, 6, 1), date(2036, 6, 1)),
    ],
)
def test_a_patent_ends_on_an_anniversary_of_filing(
    kind: Kind, filed_on: date, ends_on: date
) -> None:
    assert expires_on(kind, filed_on=filed_on) == ends_on


def test_a_trademark_ends_ten_years_after_registration_whenever_filed() -> None:
    assert expires_on(
        Kind.TRADEMARK, filed_on=date(2014, 1, 1), registered_on=date(2015, 7, 14)
    ) == date(2025, 7, 14)


@pytest.mark.parametrize("kind", COPYRIGHTS)
@pytest.mark.parametrize(
    ("completed_on", "published_on", "ends_on"),
    [
        (None, date(2020, 1, 1), date(2070, 12, 31)),
        (date(2018, 6, 1), date(2020, 12, 31), date(2070, 12, 31)),
        (date(2018, 6, 1), None, date(2068, 12, 31)),
        (date(1960, 6, 1), date(2010, 12, 31), date(2060, 12, 31)),
        (date(1960, 6, 1), date(2011, 1, 1), date(2010, 12, 31)),
        (None, None, None),
    ],
)
def test_a_copyright_lasts_to_the_end_of_the_fiftieth_year(
    kind: Kind, completed_on: date | None, published_on: date | None, ends_on: date | None
) -> None:
    assert expires_on(kind, completed_on=completed_on, first_published_on=published_on) == ends_on


@pytest.mark.parametrize("kind", list(RightKind))
def test_without_its_date_a_right_has_no_known_end(kind: Kind) -> None:
    assert expires_on(kind) is None


def test_the_rule_of_a_design_depends_on_its_filing_day() -> None:
    old = find_term_rule(Kind.DESIGN, filed_on=date(2021, 5, 31))
    new = find_term_rule(Kind.DESIGN, filed_on=date(2021, 6, 1))

    assert old is not None
    assert new is not None
    assert (old.years, new.years) == (10, 15)
    assert find_term_rule(Kind.DESIGN, filed_on=None) is None


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (Kind.INVENTION, "filed_on"),
        (Kind.TRADEMARK, "registered_on"),
        (Kind.WORK_COPYRIGHT, "first_published_on"),
        (Kind.WORK_COPYRIGHT, "completed_on"),
    ],
)
def test_a_date_beyond_the_calendar_is_refused_by_field(kind: Kind, field: str) -> None:
    with pytest.raises(FieldRefused) as refusal:
        expires_on(kind, **{field: date(9999, 1, 1)})

    assert refusal.value.field == field


@given(st.sampled_from(RightKind), st.dates(date(1985, 4, 1), date(2100, 1, 1)))
def test_exactly_one_rule_with_a_source_holds_for_any_day(kind: Kind, day: date) -> None:
    applying = [rule for rule in TERM_RULES if rule.kind is kind and rule.applies(filed_on=day)]

    assert len(applying) == 1
    assert "条" in applying[0].source


@given(st.sampled_from(RightKind), st.dates(date(1993, 1, 1), date(2100, 1, 1)))
def test_a_term_is_whole_years_and_at_most_one_day_short(kind: Kind, day: date) -> None:
    ends_on = expires_on(
        kind, filed_on=day, registered_on=day, first_published_on=day, completed_on=day
    )
    rule = find_term_rule(kind, filed_on=day)

    assert ends_on is not None
    assert rule is not None
    assert ends_on.year - day.year == rule.years
    assert (ends_on.month, ends_on.day) >= (day.month, min(day.day, 28))


def test_every_kind_has_one_register() -> None:
    assert {kind: register_of(kind) for kind in RightKind} == {
        Kind.INVENTION: Register.PATENTS,
        Kind.UTILITY_MODEL: Register.PATENTS,
        Kind.DESIGN: Register.PATENTS,
        Kind.TRADEMARK: Register.TRADEMARKS,
        Kind.SOFTWARE_COPYRIGHT: Register.COPYRIGHTS,
        Kind.WORK_COPYRIGHT: Register.COPYRIGHTS,
    }
