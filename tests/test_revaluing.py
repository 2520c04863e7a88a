"""`zhirong revalue` on a database of its own, interrupted and resumed."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from app import shell
from app.cli import cli
from app.core.db import Sessions, connect
from app.models.valuation_runs import CoverSignal, RevaluationRound, ValuationRun
from app.services import revaluations
from app.services.actor import SYSTEM, bind
from app.services.revaluations import Progress
from app.services.tasks import Task
from tests.make.parties import NOW
from tests.make.valued import make_pledged

PLEDGES = 4


@pytest.fixture
async def live(fresh_database: str) -> AsyncIterator[Sessions]:
    """Four pledges; the right of the last one has lapsed."""
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            for _ in range(PLEDGES):
                pledged = await make_pledged(session)
            pledged.right.annuity_paid_through_year = 7
        yield sessions


async def count_runs(sessions: Sessions) -> tuple[int | None, int | None]:
    """Runs of rounds, and rounds."""
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        runs = select(func.count(ValuationRun.round_id))
        return await session.scalar(runs), await session.scalar(
            select(func.count()).select_from(RevaluationRound)
        )


async def test_goes_on_after_an_interruption_and_values_no_pledge_twice(
    fresh_database: str, live: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Progress] = []

    def interrupt(done: Progress) -> None:
        """Ctrl-C while the first two are at work."""
        seen.append(done)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(shell, "AT_ONCE", 2)
    first = await shell.revalue_all(fresh_database, show=interrupt)
    before, _ = await count_runs(live)
    again = await shell.revalue_all(fresh_database, show=seen.append)

    assert first.interrupted
    assert before is not None
    assert before < PLEDGES
    assert (again.progress.left, again.progress.total, again.signals) == (0, PLEDGES, 1)
    assert not again.interrupted
    assert again.failed == []
    assert seen[-1] == again.progress
    assert await count_runs(live) == (PLEDGES, 1)


async def test_takes_over_from_a_worker_that_died(fresh_database: str, live: Sessions) -> None:
    async with live.begin() as session:
        opened = await revaluations.open_round(session, now=NOW)
        await revaluations.enqueue_left(session, opened.id)
    async with live.begin() as session:
        await bind(session, SYSTEM)
        await session.execute(
            text(
                "UPDATE pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(),"
                " heartbeat = now() - interval '5 minutes' WHERE entrypoint = :name"
            ),
            {"name": Task.REVALUE_PLEDGE},
        )

    ended = await shell.revalue_all(fresh_database, show=lambda _: None)

    assert (ended.progress.left, ended.failed) == (0, [])
    assert await count_runs(live) == (PLEDGES, 1)


def zhirong(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


async def test_the_commands_say_what_they_found(fresh_database: str, live: Sessions) -> None:
    url = ("--database-url", fresh_database.replace("+asyncpg", ""))
    all_of_them = zhirong("revalue", "--all", *url)
    async with live.begin() as session:
        await bind(session, SYSTEM)
        signal_run = await session.scalar(select(CoverSignal.run_id))

    one = zhirong("revalue", "--check", str(signal_run), *url)
    stored = zhirong("revalue", "--check", "--all-stored", *url)
    missing = zhirong("revalue", "--check", str(NOW.date()), *url)

    assert (all_of_them.returncode, all_of_them.stdout) == (0, "4 of 4 pledges, 1 signals\n")
    assert (one.returncode, one.stdout) == (0, "1 same\n")
    assert stored.returncode == 0
    assert stored.stdout.splitlines()[-1] == "4 same, 4 pending"
    assert missing.returncode == 2


@pytest.mark.parametrize(
    "options",
    [[], ["--all", "--check"], ["--check"], ["--all", "--all-stored"], ["--check", "x", "--all"]],
)
def test_options_that_make_no_sense_together_are_refused(options: list[str]) -> None:
    assert CliRunner().invoke(cli, ["revalue", *options]).exit_code == 2
