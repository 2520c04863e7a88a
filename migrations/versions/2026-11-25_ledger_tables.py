"""Entries keep the balance before them, seals cover accounts too, and each day has a root

An entry is found by its account and instant: the index that answers for any past instant also
finds the two entries of a transfer. Seals of the old form go; the worker makes them anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

COUNTERS = ("debits_posted", "debits_pending", "credits_posted", "credits_pending")
TRANSFER_CHECKS = {
    "kind": "kind IN ('transfer', 'hold', 'post', 'void', 'expire')",
    "resolves": "(hold_id IS NOT NULL) = (kind IN ('post', 'void', 'expire'))",
}
# The server reads each CHECK anew at each statement, so a table has one, of few words.
CHECKS = {
    "ledger_accounts": {
        "counters": "least(debits_posted, debits_pending, credits_posted, credits_pending,"
        " CASE WHEN limited THEN credits_posted - debits_posted - debits_pending END) >= 0"
    },
    "ledger_transfers": {"sound": "amount > 0 AND debit_account_id <> credit_account_id"},
}
CHECKS_BEFORE = {
    "ledger_accounts": {
        "within_limit": "NOT limited OR debits_posted + debits_pending <= credits_posted",
        "not_negative": "debits_posted >= 0 AND debits_pending >= 0"
        " AND credits_posted >= 0 AND credits_pending >= 0",
    },
    "ledger_transfers": {
        "amount_positive": "amount > 0",
        "two_accounts": "debit_account_id <> credit_account_id",
    },
}
GUARD = "CREATE TRIGGER {name} BEFORE {events} ON {table} FOR EACH STATEMENT"
GUARD += " EXECUTE FUNCTION refuse_change()"


def upgrade() -> None:
    truncate_seals()
    _accounts()
    _transfers()
    _replace_checks(CHECKS_BEFORE, CHECKS)
    _entries()
    _seals()
    op.create_table(
        "ledger_roots",
        sa.Column("business_on", sa.Date(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("transfers", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("transfers >= 0", name=op.f("ck_ledger_roots_not_negative")),
        sa.ForeignKeyConstraint(
            ["sequence"], ["ledger_seals.sequence"], name=op.f("fk_ledger_roots_sequence")
        ),
        sa.PrimaryKeyConstraint("business_on", name=op.f("pk_ledger_roots")),
    )
    append_only("ledger_roots")


def truncate_seals() -> None:
    op.execute("ALTER TABLE ledger_seals DISABLE TRIGGER append_only")
    op.execute("TRUNCATE ledger_seals")
    op.execute("ALTER TABLE ledger_seals ENABLE TRIGGER append_only")


def append_only(table: str) -> None:
    op.execute(GUARD.format(name="append_only", events="UPDATE OR DELETE OR TRUNCATE", table=table))


def _accounts() -> None:
    # Half of each page stays free, so that a posting's new row version stays on it (HOT).
    op.execute("ALTER TABLE ledger_accounts SET (fillfactor = 50)")
    op.add_column("ledger_accounts", sa.Column("at", sa.TIMESTAMP(timezone=True)))
    op.execute(
        "UPDATE ledger_accounts a SET at ="
        " (SELECT max(e.at) FROM ledger_entries e WHERE e.account_id = a.id)"
    )
    # Who an account belongs to never changes, and no account goes; its counters do move.
    op.execute(
        GUARD.format(
            name="identity",
            events="UPDATE OF id, book, owner, role, limited OR DELETE OR TRUNCATE",
            table="ledger_accounts",
        )
    )


def _transfers() -> None:
    # What the one function that writes these rows makes sure of is not tested again at each row,
    # which cost a third of a posting; `zhirong verify` proves it.
    for name in ("debit_account_id", "credit_account_id"):
        op.drop_constraint(f"fk_ledger_transfers_{name}", "ledger_transfers")
    for name in ("kind", "resolves"):
        op.drop_constraint(op.f(f"ck_ledger_transfers_{name}"), "ledger_transfers")


def _replace_checks(old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]) -> None:
    for table, checks in old.items():
        for name in checks:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        for name, condition in new[table].items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _entries() -> None:
    op.execute("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
    for counter in COUNTERS:
        name = f"previous_{counter}"
        op.add_column("ledger_entries", sa.Column(name, sa.BigInteger()))
    columns = ", ".join(f"previous_{counter} = coalesce(b.{counter}, 0)" for counter in COUNTERS)
    op.execute(
        f"UPDATE ledger_entries e SET {columns} FROM ledger_entries s LEFT JOIN ledger_entries b"
        " ON b.account_id = s.account_id AND b.version = s.version - 1"
        " WHERE s.account_id = e.account_id AND s.version = e.version"
    )
    for counter in COUNTERS:
        op.alter_column("ledger_entries", f"previous_{counter}", nullable=False)
    op.execute("ALTER TABLE ledger_entries ENABLE TRIGGER append_only")
    op.drop_index("ix_ledger_entries_transfer_id", table_name="ledger_entries")
    op.drop_constraint("fk_ledger_entries_transfer_id", "ledger_entries")
    op.drop_constraint("fk_ledger_entries_account_id", "ledger_entries")
    op.drop_constraint("pk_ledger_entries", "ledger_entries")
    op.create_primary_key("pk_ledger_entries", "ledger_entries", ["account_id", "at"])


def _seals() -> None:
    op.execute("ALTER TABLE ledger_seals ALTER COLUMN sequence DROP IDENTITY")
    op.alter_column("ledger_seals", "transfer_id", nullable=True)
    op.alter_column("ledger_seals", "sealed_at", server_default=None)
    op.add_column("ledger_seals", sa.Column("account_id", sa.Uuid()))
    op.add_column("ledger_seals", sa.Column("horizon", sa.BigInteger(), nullable=False))
    op.create_foreign_key(
        "fk_ledger_seals_account_id", "ledger_seals", "ledger_accounts", ["account_id"], ["id"]
    )
    op.create_unique_constraint("uq_ledger_seals_account_id", "ledger_seals", ["account_id"])
    op.create_check_constraint(
        op.f("ck_ledger_seals_one_subject"),
        "ledger_seals",
        "num_nonnulls(account_id, transfer_id) = 1",
    )


def downgrade() -> None:
    op.drop_table("ledger_roots")
    truncate_seals()
    op.drop_constraint(op.f("ck_ledger_seals_one_subject"), "ledger_seals")
    op.drop_column("ledger_seals", "horizon")
    op.drop_column("ledger_seals", "account_id")
    op.alter_column("ledger_seals", "sealed_at", server_default=sa.text("clock_timestamp()"))
    op.alter_column("ledger_seals", "transfer_id", nullable=False)
    op.execute("ALTER TABLE ledger_seals ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY")
    op.drop_constraint("pk_ledger_entries", "ledger_entries")
    op.create_primary_key("pk_ledger_entries", "ledger_entries", ["account_id", "version"])
    for name, table in (("transfer_id", "ledger_transfers"), ("account_id", "ledger_accounts")):
        op.create_foreign_key(f"fk_ledger_entries_{name}", "ledger_entries", table, [name], ["id"])
    op.create_index("ix_ledger_entries_transfer_id", "ledger_entries", ["transfer_id"])
    for counter in COUNTERS:
        op.drop_column("ledger_entries", f"previous_{counter}")
    for name in ("debit_account_id", "credit_account_id"):
        op.create_foreign_key(
            f"fk_ledger_transfers_{name}", "ledger_transfers", "ledger_accounts", [name], ["id"]
        )
    for name, condition in TRANSFER_CHECKS.items():
        op.create_check_constraint(
            op.f(f"ck_ledger_transfers_{name}"), "ledger_transfers", condition
        )
    _replace_checks(CHECKS, CHECKS_BEFORE)
    op.execute("DROP TRIGGER identity ON ledger_accounts")
    op.drop_column("ledger_accounts", "at")
    op.execute("ALTER TABLE ledger_accounts RESET (fillfactor)")
