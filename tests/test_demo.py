"""The demo is the proof: the whole road over HTTP, against a service with worker and database."""

import subprocess
import sys


def test_the_demo_takes_every_firm_down_its_road() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "app.cli", "demo"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert run.returncode == 0, run.stderr[-4000:]
    assert "The ledger holds" in run.stdout
    for told in ("平罗新材料", "青铜峡装备", "中宁数字", "平罗医械", "宁东能化", "queued"):
        assert told in run.stdout
