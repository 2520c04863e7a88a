"""A service of one's own for the length of a demo: `zhirong serve` on a temporary directory."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from app.core.errors import Conflict
from app.core.postgres_tools import free_port, shared_place
from app.core.settings import PREFIX

_WAIT_S = 60.0
_STOP_S = 30.0


class DidNotStart(Conflict):
    message = "the throw-away service did not answer within a minute"


@contextlib.contextmanager
def service() -> Iterator[tuple[str, Path]]:
    """The URL of a fresh service and its data directory; both are gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="zhirong-demo-", dir=shared_place()))
    directory.chmod(0o755)
    port = free_port()
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    command = [sys.executable, "-m", "app.cli", "serve"]
    command += ["--port", str(port), "--data-dir", str(directory)]
    process = subprocess.Popen(
        command, env=ours | {f"{PREFIX}DEMO": "true"}, stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield url, directory
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
        process.kill()
        shutil.rmtree(directory, ignore_errors=True)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health").is_success:
                return
        time.sleep(0.2)
    raise DidNotStart
