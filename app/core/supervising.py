"""Keeps a few processes running side by side: all of them, or none."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from app.core.errors import Conflict

_GRACE_S = 15.0
_TICK_S = 0.1
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(eq=False)
class ProcessEnded(Conflict):
    message = "{name} ended with status {status}, so everything else was stopped too"

    name: str
    status: int


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Inside, the first SIGINT or SIGTERM raises KeyboardInterrupt; later ones are ignored,

    so that an impatient second Ctrl-C cannot break the cleaning up that the first one began.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in former:
            signal.signal(number, lambda *_: None)
        raise KeyboardInterrupt

    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in former:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def run_together(
    commands: Mapping[str, Sequence[str]],
    *,
    environment: Mapping[str, str],
    is_up: Callable[[], bool],
    when_up: Callable[[], None],
) -> None:
    """Run ``commands`` (name to argv) until SIGINT or SIGTERM, then stop them all.

    ``when_up`` is called once, as soon as ``is_up`` says so. Raises ``ProcessEnded`` if one of
    them ends by itself, after having stopped the others. Nothing is left running either way.
    """
    stop = threading.Event()
    # A flag instead of an exception: none can fall between starting a process and noting it.
    former = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            # A group of its own: Ctrl-C at the terminal reaches only us, and we reach all of it.
            processes[name] = subprocess.Popen(
                command,
                env=environment,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 (it takes no lock)
            )
        waiting = True
        while not stop.wait(_TICK_S):
            for name, process in processes.items():
                if (status := process.poll()) is not None:
                    raise ProcessEnded(name, status)
            if waiting and is_up():
                waiting = False
                when_up()
    finally:
        _stop(list(processes.values()))
        for number, handler in former.items():
            signal.signal(number, handler)


def _end_with_parent() -> None:
    """Have Linux stop this process when the one that started it is killed."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + _GRACE_S
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        # The group outlives its leader if that was killed before it could stop its own children.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
