"""Who takes part: kinds of organisation, their standing, levels of their people."""

from enum import StrEnum

from app.lifecycle.machine import Machine


class OrganisationKind(StrEnum):
    """The parties of a deal, and those who watch over it. SYSTEM is the platform itself."""

    ENTERPRISE = "enterprise"
    BANK = "bank"
    INSURER = "insurer"
    GUARANTOR = "guarantor"
    PARK = "park"
    AUTHORITY = "authority"
    AGENCY = "agency"
    SYSTEM = "system"


LENDERS = (OrganisationKind.BANK, OrganisationKind.INSURER, OrganisationKind.GUARANTOR)
"""The institutions that quote."""


class GuarantorType(StrEnum):
    """Only a government guarantor (政府性融资担保机构) belongs to the programme."""

    GOVERNMENT = "government"
    COMMERCIAL = "commercial"


class Level(StrEnum):
    MEMBER = "member"
    MANAGER = "manager"


class OrganisationStatus(StrEnum):
    PENDING = "pending"
    VERIFIED = "verified"
    SUSPENDED = "suspended"


class OrganisationEvent(StrEnum):
    VERIFY = "verify"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    READMIT = "readmit"


ORGANISATION: Machine[OrganisationStatus, OrganisationEvent] = Machine(
    "organisation",
    {
        (OrganisationStatus.PENDING, OrganisationEvent.VERIFY): OrganisationStatus.VERIFIED,
        (OrganisationStatus.PENDING, OrganisationEvent.SUSPEND): OrganisationStatus.SUSPENDED,
        (OrganisationStatus.VERIFIED, OrganisationEvent.SUSPEND): OrganisationStatus.SUSPENDED,
        (OrganisationStatus.SUSPENDED, OrganisationEvent.REINSTATE): OrganisationStatus.VERIFIED,
        # One that was never verified comes back as it was.
        (OrganisationStatus.SUSPENDED, OrganisationEvent.READMIT): OrganisationStatus.PENDING,
    },
)


class MembershipStatus(StrEnum):
    """Whether a firm belongs to a park: the firm claims it, the park certifies it."""

    CLAIMED = "claimed"
    CERTIFIED = "certified"
    REFUSED = "refused"
    ENDED = "ended"


class MembershipEvent(StrEnum):
    CERTIFY = "certify"
    REFUSE = "refuse"
    END = "end"


MEMBERSHIP: Machine[MembershipStatus, MembershipEvent] = Machine(
    "park membership",
    {
        (MembershipStatus.CLAIMED, MembershipEvent.CERTIFY): MembershipStatus.CERTIFIED,
        (MembershipStatus.CLAIMED, MembershipEvent.REFUSE): MembershipStatus.REFUSED,
        (MembershipStatus.CERTIFIED, MembershipEvent.END): MembershipStatus.ENDED,
    },
)
