"""A whole run: from its canonical record to its result, both as JSON has them. The seam of --check.

Everything a run needs is in the record: facts, inputs with their evidence, rules with their source,
seed. The same record and engine give the same result, byte for byte.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from app.core.money import ZERO, Money
from app.valuation.checks import WHOLE_PCT
from app.valuation.drawing import Drawn, Record, Valued, draw, interval, value
from app.valuation.inputs import Rates
from app.valuation.limits import FourValues, Haircuts, Interval, debt_service_limit, four_values
from app.valuation.methods import Attempt
from app.valuation.scenarios import PERCENTILES, Loan, Swing

DAYS_IN_YEAR = 365.25


def canonical(record: Record) -> bytes:
    """The one way to write ``record`` as JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest(record: Record) -> bytes:
    return hashlib.sha256(canonical(record)).digest()


def seed_of(record: Record) -> int:
    """A seed that the record itself gives: the same inputs, the same draws."""
    return int.from_bytes(digest(record)[:4])


def execute(record: Record) -> dict[str, Any]:
    """The result of a run, as it is stored."""
    on = date.fromisoformat(record["as_of"])
    rates = Rates.of(record["rules"])
    valued = [value(right, rates, on=on) for right in record["rights"]]
    maturity = max((date.fromisoformat(record["loan"]["ends_on"]) - on).days, 0) / DAYS_IN_YEAR
    owed = record["loan"]["owed"]
    loan = Loan(ZERO if owed is None else Money.yuan(owed), maturity)
    whole = draw(valued, record, rates, loan)
    pledgeable = [one for one in valued if not one.obstacles]
    pledged = whole if len(pledgeable) == len(valued) else draw(pledgeable, record, rates, loan)
    haircuts = Haircuts.of(record["rules"]["haircuts"]["body"])
    lent = four_values(
        pledged.now,
        at_maturity=pledged.later,
        haircuts=haircuts,
        pledge_rate_pct=_mean_pledge_rate(pledgeable, pledged),
        debt_service=_debt_service(record, rates, maturity),
    )
    held = four_values(
        whole.now, at_maturity=whole.later, haircuts=haircuts, pledge_rate_pct=Decimal(0)
    )
    return {
        "rights": [_right(one, whole, haircuts) for one in valued],
        "whole": _whole(whole, held, lent, record, maturity, known=owed is not None)
        | {"pledge_rate_pct": _rate(_mean_pledge_rate(pledgeable, pledged))},
    }


def _mean_pledge_rate(pledgeable: Sequence[Valued], drawn: Drawn) -> Decimal:
    """The rates of the kinds, weighted by what each right contributes."""
    total = Money.sum([drawn.value_of(one) for one in pledgeable])
    if not total:
        return Decimal(0)
    weighted = sum((drawn.value_of(one).fen * one.pledge_pct for one in pledgeable), Decimal(0))
    return min(weighted / total.fen, Decimal(WHOLE_PCT))


def _debt_service(record: Record, rates: Rates, maturity: float) -> Money | None:
    cash = record["loan"]["yearly_cash"]
    if cash is None:
        return None
    return debt_service_limit(
        Money.yuan(cash),
        cover=Decimal(rates.runs["debt_service_cover"]),
        annual_rate_pct=Decimal(rates.runs["debt_rate_pct"]),
        years=max(1, round(maturity)),
    )


def _right(one: Valued, whole: Drawn, haircuts: Haircuts) -> dict[str, Any]:
    worth, percentiles = whole.value_of(one), whole.percentiles_of(one)
    market = interval(worth, percentiles, ZERO)
    chosen = one.chosen
    return {
        "right_id": one.key,
        "legal_years": f"{one.legal_years:.3f}",
        "life_years": one.case.years,
        "ends_by": one.ends_by,
        "pledgeable": not one.obstacles,
        "obstacles": one.obstacles,
        "discount_rate_pct": _rate(one.case.discount_pct),
        "pledge_rate_pct": _rate(one.pledge_pct),
        "chosen": None if chosen is None else chosen.method,
        "methods": [_attempt(attempt) for attempt in one.attempts],
        "value": str(worth),
        "percentiles": _amounts(percentiles),
        "market": _bounds(market),
        "orderly_liquidation": _bounds(market.times(haircuts.orderly())),
        "forced_sale": _bounds(market.times(haircuts.forced())),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    worked = attempt.worked
    return {
        "method": attempt.method,
        "chosen": attempt.chosen,
        "reason": attempt.reason,
        "value": None if worked is None else str(worked.value),
        "steps": []
        if worked is None
        else [{"name": step.name, "amount": str(step.amount)} for step in worked.steps],
        "figures": {}
        if worked is None
        else {name: str(figure) for name, figure in worked.figures.items()},
    }


def _whole(
    drawn: Drawn,
    held: FourValues,
    lent: FourValues,
    record: Record,
    maturity: float,
    *,
    known: bool,
) -> dict[str, Any]:
    outcome, fixed = drawn.outcome, drawn.fixed
    now = dict.fromkeys(PERCENTILES, ZERO) if outcome is None else outcome.percentiles
    later = dict.fromkeys(PERCENTILES, ZERO) if outcome is None else outcome.at_maturity
    return {
        "market": _bounds(held.market),
        "orderly_liquidation": _bounds(held.orderly_liquidation),
        "forced_sale": _bounds(held.forced_sale),
        "lendable": _bounds(lent.lendable),
        "binding": lent.binding,
        "percentiles": _amounts({name: one + fixed for name, one in now.items()}),
        "at_maturity": _amounts({name: one + drawn.fixed_later for name, one in later.items()}),
        "maturity_years": f"{maturity:.3f}",
        "probability_below_loan": _probability(drawn, record) if known else None,
        "tornado": [_swing(swing, fixed) for swing in (outcome.tornado if outcome else ())],
        "between_rights": record["rules"]["valuation_runs"]["body"]["between_rights"],
        "scenarios": record["scenarios"],
        "seed": record["seed"],
    }


def _probability(drawn: Drawn, record: Record) -> str:
    if drawn.outcome is None:
        return f"{float(drawn.fixed_later < Money.yuan(record['loan']['owed'])):.6f}"
    assert drawn.outcome.probability_below_loan is not None
    return f"{drawn.outcome.probability_below_loan:.6f}"


def _swing(swing: Swing, fixed: Money) -> dict[str, str]:
    low, high = swing.low + fixed, swing.high + fixed
    return {"factor": swing.factor, "low": str(low), "high": str(high)}


def _amounts(found: Mapping[int, Money]) -> dict[str, str]:
    return {str(name): str(amount) for name, amount in found.items()}


def _bounds(one: Interval) -> dict[str, str]:
    return {"low": str(one.low), "value": str(one.value), "high": str(one.high)}


def _rate(pct: Decimal) -> str:
    return str(pct.quantize(Decimal("0.000001")))
