"""Figures and statements of a park as tables for CSV and XLSX."""

from collections.abc import Sequence

from app.core.money import Money
from app.schemas.figures import FiguresOut
from app.services.sheets import Cell, Sheet
from app.services.statements import Statement


def figures_sheet(figures: FiguresOut) -> Sheet:
    """Every figure in a line: its name in both languages, its value."""
    quota, lending, days = figures.quota, figures.lending, figures.days_to_cash
    rows: list[Sequence[Cell]] = [
        ("园区", "Park", figures.park_code),
        ("时点", "At", figures.at),
        ("额度", "Allocated", quota.allocated),
        ("预占", "Held", quota.held),
        ("在保", "Outstanding", quota.outstanding),
        ("代偿", "Called", quota.called),
        ("可用", "Available", quota.available),
        ("排队", "Queued", figures.queued),
        ("使用率（%）", "Utilisation, %", figures.utilisation_pct),
        ("累计担保贷款", "Progress towards the floor", figures.floor.cumulative),
        ("目标占比（%）", "Of the programme's target, %", figures.floor.target_pct),
        ("累计笔数", "Loans ever drawn", lending.loans),
        ("存续笔数", "Live loans", lending.live_loans),
        ("累计放款", "Principal ever drawn", lending.drawn),
        ("贷款余额", "Principal outstanding", lending.outstanding),
        ("首贷户", "First-time borrowers", lending.first_time_borrowers),
        ("平均放款天数", "Days from request to cash, mean", days.mean),
        ("放款天数中位数", "Days from request to cash, median", days.median),
        ("逾期笔数", "Loans overdue", figures.overdue.loans),
        ("逾期本金", "Principal overdue", figures.overdue.principal),
        ("逾期率（%）", "Overdue, %", figures.overdue.share_pct),
        ("小微在保", "Liability of small and micro firms", figures.small_micro.liability),
        ("小微占比（%）", "Small and micro firms, %", figures.small_micro.share_pct),
        ("银行集中度（HHI）", "HHI of banks", figures.banks.hhi),
        ("最大银行占比（%）", "Largest bank, %", figures.banks.largest_share_pct),
        ("企业集中度（HHI）", "HHI of firms", figures.firms.hhi),
        ("最大企业占比（%）", "Largest firm, %", figures.firms.largest_share_pct),
        (
            "集中度预警起始笔数",
            "Live loans from which concentration raises alerts",
            figures.concentration_alerts_from_loans,
        ),
    ]
    rows += [
        (
            f"{release.month} 释放（至 {release.until}）",
            f"Freed in {release.month}, up to {release.until}",
            release.amount,
        )
        for release in figures.releases
    ]
    rows += [
        (f"{step.step} 在途笔数", f"Deals in {step.step}", step.deals) for step in figures.stuck
    ]
    columns = [("指标", "in Chinese"), ("指标（英文）", "Figure"), ("数值", "Value")]
    return Sheet("figures", columns, rows)


def statement_sheets(statement: Statement) -> list[Sheet]:
    """Accounts with their totals, then every entry."""
    accounts: list[Sequence[Cell]] = [
        (
            str(account.role),
            account.opening.posted,
            account.posted,
            account.closing.posted,
            account.opening.held,
            account.held,
            account.closing.held,
        )
        for account in statement.accounts
    ]
    accounts.append(
        (
            "合计 total",
            *(
                Money.sum(column)
                for column in (
                    [account.opening.posted for account in statement.accounts],
                    [account.posted for account in statement.accounts],
                    [account.closing.posted for account in statement.accounts],
                    [account.opening.held for account in statement.accounts],
                    [account.held for account in statement.accounts],
                    [account.closing.held for account in statement.accounts],
                )
            ),
        )
    )
    return [
        Sheet(
            "accounts",
            [
                ("账户", "Account"),
                ("期初余额", "Opening balance"),
                ("本期变动", "Change"),
                ("期末余额", "Closing balance"),
                ("期初预占", "Held at first"),
                ("预占变动", "Change of holds"),
                ("期末预占", "Held at last"),
            ],
            accounts,
        ),
        lines_sheet(statement),
    ]


def lines_sheet(statement: Statement) -> Sheet:
    """Every entry of the period; the last line sums them."""
    rows: list[Sequence[Cell]] = [
        (
            line.at,
            str(line.role),
            str(line.transfer_id),
            line.kind,
            line.code,
            str(line.reference),
            line.posted,
            line.held,
        )
        for line in statement.lines
    ]
    rows.append(
        (
            "合计 total",
            *(None,) * 5,
            Money.sum([line.posted for line in statement.lines]),
            Money.sum([line.held for line in statement.lines]),
        )
    )
    return Sheet(
        "entries",
        [
            ("时间", "At"),
            ("账户", "Account"),
            ("流水号", "Transfer"),
            ("类型", "Kind"),
            ("事由", "Code"),
            ("业务号", "Reference"),
            ("余额变动", "Change of balance"),
            ("预占变动", "Change of holds"),
        ],
        rows,
    )
