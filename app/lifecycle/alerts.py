"""Life of an alert.

alert   raised ─acknowledge→ acknowledged; either ─clear→ cleared, when it no longer holds
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class AlertStatus(StrEnum):
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


class AlertEvent(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    CLEAR = "clear"


ALERT: Machine[AlertStatus, AlertEvent] = Machine(
    "alert",
    {
        (AlertStatus.RAISED, AlertEvent.ACKNOWLEDGE): AlertStatus.ACKNOWLEDGED,
        (AlertStatus.RAISED, AlertEvent.CLEAR): AlertStatus.CLEARED,
        (AlertStatus.ACKNOWLEDGED, AlertEvent.CLEAR): AlertStatus.CLEARED,
    },
)
