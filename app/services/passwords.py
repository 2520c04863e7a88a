"""Passwords: argon2id off the event loop, a few at a time, and the same work for everybody."""

import asyncio
import hashlib
import os
import secrets
import unicodedata
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.low_level import hash_secret_raw

from app.core.errors import FieldRefused
from app.core.messages import say

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes and one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

# Each verification takes a core and 19 MiB for some 20 ms; more at once would only wait on cores.
_SLOTS = asyncio.Semaphore(os.cpu_count() or 1)

# What a password is checked against when nobody has that e-mail address.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Chosen:
    """A new password, and the argon2id hash to store, with its salt and parameters inside."""

    text: str = field(repr=False)
    hash: str = field(repr=False)


def check_choice(password: Chosen, *, email: str) -> None:
    """Raise FieldRefused for a password that is the e-mail address or its local part."""
    chosen = password.text.casefold()
    if chosen in {email.casefold(), email.partition("@")[0].casefold()}:
        raise FieldRefused("password", say("must not be the e-mail address"))


async def choose(password: str) -> Chosen:
    """Hash a password that somebody chose; before any transaction is open, for it takes a while."""
    async with _SLOTS:
        return Chosen(password, await asyncio.to_thread(_HASHER.hash, _normal(password)))


async def verify(password: str, stored: str | None) -> bool:
    """Whether ``password`` belongs to the hash; None (no such user) takes as long and is False."""
    async with _SLOTS:
        return await asyncio.to_thread(_matches, stored or _NOBODY, _normal(password))


async def slow_digest(digest: bytes, *, salt: str) -> bytes:
    """``digest`` of an input that holds a password, as costly to guess from as the hash of one."""
    async with _SLOTS:
        return await asyncio.to_thread(
            hash_secret_raw,
            digest,
            hashlib.sha256(salt.encode()).digest(),
            time_cost=_HASHER.time_cost,
            memory_cost=_HASHER.memory_cost,
            parallelism=_HASHER.parallelism,
            hash_len=32,
            type=_HASHER.type,
        )


def _matches(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """One form for the same text, however a keyboard composes it."""
    return unicodedata.normalize("NFC", password)
