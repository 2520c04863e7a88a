"""Figures and statements of a park as tables for CSV and XLSX."""

from collections.abc import Sequence

from app.core.clock import business_date
from app.core.money import Money
from app.schemas.figures import FiguresOut
from app.services.figures import FiguresFile
from app.services.sheets import FIGURES, Cell, Sheet
from app.services.statements import Statement

UNNAMED = ("未具名", "unnamed")


def figures_csv(found: FiguresFile) -> Sheet:
    """Every figure in a line, then the queue and who is stuck, a line each."""
    sheet = figures_sheet(found.figures)
    queue: list[Sequence[Cell]] = [
        (
            f"排队第 {entry.position} 位：{entry.firm_name or UNNAMED[0]}"
            f"（自 {business_date(entry.since)}）",
            f"In the queue, place {entry.position}: {entry.firm_name or UNNAMED[1]},"
            f" since {business_date(entry.since)}",
            entry.amount,
        )
        for entry in found.figures.queue
    ]
    waiting: list[Sequence[Cell]] = [
        (
            f"{deal.step} 滞留：{deal.firm_name or UNNAMED[0]}（{deal.deal_id}）",
            f"Stuck in {deal.step}: {deal.firm_name or UNNAMED[1]} ({deal.deal_id})",
            deal.since,
        )
        for deal in found.stuck
    ]
    return Sheet(sheet.name, sheet.columns, [*sheet.rows, *queue, *waiting])


def figures_sheets(found: FiguresFile) -> list[Sheet]:
    """The figures, the queue, and who is stuck; firms are named with their consent."""
    queue: list[Sequence[Cell]] = [
        (
            entry.position,
            str(entry.kind),
            entry.firm_name,
            entry.amount,
            entry.since,
            entry.room_in,
        )
        for entry in found.figures.queue
    ]
    waiting: list[Sequence[Cell]] = [
        (str(deal.step), deal.since, deal.firm_name, str(deal.deal_id)) for deal in found.stuck
    ]
    firm = ("企业", "Firm")
    return [
        figures_sheet(found.figures),
        Sheet(
            "queue",
            [
                ("位次", "Place"),
                ("类型", "Kind"),
                firm,
                ("金额", "Amount"),
                ("自", "Since"),
                ("预计有额度", "Room in"),
            ],
            queue,
        ),
        Sheet("stuck", [("环节", "Step"), ("自", "Since"), firm, ("业务号", "Deal")], waiting),
    ]


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
        ("排队笔数", "Deals queued", figures.queued_deals),
        ("使用率（%）", "Utilisation, %", figures.utilisation_pct),
        ("累计担保贷款", "Progress towards the floor", figures.floor.cumulative),
        ("目标占比（%）", "Of the programme's target, %", figures.floor.target_pct),
        ("累计笔数", "Loans ever drawn", lending.loans),
        ("存续笔数", "Live loans", lending.live_loans),
        ("累计放款", "Principal ever drawn", lending.drawn),
        ("贷款余额", "Principal outstanding", lending.outstanding),
        ("追偿收回本金", "Principal recovered", lending.recovered),
        ("首贷户", "First-time borrowers", lending.first_time_borrowers),
        ("平均放款天数", "Days from request to cash, mean", days.mean),
        ("放款天数中位数", "Days from request to cash, median", days.median),
        ("逾期笔数", "Loans overdue", figures.overdue.loans),
        ("逾期本金", "Principal overdue", figures.overdue.principal),
        ("逾期率（%）", "Overdue, %", figures.overdue.share_pct),
        ("违约笔数", "Loans in default", figures.defaulted.loans),
        ("违约在保", "Liability of loans in default", figures.defaulted.liability),
        ("小微在保", "Liability of small and micro firms", figures.small_micro.liability),
        ("小微占比（%）", "Small and micro firms, %", figures.small_micro.share_pct),
        ("银行集中度（HHI）", "HHI of banks", figures.banks.hhi),
        ("最大银行", "Largest bank", figures.banks.largest_name),
        ("最大银行担保责任", "Liability for the largest bank", figures.banks.largest_liability),
        ("最大银行占比（%）", "Largest bank, %", figures.banks.largest_share_pct),
        ("企业集中度（HHI）", "HHI of firms", figures.firms.hhi),
        ("最大企业", "Largest firm", figures.firms.largest_name),
        ("最大企业担保责任", "Liability for the largest firm", figures.firms.largest_liability),
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
    return Sheet("figures", FIGURES, rows)


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
