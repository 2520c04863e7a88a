"""What can stop a demo, each in one line that names the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from app.core.errors import Conflict
from app.demo.client import Refused


class RoadBlocked(Exception):
    """Something the demo relies on did not happen."""


@dataclass(eq=False)
class NotReached(Conflict):
    message = (
        "no service answers at {url}: {reason}; start `zhirong serve` and give its URL,"
        " or run `zhirong demo` without --url"
    )

    url: str
    reason: str


@dataclass(eq=False)
class HadDemo(Conflict):
    message = (
        "the service at {url} has had its demo: {firm} has asked for a loan there;"
        " run `zhirong demo` without --url, or start `zhirong serve` with a fresh --data-dir"
    )

    url: str
    firm: str


@dataclass(eq=False)
class DemoStopped(Conflict):
    message = (
        "the demo at {url} stopped: {reason};"
        " it needs a `zhirong serve` on a fresh --data-dir, or run `zhirong demo` without --url"
    )

    url: str
    reason: str


@contextmanager
def told_in_one_line(url: str) -> Iterator[None]:
    """Whatever goes wrong with the service at ``url``, as an error for people."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotReached(url, _reason(error)) from error
    except (Refused, RoadBlocked, TimeoutError) as error:
        raise DemoStopped(url, _reason(error)) from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
