"""Runs an ASGI application in a server process of its own for the length of a measurement."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator


@contextlib.contextmanager
def served(target: str, *, environment: dict[str, str] | None = None) -> Iterator[int]:
    """The port on which ``target`` (``module:factory``) answers; one worker, as in production."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory"]
    command += ["--loop", "uvloop", "--no-ws", "--log-level", "error", "--port", str(port), target]
    process = subprocess.Popen(command, env=os.environ | (environment or {}))
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("the server ended before it answered")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not answer within 20 s")
