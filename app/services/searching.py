"""Finds rows by the grams of their text, the best match first."""

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, cast, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute

from app.core.grams import enough_of, grams_of_query


def score_of(column: InstrumentedAttribute[list[str]], grams: list[str]) -> ColumnElement[int]:
    """How many of ``grams`` the row's text holds."""
    asked = (
        func.unnest(cast(literal(grams), ARRAY(Text)))
        .table_valued("gram")
        .render_derived(name="asked")
    )
    counted = select(func.count()).select_from(asked).where(asked.c.gram == func.any(column))
    return counted.scalar_subquery()


def holds(column: InstrumentedAttribute[list[str]], word: str) -> ColumnElement[bool]:
    """Whether ``word`` is in the row's array."""
    return column.op("@>", is_comparison=True)(cast(literal([word]), ARRAY(Text)))


def matches(
    column: InstrumentedAttribute[list[str]], query: str
) -> tuple[ColumnElement[bool], ColumnElement[Any]]:
    """The condition that a row is found by ``query``, and the order of what is found."""
    grams = grams_of_query(query)
    score = score_of(column, grams)
    # The overlap is answered by the index; the score then reads those rows only.
    found = column.op("&&", is_comparison=True)(cast(literal(grams), ARRAY(Text))) & (
        score >= enough_of(len(grams))
    )
    return found, score.desc()
