"""Life of an order for an external appraisal, and of a sheet that grades a right.

order   offered ─agree→ agreed ─deliver→ delivered ─accept→ accepted
          │ │ │            │ └─fall_overdue→ overdue ─deliver→ delivered
          │ │ └─lapse→ lapsed                 └─cancel→ cancelled
          │ └─decline→ declined       delivered ─dispute→ disputed ─deliver→ delivered
          └─cancel→ cancelled                             └─accept→ accepted
        agreed ─cancel→ cancelled

grade sheet   open ─finish→ finished; open ─discard→ discarded

A disputed report stays beside its dispute: what follows is a further report, or acceptance of it.
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class AppraisalStatus(StrEnum):
    OFFERED = "offered"
    AGREED = "agreed"
    DECLINED = "declined"
    LAPSED = "lapsed"
    OVERDUE = "overdue"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    CANCELLED = "cancelled"


class AppraisalEvent(StrEnum):
    AGREE = "agree"
    DECLINE = "decline"
    LAPSE = "lapse"
    FALL_OVERDUE = "fall_overdue"
    DELIVER = "deliver"
    ACCEPT = "accept"
    DISPUTE = "dispute"
    CANCEL = "cancel"


REPORTED = (AppraisalStatus.DELIVERED, AppraisalStatus.ACCEPTED, AppraisalStatus.DISPUTED)
"""There is a report to read."""

_Status, _Event = AppraisalStatus, AppraisalEvent

APPRAISAL: Machine[AppraisalStatus, AppraisalEvent] = Machine(
    "appraisal order",
    {
        (_Status.OFFERED, _Event.AGREE): _Status.AGREED,
        (_Status.OFFERED, _Event.DECLINE): _Status.DECLINED,
        (_Status.OFFERED, _Event.CANCEL): _Status.CANCELLED,
        (_Status.OFFERED, _Event.LAPSE): _Status.LAPSED,
        (_Status.AGREED, _Event.DELIVER): _Status.DELIVERED,
        (_Status.AGREED, _Event.FALL_OVERDUE): _Status.OVERDUE,
        (_Status.AGREED, _Event.CANCEL): _Status.CANCELLED,
        (_Status.OVERDUE, _Event.DELIVER): _Status.DELIVERED,
        (_Status.OVERDUE, _Event.CANCEL): _Status.CANCELLED,
        (_Status.DELIVERED, _Event.ACCEPT): _Status.ACCEPTED,
        (_Status.DELIVERED, _Event.DISPUTE): _Status.DISPUTED,
        (_Status.DISPUTED, _Event.DELIVER): _Status.DELIVERED,
        (_Status.DISPUTED, _Event.ACCEPT): _Status.ACCEPTED,
    },
)


class GradeSheetStatus(StrEnum):
    OPEN = "open"
    FINISHED = "finished"
    DISCARDED = "discarded"


class GradeSheetEvent(StrEnum):
    FINISH = "finish"
    DISCARD = "discard"


GRADE_SHEET: Machine[GradeSheetStatus, GradeSheetEvent] = Machine(
    "grade sheet",
    {
        (GradeSheetStatus.OPEN, GradeSheetEvent.FINISH): GradeSheetStatus.FINISHED,
        (GradeSheetStatus.OPEN, GradeSheetEvent.DISCARD): GradeSheetStatus.DISCARDED,
    },
)
