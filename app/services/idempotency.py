"""Keys of changing calls, each kept with its input's hash and its answer as long as the ledger."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, Unprocessable


class KeyInFlight(Conflict):
    message = "A call with this Idempotency-Key is still running; ask again in a second."
    retry_after_s = 1


class KeyReused(Unprocessable):
    message = "This Idempotency-Key was used for another input."


@dataclass(frozen=True, slots=True)
class Claim:
    """One use of a key: unique per organisation and route."""

    organisation_id: UUID
    route: str
    key: str
    digest: bytes

    @property
    def lock(self) -> int:
        name = f"{self.organisation_id} {self.route} {self.key}"
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    media_type: str
    body: bytes


async def begin(session: AsyncSession, claim: Claim) -> Answer | None:
    """The stored answer if the call was made before, or None and the key is ours to answer.

    Raises KeyInFlight while another transaction works under the key, KeyReused for other input.
    """
    row = (
        await session.execute(
            text("SELECT * FROM claim_idempotency_key(:lock, :org, :route, :key, :digest)"),
            {
                "lock": claim.lock,
                "org": claim.organisation_id,
                "route": claim.route,
                "key": claim.key,
                "digest": claim.digest,
            },
        )
    ).one()
    match row.outcome:
        case "new":
            return None
        case "stored":
            return Answer(row.status, row.media_type, row.body)
        case "in_flight":
            raise KeyInFlight
        case _:
            raise KeyReused


async def finish(session: AsyncSession, claim: Claim, answer: Answer) -> None:
    """Store the answer, in the transaction of the fact."""
    await session.execute(
        text(
            "INSERT INTO idempotency_keys"
            " (organisation_id, route, key, digest, status, media_type, body)"
            " VALUES (:org, :route, :key, :digest, :status, :media_type, :body)"
        ),
        {
            "org": claim.organisation_id,
            "route": claim.route,
            "key": claim.key,
            "digest": claim.digest,
            "status": answer.status,
            "media_type": answer.media_type,
            "body": answer.body,
        },
    )


async def find_answer(
    session: AsyncSession, *, organisation_id: UUID, key: str
) -> list[tuple[str, Answer]]:
    """What calls under ``key`` were answered, by route: for a caller that lost an answer."""
    rows = await session.execute(
        text(
            "SELECT route, status, media_type, body FROM idempotency_keys"
            " WHERE organisation_id = :org AND key = :key ORDER BY route LIMIT 50"
        ),
        {"org": organisation_id, "key": key},
    )
    return [(row.route, Answer(row.status, row.media_type, row.body)) for row in rows]
