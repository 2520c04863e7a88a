"""The lock files: hashes for everything, and no address of anybody's registry."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def pins(lock: Path) -> dict[str, str]:
    """Name and marker to version."""
    found = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)\s*(;[^\\]*)?", lock.read_text(), re.M)
    return {f"{name}{marker.strip()}": version for name, version, marker in found}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_address(lock: Path) -> None:
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_a_hash(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", lock.read_text().strip())

    assert len(entries) == len(pins(lock)) > 0
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", ["dev.txt", "build.txt"])
def test_locks_agree_so_that_one_environment_holds_them_all(name: str) -> None:
    runtime, other = pins(ROOT / "requirements" / "runtime.txt"), pins(ROOT / "requirements" / name)

    differing = {key for key in runtime.keys() & other.keys() if runtime[key] != other[key]}

    assert differing == set()


def test_the_browsers_lock_names_no_address_but_for_funding() -> None:
    lock: dict[str, Any] = json.loads((ROOT / "web" / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    for package in packages.values():
        package.pop("funding", None)

    assert "://" not in json.dumps(lock)
    assert [name for name, package in packages.items() if "integrity" not in package] == []
