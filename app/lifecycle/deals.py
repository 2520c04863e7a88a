"""Life of a deal from acceptance to discharge, and of what hangs on it.

deal          queued ─promote→ reconfirming ─reconfirm→ approving
              approving ─approve→ contracting ─contract→ perfecting ─draw→ active
              active ─repay→ repaid ─close→ closed       repaid ─reverse→ active
              any state before active ─fail→ failed
approval      pending ─approve→ approved; either ─decline→ declined; either ─lapse→ lapsed
contract      drafted ─confirm→ confirmed; drafted ─replace→ replaced
registration  prepared ─submit→ submitted ─register→ registered ─discharge→ cancelling ─cancel→
              cancelled; submitted ─ask→ correction ─submit→ submitted; ─refuse→ refused;
              registered ─change→ registered; registered ─replace→ changed (by the registration of
              a renewal, which carries the pledge on); prepared or refused ─cancel→ cancelled;
              submitted or correction ─withdraw→ cancelled (撤回, for a deal that failed)
drawdown      released ─draw→ drawn; released ─report_not_drawn→ not_drawn
loan          performing ─fall_overdue→ overdue ─cure→ performing; either ─repay→ repaid
              performing or overdue ─default→ defaulted ─cure→ performing, ─repay→ repaid,
              ─write_off→ written_off       repaid ─reverse→ performing
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class DealStatus(StrEnum):
    QUEUED = "queued"
    RECONFIRMING = "reconfirming"
    APPROVING = "approving"
    CONTRACTING = "contracting"
    PERFECTING = "perfecting"
    ACTIVE = "active"
    REPAID = "repaid"
    CLOSED = "closed"
    FAILED = "failed"


class DealEvent(StrEnum):
    PROMOTE = "promote"
    RECONFIRM = "reconfirm"
    APPROVE = "approve"
    CONTRACT = "contract"
    DRAW = "draw"
    REPAY = "repay"
    REVERSE = "reverse"
    CLOSE = "close"
    FAIL = "fail"


BEFORE_CASH = (
    DealStatus.QUEUED,
    DealStatus.RECONFIRMING,
    DealStatus.APPROVING,
    DealStatus.CONTRACTING,
    DealStatus.PERFECTING,
)
"""The states in which no money has moved, so that the deal can still fail and be undone."""

DEAL: Machine[DealStatus, DealEvent] = Machine(
    "deal",
    {
        (DealStatus.QUEUED, DealEvent.PROMOTE): DealStatus.RECONFIRMING,
        (DealStatus.RECONFIRMING, DealEvent.RECONFIRM): DealStatus.APPROVING,
        (DealStatus.APPROVING, DealEvent.APPROVE): DealStatus.CONTRACTING,
        (DealStatus.CONTRACTING, DealEvent.CONTRACT): DealStatus.PERFECTING,
        (DealStatus.PERFECTING, DealEvent.DRAW): DealStatus.ACTIVE,
        (DealStatus.ACTIVE, DealEvent.REPAY): DealStatus.REPAID,
        (DealStatus.REPAID, DealEvent.REVERSE): DealStatus.ACTIVE,
        (DealStatus.REPAID, DealEvent.CLOSE): DealStatus.CLOSED,
        **{(status, DealEvent.FAIL): DealStatus.FAILED for status in BEFORE_CASH},
    },
)


class ApprovalStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    LAPSED = "lapsed"


class ApprovalEvent(StrEnum):
    APPROVE = "approve"
    DECLINE = "decline"
    LAPSE = "lapse"


APPROVAL: Machine[ApprovalStatus, ApprovalEvent] = Machine(
    "approval",
    {
        (ApprovalStatus.PENDING, ApprovalEvent.APPROVE): ApprovalStatus.APPROVED,
        (ApprovalStatus.PENDING, ApprovalEvent.DECLINE): ApprovalStatus.DECLINED,
        (ApprovalStatus.APPROVED, ApprovalEvent.DECLINE): ApprovalStatus.DECLINED,
        (ApprovalStatus.PENDING, ApprovalEvent.LAPSE): ApprovalStatus.LAPSED,
        (ApprovalStatus.APPROVED, ApprovalEvent.LAPSE): ApprovalStatus.LAPSED,
    },
)


class ContractKind(StrEnum):
    LOAN = "loan"
    PLEDGE = "pledge"
    GUARANTEE = "guarantee"
    COUNTER_GUARANTEE = "counter_guarantee"
    INSURANCE = "insurance"


class ContractStatus(StrEnum):
    DRAFTED = "drafted"
    CONFIRMED = "confirmed"
    REPLACED = "replaced"


class ContractEvent(StrEnum):
    CONFIRM = "confirm"
    REPLACE = "replace"


CONTRACT: Machine[ContractStatus, ContractEvent] = Machine(
    "contract",
    {
        (ContractStatus.DRAFTED, ContractEvent.CONFIRM): ContractStatus.CONFIRMED,
        (ContractStatus.DRAFTED, ContractEvent.REPLACE): ContractStatus.REPLACED,
    },
)


class PledgeeKind(StrEnum):
    """Who holds the pledge. The guarantor holds it as counter-security (反担保)."""

    BANK = "bank"
    GUARANTOR = "guarantor"
    JOINT = "joint"


class RegistrationStatus(StrEnum):
    PREPARED = "prepared"
    SUBMITTED = "submitted"
    CORRECTION = "correction"
    REGISTERED = "registered"
    REFUSED = "refused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    CHANGED = "changed"


class RegistrationEvent(StrEnum):
    SUBMIT = "submit"
    ASK = "ask"
    REGISTER = "register"
    REFUSE = "refuse"
    CHANGE = "change"
    REPLACE = "replace"
    WITHDRAW = "withdraw"
    DISCHARGE = "discharge"
    CANCEL = "cancel"


REGISTRATION: Machine[RegistrationStatus, RegistrationEvent] = Machine(
    "pledge registration",
    {
        (RegistrationStatus.PREPARED, RegistrationEvent.SUBMIT): RegistrationStatus.SUBMITTED,
        (RegistrationStatus.SUBMITTED, RegistrationEvent.ASK): RegistrationStatus.CORRECTION,
        (RegistrationStatus.CORRECTION, RegistrationEvent.SUBMIT): RegistrationStatus.SUBMITTED,
        (RegistrationStatus.SUBMITTED, RegistrationEvent.REGISTER): RegistrationStatus.REGISTERED,
        (RegistrationStatus.SUBMITTED, RegistrationEvent.REFUSE): RegistrationStatus.REFUSED,
        (RegistrationStatus.CORRECTION, RegistrationEvent.REFUSE): RegistrationStatus.REFUSED,
        (RegistrationStatus.SUBMITTED, RegistrationEvent.WITHDRAW): RegistrationStatus.CANCELLED,
        (RegistrationStatus.CORRECTION, RegistrationEvent.WITHDRAW): RegistrationStatus.CANCELLED,
        (RegistrationStatus.REFUSED, RegistrationEvent.SUBMIT): RegistrationStatus.SUBMITTED,
        (RegistrationStatus.REGISTERED, RegistrationEvent.CHANGE): RegistrationStatus.REGISTERED,
        (RegistrationStatus.REGISTERED, RegistrationEvent.REPLACE): RegistrationStatus.CHANGED,
        (RegistrationStatus.REGISTERED, RegistrationEvent.DISCHARGE): RegistrationStatus.CANCELLING,
        (RegistrationStatus.CANCELLING, RegistrationEvent.CANCEL): RegistrationStatus.CANCELLED,
        (RegistrationStatus.PREPARED, RegistrationEvent.CANCEL): RegistrationStatus.CANCELLED,
        (RegistrationStatus.REFUSED, RegistrationEvent.CANCEL): RegistrationStatus.CANCELLED,
    },
)


class DrawdownStatus(StrEnum):
    """A release given to the bank, until the bank reports what became of it."""

    RELEASED = "released"
    DRAWN = "drawn"
    NOT_DRAWN = "not_drawn"


class DrawdownEvent(StrEnum):
    DRAW = "draw"
    REPORT_NOT_DRAWN = "report_not_drawn"


DRAWDOWN: Machine[DrawdownStatus, DrawdownEvent] = Machine(
    "drawdown",
    {
        (DrawdownStatus.RELEASED, DrawdownEvent.DRAW): DrawdownStatus.DRAWN,
        (DrawdownStatus.RELEASED, DrawdownEvent.REPORT_NOT_DRAWN): DrawdownStatus.NOT_DRAWN,
    },
)


class LoanStatus(StrEnum):
    PERFORMING = "performing"
    OVERDUE = "overdue"
    DEFAULTED = "defaulted"
    REPAID = "repaid"
    WRITTEN_OFF = "written_off"


class LoanEvent(StrEnum):
    FALL_OVERDUE = "fall_overdue"
    CURE = "cure"
    DEFAULT = "default"
    REPAY = "repay"
    REVERSE = "reverse"
    WRITE_OFF = "write_off"


LOAN: Machine[LoanStatus, LoanEvent] = Machine(
    "loan",
    {
        (LoanStatus.PERFORMING, LoanEvent.FALL_OVERDUE): LoanStatus.OVERDUE,
        (LoanStatus.OVERDUE, LoanEvent.CURE): LoanStatus.PERFORMING,
        (LoanStatus.PERFORMING, LoanEvent.REPAY): LoanStatus.REPAID,
        (LoanStatus.OVERDUE, LoanEvent.REPAY): LoanStatus.REPAID,
        (LoanStatus.PERFORMING, LoanEvent.DEFAULT): LoanStatus.DEFAULTED,
        (LoanStatus.OVERDUE, LoanEvent.DEFAULT): LoanStatus.DEFAULTED,
        (LoanStatus.DEFAULTED, LoanEvent.CURE): LoanStatus.PERFORMING,
        (LoanStatus.DEFAULTED, LoanEvent.REPAY): LoanStatus.REPAID,
        (LoanStatus.DEFAULTED, LoanEvent.WRITE_OFF): LoanStatus.WRITTEN_OFF,
        (LoanStatus.REPAID, LoanEvent.REVERSE): LoanStatus.PERFORMING,
    },
)


class ExtensionStatus(StrEnum):
    """展期: a later maturity, in force once all whose consent is needed have given it."""

    REQUESTED = "requested"
    AGREED = "agreed"
    EFFECTIVE = "effective"
    REFUSED = "refused"


class ExtensionEvent(StrEnum):
    AGREE = "agree"
    TAKE_EFFECT = "take_effect"
    REFUSE = "refuse"


EXTENSION: Machine[ExtensionStatus, ExtensionEvent] = Machine(
    "extension",
    {
        (ExtensionStatus.REQUESTED, ExtensionEvent.AGREE): ExtensionStatus.AGREED,
        (ExtensionStatus.REQUESTED, ExtensionEvent.REFUSE): ExtensionStatus.REFUSED,
        (ExtensionStatus.AGREED, ExtensionEvent.TAKE_EFFECT): ExtensionStatus.EFFECTIVE,
        (ExtensionStatus.AGREED, ExtensionEvent.REFUSE): ExtensionStatus.REFUSED,
    },
)


class QueueStatus(StrEnum):
    WAITING = "waiting"
    PROMOTED = "promoted"
    LEFT = "left"


class QueueEvent(StrEnum):
    PROMOTE = "promote"
    LEAVE = "leave"


QUEUE: Machine[QueueStatus, QueueEvent] = Machine(
    "place in the queue",
    {
        (QueueStatus.WAITING, QueueEvent.PROMOTE): QueueStatus.PROMOTED,
        (QueueStatus.WAITING, QueueEvent.LEAVE): QueueStatus.LEFT,
    },
)


class QueueKind(StrEnum):
    """A retake is room that a reversed repayment needs back: it goes ahead of every deal."""

    RETAKE = "retake"
    DEAL = "deal"
