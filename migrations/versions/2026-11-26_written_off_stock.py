"""A loan written off is no live stock of its park: it is not live, nothing is outstanding

Its liability stays, as the ledger has it, and so does what was drawn.
"""

import sqlalchemy as sa
from alembic import op

revision = "written_off_stock"
down_revision = "sales_once"

FUNCTIONS = ("exposure_of(uuid, date)", "expected_exposures(date)")
LIVE = "l.status <> 'repaid', l.drawn, l.outstanding,"
LIVE_NOW = """l.status NOT IN ('repaid', 'written_off'), l.drawn,
       CASE WHEN l.status = 'written_off' THEN 0 ELSE l.outstanding END,"""


def upgrade() -> None:
    edit(LIVE, LIVE_NOW)


def downgrade() -> None:
    edit(LIVE_NOW, LIVE)


def edit(old: str, new: str) -> None:
    """Put ``new`` for ``old``, which is there once, in both functions; then sum anew."""
    for function in FUNCTIONS:
        definition = op.get_bind().scalar(
            sa.text("SELECT pg_get_functiondef(CAST(:function AS regprocedure))"),
            {"function": function},
        )
        assert definition is not None
        assert definition.count(old) == 1, (function, old)
        op.execute(definition.replace(old, new))
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute("SELECT rebuild_exposures((now() AT TIME ZONE 'Asia/Shanghai')::date)")
