"""What each firm of the demo asks for, what is quoted to it, and how its road goes."""

from dataclasses import dataclass
from enum import StrEnum

from app.demo.client import Json


class Ending(StrEnum):
    RELEASED = "released"  # repaid in full, pledge discharged and cancelled
    PREPAID = "prepaid"  # a part is prepaid, the loan goes on
    DRAWN = "drawn"
    RECOVERED = "recovered"  # lost, claimed, compensated, recovered in full and discharged


@dataclass(frozen=True, slots=True)
class Case:
    firm: str
    amount: str
    records: str
    annual_revenue: str  # of the products under each patent
    guaranteed: bool  # whether the firm takes the best package with the guarantor
    declined_first: bool  # the guarantor declines; the firm goes on without it
    ending: Ending
    scheme: str = ""  # of the compensation fund that the loan is filed with


CASES = (
    Case("pingluo_materials", "5000000.00", "pingluo-materials.csv", "180000000.00",
         guaranteed=True, declined_first=False, ending=Ending.RELEASED),
    Case("qingtongxia_equipment", "3000000.00", "qingtongxia-equipment.csv", "90000000.00",
         guaranteed=True, declined_first=False, ending=Ending.RECOVERED, scheme="guodan-2019"),
    Case("zhongning_digital", "2000000.00", "zhongning-digital.csv", "60000000.00",
         guaranteed=True, declined_first=True, ending=Ending.PREPAID),
    Case("pingluo_devices", "3000000.00", "pingluo-devices.csv", "60000000.00",
         guaranteed=False, declined_first=False, ending=Ending.RECOVERED, scheme="zhongshan-2021"),
    # Its liability does not fit beside the others': it queues until the first firm has repaid.
    Case("ningdong_energy", "4000000.00", "ningdong-energy.csv", "120000000.00",
         guaranteed=True, declined_first=False, ending=Ending.RELEASED),
)  # fmt: skip

TERM_MONTHS = 12


def offers(amount: str) -> dict[str, Json]:
    """The terms each institution offers on a request for ``amount``."""
    loan: Json = {
        "kind": "loan",
        "amount": amount,
        "term_months": TERM_MONTHS,
        "frequency": "monthly",
        "penalty_multiple": "1.5",
        "availability_days": 30,
        "settlement_day": 20,
        "pledgee": "bank",
    }
    return {
        "bank_a": loan
        | {
            "method": "interest_only",
            "rate": {"type": "lpr", "tenor": "1Y", "spread_bp": 65},
            "required_cover_pct": "60",
            "fees": [{"name": "评估费", "amount": "20000.00", "when": "upfront"}],
        },
        "bank_b": loan
        | {
            "method": "equal_instalment",
            "rate": {"type": "fixed", "annual_rate_pct": "4.35"},
            "required_cover_pct": "70",
            "fees": [],
        },
        "bank_c": loan
        | {
            "method": "equal_principal",
            "rate": {"type": "fixed", "annual_rate_pct": "4.80"},
            "required_cover_pct": "50",
            "fees": [],
        },
        "guarantor": {
            "kind": "guarantee",
            "share_pct": "80",
            "fee_pct_per_year": "0.8",
            "when": "upfront",
            "counter_guarantee": True,
            "counter_guarantee_text": "知识产权质押反担保",
        },
        "insurer": {
            "kind": "insurance",
            "share_pct": "60",
            "premium_pct": "1.6",
            "when": "upfront",
            "waiting_period_days": 60,
        },
    }
