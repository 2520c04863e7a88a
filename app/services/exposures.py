"""What loans contribute to their parks' figures: kept by difference, proved from scratch.

Whoever changes a loan calls ``refresh`` as the last thing in its transaction that takes a lock:
accounts, deals and loans come before parks, everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, Date, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import Sessions, snapshots
from app.models.exposures import LoanExposure
from app.models.loans import Loan
from app.services import fund_exposure
from app.services.actor import SYSTEM, bind

BATCH_MAX = 500

_REFRESH = text("SELECT refresh_exposures(:loans, :on)").bindparams(
    bindparam("loans", type_=ARRAY(Uuid())), bindparam("on", type_=Date())
)

# A loan's row against its recomputation, as of the day that the row is of.
_WRONG_LOANS = text("""
    SELECT coalesce(s.park_code, x.park_code), coalesce(s.loan_id, x.loan_id)
    FROM loan_exposures s FULL JOIN expected_exposures(NULL) x USING (loan_id)
    WHERE s IS DISTINCT FROM x ORDER BY 1, 2
""")
_WRONG_LINES = text("""
    SELECT park_code, s.dimension || ' ' || s.key FROM (
        (TABLE park_exposures EXCEPT TABLE expected_park_exposures)
        UNION (TABLE expected_park_exposures EXCEPT TABLE park_exposures)
    ) s ORDER BY 1, 2
""")
_WRONG_RELEASES = text("SELECT park_code, due_on FROM wrong_park_releases ORDER BY 1, 2")
_WRONG_FIGURES = text("""
    SELECT park_code, string_agg(name, ', ' ORDER BY name) FROM (
        SELECT coalesce(f.park_code, x.park_code) AS park_code, n.name,
               f.row -> n.name AS kept, x.row -> n.name AS expected
        FROM (SELECT DISTINCT ON (p.park_code) p.park_code, to_jsonb(p) AS row
              FROM park_figures p ORDER BY p.park_code, p.version DESC) f
        FULL JOIN (SELECT e.park_code, to_jsonb(e) AS row FROM expected_figures e) x
            ON x.park_code = f.park_code
        CROSS JOIN LATERAL (
            SELECT jsonb_object_keys(coalesce(x.row, f.row - 'version' - 'at')) AS name
        ) n
    ) compared
    WHERE CASE WHEN jsonb_typeof(kept) = 'number' AND jsonb_typeof(expected) = 'number'
        THEN kept::numeric <> expected::numeric ELSE kept IS DISTINCT FROM expected END
    GROUP BY park_code ORDER BY park_code
""")
_WRONG_FIRSTS = text("""
    SELECT min(park_code), firm_id FROM loan_exposures GROUP BY firm_id
    HAVING count(*) FILTER (WHERE first_time) <> 1 ORDER BY 1, 2
""")
# The liability of a park's loans is what the ledger says is outstanding on its account.
_WRONG_LEDGER = text("""
    SELECT a.owner, a.credits_posted - a.debits_posted
    FROM ledger_accounts a LEFT JOIN LATERAL (
        SELECT liability FROM park_figures f WHERE f.park_code = a.owner
        ORDER BY version DESC LIMIT 1
    ) f ON true
    WHERE a.book = 'quota' AND a.role = 'outstanding'
      AND a.credits_posted - a.debits_posted <> coalesce(f.liability, 0)
    ORDER BY a.owner
