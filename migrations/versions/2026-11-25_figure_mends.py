"""Releases are kept by day, so that twelve months from any day can be told, also in the past

A contribution names the days its schedule frees liability on; a park's lines and figures stay by
month. What a day frees in the whole park is appended with each version of the figures that
changes it, so that reading thirty-one days costs as many index look-ups, whatever the loans.
"""

import sqlalchemy as sa
from alembic import op

revision = "figure_mends"
down_revision = "import_changes"

TABLE = """
CREATE TABLE park_releases (
    park_code text NOT NULL,
    due_on date NOT NULL,
    version bigint NOT NULL,
    amount bigint NOT NULL,
    CONSTRAINT pk_park_releases PRIMARY KEY (park_code, due_on, version),
    CONSTRAINT fk_park_releases_park_code FOREIGN KEY (park_code) REFERENCES parks (code)
)
"""

# The days on which the last version says something else than the loans do, and what they do.
WRONG_RELEASES = """
CREATE VIEW wrong_park_releases WITH (security_invoker = true) AS
SELECT park_code, due_on, coalesce(x.amount, 0) AS amount FROM (
    SELECT e.park_code, m.key::date AS due_on, sum(m.value::bigint)::bigint AS amount
    FROM loan_exposures e CROSS JOIN LATERAL jsonb_each_text(e.releases) m GROUP BY 1, 2
) x FULL JOIN (
    SELECT DISTINCT ON (park_code, due_on) park_code, due_on, amount
    FROM park_releases ORDER BY park_code, due_on, version DESC
) kept USING (park_code, due_on)
WHERE coalesce(x.amount, 0) <> coalesce(kept.amount, 0)
"""

EXPECTED_PARK_EXPOSURES = """
CREATE OR REPLACE VIEW expected_park_exposures WITH (security_invoker = true) AS
SELECT park_code, dimension, key, sum(amount)::bigint AS amount, sum(count)::bigint AS count FROM (
    SELECT e.park_code, x.dimension, x.key, x.amount, x.count
    FROM loan_exposures e CROSS JOIN LATERAL (VALUES
        ('bank', e.bank_id::text, e.in_programme::int * e.liability, e.live::int),
        ('firm', e.firm_id::text, e.in_programme::int * e.liability, e.live::int),
        ('size', e.size, e.in_programme::int * e.liability, e.live::int),
        ('days', e.days_to_cash::text, 0, 1)
    ) AS x (dimension, key, amount, count)
    WHERE x.key IS NOT NULL
    UNION ALL
    SELECT e.park_code, 'month', left(m.key, 7), m.value::bigint, 0
    FROM loan_exposures e CROSS JOIN LATERAL jsonb_each_text(e.releases) m
) parts
GROUP BY park_code, dimension, key HAVING sum(amount) <> 0 OR sum(count) <> 0
"""

CHANGED_MONTHS = """\
            FOR v_month IN
                SELECT key, sum(part)::bigint AS part FROM (
                    SELECT key, value::bigint AS part FROM jsonb_each_text(v_new.releases)
                    UNION ALL
                    SELECT key, -value::bigint FROM jsonb_each_text(v_old.releases)
                ) parts GROUP BY key HAVING sum(part) <> 0 ORDER BY key
"""
CHANGED_DAYS = """\
            INSERT INTO park_releases (park_code, due_on, version, amount)
            SELECT v_new.park_code, key::date, v_next.version, sum(part) + coalesce((
                SELECT r.amount FROM park_releases r
                WHERE r.park_code = v_new.park_code AND r.due_on = key::date
                ORDER BY r.version DESC LIMIT 1), 0)
            FROM (
                SELECT key, value::bigint AS part FROM jsonb_each_text(v_new.releases)
                UNION ALL
                SELECT key, -value::bigint FROM jsonb_each_text(v_old.releases)
            ) parts GROUP BY key HAVING sum(part) <> 0;
            FOR v_month IN
                SELECT left(key, 7) AS key, sum(part)::bigint AS part FROM (
                    SELECT key, value::bigint AS part FROM jsonb_each_text(v_new.releases)
                    UNION ALL
                    SELECT key, -value::bigint FROM jsonb_each_text(v_old.releases)
                ) parts GROUP BY 1 HAVING sum(part) <> 0 ORDER BY 1
"""
LAST_VERSION = """\
        ORDER BY version DESC LIMIT 1
    ) p ON true;
END"""
LAST_VERSION_AND_DAYS = """\
        ORDER BY version DESC LIMIT 1
    ) p ON true;
    INSERT INTO park_releases (park_code, due_on, version, amount)
    SELECT w.park_code, w.due_on, p.version, w.amount
    FROM wrong_park_releases w CROSS JOIN LATERAL (
        SELECT version FROM park_figures f WHERE f.park_code = w.park_code
        ORDER BY version DESC LIMIT 1
    ) p;
END"""

# What changes in the text of a function, the rest of which stays as it is.
EDITS = (
    ("exposure_of(uuid, date)", "'YYYY-MM'", "'YYYY-MM-DD'"),
    ("expected_exposures(date)", "'YYYY-MM'", "'YYYY-MM-DD'"),
    ("refresh_exposures(uuid[], date)", CHANGED_MONTHS, CHANGED_DAYS),
    ("rebuild_exposures(date)", LAST_VERSION, LAST_VERSION_AND_DAYS),
)
POLICIES = {
    "SELECT": "USING (app_staff() OR park_code = app_park())",
    "INSERT": "WITH CHECK (app_staff())",
    "UPDATE": "USING (app_staff()) WITH CHECK (app_staff())",
    "DELETE": "USING (app_platform())",
}


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON park_releases"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(WRONG_RELEASES)
    op.execute(EXPECTED_PARK_EXPOSURES)
    for function, old, new in EDITS:
        edit(function, old, new)
    rebuild()
    op.execute("ALTER TABLE park_releases ENABLE ROW LEVEL SECURITY")
    for command, clause in POLICIES.items():
        op.execute(
            f"CREATE POLICY tenant_{command.lower()} ON park_releases FOR {command} {clause}"
        )


def downgrade() -> None:
    for function, old, new in EDITS:
        edit(function, new, old)
    op.execute(EXPECTED_PARK_EXPOSURES.replace("left(m.key, 7)", "m.key"))
    op.execute("DROP VIEW wrong_park_releases")
    op.drop_table("park_releases")
    rebuild()


def edit(function: str, old: str, new: str) -> None:
    """Put ``new`` for ``old`` in the function's text, where it is there once."""
    definition = op.get_bind().scalar(
        sa.text("SELECT pg_get_functiondef(CAST(:function AS regprocedure))"),
        {"function": function},
    )
    assert definition is not None
    assert definition.count(old) == 1, function
    op.execute(definition.replace(old, new))


def rebuild() -> None:
    """Every contribution anew, for as long as that takes: it waits for no one but the parks."""
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute("SELECT rebuild_exposures((now() AT TIME ZONE 'Asia/Shanghai')::date)")
