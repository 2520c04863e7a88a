"""A park's return as tables for XLSX."""

from collections.abc import Sequence
from decimal import Decimal

from app.services.figures import days_out, hhi, share_pct
from app.services.ledger import AccountRole
from app.services.park_returns import Return
from app.services.sheets import FIGURES, Cell, Sheet


def as_sheets(found: Return) -> list[Sheet]:
    """The figures, then the green channel, the funnel, and the alerts of the period."""
    return [
        Sheet(found.name, FIGURES, _figures(found)),
        _green_channel(found),
        _funnel(found),
        _alerts(found),
    ]


def _figures(found: Return) -> Sequence[Sequence[Cell]]:
    by_role = {account.role: account for account in found.statement.accounts}
    moves, before, after = found.moves, found.before, found.after
    days = days_out(
        after.days_count - before.days_count, after.days_sum - before.days_sum, Decimal(0)
    )
    rows: list[tuple[str, str, Cell]] = [
        ("园区", "Park", found.park_code),
        ("期间起", "From", found.statement.start),
        ("期间止", "To", found.statement.end),
    ]
    for zh, en in (("期初", "Opening"), ("期末", "Closing")):
        balances = {
            role: account.opening if en == "Opening" else account.closing
            for role, account in by_role.items()
        }
        available = balances[AccountRole.AVAILABLE]
        outstanding = balances[AccountRole.OUTSTANDING].posted
        called = balances[AccountRole.CALLED].posted
        rows += [
            (f"{zh}额度", f"{en} allocated", available.posted + outstanding + called),
            (f"{zh}预占", f"{en} held", available.held),
            (f"{zh}在保", f"{en} outstanding", outstanding),
            (f"{zh}代偿", f"{en} called", called),
            (f"{zh}可用", f"{en} available", available.posted - available.held),
        ]
    closing = found.closing
    rows += [
        ("期末使用率（%）", "Closing utilisation, %", closing.utilisation_pct),
        ("期末排队", "Closing queued", closing.queued),
        ("期末排队笔数", "Closing deals queued", closing.queued_deals),
        ("期初累计担保贷款", "Opening progress towards the floor", found.floor_before),
        (
            "本期新增担保贷款",
            "Progress towards the floor in the period",
            closing.floor.cumulative - found.floor_before,
        ),
        ("期末累计担保贷款", "Closing progress towards the floor", closing.floor.cumulative),
        ("目标占比（%）", "Of the programme's target, %", closing.floor.target_pct),
        ("本期调入", "Allocated", moves.allocated),
        ("本期调出", "Withdrawn", moves.withdrawn),
        ("本期预占", "Held", moves.held),
        ("本期退回预占", "Holds given back", moves.given_back),
        ("本期放款", "Drawn", moves.drawn),
        ("本期冲正收回", "Retaken", moves.retaken),
        ("本期释放", "Freed", moves.freed),
        ("本期代偿", "Called", moves.called),
        ("本期恢复", "Restored", moves.restored),
        ("本期放款笔数", "Loans drawn", after.loans - before.loans),
        ("本期放款本金", "Principal drawn", after.drawn - before.drawn),
        ("本期首贷户", "First-time borrowers", after.first_time - before.first_time),
        ("平均放款天数", "Days from request to cash, mean", days.mean),
        ("期末贷款笔数", "Loans at the end", after.live_loans),
        ("期末贷款余额", "Principal at the end", after.outstanding),
        ("期末逾期笔数", "Loans overdue", after.overdue_loans),
        ("期末逾期本金", "Principal overdue", after.overdue_principal),
        ("期末逾期率（%）", "Overdue, %", share_pct(after.overdue_principal, after.outstanding)),
        ("期末违约笔数", "Loans in default", after.defaulted_loans),
        ("期末违约在保", "Liability of loans in default", after.defaulted_liability),
        (
            "期末小微占比（%）",
            "Small and micro firms, %",
            share_pct(after.small_micro_liability, after.liability),
        ),
        ("期末银行集中度（HHI）", "HHI of banks", hhi(after.bank_squares, after.liability)),
        ("期末企业集中度（HHI）", "HHI of firms", hhi(after.firm_squares, after.liability)),
        (
            "期末最大企业占比（%）",
            "Largest firm, %",
            share_pct(after.largest_firm_liability, after.liability),
        ),
    ]
    return rows


def _green_channel(found: Return) -> Sheet:
    """Clocks that started in the period, by step; nothing clocked, no line."""
    rows: list[Sequence[Cell]] = [
        (
            str(step.step),
            step.counted,
            step.on_time,
            step.on_time_share_pct,
            step.median_working_days,
            step.running,
            step.late_now,
            step.provisional,
        )
        for park in found.green.parks
        for step in park.steps
    ]
    columns = [
        ("环节", "Step"),
        ("已办结", "Ended"),
        ("按时", "On time"),
        ("按时率（%）", "On time, %"),
        ("工作日中位数", "Working days, median"),
        ("在办", "Running"),
        ("在办超时", "Late now"),
        ("按暂定日历", "By a provisional calendar"),
    ]
    return Sheet("green channel", columns, rows)


def _funnel(found: Return) -> Sheet:
    rows: list[Sequence[Cell]] = [
        (str(stage.stage), stage.firms, stage.visited_before) for stage in found.funnel.stages
    ]
    columns = [("阶段", "Stage"), ("企业数", "Firms"), ("其中已走访", "Of them visited before")]
    return Sheet("funnel", columns, rows)


def _alerts(found: Return) -> Sheet:
    """What stood at some time of the period."""
    rows: list[Sequence[Cell]] = [
        (
            alert.measure,
            alert.level,
            alert.value,
            alert.raised_at,
            alert.acknowledged_at,
            alert.note,
            alert.cleared_at,
        )
        for alert in found.alerts
    ]
    columns = [
        ("指标", "Measure"),
        ("预警线", "Level"),
        ("数值", "Value"),
        ("触发", "Raised"),
        ("确认", "Acknowledged"),
        ("处理意见", "Note"),
        ("解除", "Cleared"),
    ]
    return Sheet("alerts", columns, rows)
