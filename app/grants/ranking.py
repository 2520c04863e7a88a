"""Scored windows: the best applications first, not those that came first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.core.errors import FieldRefused
from app.core.messages import say
from app.grants.measure import Scoring

MARK_MAX = 100


@dataclass(frozen=True)
class Scored:
    """An application's marks from 0 to 100: one sheet per reviewer, by criterion."""

    reference: str
    sheets: Sequence[Mapping[str, int]]


@dataclass(frozen=True)
class Ranking:
    """References, best first: those that take a place, those that wait, those that failed."""

    chosen: Sequence[str]
    waiting: Sequence[str]
    failed: Sequence[str]


def score(scoring: Scoring, sheets: Sequence[Mapping[str, int]]) -> Fraction:
    """The weighted mark from 0 to 100, mean of the reviewers, exact; FieldRefused if not whole."""
    if len(sheets) != scoring.reviewers:
        raise FieldRefused("sheets", say("must be of {count} reviewers", count=scoring.reviewers))
    names = {criterion.id for criterion in scoring.criteria}
    for sheet in sheets:
        if set(sheet) != names or not all(0 <= mark <= MARK_MAX for mark in sheet.values()):
            raise FieldRefused("sheets", say("must give every criterion a mark from 0 to 100"))
    weighted = sum(
        Fraction(criterion.weight_pct) / 100 * _mean(sheets, criterion.id)
        for criterion in scoring.criteria
    )
    return Fraction(weighted)


def rank(
    scoring: Scoring,
    applications: Sequence[Scored],
    slots: int,
    *,
    withdrawn: Collection[str] = (),
) -> Ranking:
    """The best ``slots`` that pass; the place of one withdrawn goes to the next best.

    Equals are decided by the criteria of ``ties`` in order, then by reference.
    """
    standing = [one for one in applications if one.reference not in withdrawn]
    scores = {one.reference: score(scoring, one.sheets) for one in standing}
    standing.sort(
        key=lambda one: (
            -scores[one.reference],
            [-_mean(one.sheets, criterion) for criterion in scoring.ties],
            one.reference,
        )
    )
    passed = [one.reference for one in standing if scores[one.reference] >= scoring.pass_mark]
    return Ranking(
        passed[:slots], passed[slots:], [one.reference for one in standing][len(passed) :]
    )


def _mean(sheets: Sequence[Mapping[str, int]], criterion: str) -> Fraction:
    return Fraction(sum(sheet[criterion] for sheet in sheets), len(sheets))
