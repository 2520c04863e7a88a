"""A loan keeps the multiple that its equal instalments are rounded to, whatever changes later"""

import sqlalchemy as sa
from alembic import op

revision = "multiple"
down_revision = "tenancy"


def upgrade() -> None:
    op.add_column("loans", sa.Column("instalment_multiple", sa.BigInteger(), nullable=True))
    op.execute("""
        UPDATE loans l
        SET instalment_multiple = (d.loan_terms ->> 'instalment_multiple')::numeric * 100
        FROM deals d WHERE d.id = l.deal_id
    """)


def downgrade() -> None:
    op.drop_column("loans", "instalment_multiple")
