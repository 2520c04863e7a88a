"""An import tells which rights it changed, and what they said before"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "import_changes"
down_revision = "import_reports"


def upgrade() -> None:
    op.add_column(
        "imports", sa.Column("changed", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
    op.alter_column("imports", "changed", server_default=None)
    op.add_column("import_rows", sa.Column("replaced", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("import_rows", "replaced")
    op.drop_column("imports", "changed")
