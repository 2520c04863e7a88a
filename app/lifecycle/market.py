"""Life of a listing, of an enquiry about it, and of the contract that comes of it.

listing   open ─conclude→ concluded; open ─withdraw→ withdrawn
enquiry   asked ─accept→ accepted ─conclude→ concluded; asked ─decline→ declined
          asked or accepted ─withdraw→ withdrawn
contract  proposed ─confirm→ confirmed; proposed ─refuse→ refused; proposed ─withdraw→ withdrawn
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class ListingSide(StrEnum):
    OFFER = "offer"
    DEMAND = "demand"


class TransferForm(StrEnum):
    """How a patent goes over; an open licence (开放许可) is to whoever takes its terms."""

    SALE = "sale"
    LICENCE = "licence"
    OPEN_LICENCE = "open_licence"
    EQUITY = "equity"


LICENCES = frozenset({TransferForm.LICENCE, TransferForm.OPEN_LICENCE})


class ListingStatus(StrEnum):
    OPEN = "open"
    CONCLUDED = "concluded"
    WITHDRAWN = "withdrawn"


class ListingEvent(StrEnum):
    CONCLUDE = "conclude"
    WITHDRAW = "withdraw"


LISTING: Machine[ListingStatus, ListingEvent] = Machine(
    "market listing",
    {
        (ListingStatus.OPEN, ListingEvent.CONCLUDE): ListingStatus.CONCLUDED,
        (ListingStatus.OPEN, ListingEvent.WITHDRAW): ListingStatus.WITHDRAWN,
    },
)


class EnquiryStatus(StrEnum):
    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    CONCLUDED = "concluded"


class EnquiryEvent(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    CONCLUDE = "conclude"


ENQUIRY: Machine[EnquiryStatus, EnquiryEvent] = Machine(
    "market enquiry",
    {
        (EnquiryStatus.ASKED, EnquiryEvent.ACCEPT): EnquiryStatus.ACCEPTED,
        (EnquiryStatus.ASKED, EnquiryEvent.DECLINE): EnquiryStatus.DECLINED,
        (EnquiryStatus.ASKED, EnquiryEvent.WITHDRAW): EnquiryStatus.WITHDRAWN,
        (EnquiryStatus.ACCEPTED, EnquiryEvent.WITHDRAW): EnquiryStatus.WITHDRAWN,
        (EnquiryStatus.ACCEPTED, EnquiryEvent.CONCLUDE): EnquiryStatus.CONCLUDED,
    },
)


class ContractStatus(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ContractEvent(StrEnum):
    CONFIRM = "confirm"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


TRANSFER_CONTRACT: Machine[ContractStatus, ContractEvent] = Machine(
    "transfer contract",
    {
        (ContractStatus.PROPOSED, ContractEvent.CONFIRM): ContractStatus.CONFIRMED,
        (ContractStatus.PROPOSED, ContractEvent.REFUSE): ContractStatus.REFUSED,
        (ContractStatus.PROPOSED, ContractEvent.WITHDRAW): ContractStatus.WITHDRAWN,
    },
)
