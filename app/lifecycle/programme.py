"""Life of a change of the programme: two people of the authority, and the guarantor for its own.

change   proposed ─approve→ approved ─take_effect→ in_force
         proposed ─refuse→ refused        proposed or approved ─withdraw→ withdrawn
         a guarantor's terms: approved ─sign→ signed ─take_effect→ in_force; approved ─refuse→
         refused (by the guarantor)
         approved or signed ─fail→ failed (the test of its day no longer holds)
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class ChangeKind(StrEnum):
    """What two people may change together."""

    CAPACITY = "capacity"
    TRANSFER = "transfer"
    PARK = "park"
    GUARANTOR_TERMS = "guarantor_terms"
    CAPS = "caps"
    QUEUE_RULE = "queue_rule"
    ALERTS = "alerts"
    RENEWAL = "renewal"
    KEY_INDUSTRIES = "key_industries"
    FUND = "fund"
    FUND_CAPITAL = "fund_capital"
    FUND_LEVERAGE = "fund_leverage"
    FUND_RESUMPTION = "fund_resumption"
    CALLED_RETURN = "called_return"
    CALENDAR = "calendar"


class ChangeStatus(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    SIGNED = "signed"
    IN_FORCE = "in_force"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"


LIVE_CHANGES = (
    ChangeStatus.PROPOSED,
    ChangeStatus.APPROVED,
    ChangeStatus.SIGNED,
    ChangeStatus.IN_FORCE,
)
"""Of a change that is in force, or may still come to be."""


class ChangeEvent(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    SIGN = "sign"
    TAKE_EFFECT = "take_effect"
    FAIL = "fail"


CHANGE: Machine[ChangeStatus, ChangeEvent] = Machine(
    "programme change",
    {
        (ChangeStatus.PROPOSED, ChangeEvent.APPROVE): ChangeStatus.APPROVED,
        (ChangeStatus.PROPOSED, ChangeEvent.REFUSE): ChangeStatus.REFUSED,
        (ChangeStatus.PROPOSED, ChangeEvent.WITHDRAW): ChangeStatus.WITHDRAWN,
        (ChangeStatus.APPROVED, ChangeEvent.WITHDRAW): ChangeStatus.WITHDRAWN,
        (ChangeStatus.APPROVED, ChangeEvent.SIGN): ChangeStatus.SIGNED,
        (ChangeStatus.APPROVED, ChangeEvent.REFUSE): ChangeStatus.REFUSED,
        (ChangeStatus.APPROVED, ChangeEvent.TAKE_EFFECT): ChangeStatus.IN_FORCE,
        (ChangeStatus.SIGNED, ChangeEvent.TAKE_EFFECT): ChangeStatus.IN_FORCE,
        (ChangeStatus.APPROVED, ChangeEvent.FAIL): ChangeStatus.FAILED,
        (ChangeStatus.SIGNED, ChangeEvent.FAIL): ChangeStatus.FAILED,
    },
)
