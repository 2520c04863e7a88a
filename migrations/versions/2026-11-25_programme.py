"""Changes of the programme by two people, guarantors' terms by day, and what caps are tested on

What a guarantor signed for moves from its organisation into guarantor_terms. The functions below
read over all parties' rows, which the firm that accepts may not see, and answer sums only.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "programme"
down_revision = "desks"

# Firms before banks before parks, and each in the order of its key: everybody who locks caps
# comes this way, and takes ledger accounts only afterwards.
LOCK_CAPS = """
CREATE FUNCTION lock_caps(p_firms text[], p_banks text[], p_parks text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_key record;
BEGIN
    FOR v_key IN
        SELECT DISTINCT class, hashtext(key) AS hash FROM (
            SELECT 31233 AS class, unnest(p_firms) AS key
            UNION ALL SELECT 31234, unnest(p_banks)
            UNION ALL SELECT 31235, unnest(p_parks)
        ) k ORDER BY class, hash
    LOOP
        PERFORM pg_advisory_xact_lock(v_key.class, v_key.hash);
    END LOOP;
END $$
"""

# What caps are tested on first: a bank's or a firm's liability is never more than the whole
# programme's and what waits, which a few rows tell. Takes the locks of lock_caps before it looks:
# each statement of a volatile function sees what was committed by then.
CAP_BOUNDS = """
CREATE FUNCTION cap_bounds(
    p_firms text[], p_banks text[], p_parks text[], p_guarantor uuid, p_park text,
    OUT capacity bigint, OUT client_cap bigint, OUT guarantor_used bigint,
    OUT programme_used bigint, OUT park_used bigint, OUT waiting bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM lock_caps(p_firms, p_banks, p_parks);
    SELECT t.client_cap INTO client_cap FROM guarantor_terms t
        WHERE t.guarantor_id = p_guarantor ORDER BY t.valid_from DESC, t.id DESC LIMIT 1;
    SELECT -coalesce(sum(u.balance) FILTER (WHERE a.role = 'source' AND a.book = 'quota'), 0),
           coalesce(sum(u.used) FILTER (WHERE a.book = 'guarantor'), 0),
           coalesce(sum(u.used) FILTER (WHERE a.book = 'quota'), 0),
           coalesce(sum(u.used) FILTER (WHERE a.book = 'quota' AND a.owner = p_park), 0)
        INTO capacity, guarantor_used, programme_used, park_used
        FROM ledger_accounts a, LATERAL (
            SELECT a.credits_posted - a.debits_posted AS balance,
                   CASE WHEN a.role = 'available' THEN a.debits_pending
                        WHEN a.role IN ('outstanding', 'called')
                        THEN a.credits_posted - a.debits_posted END AS used
        ) u
        WHERE a.book = 'quota' OR (a.book = 'guarantor' AND a.owner = p_guarantor::text);
    SELECT coalesce(sum(q.amount), 0) INTO waiting FROM queue_entries q
        WHERE q.status = 'waiting';
END $$
"""

# What stands against each cap: held + outstanding + called. A firm's also counts what waits, for
# that takes its room later without being asked again.
CAP_FIGURES = """
CREATE FUNCTION cap_figures(
    p_firm uuid, p_bank uuid, p_guarantor uuid, p_park text,
    OUT capacity bigint, OUT client_cap bigint, OUT client_used bigint,
    OUT firm_used bigint, OUT bank_used bigint, OUT park_used bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SELECT debits_posted - credits_posted INTO capacity FROM ledger_accounts
        WHERE book = 'quota' AND owner = 'programme' AND role = 'source';
    SELECT t.client_cap INTO client_cap FROM guarantor_terms t
        WHERE t.guarantor_id = p_guarantor ORDER BY t.valid_from DESC, t.id DESC LIMIT 1;
    SELECT coalesce(sum(s.used) FILTER (WHERE s.guarantor_id = p_guarantor), 0),
           coalesce(sum(s.used) FILTER (WHERE s.in_programme), 0)
        INTO client_used, firm_used
        FROM (
            SELECT d.guarantor_id, d.in_programme,
                   CASE d.status WHEN 'queued' THEN coalesce(q.amount, 0)
                        ELSE d.held + coalesce(l.liability, 0) + round(
                            coalesce(l.settled_by_calls, 0) * d.guarantee_share_pct / 100)
                   END AS used
            FROM deals d LEFT JOIN loans l ON l.deal_id = d.id
            LEFT JOIN queue_entries q ON q.deal_id = d.id AND q.status = 'waiting'
            WHERE d.firm_id = p_firm AND d.guarantor_id IS NOT NULL AND d.status <> 'failed'
        ) s;
    SELECT coalesce(sum(d.held + coalesce(l.liability, 0) + round(
               coalesce(l.settled_by_calls, 0) * d.guarantee_share_pct / 100)), 0)
        INTO bank_used
        FROM deals d LEFT JOIN loans l ON l.deal_id = d.id
        WHERE d.bank_id = p_bank AND d.in_programme AND d.status NOT IN ('failed', 'closed');
    SELECT coalesce(sum(CASE a.role WHEN 'available' THEN a.debits_pending
                             ELSE a.credits_posted - a.debits_posted END), 0)
        INTO park_used FROM ledger_accounts a
        WHERE a.book = 'quota' AND a.owner = p_park
          AND a.role IN ('available', 'outstanding', 'called');
END $$
"""

GUARANTOR_CAPACITY = """
CREATE FUNCTION guarantor_capacity(p_guarantor uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT t.capacity FROM guarantor_terms t WHERE t.guarantor_id = p_guarantor
    ORDER BY t.valid_from DESC, t.id DESC LIMIT 1
$$
"""

POLICIES = ("programme_changes", "guarantor_terms")


def upgrade() -> None:
    op.create_table(
        "programme_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("guarantor_id", sa.Uuid(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("in_force_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "decided_by <> proposed_by", name=op.f("ck_programme_changes_two_people")
        ),
        sa.CheckConstraint(
            "(kind = 'guarantor_terms') = (guarantor_id IS NOT NULL)",
            name=op.f("ck_programme_changes_guarantor"),
        ),
        sa.CheckConstraint(
            "status <> 'failed' OR failure IS NOT NULL", name=op.f("ck_programme_changes_failure")
        ),
        sa.ForeignKeyConstraint(
            ["guarantor_id"],
            ["organisations.id"],
            name=op.f("fk_programme_changes_guarantor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["users.id"], name=op.f("fk_programme_changes_proposed_by")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_programme_changes_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["users.id"], name=op.f("fk_programme_changes_answered_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme_changes")),
    )
    op.create_index(
        "ix_programme_changes_guarantor_id_id", "programme_changes", ["guarantor_id", "id"]
    )
    op.create_index(
        "ix_programme_changes_due",
        "programme_changes",
        ["effective_on", "id"],
        postgresql_where=sa.text("status IN ('approved', 'signed')"),
    )
    op.create_table(
        "guarantor_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("guarantor_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=True),
        sa.Column("signed_capacity", sa.BigInteger(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=False),
        sa.Column("client_cap", sa.BigInteger(), nullable=True),
        sa.Column("net_assets", sa.BigInteger(), nullable=True),
        sa.Column("net_asset_multiple", sa.Numeric(12, 6), nullable=True),
        sa.Column("min_small_firm_pct", sa.Numeric(12, 6), nullable=True),
        sa.Column("min_small_ticket_pct", sa.Numeric(12, 6), nullable=True),
        sa.Column("small_ticket_max", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "signed_capacity >= 0 AND capacity >= 0", name=op.f("ck_guarantor_terms_capacity")
        ),
        sa.CheckConstraint(
            "capacity <= signed_capacity", name=op.f("ck_guarantor_terms_within_signed")
        ),
        sa.CheckConstraint("client_cap > 0", name=op.f("ck_guarantor_terms_client_cap")),
        sa.CheckConstraint(
            "(min_small_ticket_pct IS NULL) = (small_ticket_max IS NULL)",
            name=op.f("ck_guarantor_terms_small_ticket"),
        ),
        sa.ForeignKeyConstraint(
            ["guarantor_id"], ["organisations.id"], name=op.f("fk_guarantor_terms_guarantor_id")
        ),
        sa.ForeignKeyConstraint(
            ["change_id"], ["programme_changes.id"], name=op.f("fk_guarantor_terms_change_id")
        ),
        sa.UniqueConstraint("change_id", name=op.f("uq_guarantor_terms_change_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guarantor_terms")),
    )
    op.create_index(
        "ix_guarantor_terms_in_force", "guarantor_terms", ["guarantor_id", "valid_from", "id"]
    )
    op.execute("""
        INSERT INTO guarantor_terms (id, guarantor_id, valid_from, signed_capacity, capacity)
        SELECT gen_random_uuid(), id, DATE '2022-01-01', signed_capacity, signed_capacity
        FROM organisations WHERE signed_capacity IS NOT NULL
    """)
    op.drop_constraint(op.f("ck_organisations_signed_capacity"), "organisations", type_="check")
    op.drop_column("organisations", "signed_capacity")
    op.add_column(
        "queue_entries", sa.Column("passed", sa.Integer(), server_default="0", nullable=False)
    )
    op.create_index(
        "ix_deals_programme_bank",
        "deals",
        ["bank_id"],
        postgresql_where=sa.text("in_programme AND status NOT IN ('failed', 'closed')"),
    )
    for function in (LOCK_CAPS, CAP_BOUNDS, CAP_FIGURES, GUARANTOR_CAPACITY):
        op.execute(function)
    for table in POLICIES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} USING (guarantor_id = app_org() OR app_staff())"
        )


def downgrade() -> None:
    for signature in (
        "guarantor_capacity(uuid)",
        "cap_figures(uuid, uuid, uuid, text)",
        "cap_bounds(text[], text[], text[], uuid, text)",
        "lock_caps(text[], text[], text[])",
    ):
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_index("ix_deals_programme_bank", "deals")
    op.drop_column("queue_entries", "passed")
    op.add_column("organisations", sa.Column("signed_capacity", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_organisations_signed_capacity"),
        "organisations",
        "signed_capacity IS NULL OR (kind = 'guarantor' AND signed_capacity >= 0)",
    )
    op.execute("""
        UPDATE organisations o SET signed_capacity = (
            SELECT t.signed_capacity FROM guarantor_terms t WHERE t.guarantor_id = o.id
            ORDER BY t.valid_from DESC, t.id DESC LIMIT 1)
    """)
    op.drop_table("guarantor_terms")
    op.drop_table("programme_changes")
