"""Events are read in the order of the transactions that wrote them"""

import sqlalchemy as sa
from alembic import op

# All transactions before the one answered have ended: the oldest that still writes in this database,
# or the next one to come. Long ones in other databases of the server hold nobody up. The activity
# shows 32 bits of a number that has 64, and is looked at after the snapshot that bounds it.
SETTLED = """
CREATE FUNCTION app_settled_transaction() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(min(CASE WHEN a.number > n.next THEN a.number - (1::bigint << 32)
                             ELSE a.number END), n.next)
    FROM (SELECT (pg_snapshot_xmax(pg_current_snapshot())::text)::bigint AS next) n
    LEFT JOIN LATERAL (
        SELECT ((n.next >> 32) << 32) | (backend_xid::text)::bigint AS number
        FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL
    ) a ON true
    GROUP BY n.next
$$
"""

revision = "events"
down_revision = "multiple"


def upgrade() -> None:
    op.add_column(
        "outbox_events",
        sa.Column(
            "transaction",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
        ),
    )
    op.create_index(
        "ix_outbox_events_organisation_id",
        "outbox_events",
        ["organisation_id", "transaction", "id"],
    )
    op.execute(SETTLED)


def downgrade() -> None:
    op.execute("DROP FUNCTION app_settled_transaction()")
    op.drop_index("ix_outbox_events_organisation_id", "outbox_events")
    op.drop_column("outbox_events", "transaction")
