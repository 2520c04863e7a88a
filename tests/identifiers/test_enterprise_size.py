"""Size by industry: the tiers at their very bounds, the names, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import Money
from app.identifiers.enterprise_size import INDUSTRIES, EnterpriseSize, Sized, classify

LARGE, MEDIUM, SMALL, MICRO = EnterpriseSize


def wan(amount: int | None) -> Money | None:
    """So many units of 10,000 yuan (万元)."""
    return None if amount is None else Money.yuan(amount * 10_000)


@pytest.mark.parametrize(
    ("industry", "employees", "revenue", "assets", "size"),
    [
        ("工业", 1000, 40000, None, LARGE),
        ("工业", 1000, 39999, None, MEDIUM),
        ("工业", 299, 39999, None, SMALL),
        ("工业", 300, 1999, None, SMALL),
        ("工业", 300, 2000, None, MEDIUM),
        ("工业", 20, 300, None, SMALL),
        ("工业", 19, 50000, None, MICRO),
        ("工业", 5000, 299, None, MICRO),
        ("软件信息技术", 100, 1000, None, MEDIUM),
        ("农林牧渔", None, 499, None, SMALL),
        ("建筑业", None, 6000, 4999, SMALL),
        ("租赁商务", 300, None, 120000, LARGE),
        ("其他未列明", 10, None, None, SMALL),
        ("其他未列明", 9, None, None, MICRO),
    ],
)
def test_worked_examples(
    industry: str, employees: int | None, revenue: int | None, assets: int | None, size: str
) -> None:
    sized = classify(industry, employees=employees, revenue=wan(revenue), assets=wan(assets))

    assert sized.size is size


# 工信部联企业〔2011〕300号, as an auditor would copy it: large, medium, small in persons and 万元.
TABLE: dict[str, dict[str, tuple[int, int, int]]] = {
    "agriculture": {"revenue": (20000, 500, 50)},
    "industry": {"employees": (1000, 300, 20), "revenue": (40000, 2000, 300)},
    "construction": {"revenue": (80000, 6000, 300), "assets": (80000, 5000, 300)},
    "wholesale": {"employees": (200, 20, 5), "revenue": (40000, 5000, 1000)},
    "retail": {"employees": (300, 50, 10), "revenue": (20000, 500, 100)},
    "transport": {"employees": (1000, 300, 20), "revenue": (30000, 3000, 200)},
    "warehousing": {"employees": (200, 100, 20), "revenue": (30000, 1000, 100)},
    "postal": {"employees": (1000, 300, 20), "revenue": (30000, 2000, 100)},
    "accommodation": {"employees": (300, 100, 10), "revenue": (10000, 2000, 100)},
    "catering": {"employees": (300, 100, 10), "revenue": (10000, 2000, 100)},
    "information_transmission": {"employees": (2000, 100, 10), "revenue": (100000, 1000, 100)},
    "software": {"employees": (300, 100, 10), "revenue": (10000, 1000, 50)},
    "real_estate": {"revenue": (200000, 1000, 100), "assets": (10000, 5000, 2000)},
    "property_management": {"employees": (1000, 300, 100), "revenue": (5000, 1000, 500)},
    "leasing_business": {"employees": (300, 100, 10), "assets": (120000, 8000, 100)},
    "other": {"employees": (300, 100, 10)},
}


def test_the_sixteen_industries_are_those_of_the_standard() -> None:
    assert {row.code: set(row.indicators) for row in INDUSTRIES} == {
        code: set(indicators) for code, indicators in TABLE.items()
    }


@pytest.mark.parametrize("code", TABLE)
@pytest.mark.parametrize("tier", [0, 1, 2])
def test_a_bound_is_inside_its_tier_and_one_fen_less_is_not(code: str, tier: int) -> None:
    at_bound = {
        name: bounds[tier] if name == "employees" else bounds[tier] * 1_000_000
        for name, bounds in TABLE[code].items()
    }

    assert _size(code, at_bound) is list(EnterpriseSize)[tier]
    for name, bound in at_bound.items():
        just_below = _size(code, at_bound | {name: bound - 1})
        assert just_below is list(EnterpriseSize)[tier + 1]


def _size(code: str, figures: dict[str, int]) -> EnterpriseSize:
    """``figures`` in persons and fen."""
    money = {name: Money(fen) for name, fen in figures.items() if name != "employees"}
    return classify(
        code,
        employees=figures.get("employees"),
        revenue=money.get("revenue"),
        assets=money.get("assets"),
    ).size


@pytest.mark.parametrize(
    ("name", "same_as"),
    [
        ("农林牧渔业", "agriculture"),
        ("农、林、牧、渔业", "agriculture"),
        ("建筑", "construction"),
        ("软件信息技术业", "software"),
        ("软件和信息技术服务业", "software"),
        ("租赁和商务服务业", "leasing_business"),
        ("其他未列明行业", "other"),
        (" Real_Estate ", "real_estate"),
        ("房地产开发", "real_estate"),
    ],
)
def test_an_industry_goes_by_several_names(name: str, same_as: str) -> None:
    figures = {"employees": 250, "revenue": wan(3000), "assets": wan(3000)}

    assert classify(name, **figures) == classify(same_as, **figures)  # type: ignore[arg-type]


def test_the_rule_names_the_standard_and_the_bounds() -> None:
    assert classify("工业", employees=300, revenue=wan(2000), assets=None) == Sized(
        MEDIUM,
        "工信部联企业〔2011〕300号, 工业: employees at least 300 and revenue at least 20000000.00",
    )
    assert classify("工业", employees=19, revenue=wan(2000), assets=None).rule.endswith(
        "employees below 20 or revenue below 3000000.00"
    )


@pytest.mark.parametrize(
    ("industry", "figures", "field", "reason"),
    [
        ("金融业", (1, 1, 1), "industry", "none of the sixteen"),
        ("工\u200b业", (1, 1, 1), "industry", "ZERO WIDTH SPACE"),
        ("", (1, 1, 1), "industry", "is empty"),
        ("工业", (-1, 1, None), "employees", "must not be negative"),
        ("工业", (1, -1, None), "revenue", "must not be negative"),
        ("工业", (1, 1, -1), "assets", "must not be negative"),
        ("工业", (None, 1, None), "employees", "is missing, and 工业 is sized by it"),
        ("工业", (19, None, None), "revenue", "is missing"),
        ("建筑业", (19, 1, None), "assets", "is missing"),
    ],
)
def test_what_cannot_be_sized_names_its_field(
    industry: str, figures: tuple[int | None, int | None, int | None], field: str, reason: str
) -> None:
    employees, revenue, assets = figures

    with pytest.raises(FieldRefused, match=reason) as refusal:
        classify(industry, employees=employees, revenue=wan(revenue), assets=wan(assets))

    assert refusal.value.field == field


FIGURES = st.fixed_dictionaries(
    {
        "employees": st.integers(0, 3000),
        "revenue": st.integers(0, 200_000 * 10**6),
        "assets": st.integers(0, 200_000 * 10**6),
    }
)


@given(st.sampled_from(list(TABLE)), FIGURES, FIGURES)
def test_a_firm_that_grows_never_becomes_smaller(
    code: str, before: dict[str, int], growth: dict[str, int]
) -> None:
    after = {name: before[name] + growth[name] for name in before}
    order = list(EnterpriseSize)

    assert order.index(_size(code, after)) <= order.index(_size(code, before))
