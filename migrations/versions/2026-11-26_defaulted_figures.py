"""What is in default is told of a park, and its schedule promises no quota

A defaulted loan repays by no schedule, and what was called never frees by amortisation. How many
loans are in default and the liability still outstanding for them are kept by difference, like the
other figures.
"""

import sqlalchemy as sa
from alembic import op

revision = "defaulted_figures"
down_revision = "capital_references"

RELEASING = "AND i.due_on >= day.on_ AND l.in_programme AND l.liability > 0"
# A call settles principal that the schedule still shows.
RELEASES = ("(l.outstanding - sum(", "(greatest(0, l.outstanding - l.settled_by_calls - sum(")
SUMMED = (
    "OVER (ORDER BY i.number))\n                    * l.guarantee_share_pct",
    "OVER (ORDER BY i.number)))\n                    * l.guarantee_share_pct",
)
CONTRIBUTION = (
    (RELEASING, f"{RELEASING}\n                  AND l.status IN ('performing', 'overdue')"),
    ("day.on_, lines.changes_on\n", "day.on_, lines.changes_on, l.status = 'defaulted'\n"),
    RELEASES,
    SUMMED,
)
REFRESH = (
    (
        "overdue_principal, releases,\n                 as_of, changes_on)",
        "overdue_principal, releases,\n                 as_of, changes_on, defaulted)",
    ),
    (
        "v_new.as_of,\n                   v_new.changes_on)",
        "v_new.as_of,\n                   v_new.changes_on, v_new.defaulted)",
    ),
    (
        "v_old.overdue_since, v_old.overdue_principal, v_old.releases)",
        "v_old.overdue_since, v_old.overdue_principal, v_old.releases,\n"
        "                           v_old.defaulted)",
    ),
    (
        "v_new.overdue_since, v_new.overdue_principal, v_new.releases);",
        "v_new.overdue_since, v_new.overdue_principal, v_new.releases,\n"
        "                           v_new.defaulted);",
    ),
    (
        "            v_old.releases := '{}';\n",
        "            v_old.releases := '{}';\n            v_old.defaulted := false;\n",
    ),
    ("0, 0, NULL, 0, NULL, 0, '{}');", "0, 0, NULL, 0, NULL, 0, '{}', 0, 0);"),
    (
        "        IF v_new.in_programme THEN\n",
        "        v_next.defaulted_loans := v_next.defaulted_loans\n"
        "            + v_new.defaulted::int - v_old.defaulted::int;\n"
        "        v_next.defaulted_liability := v_next.defaulted_liability\n"
        "            + v_new.in_programme::int * (v_new.defaulted::int * v_new.liability\n"
        "                - v_old.defaulted::int * v_old.liability);\n"
        "        IF v_new.in_programme THEN\n",
    ),
)
REBUILD = (
    (
        "largest_firm, largest_firm_liability, releases)",
        "largest_firm, largest_firm_liability, releases,\n"
        "        defaulted_loans, defaulted_liability)",
    ),
    (
        "f.largest_firm_liability, f.releases\n",
        "f.largest_firm_liability, f.releases,\n        f.defaulted_loans, f.defaulted_liability\n",
    ),
)
EDITS = {
    "exposure_of(uuid, date)": CONTRIBUTION,
    "expected_exposures(date)": CONTRIBUTION,
    "refresh_exposures(uuid[], date)": REFRESH,
    "rebuild_exposures(date)": REBUILD,
}

