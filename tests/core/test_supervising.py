"""Processes side by side: all of them, or none."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.core.supervising import ProcessEnded, interruptible, run_together

SLEEPER = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"


def sleeper(mark: Path) -> list[str]:
    return [sys.executable, "-c", SLEEPER, str(mark)]


def left_over(mark: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if process.status() != psutil.STATUS_ZOMBIE and str(mark) in process.cmdline()
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_of_them(tmp_path: Path, number: signal.Signals) -> None:
    marks = [tmp_path / "one", tmp_path / "two"]
    before = signal.getsignal(number)

    run_together(
        {mark.name: sleeper(mark) for mark in marks},
        environment=os.environ,
        is_up=lambda: all(mark.exists() for mark in marks),
        when_up=lambda: os.kill(os.getpid(), number),
    )

    assert [left_over(mark) for mark in marks] == [[], []]
    assert signal.getsignal(number) is before


def test_one_that_ends_takes_the_others_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "other"
    commands = {"other": sleeper(mark), "weak": [sys.executable, "-c", "import sys; sys.exit(3)"]}

    with pytest.raises(ProcessEnded, match="weak ended with status 3"):
        run_together(commands, environment=os.environ, is_up=lambda: False, when_up=lambda: None)

    assert left_over(mark) == []


def test_children_of_a_killed_leader_do_not_survive_it(tmp_path: Path) -> None:
    mark = tmp_path / "grandchild"
    leader = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"

    def kill_leader() -> None:
        grandchild = next(p for p in left_over(mark) if p.cmdline()[2] == SLEEPER)
        os.kill(grandchild.ppid(), signal.SIGKILL)

    with pytest.raises(ProcessEnded):
        run_together(
            {"leader": [sys.executable, "-c", leader, SLEEPER, str(mark)]},
            environment=os.environ,
            is_up=mark.exists,
            when_up=kill_leader,
        )

    running = [
        p for p in psutil.process_iter(["cmdline"]) if str(mark) in (p.info["cmdline"] or ())
    ]
    assert running == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children")
def test_children_do_not_survive_a_killed_parent(tmp_path: Path) -> None:
    mark = tmp_path / "child"
    parent = (
        "import os, sys; from app.core.supervising import run_together;"
        "run_together({'child': [sys.executable, '-c', *sys.argv[1:]]}, environment=os.environ,"
        " is_up=lambda: False, when_up=lambda: None)"
    )
    started = subprocess.Popen([sys.executable, "-c", parent, SLEEPER, str(mark)])
    deadline = time.monotonic() + 30
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child = next(p for p in left_over(mark) if p.ppid() == started.pid)

    started.kill()
    started.wait()

    child.wait(timeout=10)


def test_a_second_interrupt_cannot_break_the_cleaning_up() -> None:
    cleaned = []

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
            cleaned.append("all of it")

    with pytest.raises(KeyboardInterrupt), interruptible():
        work()

    assert cleaned == ["all of it"]