""")


# What paid claims and recoveries brought a bearer, against what it bore of the principal.
_WRONG_INDEMNITIES = text("""
    WITH paid AS (
        SELECT c.loan_id, c.kind AS party, sum(c.approved) AS borne,
               sum(c.approved) FILTER (WHERE c.claimant_id = c.bank_id) AS to_bank,
               sum(c.approved) FILTER (WHERE c.claimant_id <> c.bank_id) AS to_guarantor
        FROM claims c WHERE c.status IN ('paid', 'confirmed', 'closed') GROUP BY 1, 2
    ), back AS (
        SELECT r.loan_id, s.party, sum(s.amount) AS amount
        FROM recoveries r JOIN recovery_shares s ON s.recovery_id = r.id GROUP BY 1, 2
    ), bearers AS (
        SELECT loan_id, party, borne - CASE party WHEN 'guarantee' THEN (
                   SELECT coalesce(sum(o.to_guarantor), 0) FROM paid o
                   WHERE o.loan_id = p.loan_id) ELSE 0 END AS borne
        FROM paid p
        UNION ALL
        SELECT p.loan_id, 'bank', greatest(l.outstanding, (
                   SELECT coalesce(sum(r.principal), 0) FROM recoveries r
                   WHERE r.loan_id = p.loan_id)) - coalesce(sum(p.to_bank), 0)
        FROM paid p JOIN loans l ON l.id = p.loan_id GROUP BY p.loan_id, l.outstanding
    )
    SELECT d.park_code, b.loan_id, b.party
    FROM bearers b LEFT JOIN back k ON k.loan_id = b.loan_id AND k.party = b.party
    JOIN loans l ON l.id = b.loan_id JOIN deals d ON d.id = l.deal_id
    WHERE b.borne < coalesce(k.amount, 0)
    ORDER BY 1, 2, 3
""")


class ExposureFault(StrEnum):
    EXPOSURE_MISMATCH = "exposure_mismatch"
    LIABILITY_MISMATCH = "liability_mismatch"
    INDEMNITY_ABOVE_LOSS = "indemnity_above_loss"


@dataclass(frozen=True, slots=True)
class ExposureFinding:
    """Figures of a park that do not follow from its loans; ``subject`` is the park's code."""

    kind: ExposureFault
    subject: str
    detail: str


async def refresh(session: AsyncSession, *loans: Loan, now: datetime) -> None:
    """Bring the funds' exposure and the parks' figures in line with loans that changed."""
    if loans:
        await fund_exposure.follow(session, [loan.deal_id for loan in loans], now=now)
        await _refresh(session, [loan.id for loan in loans], on=business_date(now))


async def refresh_due(session: AsyncSession, *, now: datetime) -> int:
    """Contributions that the day alone has changed (an instalment is late now); a batch at most."""
    await bind(session, SYSTEM)
    on = business_date(now)
    due = await session.scalars(
        select(Loan.id)
        .join(LoanExposure, LoanExposure.loan_id == Loan.id)
        .where(LoanExposure.changes_on <= on)
        .order_by(LoanExposure.changes_on, Loan.id)
        .limit(BATCH_MAX)
        .with_for_update(of=Loan, skip_locked=True)
    )
    ids = due.all()
    if ids:
        await _refresh(session, ids, on=on)
    return len(ids)


async def _refresh(session: AsyncSession, loan_ids: Sequence[UUID], *, on: date) -> None:
    await session.execute(_REFRESH, {"loans": list(loan_ids), "on": on})


async def verify_all(sessions: Sessions) -> list[ExposureFinding]:
    """``verify`` in a snapshot of its own, so that what goes on meanwhile is no finding."""
    async with snapshots(sessions)() as session:
        await bind(session, SYSTEM)
        return await verify(session)


async def verify(session: AsyncSession) -> list[ExposureFinding]:
    """Recompute everything from the loans, and compare with what is kept."""
    mismatch = ExposureFault.EXPOSURE_MISMATCH
    return [
        *[
            ExposureFinding(mismatch, park, f"loan {loan}")
            for park, loan in await session.execute(_WRONG_LOANS)
        ],
        *[
            ExposureFinding(mismatch, park, f"line {line}")
            for park, line in await session.execute(_WRONG_LINES)
        ],
        *[
            ExposureFinding(mismatch, park, f"freed on {day}")
            for park, day in await session.execute(_WRONG_RELEASES)
        ],
        *[
            ExposureFinding(mismatch, park, f"figures {names}")
            for park, names in await session.execute(_WRONG_FIGURES)
        ],
        *[
            ExposureFinding(mismatch, park, f"first loan of firm {firm}")
            for park, firm in await session.execute(_WRONG_FIRSTS)
        ],
        *[
            ExposureFinding(ExposureFault.LIABILITY_MISMATCH, park, f"ledger says {fen} fen")
            for park, fen in await session.execute(_WRONG_LEDGER)
        ],
        *[
            ExposureFinding(ExposureFault.INDEMNITY_ABOVE_LOSS, park, f"loan {loan}, {party}")
            for park, loan, party in await session.execute(_WRONG_INDEMNITIES)
        ],
    ]
