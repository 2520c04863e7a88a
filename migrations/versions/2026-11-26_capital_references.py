"""One payment is paid into a fund once

A change that pays capital in and is alive holds its reference on that fund. Where two of one
payment are there already the upgrade stops, and the authority withdraws one of them.
"""

from alembic import op

revision = "capital_references"
down_revision = "recovered_claims"

INDEX = "uq_programme_changes_capital_reference"


def upgrade() -> None:
    op.execute(
        f"CREATE UNIQUE INDEX {INDEX} ON programme_changes"
        " ((facts ->> 'fund_id'), (facts ->> 'reference')) WHERE kind = 'fund_capital'"
        " AND status IN ('proposed', 'approved', 'signed', 'in_force')"
    )


def downgrade() -> None:
    op.execute(f"DROP INDEX {INDEX}")
