"""Drives the whole demo against a running service and tells what came of it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.core.clock import business_date
from app.demo import grants
from app.demo.cases import CASES
from app.demo.failing import HadDemo, told_in_one_line
from app.demo.grants import Awarded
from app.demo.loss import open_funds, verify
from app.demo.region import Region, region, sign_terms
from app.demo.road import STEPS, Journey

COLUMNS = {
    "firm": "firm",
    "portfolio": "rights",
    "value": "value",
    "headline": "headline %",
    "all_in": "all-in %",
    "before": "quota before",
    "after": "quota after",
    "paid": "paid",
    "compensated": "compensated",
    "recovered": "recovered",
    "released": "released",
}


@dataclass(frozen=True, slots=True)
class Driven:
    """What came of the firms' loans, and of the measures that pay."""

    journeys: list[Journey]
    awards: list[Awarded]

    def tables(self) -> tuple[Table, Table]:
        return table(self.journeys), grants.table(self.awards)


async def drive(url: str, *, console: Console) -> Driven:
    """Take every case down the road at the service at ``url``. Raises at the first wrong step.

    A right is pledged once and its number stands once on a platform, so that a service that has
    had the demo refuses a second one from the start: ``HadDemo``.
    """
    today = business_date(datetime.now(UTC)).isoformat()
    with told_in_one_line(url), Progress(console=console, transient=True) as progress:
        bar = progress.add_task("signing up the region", total=len(CASES) * len(STEPS))
        async with region(url, today=today) as whole:
            await _refuse_second(whole, url)
            funds = await open_funds(whole, today)
            journeys = []
            for case in CASES:

                def step(name: str, firm: str = whole[case.firm].name) -> None:
                    progress.update(bar, advance=1, description=f"{firm}: {name}")

                journeys.append(Journey(whole, case, today, step, funds=funds))
                await journeys[-1].assemble()
            await sign_terms(whole, today)  # when nothing else can stop the demo any more
            for journey in journeys:
                await journey.until_cash()
            await _finish(journeys)
            await verify(whole)
            progress.update(bar, description="grants of the measures")
            return Driven(journeys, await grants.award_all(whole, today))


async def _refuse_second(whole: Region, url: str) -> None:
    for case in CASES:
        firm = whole[case.firm]
        if (await firm.get("/v1/company/requests", limit=1))["items"]:
            raise HadDemo(url, firm.name)


async def _finish(journeys: list[Journey]) -> None:
    """Those with cash repay; the room this frees lets the queue move."""
    for journey in journeys:
        if not journey.queued:
            await journey.end()
    for journey in journeys:
        if journey.queued:
            await journey.promoted()
            await journey.complete()
            await journey.end()


def table(journeys: list[Journey]) -> Table:
    """A line per firm: portfolio, value, price, quota before and after, paid, released."""
    shown = Table(title="知融 Zhirong: the demo region, in yuan")
    for heading in COLUMNS.values():
        shown.add_column(heading, justify="left" if heading == "firm" else "right")
    for journey in journeys:
        facts = journey.facts | {
            "firm": journey.firm.name + (" (queued)" if journey.queued else "")
        }
        shown.add_row(*(facts.get(name, "–") for name in COLUMNS))
    return shown
