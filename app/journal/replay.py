"""Replays a journal and says what in it cannot be. It remembers accounts and open holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from app.core.clock import business_date
from app.journal.lines import GENESIS, Line, LineKind, chained, kind_of

Counters = tuple[int, ...]
"""Debits posted, debits pending, credits posted, credits pending: fen."""

_SIDES = ("debit", "credit")
_RESOLVING = frozenset({"post", "void", "expire"})


class FindingKind(StrEnum):
    HASH_MISMATCH = "hash_mismatch"
    SEQUENCE_GAP = "sequence_gap"
    BALANCE_MISMATCH = "balance_mismatch"
    UNBALANCED = "unbalanced"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the ledger that cannot be; ``subject``: an account, a transfer, a day."""

    kind: FindingKind
    subject: str
    detail: str


@dataclass(slots=True)
class Account:
    """Where the replay has an account: after ``version`` entries, the last one ``at``."""

    limited: bool
    version: int = 0
    counters: Counters = (0, 0, 0, 0)
    at: str | None = None


class Replay:
    """Feed it every line in order; it yields findings as it meets them, and goes on after each."""

    def __init__(self) -> None:
        self.sequence = 0
        self.accounts: dict[str, Account] = {}
        self.transfers = 0
        self._links: tuple[bytes, ...] = (
            GENESIS,
        )  # what the next line may follow: more than one after a mismatch
        self._holds: dict[str, tuple[Any, Any, int]] = {}
        self._first_on: date | None = None
        self._root_on: date | None = None
        self._since_root = 0

    @property
    def head(self) -> bytes:
        """The hash of the last line, as it says itself."""
        return self._links[0]

    def read(self, line: Line) -> Iterator[Finding]:
        """A sealed line, or a root, as the journal has it."""
        kind = kind_of(line)
        if kind is LineKind.ROOT:
            yield from self._root(line[kind])
            return
        fact, subject = line[kind], line.get("subject") or (line[kind] or {}).get("id", "")
        yield from self._chain(line, subject)
        if fact is None:
            return
        if kind is LineKind.ACCOUNT:
            if fact["id"] in self.accounts:
                yield Finding(FindingKind.SEQUENCE_GAP, subject, "the account was opened before")
            self.open(fact["id"], limited=fact["limited"])
            return
        self._since_root += 1
        self._first_on = self._first_on or _day(fact["at"])
        yield from self.move(fact)

    def open(self, account: str, *, limited: bool) -> None:
        self.accounts.setdefault(account, Account(limited))

    def move(self, transfer: dict[str, Any]) -> Iterator[Finding]:
        """A transfer, sealed or not yet: each entry follows the one before, by what it says."""
        self.transfers += 1
        id_, at = transfer["id"], transfer["at"]
        posted, pending, problem = self._effect(transfer)
        if problem:
            yield Finding(FindingKind.UNBALANCED, id_, problem)
        steps: dict[str, Counters] = {
            "debit": (posted, pending, 0, 0),
            "credit": (0, 0, posted, pending),
        }
        for side in _SIDES:
            entry = transfer[side]
            account = self.accounts.get(entry["account"]) if entry else None
            if entry is None or account is None:
                lack = "entry" if entry is None else "account"
                yield Finding(FindingKind.UNBALANCED, id_, f"no {lack} on its {side} side")
                continue
            before, after = tuple(entry["before"]), tuple(entry["after"])
            where = f"entry {entry['version']} of account {entry['account']}"
            if entry["version"] != account.version + 1 or at <= (account.at or ""):
                yield Finding(
                    FindingKind.SEQUENCE_GAP, id_, f"{where} follows entry {account.version}"
                )
            if before != account.counters:
                yield Finding(
                    FindingKind.BALANCE_MISMATCH,
                    id_,
                    f"{where} starts from {before}, the account was at {account.counters}",
                )
            if tuple(new - old for old, new in zip(before, after, strict=True)) != steps[side]:
                yield Finding(FindingKind.UNBALANCED, id_, f"{where} is not what the transfer does")
            if min(after) < 0 or (account.limited and after[0] + after[1] > after[2]):
                yield Finding(FindingKind.BALANCE_MISMATCH, id_, f"{where} breaks a limit")
            account.version, account.counters, account.at = entry["version"], after, at

    def _effect(self, transfer: dict[str, Any]) -> tuple[int, int, str]:
        """What it adds to posted and to pending, and what is wrong with it, if anything."""
        kind, amount = transfer["kind"], transfer["amount"]
        ends = tuple(transfer[side] and transfer[side]["account"] for side in _SIDES)
        if kind == "transfer":
            effect, fits = (amount, 0), transfer["hold"] is None
        elif kind == "hold":
            effect = (0, amount)
            fits = transfer["hold"] is None and transfer["id"] not in self._holds
            self._holds[transfer["id"]] = (*ends, amount)
        elif kind in _RESOLVING:
            *held_ends, held = self._holds.pop(transfer["hold"], (None, None, 0))
            fits = tuple(held_ends) == ends and (
                amount <= held if kind == "post" else amount == held
            )
            effect = (amount if kind == "post" else 0, -held)
        else:
            effect, fits = (0, 0), False
        if amount <= 0 or ends[0] == ends[1]:
            return *effect, "an amount or two accounts are missing"
        return *effect, "" if fits else f"a {kind} without its open hold"

    def _chain(self, line: Line, subject: str) -> Iterator[Finding]:
        sequence, stored = line["sequence"], bytes.fromhex(line["hash"])
        if sequence != self.sequence + 1:
            yield Finding(
                FindingKind.SEQUENCE_GAP, subject, f"line {sequence} follows {self.sequence}"
            )
        self.sequence = sequence
        computed = [chained(link, line) for link in self._links]
        if stored in computed:
            self._links = (stored,)
        else:
            yield Finding(FindingKind.HASH_MISMATCH, subject, f"line {sequence}")
            # Either the fact was changed or the hash; the next line tells.
            self._links = (stored, computed[0])

    def _root(self, root: dict[str, Any]) -> Iterator[Finding]:
        """The chain's head at the end of a day: one for every day since the first transfer's."""
        day = date.fromisoformat(root["business_on"])
        due = self._root_on + timedelta(days=1) if self._root_on else self._first_on
        if (root["sequence"], bytes.fromhex(root["hash"])) != (self.sequence, self.head):
            yield Finding(
                FindingKind.HASH_MISMATCH, day.isoformat(), "the day's root is not in the chain"
            )
        if day != due or root["transfers"] != self._since_root:
            yield Finding(
                FindingKind.SEQUENCE_GAP,
                day.isoformat(),
                f"the root of {due} over {self._since_root} transfers was due here",
            )
        self._root_on, self._since_root = day, 0


def _day(at: str) -> date:
    return business_date(datetime.fromisoformat(at))
