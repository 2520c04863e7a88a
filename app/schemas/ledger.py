"""Wire shapes of the ledger's verification."""

from uuid import UUID

from app.schemas.base import Output

FINDINGS_MAX = 100


class FindingOut(Output):
    """Something about the ledger that cannot be; ``subject`` is an account or a transfer."""

    kind: str
    subject: UUID
    detail: str


class VerificationOut(Output):
    """The ledger holds if nothing was found; of more than a hundred findings the first are told."""

    holds: bool
    findings: list[FindingOut]
