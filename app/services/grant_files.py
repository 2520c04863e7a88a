"""Grants as tables for CSV and XLSX: budgets, notices, and the authority's applications."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.models.grants import GrantApplication
from app.schemas.grants import BudgetOut, NoticeOut
from app.services import grant_applications
from app.services.actor import Actor
from app.services.sheets import Cell, Sheet

ROWS_MAX = 20_000


def budgets_sheet(budgets: Sequence[BudgetOut]) -> Sheet:
    """A line per measure and period; without a ceiling the cell says so."""
    rows: list[Sequence[Cell]] = [
        (
            budget.measure,
            budget.name_zh,
            budget.name_en,
            budget.year,
            budget.unit,
            budget.ceiling or f"{budget.ceiling_text_zh} ({budget.ceiling_text_en})",
            _figure(budget, budget.reserved),
            _figure(budget, budget.committed),
            _figure(budget, budget.paid),
            _figure(budget, budget.clawed_back),
            None if budget.left is None else _figure(budget, budget.left),
            sum(budget.applications.values()),
        )
        for budget in budgets
    ]
    columns = [
        ("措施", "Measure"),
        ("名称", "in Chinese"),
        ("英文名称", "Name"),
        ("年度", "Year"),
        ("单位", "Unit"),
        ("总额", "Ceiling"),
        ("公示预留", "Reserved"),
        ("已批待付", "Committed"),
        ("已付", "Paid"),
        ("已收回", "Clawed back"),
        ("剩余", "Left"),
        ("申请数", "Applications"),
    ]
    return Sheet("budgets", columns, rows)


def _figure(budget: BudgetOut, text: str) -> Cell:
    return int(text) if budget.unit == "places" else Money.yuan(text)


def notices_sheet(notices: Sequence[NoticeOut]) -> Sheet:
    rows: list[Sequence[Cell]] = [
        (
            notice.measure,
            notice.year,
            notice.applicant_name,
            notice.title,
            notice.award,
            notice.slots,
            notice.notice_from,
            notice.notice_until,
        )
        for notice in notices
    ]
    columns = [
        ("措施", "Measure"),
        ("年度", "Year"),
        ("申请人", "Applicant"),
        ("项目", "Project"),
        ("金额", "Award"),
        ("名额", "Places"),
        ("公示起", "Notice from"),
        ("公示止", "Notice until"),
    ]
    return Sheet("notices", columns, rows)


async def list_all(
    session: AsyncSession, *, actor: Actor, measure: int | None
) -> Sequence[GrantApplication]:
    """Every application the actor may see, for a file."""
    return await grant_applications.list_applications(
        session, actor=actor, measure=measure, limit=ROWS_MAX
    )


def applications_sheet(applications: Sequence[GrantApplication]) -> Sheet:
    """A line per application; the last one sums what was awarded and what was paid."""
    rows: list[Sequence[Cell]] = [
        (
            str(row.id),
            row.measure,
            row.year,
            row.applicant_name,
            row.key,
            row.title,
            row.status.value,
            row.score,
            row.place,
            row.award,
            row.slots,
            row.notice_until,
            row.paid_on,
            row.payment_reference,
            row.award if row.paid_at is not None else None,
            row.clawed_back if row.recovered_at is not None else None,
        )
        for row in applications
    ]
    paid = [row.award or ZERO for row in applications if row.paid_at is not None]
    back = [row.clawed_back or ZERO for row in applications if row.recovered_at is not None]
    rows.append(("合计 total", *(None,) * 13, Money.sum(paid), Money.sum(back)))
    columns = [
        ("编号", "Id"),
        ("措施", "Measure"),
        ("年度", "Year"),
        ("申请人", "Applicant"),
        ("标识号", "Key"),
        ("项目", "Project"),
        ("状态", "State"),
        ("得分", "Score"),
        ("名次", "Place"),
        ("金额", "Award"),
        ("名额", "Places"),
        ("公示止", "Notice until"),
        ("付款日", "Paid on"),
        ("付款号", "Payment"),
        ("已付", "Paid"),
        ("已收回", "Clawed back"),
    ]
    return Sheet("applications", columns, rows)
