"""Life of a financing request and of the quotes made on it.

request   draft ─submit→ open ─accept→ matched ─close→ closed
                          │ ↑             │
                          │ └───reopen────┘
                          ├──withdraw→ withdrawn
                          └──expire──→ expired
quote     offered ─accept→ accepted ─lapse→ lapsed
             │  ↑              └─reinstate→ offered
             │  └─reinstate─ standing_by ─decline→ declined, ─withdraw→ withdrawn, ─expire→ expired
             ├──stand_by→ standing_by
             ├──decline→ declined
             ├──withdraw→ withdrawn
             └──expire→ expired
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class RequestStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    MATCHED = "matched"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class RequestEvent(StrEnum):
    SUBMIT = "submit"
    ACCEPT = "accept"
    REOPEN = "reopen"
    CLOSE = "close"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


class QuoteKind(StrEnum):
    LOAN = "loan"
    GUARANTEE = "guarantee"
    INSURANCE = "insurance"


class QuoteStatus(StrEnum):
    """A quote that stands by was not chosen; it comes back if the deal fails in time."""

    OFFERED = "offered"
    STANDING_BY = "standing_by"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    LAPSED = "lapsed"


class QuoteEvent(StrEnum):
    ACCEPT = "accept"
    STAND_BY = "stand_by"
    REINSTATE = "reinstate"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    LAPSE = "lapse"


REQUEST: Machine[RequestStatus, RequestEvent] = Machine(
    "financing request",
    {
        (RequestStatus.DRAFT, RequestEvent.SUBMIT): RequestStatus.OPEN,
        (RequestStatus.DRAFT, RequestEvent.WITHDRAW): RequestStatus.WITHDRAWN,
        (RequestStatus.OPEN, RequestEvent.ACCEPT): RequestStatus.MATCHED,
        (RequestStatus.OPEN, RequestEvent.WITHDRAW): RequestStatus.WITHDRAWN,
        (RequestStatus.OPEN, RequestEvent.EXPIRE): RequestStatus.EXPIRED,
        (RequestStatus.MATCHED, RequestEvent.REOPEN): RequestStatus.OPEN,
        (RequestStatus.MATCHED, RequestEvent.CLOSE): RequestStatus.CLOSED,
    },
)

QUOTE: Machine[QuoteStatus, QuoteEvent] = Machine(
    "quote",
    {
        (QuoteStatus.OFFERED, QuoteEvent.ACCEPT): QuoteStatus.ACCEPTED,
        (QuoteStatus.OFFERED, QuoteEvent.STAND_BY): QuoteStatus.STANDING_BY,
        (QuoteStatus.OFFERED, QuoteEvent.DECLINE): QuoteStatus.DECLINED,
        (QuoteStatus.OFFERED, QuoteEvent.WITHDRAW): QuoteStatus.WITHDRAWN,
        (QuoteStatus.OFFERED, QuoteEvent.EXPIRE): QuoteStatus.EXPIRED,
        (QuoteStatus.STANDING_BY, QuoteEvent.REINSTATE): QuoteStatus.OFFERED,
        (QuoteStatus.STANDING_BY, QuoteEvent.DECLINE): QuoteStatus.DECLINED,
        (QuoteStatus.STANDING_BY, QuoteEvent.WITHDRAW): QuoteStatus.WITHDRAWN,
        (QuoteStatus.STANDING_BY, QuoteEvent.EXPIRE): QuoteStatus.EXPIRED,
        (QuoteStatus.ACCEPTED, QuoteEvent.REINSTATE): QuoteStatus.OFFERED,
        (QuoteStatus.ACCEPTED, QuoteEvent.LAPSE): QuoteStatus.LAPSED,
    },
)
