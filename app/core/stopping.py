"""Learns early that the process is told to stop.

A web server waits for its connections before it ends the application's lifespan; a response
without an end must hear of the signal itself.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def on_stop(stop: Callable[[], None]) -> Iterator[None]:
    """Within the block SIGTERM and SIGINT also call ``stop`` in the running event loop."""
    if threading.current_thread() is not threading.main_thread():  # nobody signals it
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def hear(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        previous = before[signal.Signals(number)]
        if callable(previous):
            previous(number, frame)

    for number in before:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
