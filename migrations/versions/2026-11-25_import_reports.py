"""An import tells its reasons in both languages"""

import sqlalchemy as sa
from alembic import op

revision = "import_reports"
down_revision = "events"


def upgrade() -> None:
    op.add_column("imports", sa.Column("failure_zh", sa.Text(), nullable=True))
    op.add_column("import_rows", sa.Column("reason_zh", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("import_rows", "reason_zh")
    op.drop_column("imports", "failure_zh")
