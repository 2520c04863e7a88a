"""What people call the codes of a deal, in the sentences that name them."""

from enum import StrEnum

from app.core.messages import Text, say
from app.identifiers.rights import Register
from app.lending.grading import Grade
from app.lifecycle.deals import ContractKind, PledgeeKind
from app.lifecycle.funds import ClaimKind
from app.lifecycle.parties import OrganisationKind
from app.risk.scheme import Stops
from app.schemas.deals import MilestoneKind

NAMES: dict[StrEnum, Text] = {
    OrganisationKind.ENTERPRISE: say("enterprise"),
    OrganisationKind.BANK: say("bank"),
    OrganisationKind.GUARANTOR: say("guarantor"),
    OrganisationKind.INSURER: say("insurer"),
    OrganisationKind.PARK: say("park"),
    OrganisationKind.AUTHORITY: say("authority"),
    OrganisationKind.AGENCY: say("agency"),
    OrganisationKind.SYSTEM: say("platform itself"),
    PledgeeKind.JOINT: say("bank and guarantor jointly"),
    ContractKind.LOAN: say("loan"),
    ContractKind.PLEDGE: say("pledge"),
    ContractKind.GUARANTEE: say("guarantee"),
    ContractKind.COUNTER_GUARANTEE: say("counter-guarantee"),
    ContractKind.INSURANCE: say("insurance"),
    Register.PATENTS: say("patents"),
    Register.TRADEMARKS: say("trademarks"),
    Register.COPYRIGHTS: say("copyrights"),
    MilestoneKind.GUARANTEE_EFFECTIVE: say("guarantee effective"),
    MilestoneKind.COUNTER_GUARANTEE_DONE: say("counter guarantee done"),
    MilestoneKind.POLICY_PAID: say("policy paid"),
    Grade.PASS: say("pass"),
    Grade.SPECIAL_MENTION: say("special mention"),
    Grade.SUBSTANDARD: say("substandard"),
    Grade.DOUBTFUL: say("doubtful"),
    Grade.LOSS: say("loss (grade)"),
    Stops.FILINGS: say("new filings"),
    Stops.COMPENSATION: say("compensation"),
    ClaimKind.FUND: say("fund"),
}
