"""Whether a patent's annual fees (年费) are paid: by due day and grace, not by the gazette.

The gazette announces a lapse about a year after the fee was missed; the due days tell at once.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.lending.periods import MONTHS_PER_YEAR, months_after


class AnnuityStatus(StrEnum):
    PAID = "paid"
    IN_GRACE = "in_grace"  # unpaid, and still payable with a surcharge (滞纳金)
    LAPSED = "lapsed"  # unpaid after the grace: ended with the last paid year
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AnnuityState:
    """``next_*`` and ``grace_ends_on`` are None when no further fee falls due, or nobody knows."""

    status: AnnuityStatus
    next_year: int | None = None
    next_due_on: date | None = None
    grace_ends_on: date | None = None


def annuity_state(
    *,
    filed_on: date | None,
    expires_on: date | None,
    paid_through_year: int | None,
    on: date,
    grace_months: int,
) -> AnnuityState:
    """The state on the day ``on``.

    The fee of patent year n is due by the (n−1)th anniversary of filing; six months of grace by
    the rules in force (专利法实施细则). ``paid_through_year`` is the last year paid for.
    """
    if filed_on is None or paid_through_year is None:
        return AnnuityState(AnnuityStatus.UNKNOWN)
    due_on = months_after(filed_on, paid_through_year * MONTHS_PER_YEAR)
    if expires_on is not None and due_on >= expires_on:
        return AnnuityState(AnnuityStatus.PAID)
    grace_ends_on = months_after(due_on, grace_months)
    if on <= due_on:
        status = AnnuityStatus.PAID
    elif on <= grace_ends_on:
        status = AnnuityStatus.IN_GRACE
    else:
        status = AnnuityStatus.LAPSED
    return AnnuityState(status, paid_through_year + 1, due_on, grace_ends_on)