EXPECTED_FIGURES = """
CREATE VIEW expected_figures WITH (security_invoker = true) AS
SELECT l.*,
       coalesce((SELECT avg(s.days) FROM (
           SELECT x.key::int AS days, x.count,
                  sum(x.count) OVER (ORDER BY x.key::int) AS upto
           FROM park_exposures x WHERE x.park_code = l.park_code AND x.dimension = 'days'
       ) s, (VALUES ((l.days_count + 1) / 2), ((l.days_count + 2) / 2)) AS middle (place)
       WHERE s.upto >= middle.place AND s.upto - s.count < middle.place), 0) AS days_median,
       coalesce(s.bank_squares, 0) AS bank_squares, coalesce(s.firm_squares, 0) AS firm_squares,
       b.key::uuid AS largest_bank, coalesce(b.amount, 0) AS largest_bank_liability,
       f.key::uuid AS largest_firm, coalesce(f.amount, 0) AS largest_firm_liability,
       coalesce(s.releases, '{{}}') AS releases
FROM (
    SELECT park_code,
           sum(in_programme::int * liability)::bigint AS liability,
           sum(outstanding)::bigint AS outstanding, sum(drawn)::bigint AS drawn,
           count(*) AS loans, count(*) FILTER (WHERE live) AS live_loans,
           count(*) FILTER (WHERE first_time) AS first_time,
           coalesce(sum(days_to_cash), 0)::bigint AS days_sum, count(days_to_cash) AS days_count,
           count(overdue_since) AS overdue_loans,
           sum(overdue_principal)::bigint AS overdue_principal,
           coalesce(sum(in_programme::int * liability)
               FILTER (WHERE size IN ('micro', 'small')), 0)::bigint AS small_micro_liability{more}
    FROM loan_exposures GROUP BY park_code
) l
LEFT JOIN LATERAL (
    SELECT sum(amount::numeric ^ 2) FILTER (WHERE dimension = 'bank') AS bank_squares,
           sum(amount::numeric ^ 2) FILTER (WHERE dimension = 'firm') AS firm_squares,
           jsonb_object_agg(key, amount) FILTER (WHERE dimension = 'month') AS releases
    FROM park_exposures x
    WHERE x.park_code = l.park_code AND x.dimension IN ('bank', 'firm', 'month')
) s ON true
LEFT JOIN LATERAL (
    SELECT key, amount FROM park_exposures
    WHERE park_code = l.park_code AND dimension = 'bank' AND amount > 0
    ORDER BY amount DESC, key LIMIT 1
) b ON true
LEFT JOIN LATERAL (
    SELECT key, amount FROM park_exposures
    WHERE park_code = l.park_code AND dimension = 'firm' AND amount > 0
    ORDER BY amount DESC, key LIMIT 1
) f ON true
"""
DEFAULTED = """,
           count(*) FILTER (WHERE defaulted) AS defaulted_loans,
           sum((defaulted AND in_programme)::int * liability)::bigint AS defaulted_liability"""


COLUMNS = (
    ("loan_exposures", "defaulted", sa.Boolean(), "false"),
    ("park_figures", "defaulted_loans", sa.BigInteger(), "0"),
    ("park_figures", "defaulted_liability", sa.BigInteger(), "0"),
)


def upgrade() -> None:
    op.execute("DROP VIEW expected_figures")
    for table, name, kind, former in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=False, server_default=former))
        op.alter_column(table, name, server_default=None)
    op.execute(EXPECTED_FIGURES.format(more=DEFAULTED))
    for function, changes in EDITS.items():
        edit(function, changes)
    rebuild()


def downgrade() -> None:
    op.execute("DROP VIEW expected_figures")
    for table, name, _, _ in reversed(COLUMNS):
        op.drop_column(table, name)
    op.execute(EXPECTED_FIGURES.format(more=""))
    for function, changes in EDITS.items():
        edit(function, [(new, old) for old, new in reversed(changes)])
    rebuild()


def edit(function: str, changes: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> None:
    """Put what is new for what was there, each once, in the function's text."""
    definition = op.get_bind().scalar(
        sa.text("SELECT pg_get_functiondef(CAST(:function AS regprocedure))"),
        {"function": function},
    )
    assert definition is not None
    for old, new in changes:
        assert definition.count(old) == 1, (function, old)
        definition = definition.replace(old, new)
    op.execute(definition)


def rebuild() -> None:
    """Every contribution anew, for as long as that takes: it waits for no one but the parks."""
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute("SELECT rebuild_exposures((now() AT TIME ZONE 'Asia/Shanghai')::date)")
