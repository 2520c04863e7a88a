"""Life of a compensation fund's filings, of claims on those who bear a loss, and of disposals.

filing    filed ─acknowledge→ acknowledged; filed ─refuse→ refused
          filed or acknowledged ─end→ ended (nothing is lent on it any more, or never was)
claim     submitted ─review→ reviewed ─approve→ approved ─pay→ paid ─close→ closed
          submitted or reviewed ─refuse→ refused ─appeal→ submitted; approved ─refuse→ refused
          approved ─appeal→ submitted, if for less than it comes to
          submitted, reviewed or refused ─withdraw→ withdrawn
          paid ─confirm→ confirmed ─close→ closed (the claimant has the money; the loss is settled)
disposal  proposed ─consent→ consented ─escrow→ escrowed ─settle→ settled
          consented ─settle→ settled; any of the first three ─refuse→ refused
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class FilingStatus(StrEnum):
    """入池备案: a loan that a compensation fund shall stand behind."""

    FILED = "filed"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    ENDED = "ended"


LIVE_FILINGS = (FilingStatus.FILED, FilingStatus.ACKNOWLEDGED)


class FilingEvent(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    REFUSE = "refuse"
    END = "end"


FILING: Machine[FilingStatus, FilingEvent] = Machine(
    "fund filing",
    {
        (FilingStatus.FILED, FilingEvent.ACKNOWLEDGE): FilingStatus.ACKNOWLEDGED,
        (FilingStatus.FILED, FilingEvent.REFUSE): FilingStatus.REFUSED,
        (FilingStatus.FILED, FilingEvent.END): FilingStatus.ENDED,
        (FilingStatus.ACKNOWLEDGED, FilingEvent.END): FilingStatus.ENDED,
    },
)


class ClaimKind(StrEnum):
    """Whom the claim is on: the guarantor (代偿), the insurer, or a compensation fund."""

    GUARANTEE = "guarantee"
    INSURANCE = "insurance"
    FUND = "fund"


class ClaimStatus(StrEnum):
    SUBMITTED = "submitted"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    PAID = "paid"
    CONFIRMED = "confirmed"
    CLOSED = "closed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


CLAIMS_IN_FLIGHT = (
    ClaimStatus.SUBMITTED,
    ClaimStatus.REVIEWED,
    ClaimStatus.APPROVED,
    ClaimStatus.PAID,
)
"""Claims on which money is still to move, or to be confirmed: one of a kind per loan."""

CLAIMS_SETTLED = (ClaimStatus.CONFIRMED, ClaimStatus.CLOSED)

CLAIMS_PAID = (ClaimStatus.PAID, *CLAIMS_SETTLED)
"""Claims whose money has left the payer, by its own word."""

CLAIMS_DEAD = (ClaimStatus.REFUSED, ClaimStatus.WITHDRAWN)
"""Claims on which nothing is paid, unless a refused one is appealed."""


class ClaimEvent(StrEnum):
    REVIEW = "review"
    APPROVE = "approve"
    REFUSE = "refuse"
    APPEAL = "appeal"
    WITHDRAW = "withdraw"
    PAY = "pay"
    CONFIRM = "confirm"
    CLOSE = "close"


CLAIM: Machine[ClaimStatus, ClaimEvent] = Machine(
    "claim",
    {
        (ClaimStatus.SUBMITTED, ClaimEvent.REVIEW): ClaimStatus.REVIEWED,
        (ClaimStatus.REVIEWED, ClaimEvent.APPROVE): ClaimStatus.APPROVED,
        (ClaimStatus.SUBMITTED, ClaimEvent.REFUSE): ClaimStatus.REFUSED,
        (ClaimStatus.REVIEWED, ClaimEvent.REFUSE): ClaimStatus.REFUSED,
        (ClaimStatus.APPROVED, ClaimEvent.REFUSE): ClaimStatus.REFUSED,
        (ClaimStatus.REFUSED, ClaimEvent.APPEAL): ClaimStatus.SUBMITTED,
        (ClaimStatus.APPROVED, ClaimEvent.APPEAL): ClaimStatus.SUBMITTED,
        (ClaimStatus.SUBMITTED, ClaimEvent.WITHDRAW): ClaimStatus.WITHDRAWN,
        (ClaimStatus.REVIEWED, ClaimEvent.WITHDRAW): ClaimStatus.WITHDRAWN,
        (ClaimStatus.REFUSED, ClaimEvent.WITHDRAW): ClaimStatus.WITHDRAWN,
        (ClaimStatus.APPROVED, ClaimEvent.PAY): ClaimStatus.PAID,
        (ClaimStatus.PAID, ClaimEvent.CONFIRM): ClaimStatus.CONFIRMED,
        (ClaimStatus.CONFIRMED, ClaimEvent.CLOSE): ClaimStatus.CLOSED,
    },
)


class DisposalKind(StrEnum):
    """What becomes of a pledged right: a licence during the pledge, or its sale after default."""

    LICENCE = "licence"
    SALE = "sale"
    LICENCE_BACK = "licence_back"
    BUY_OUT = "buy_out"


class DisposalStatus(StrEnum):
    PROPOSED = "proposed"
    CONSENTED = "consented"
    ESCROWED = "escrowed"
    SETTLED = "settled"
    REFUSED = "refused"


class DisposalEvent(StrEnum):
    CONSENT = "consent"
    ESCROW = "escrow"
    SETTLE = "settle"
    REFUSE = "refuse"


DISPOSAL: Machine[DisposalStatus, DisposalEvent] = Machine(
    "disposal",
    {
        (DisposalStatus.PROPOSED, DisposalEvent.CONSENT): DisposalStatus.CONSENTED,
        (DisposalStatus.PROPOSED, DisposalEvent.REFUSE): DisposalStatus.REFUSED,
        (DisposalStatus.CONSENTED, DisposalEvent.ESCROW): DisposalStatus.ESCROWED,
        (DisposalStatus.CONSENTED, DisposalEvent.SETTLE): DisposalStatus.SETTLED,
        (DisposalStatus.CONSENTED, DisposalEvent.REFUSE): DisposalStatus.REFUSED,
        (DisposalStatus.ESCROWED, DisposalEvent.SETTLE): DisposalStatus.SETTLED,
        (DisposalStatus.ESCROWED, DisposalEvent.REFUSE): DisposalStatus.REFUSED,
    },
)
