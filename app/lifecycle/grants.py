"""Life of a grant: its programme, its window, and an application from draft to audit.

programme    planned ─open→ open ─close→ closed
window       planned ─open→ open ─close→ scoring ─decide→ decided
             planned or open ─cancel→ cancelled
application  draft ─submit→ submitted ─accept→ reviewing ─recommend→ recommended ─notice→ noticed
             ─approve→ approved ─agree→ agreed ─pay→ paid ─audit→ audited
             submitted or reviewing ─return→ returned ─submit→ submitted
             any of these from submitted to noticed ─reject→ rejected; a notice objected to is
             noticed ─object→ reviewing
             rejected ─appeal→ appealed ─uphold→ refused (for good); appealed ─overturn→ reviewing
             anything before the payment ─withdraw→ withdrawn
             paid or audited ─claw_back→ clawing_back ─recover→ clawed_back
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class ProgrammeStatus(StrEnum):
    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


class ProgrammeEvent(StrEnum):
    OPEN = "open"
    CLOSE = "close"


GRANT_PROGRAMME: Machine[ProgrammeStatus, ProgrammeEvent] = Machine(
    "grant programme",
    {
        (ProgrammeStatus.PLANNED, ProgrammeEvent.OPEN): ProgrammeStatus.OPEN,
        (ProgrammeStatus.OPEN, ProgrammeEvent.CLOSE): ProgrammeStatus.CLOSED,
    },
)


class WindowStatus(StrEnum):
    """A call: applications come in while it is open, and are decided together."""

    PLANNED = "planned"
    OPEN = "open"
    SCORING = "scoring"
    DECIDED = "decided"
    CANCELLED = "cancelled"


class WindowEvent(StrEnum):
    OPEN = "open"
    CLOSE = "close"
    DECIDE = "decide"
    CANCEL = "cancel"


WINDOW: Machine[WindowStatus, WindowEvent] = Machine(
    "application window",
    {
        (WindowStatus.PLANNED, WindowEvent.OPEN): WindowStatus.OPEN,
        (WindowStatus.OPEN, WindowEvent.CLOSE): WindowStatus.SCORING,
        (WindowStatus.SCORING, WindowEvent.DECIDE): WindowStatus.DECIDED,
        (WindowStatus.PLANNED, WindowEvent.CANCEL): WindowStatus.CANCELLED,
        (WindowStatus.OPEN, WindowEvent.CANCEL): WindowStatus.CANCELLED,
    },
)


class ApplicationStatus(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    REVIEWING = "reviewing"
    RECOMMENDED = "recommended"
    NOTICED = "noticed"
    APPROVED = "approved"
    AGREED = "agreed"
    PAID = "paid"
    AUDITED = "audited"
    REJECTED = "rejected"
    APPEALED = "appealed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    CLAWING_BACK = "clawing_back"
    CLAWED_BACK = "clawed_back"


class ApplicationEvent(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"
    ACCEPT = "accept"
    RECOMMEND = "recommend"
    NOTICE = "notice"
    OBJECT = "object"
    APPROVE = "approve"
    AGREE = "agree"
    PAY = "pay"
    AUDIT = "audit"
    REJECT = "reject"
    APPEAL = "appeal"
    UPHOLD = "uphold"
    OVERTURN = "overturn"
    WITHDRAW = "withdraw"
    CLAW_BACK = "claw_back"
    RECOVER = "recover"


_S, _E = ApplicationStatus, ApplicationEvent

UNDECIDED = (_S.SUBMITTED, _S.REVIEWING, _S.RECOMMENDED, _S.NOTICED)
"""The states in which an application can still be rejected."""

BEFORE_PAYMENT = (_S.DRAFT, _S.RETURNED, *UNDECIDED, _S.APPROVED, _S.AGREED)
"""The states in which no money has moved, so that the applicant can still withdraw."""

HOLDS_BUDGET = (_S.NOTICED, _S.APPROVED, _S.AGREED)
"""The states in which money or a place is reserved or committed and not yet paid."""

APPLICATION: Machine[ApplicationStatus, ApplicationEvent] = Machine(
    "grant application",
    {
        (_S.DRAFT, _E.SUBMIT): _S.SUBMITTED,
        (_S.RETURNED, _E.SUBMIT): _S.SUBMITTED,
        (_S.SUBMITTED, _E.RETURN): _S.RETURNED,
        (_S.REVIEWING, _E.RETURN): _S.RETURNED,
        (_S.SUBMITTED, _E.ACCEPT): _S.REVIEWING,
        (_S.REVIEWING, _E.RECOMMEND): _S.RECOMMENDED,
        (_S.RECOMMENDED, _E.NOTICE): _S.NOTICED,
        (_S.NOTICED, _E.OBJECT): _S.REVIEWING,
        (_S.NOTICED, _E.APPROVE): _S.APPROVED,
        (_S.APPROVED, _E.AGREE): _S.AGREED,
        (_S.AGREED, _E.PAY): _S.PAID,
        (_S.PAID, _E.AUDIT): _S.AUDITED,
        (_S.REJECTED, _E.APPEAL): _S.APPEALED,
        (_S.APPEALED, _E.UPHOLD): _S.REFUSED,
        (_S.APPEALED, _E.OVERTURN): _S.REVIEWING,
        (_S.PAID, _E.CLAW_BACK): _S.CLAWING_BACK,
        (_S.AUDITED, _E.CLAW_BACK): _S.CLAWING_BACK,
        (_S.CLAWING_BACK, _E.RECOVER): _S.CLAWED_BACK,
        **{(status, _E.REJECT): _S.REJECTED for status in UNDECIDED},
        **{(status, _E.WITHDRAW): _S.WITHDRAWN for status in BEFORE_PAYMENT},
    },
)
