"""An institution's own exposure as tables for CSV and XLSX."""

from collections.abc import Sequence

from app.core.money import Money
from app.schemas.figures import LenderExposureOut
from app.services.sheets import FIGURES, Cell, Sheet


def summary(found: LenderExposureOut) -> Sheet:
    """Every figure in a line: its name in both languages, its value."""
    rows: list[Sequence[Cell]] = [
        ("贷款笔数", "Loans", found.loans),
        ("贷款余额", "Principal outstanding", found.outstanding),
        ("担保责任", "Liability", found.liability),
        ("企业集中度（HHI）", "HHI of firms", found.firms_hhi),
        ("最大企业占比（%）", "Largest firm, %", found.largest_firm_pct),
    ]
    if (own := found.own_limit) is not None:
        rows += [
            ("签约额度", "Signed capacity", own.signed_capacity),
            ("有效额度", "Capacity, as net assets bound it", own.capacity),
            ("上限", "Limit", own.limit),
            ("预占", "Held", own.held),
            ("在保", "Outstanding", own.outstanding),
            ("代偿", "Called", own.called),
            ("可用", "Available", own.available),
            ("排队", "Queued", own.queued),
            ("排队笔数", "Deals queued", own.queued_deals),
            ("使用率（%）", "Utilisation of the capacity, %", own.utilisation_pct),
            ("单户上限", "Cap on one client", own.client_cap),
            ("净资产放大上限", "Net assets × multiple", own.net_assets_max),
        ]
    return Sheet("exposure", FIGURES, rows)


def all_of(found: LenderExposureOut) -> list[Sheet]:
    """The summary, the parks with their total, the firms."""
    parks: list[Sequence[Cell]] = [
        (park.park_code, park.loans, park.outstanding, park.liability) for park in found.parks
    ]
    parks.append(
        (
            "合计 total",
            sum(park.loans for park in found.parks),
            Money.sum([park.outstanding for park in found.parks]),
            Money.sum([park.liability for park in found.parks]),
        )
    )
    firms: list[Sequence[Cell]] = [
        (firm.firm_name, firm.loans, firm.outstanding, firm.liability, firm.share_pct)
        for firm in found.firms
    ]
    sums = [("笔数", "Loans"), ("余额", "Outstanding"), ("担保责任", "Liability")]
    return [
        summary(found),
        Sheet("parks", [("园区", "Park"), *sums], parks),
        Sheet("firms", [("企业", "Firm"), *sums, ("占比（%）", "Share, %")], firms),
    ]
