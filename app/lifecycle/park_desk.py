"""Life of a park's recommendation and of a matchmaking event.

recommendation   proposed ─consent→ consented; proposed ─refuse→ refused;
                 proposed or consented ─withdraw→ withdrawn
event            announced ─hold→ held; announced ─cancel→ cancelled
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class RecommendationStatus(StrEnum):
    PROPOSED = "proposed"
    CONSENTED = "consented"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class RecommendationEvent(StrEnum):
    CONSENT = "consent"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


RECOMMENDATION: Machine[RecommendationStatus, RecommendationEvent] = Machine(
    "park recommendation",
    {
        (RecommendationStatus.PROPOSED, RecommendationEvent.CONSENT): (
            RecommendationStatus.CONSENTED
        ),
        (RecommendationStatus.PROPOSED, RecommendationEvent.REFUSE): RecommendationStatus.REFUSED,
        (RecommendationStatus.PROPOSED, RecommendationEvent.WITHDRAW): (
            RecommendationStatus.WITHDRAWN
        ),
        (RecommendationStatus.CONSENTED, RecommendationEvent.WITHDRAW): (
            RecommendationStatus.WITHDRAWN
        ),
    },
)


class EventStatus(StrEnum):
    ANNOUNCED = "announced"
    HELD = "held"
    CANCELLED = "cancelled"


class EventEvent(StrEnum):
    HOLD = "hold"
    CANCEL = "cancel"


MATCHMAKING: Machine[EventStatus, EventEvent] = Machine(
    "matchmaking event",
    {
        (EventStatus.ANNOUNCED, EventEvent.HOLD): EventStatus.HELD,
        (EventStatus.ANNOUNCED, EventEvent.CANCEL): EventStatus.CANCELLED,
    },
)
