"""A day of the working calendar names the decree it is from: its number and day of publication"""

import sqlalchemy as sa
from alembic import op

revision = "calendar_decrees"
down_revision = "defaulted_figures"


def upgrade() -> None:
    op.add_column("calendar_days", sa.Column("document_number", sa.Text()))
    op.add_column("calendar_days", sa.Column("published_on", sa.Date()))


def downgrade() -> None:
    op.drop_column("calendar_days", "published_on")
    op.drop_column("calendar_days", "document_number")
