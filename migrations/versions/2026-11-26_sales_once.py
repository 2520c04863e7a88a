"""A right is sold once: one sale, licence-back or buy-out that was not refused"""

from alembic import op

revision = "sales_once"
down_revision = "public_services"


def upgrade() -> None:
    op.execute("""
        CREATE UNIQUE INDEX uq_disposals_sold ON disposals (right_id)
        WHERE kind <> 'licence' AND status <> 'refused'
    """)


def downgrade() -> None:
    op.execute("DROP INDEX uq_disposals_sold")
