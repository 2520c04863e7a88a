"""What recoveries brought is out of what can be claimed

A claim keeps what it settles of the outstanding principal beside what was still lost of it, a
recovery how many claims were paid before it, a loan the liability that its calls moved.
"""

import sqlalchemy as sa
from alembic import op

revision = "recovered_claims"
down_revision = "funds"

BY_PRINCIPAL = """round(
                            coalesce(l.settled_by_calls, 0) * d.guarantee_share_pct / 100)"""
BY_PRINCIPAL_OF_BANK = """round(
               coalesce(l.settled_by_calls, 0) * d.guarantee_share_pct / 100)"""
CALLED = "coalesce(l.called, 0)"


def upgrade() -> None:
    op.add_column("claims", sa.Column("settles", sa.BigInteger()))
    op.execute("UPDATE claims SET settles = principal")
    op.alter_column("claims", "settles", nullable=False)
    op.create_check_constraint(op.f("ck_claims_settles"), "claims", "settles >= principal")

    op.add_column("recoveries", sa.Column("claims_paid", sa.Integer()))
    op.execute("ALTER TABLE recoveries DISABLE TRIGGER USER")
    op.execute("""
        UPDATE recoveries r SET claims_paid = (
            SELECT count(*) FROM claims c
            WHERE c.loan_id = r.loan_id AND c.paid_at <= r.recorded_at)
    """)
    op.execute("ALTER TABLE recoveries ENABLE TRIGGER USER")
    op.alter_column("recoveries", "claims_paid", nullable=False)

    op.add_column("loans", sa.Column("called", sa.BigInteger()))
    op.execute("""
        UPDATE loans l SET called = coalesce((
            SELECT sum(c.amount) FROM claims c
            WHERE c.loan_id = l.id AND c.kind = 'guarantee' AND c.confirmed_at IS NOT NULL), 0)
    """)
    op.alter_column("loans", "called", nullable=False)
    op.create_check_constraint(op.f("ck_loans_called_not_negative"), "loans", "called >= 0")
    edit((BY_PRINCIPAL, CALLED), (BY_PRINCIPAL_OF_BANK, CALLED))


def downgrade() -> None:
    edit(
        (f"+ {CALLED}\n                   END", f"+ {BY_PRINCIPAL}\n                   END"),
        (f"+ {CALLED})", f"+ {BY_PRINCIPAL_OF_BANK})"),
    )
    op.drop_column("loans", "called")
    op.drop_column("recoveries", "claims_paid")
    op.drop_column("claims", "settles")


def edit(*changes: tuple[str, str]) -> None:
    """Give ``cap_figures`` other passages."""
    body = op.get_bind().scalar(sa.text("SELECT pg_get_functiondef('cap_figures'::regproc)"))
    for was, becomes in changes:
        if body.count(was) != 1:
            raise LookupError(was)
        body = body.replace(was, becomes)
    op.execute(sa.text(body.replace(":", "\\:")))
