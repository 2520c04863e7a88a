"""Life of an opening: hours of a window that can be booked, or a public event.

opening   announced ─hold→ held; announced ─cancel→ cancelled
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class OpeningKind(StrEnum):
    APPOINTMENT = "appointment"
    EVENT = "event"


class OpeningStatus(StrEnum):
    ANNOUNCED = "announced"
    HELD = "held"
    CANCELLED = "cancelled"


class OpeningEvent(StrEnum):
    HOLD = "hold"
    CANCEL = "cancel"


OPENING: Machine[OpeningStatus, OpeningEvent] = Machine(
    "opening",
    {
        (OpeningStatus.ANNOUNCED, OpeningEvent.HOLD): OpeningStatus.HELD,
        (OpeningStatus.ANNOUNCED, OpeningEvent.CANCEL): OpeningStatus.CANCELLED,
    },
)
