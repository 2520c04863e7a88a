"""``make bench``: runs the benchmarks (or those named) and writes benchmarks/results/NAME.json."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import accept, ledger, lender_list, quota_page, revaluation, schedule, valuation

BENCHMARKS: dict[str, Callable[[], dict[str, Any]]] = {
    "accept": accept.measure,
    "ledger": ledger.measure,
    "schedule": schedule.measure,
    "lender-list": lender_list.measure,
    "quota-page": quota_page.measure,
    "valuation": valuation.measure,
    "revaluation": revaluation.measure,
}
RESULTS = Path(__file__).parent / "results"


def main(names: list[str]) -> None:
    RESULTS.mkdir(exist_ok=True)
    for name in names or BENCHMARKS:
        figures = BENCHMARKS[name]()
        text = json.dumps(figures, indent=2)
        (RESULTS / f"{name}.json").write_text(text + "\n")
        sys.stdout.write(f"{name}: {text}\n")


main(sys.argv[1:])
