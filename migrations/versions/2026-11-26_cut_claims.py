"""A claim approved for less than it comes to says why, and settles that part only"""

import sqlalchemy as sa
from alembic import op

revision = "cut_claims"
down_revision = "written_off_stock"


def upgrade() -> None:
    op.add_column("claims", sa.Column("due", sa.BigInteger()))
    op.add_column("claims", sa.Column("cut", sa.Text()))
    op.drop_constraint(op.f("ck_claims_settles"), "claims")
    op.create_check_constraint(
        op.f("ck_claims_settles"),
        "claims",
        "settles >= principal OR (due IS NOT NULL AND approved < due)",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_claims_settles"), "claims")
    op.create_check_constraint(op.f("ck_claims_settles"), "claims", "settles >= principal")
    op.drop_column("claims", "cut")
    op.drop_column("claims", "due")
