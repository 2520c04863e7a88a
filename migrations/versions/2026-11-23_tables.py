"""The tables of the main road"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE queue_arrival")
    op.create_table(
        "idempotency_keys",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "answered_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "route", "key", name=op.f("pk_idempotency_keys")
        ),
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("limited", sa.Boolean(), nullable=False),
        sa.Column("debits_posted", sa.BigInteger(), nullable=False),
        sa.Column("debits_pending", sa.BigInteger(), nullable=False),
        sa.Column("credits_posted", sa.BigInteger(), nullable=False),
        sa.Column("credits_pending", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "NOT limited OR debits_posted + debits_pending <= credits_posted",
            name=op.f("ck_ledger_accounts_within_limit"),
        ),
        sa.CheckConstraint(
            "debits_posted >= 0 AND debits_pending >= 0 AND credits_posted >= 0 AND credits_pending >= 0",
            name=op.f("ck_ledger_accounts_not_negative"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint(
            "book", "owner", "role", name=op.f("uq_ledger_accounts_book_owner_role")
        ),
    )
    op.create_table(
        "outbox_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_events")),
    )
    op.create_index(
        "ix_outbox_events_undelivered",
        "outbox_events",
        ["id"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_table(
        "parks",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("key_park", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_parks")),
    )
    op.create_table(
        "rule_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("uncalibrated", sa.Boolean(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "loaded_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_versions")),
        sa.UniqueConstraint("key", "valid_from", name=op.f("uq_rule_versions_key_valid_from")),
    )
    op.create_table(
        "status_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_changes")),
    )
    op.create_index(
        "ix_status_changes_subject_id_id", "status_changes", ["subject_id", "id"], unique=False
    )
    op.create_table(
        "ledger_transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("debit_account_id", sa.Uuid(), nullable=False),
        sa.Column("credit_account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.Uuid(), nullable=False),
        sa.Column(
            "at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "txid",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(hold_id IS NOT NULL) = (kind IN ('post', 'void', 'expire'))",
            name=op.f("ck_ledger_transfers_resolves"),
        ),
        sa.CheckConstraint(
            "kind IN ('transfer', 'hold', 'post', 'void', 'expire')",
            name=op.f("ck_ledger_transfers_kind"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ledger_transfers_amount_positive")),
        sa.CheckConstraint(
            "debit_account_id <> credit_account_id", name=op.f("ck_ledger_transfers_two_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["credit_account_id"],
            ["ledger_accounts.id"],
            name=op.f("fk_ledger_transfers_credit_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["debit_account_id"],
            ["ledger_accounts.id"],
            name=op.f("fk_ledger_transfers_debit_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["ledger_transfers.id"], name=op.f("fk_ledger_transfers_hold_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfers")),
    )
    op.create_index(
        "ix_ledger_transfers_reference", "ledger_transfers", ["reference"], unique=False
    )
    op.create_index("ix_ledger_transfers_txid", "ledger_transfers", ["txid"], unique=False)
    op.create_index(
        "uq_ledger_transfers_hold_id",
        "ledger_transfers",
        ["hold_id"],
        unique=True,
        postgresql_where=sa.text("hold_id IS NOT NULL"),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("guarantor_type", sa.String(32), nullable=True),
        sa.Column("park_code", sa.Text(), nullable=True),
        sa.Column("signed_capacity", sa.BigInteger(), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(kind = 'guarantor') = (guarantor_type IS NOT NULL)",
            name=op.f("ck_organisations_guarantor_type"),
        ),
        sa.CheckConstraint(
            "kind <> 'park' OR park_code IS NOT NULL", name=op.f("ck_organisations_park_code")
        ),
        sa.CheckConstraint(
            "signed_capacity IS NULL OR (kind = 'guarantor' AND signed_capacity >= 0)",
            name=op.f("ck_organisations_signed_capacity"),
        ),
        sa.ForeignKeyConstraint(
            ["park_code"], ["parks.code"], name=op.f("fk_organisations_park_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("uscc", name=op.f("uq_organisations_uscc")),
    )
    op.create_index(
        "ix_organisations_kind_status", "organisations", ["kind", "status"], unique=False
    )
    op.create_table(
        "cooperations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bank_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("agreement_number", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("confirmed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bank_id"], ["organisations.id"], name=op.f("fk_cooperations_bank_id")
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["organisations.id"], name=op.f("fk_cooperations_partner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cooperations")),
    )
    op.create_index(
        op.f("ix_cooperations_partner_id"), "cooperations", ["partner_id"], unique=False
    )
    op.create_index(
        "uq_cooperations_pair",
        "cooperations",
        ["bank_id", "partner_id"],
        unique=True,
        postgresql_where="ended_on IS NULL",
    )
    op.create_table(
        "firm_profiles",
        sa.Column("firm_id", sa.Uuid(), nullable=False),
        sa.Column("industry", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("employees", sa.Integer(), nullable=True),
        sa.Column("revenue", sa.BigInteger(), nullable=True),
        sa.Column("assets", sa.BigInteger(), nullable=True),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("credit_authorised_on", sa.Date(), nullable=True),
        sa.Column("dishonest", sa.Boolean(), nullable=False),
        sa.Column("abnormal", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id"], ["organisations.id"], name=op.f("fk_firm_profiles_firm_id")
        ),
        sa.PrimaryKeyConstraint("firm_id", name=op.f("pk_firm_profiles")),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("debits_posted", sa.BigInteger(), nullable=False),
        sa.Column("debits_pending", sa.BigInteger(), nullable=False),
        sa.Column("credits_posted", sa.BigInteger(), nullable=False),
        sa.Column("credits_pending", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_entries_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["ledger_transfers.id"], name=op.f("fk_ledger_entries_transfer_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "version", name=op.f("pk_ledger_entries")),
    )
    op.create_index(
        op.f("ix_ledger_entries_transfer_id"), "ledger_entries", ["transfer_id"], unique=False
    )
    op.create_table(
        "ledger_seals",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "sealed_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["ledger_transfers.id"], name=op.f("fk_ledger_seals_transfer_id")
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_ledger_seals")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_ledger_seals_transfer_id")),
    )
    op.create_table(
        "park_memberships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("firm_id", sa.Uuid(), nullable=False),
        sa.Column("park_code", sa.Text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("claimed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["firm_id"], ["organisations.id"], name=op.f("fk_park_memberships_firm_id")
        ),
        sa.ForeignKeyConstraint(
            ["park_code"], ["parks.code"], name=op.f("fk_park_memberships_park_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_park_memberships")),
    )
    op.create_index(
        "ix_park_memberships_park_code_status",
        "park_memberships",
        ["park_code", "status"],
        unique=False,
    )
    op.create_index(
        "uq_park_memberships_live",
        "park_memberships",
        ["firm_id"],
        unique=True,
        postgresql_where="status IN ('claimed', 'certified')",
    )
    op.create_table(
        "portfolios",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("firm_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id"], ["organisations.id"], name=op.f("fk_portfolios_firm_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portfolios")),
    )
    op.create_index("ix_portfolios_firm_id_id", "portfolios", ["firm_id", "id"], unique=False)
    op.create_table(
        "rights",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("register", sa.String(32), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("holder_name", sa.Text(), nullable=False),
        sa.Column("status_text", sa.Text(), nullable=True),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("granted_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("publication_number", sa.Text(), nullable=True),
        sa.Column("grant_number", sa.Text(), nullable=True),
        sa.Column("ipc", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("nice", sa.ARRAY(sa.Integer()), nullable=False),
        sa.Column("locarno", sa.Text(), nullable=True),
        sa.Column("certificate_number", sa.Text(), nullable=True),
        sa.Column("work_category", sa.Text(), nullable=True),
        sa.Column("version_number", sa.Text(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("first_published_on", sa.Date(), nullable=True),
        sa.Column("annuity_paid_through_year", sa.Integer(), nullable=True),
        sa.Column("ownership_disputed", sa.Boolean(), nullable=False),
        sa.Column("preserved", sa.Boolean(), nullable=False),
        sa.Column("invalidation_pending", sa.Boolean(), nullable=False),
        sa.Column("same_day_invention", sa.Boolean(), nullable=False),
        sa.Column("cancellation_pending", sa.Boolean(), nullable=False),
        sa.Column("similar_marks_outside", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "char_length(title) BETWEEN 1 AND 500", name=op.f("ck_rights_title_length")
        ),
        sa.CheckConstraint(
            "granted_on IS NULL OR filed_on IS NULL OR filed_on <= granted_on",
            name=op.f("ck_rights_dates_ordered"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisations.id"], name=op.f("fk_rights_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights")),
        sa.UniqueConstraint(
            "jurisdiction",
            "register",
            "number",
            name=op.f("uq_rights_jurisdiction_register_number"),
        ),
    )
    op.create_index("ix_rights_owner_id_id", "rights", ["owner_id", "id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("level", sa.String(32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_users_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_index(op.f("ix_users_organisation_id"), "users", ["organisation_id"], unique=False)
    op.create_table(
        "api_clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_api_clients_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_api_clients_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_clients")),
    )
    op.create_index(
        op.f("ix_api_clients_organisation_id"), "api_clients", ["organisation_id"], unique=False
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("store_key", sa.Text(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=True),
        sa.Column("uploaded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_documents_size_positive")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisations.id"], name=op.f("fk_documents_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by"], ["users.id"], name=op.f("fk_documents_uploaded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_owner_id"), "documents", ["owner_id"], unique=False)
    op.create_table(
        "encumbrances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("registration_number", sa.Text(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["right_id"], ["rights.id"], name=op.f("fk_encumbrances_right_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encumbrances")),
    )
    op.create_index(op.f("ix_encumbrances_right_id"), "encumbrances", ["right_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("level", sa.String(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_invitations_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
    )
    op.create_index(
        op.f("ix_invitations_organisation_id"), "invitations", ["organisation_id"], unique=False
    )
    op.create_table(
        "legal_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["right_id"], ["rights.id"], name=op.f("fk_legal_events_right_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_events")),
        sa.UniqueConstraint(
            "right_id",
            "code",
            "announced_on",
            "description",
            name=op.f("uq_legal_events_right_id_code_announced_on_description"),
        ),
    )
    op.create_table(
        "licences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("licensee", sa.Text(), nullable=False),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.Column("recordal_number", sa.Text(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["right_id"], ["rights.id"], name=op.f("fk_licences_right_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licences")),
    )
    op.create_index(op.f("ix_licences_right_id"), "licences", ["right_id"], unique=False)
    op.create_table(
        "password_resets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("used_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_password_resets_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("digest", name=op.f("uq_password_resets_digest")),
    )
    op.create_index(
        op.f("ix_password_resets_user_id"), "password_resets", ["user_id"], unique=False
    )
    op.create_table(
        "portfolio_rights",
        sa.Column("portfolio_id", sa.Uuid(), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolios.id"], name=op.f("fk_portfolio_rights_portfolio_id")
        ),
        sa.ForeignKeyConstraint(
            ["right_id"], ["rights.id"], name=op.f("fk_portfolio_rights_right_id")
        ),
        sa.PrimaryKeyConstraint("portfolio_id", "right_id", name=op.f("pk_portfolio_rights")),
    )
    op.create_index(
        op.f("ix_portfolio_rights_right_id"), "portfolio_rights", ["right_id"], unique=False
    )
    op.create_table(
        "precheck_consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("consented_by", sa.Uuid(), nullable=False),
        sa.Column("consented_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["consented_by"], ["users.id"], name=op.f("fk_precheck_consents_consented_by")
        ),
        sa.ForeignKeyConstraint(
            ["right_id"], ["rights.id"], name=op.f("fk_precheck_consents_right_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_precheck_consents")),
        sa.UniqueConstraint(
            "right_id", "ground", name=op.f("uq_precheck_consents_right_id_ground")
        ),
    )
    op.create_table(
        "valuations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False),
        sa.Column("valued_on", sa.Date(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inputs_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("liquidation_value", sa.BigInteger(), nullable=False),
        sa.Column("lendable", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolios.id"], name=op.f("fk_valuations_portfolio_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_valuations")),
    )
    op.create_index(
        "ix_valuations_portfolio_id_id", "valuations", ["portfolio_id", "id"], unique=False
    )
    op.create_table(
        "access_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(user_id IS NULL) <> (client_id IS NULL)", name=op.f("ck_access_tokens_one_holder")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["api_clients.id"], name=op.f("fk_access_tokens_client_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_access_tokens_organisation_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_access_tokens_user_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_access_tokens")),
    )
    op.create_index(
        op.f("ix_access_tokens_client_id"), "access_tokens", ["client_id"], unique=False
    )
    op.create_index(
        op.f("ix_access_tokens_expires_at"), "access_tokens", ["expires_at"], unique=False
    )
    op.create_index(op.f("ix_access_tokens_user_id"), "access_tokens", ["user_id"], unique=False)
    op.create_table(
        "co_owners",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=True),
        sa.Column("share_pct", sa.Numeric(precision=12, scale=6), nullable=True),
        sa.Column("consent_document_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["consent_document_id"], ["documents.id"], name=op.f("fk_co_owners_consent_document_id")
        ),
        sa.ForeignKeyConstraint(["right_id"], ["rights.id"], name=op.f("fk_co_owners_right_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_co_owners")),
        sa.UniqueConstraint("right_id", "name", name=op.f("uq_co_owners_right_id_name")),
    )
    op.create_table(
        "document_readers",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_document_readers_document_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_document_readers_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("document_id", "organisation_id", name=op.f("pk_document_readers")),
    )
    op.create_table(
        "financing_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("firm_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("park_code", sa.Text(), nullable=False),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False),
        sa.Column("valuation_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("purpose_text", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.Column("size", sa.Text(), nullable=True),
        sa.Column("key_industry", sa.Boolean(), nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("eligibility", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("opened_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_financing_requests_amount_positive")),
        sa.CheckConstraint(
            "term_months BETWEEN 1 AND 360", name=op.f("ck_financing_requests_term")
        ),
        sa.ForeignKeyConstraint(
            ["firm_id"], ["organisations.id"], name=op.f("fk_financing_requests_firm_id")
        ),
        sa.ForeignKeyConstraint(
            ["park_code"], ["parks.code"], name=op.f("fk_financing_requests_park_code")
        ),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolios.id"], name=op.f("fk_financing_requests_portfolio_id")
        ),
        sa.ForeignKeyConstraint(
            ["valuation_id"], ["valuations.id"], name=op.f("fk_financing_requests_valuation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_financing_requests")),
        sa.UniqueConstraint(
            "firm_id", "reference", name=op.f("uq_financing_requests_firm_id_reference")
        ),
    )
    op.create_index(
        "ix_financing_requests_expiring",
        "financing_requests",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "ix_financing_requests_firm_id_id", "financing_requests", ["firm_id", "id"], unique=False
    )
    op.create_index(
        "ix_financing_requests_open",
        "financing_requests",
        [sa.literal_column("opened_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "ix_financing_requests_open_park",
        "financing_requests",
        ["park_code", sa.literal_column("opened_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("unmapped", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_imports_document_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisations.id"], name=op.f("fk_imports_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_owner_id_id", "imports", ["owner_id", "id"], unique=False)
    op.create_table(
        "stated_values",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("appraiser", sa.Text(), nullable=True),
        sa.Column("signers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("valued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("agreed_with", sa.Uuid(), nullable=True),
        sa.Column("agreed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('appraisal', 'agreed')", name=op.f("ck_stated_values_kind")),
        sa.CheckConstraint("value > 0", name=op.f("ck_stated_values_value_positive")),
        sa.ForeignKeyConstraint(
            ["agreed_with"], ["organisations.id"], name=op.f("fk_stated_values_agreed_with")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_stated_values_document_id")
        ),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolios.id"], name=op.f("fk_stated_values_portfolio_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stated_values")),
    )
    op.create_index(
        "ix_stated_values_portfolio_id", "stated_values", ["portfolio_id"], unique=False
    )
    op.create_table(
        "valuation_items",
        sa.Column("valuation_id", sa.Uuid(), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("income_value", sa.BigInteger(), nullable=True),
        sa.Column("cost_value", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("liquidation_value", sa.BigInteger(), nullable=False),
        sa.Column("lendable", sa.BigInteger(), nullable=False),
        sa.Column("life_years", sa.Integer(), nullable=False),
        sa.Column("working", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["right_id"], ["rights.id"], name=op.f("fk_valuation_items_right_id")
        ),
        sa.ForeignKeyConstraint(
            ["valuation_id"], ["valuations.id"], name=op.f("fk_valuation_items_valuation_id")
        ),
        sa.PrimaryKeyConstraint("valuation_id", "right_id", name=op.f("pk_valuation_items")),
    )
    op.create_table(
        "identity_consents",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("consented_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["organisations.id"],
            name=op.f("fk_identity_consents_institution_id"),
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["financing_requests.id"], name=op.f("fk_identity_consents_request_id")
        ),
        sa.PrimaryKeyConstraint("request_id", "institution_id", name=op.f("pk_identity_consents")),
    )
    op.create_table(
        "import_rows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_rows_import_id")
        ),
        sa.ForeignKeyConstraint(["right_id"], ["rights.id"], name=op.f("fk_import_rows_right_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_rows")),
    )
    op.create_index(
        "ix_import_rows_import_id_line", "import_rows", ["import_id", "line"], unique=False
    )
    op.create_table(
        "quotes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("firm_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("offered_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_quotes_revision_positive")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisations.id"], name=op.f("fk_quotes_institution_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["financing_requests.id"], name=op.f("fk_quotes_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
        sa.UniqueConstraint(
            "institution_id", "reference", name=op.f("uq_quotes_institution_id_reference")
        ),
    )
    op.create_index(
        "ix_quotes_expiring",
        "quotes",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('offered', 'standing_by')"),
    )
    op.create_index("ix_quotes_institution_id_id", "quotes", ["institution_id", "id"], unique=False)
    op.create_index(op.f("ix_quotes_request_id"), "quotes", ["request_id"], unique=False)
    op.create_index(
        "uq_quotes_accepted",
        "quotes",
        ["request_id", "kind"],
        unique=True,
        postgresql_where=sa.text("status = 'accepted'"),
    )
    op.create_index(
        "uq_quotes_live",
        "quotes",
        ["request_id", "institution_id", "kind"],
        unique=True,
        postgresql_where=sa.text("status IN ('offered', 'standing_by', 'accepted')"),
    )
    op.create_table(
        "request_rights",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("lendable", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["financing_requests.id"], name=op.f("fk_request_rights_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["right_id"], ["rights.id"], name=op.f("fk_request_rights_right_id")
        ),
        sa.PrimaryKeyConstraint("request_id", "right_id", name=op.f("pk_request_rights")),
    )
    op.create_index(
        op.f("ix_request_rights_right_id"), "request_rights", ["right_id"], unique=False
    )
    op.create_table(
        "deals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("firm_id", sa.Uuid(), nullable=False),
        sa.Column("bank_id", sa.Uuid(), nullable=False),
        sa.Column("guarantor_id", sa.Uuid(), nullable=True),
        sa.Column("insurer_id", sa.Uuid(), nullable=True),
        sa.Column("loan_quote_id", sa.Uuid(), nullable=False),
        sa.Column("guarantee_quote_id", sa.Uuid(), nullable=True),
        sa.Column("insurance_quote_id", sa.Uuid(), nullable=True),
        sa.Column("park_code", sa.Text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("principal", sa.BigInteger(), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("guarantee_share_pct", sa.Numeric(precision=12, scale=6), nullable=False),
        sa.Column("insurance_share_pct", sa.Numeric(precision=12, scale=6), nullable=False),
        sa.Column("liability", sa.BigInteger(), nullable=False),
        sa.Column("in_programme", sa.Boolean(), nullable=False),
        sa.Column("loan_terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("guarantee_terms", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("insurance_terms", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("pledgee", sa.String(32), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("quota_hold_id", sa.Uuid(), nullable=True),
        sa.Column("hold_expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("use_of_funds", sa.Text(), nullable=True),
        sa.Column("available_until", sa.Date(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(guarantor_id IS NULL) = (guarantee_quote_id IS NULL)", name=op.f("ck_deals_guarantor")
        ),
        sa.CheckConstraint(
            "(insurer_id IS NULL) = (insurance_quote_id IS NULL)", name=op.f("ck_deals_insurer")
        ),
        sa.CheckConstraint(
            "guarantee_share_pct + insurance_share_pct <= 100", name=op.f("ck_deals_shares")
        ),
        sa.CheckConstraint("liability >= 0", name=op.f("ck_deals_liability_not_negative")),
        sa.CheckConstraint("principal > 0", name=op.f("ck_deals_principal_positive")),
        sa.ForeignKeyConstraint(["bank_id"], ["organisations.id"], name=op.f("fk_deals_bank_id")),
        sa.ForeignKeyConstraint(["firm_id"], ["organisations.id"], name=op.f("fk_deals_firm_id")),
        sa.ForeignKeyConstraint(
            ["guarantee_quote_id"], ["quotes.id"], name=op.f("fk_deals_guarantee_quote_id")
        ),
        sa.ForeignKeyConstraint(
            ["guarantor_id"], ["organisations.id"], name=op.f("fk_deals_guarantor_id")
        ),
        sa.ForeignKeyConstraint(
            ["insurance_quote_id"], ["quotes.id"], name=op.f("fk_deals_insurance_quote_id")
        ),
        sa.ForeignKeyConstraint(
            ["insurer_id"], ["organisations.id"], name=op.f("fk_deals_insurer_id")
        ),
        sa.ForeignKeyConstraint(
            ["loan_quote_id"], ["quotes.id"], name=op.f("fk_deals_loan_quote_id")
        ),
        sa.ForeignKeyConstraint(["park_code"], ["parks.code"], name=op.f("fk_deals_park_code")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["financing_requests.id"], name=op.f("fk_deals_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deals")),
    )
    op.create_index("ix_deals_bank_id_id", "deals", ["bank_id", "id"], unique=False)
    op.create_index("ix_deals_firm_id_id", "deals", ["firm_id", "id"], unique=False)
    op.create_index("ix_deals_guarantor_id_id", "deals", ["guarantor_id", "id"], unique=False)
    op.create_index(
        "ix_deals_hold_expiring",
        "deals",
        ["hold_expires_at"],
        unique=False,
        postgresql_where=sa.text(
            "status IN ('reconfirming', 'approving', 'contracting', 'perfecting')"
        ),
    )
    op.create_index("ix_deals_insurer_id_id", "deals", ["insurer_id", "id"], unique=False)
    op.create_index(
        "uq_deals_live",
        "deals",
        ["request_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'failed'"),
    )
    op.create_table(
        "quote_revisions",
        sa.Column("quote_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["quote_id"], ["quotes.id"], name=op.f("fk_quote_revisions_quote_id")
        ),
        sa.PrimaryKeyConstraint("quote_id", "revision", name=op.f("pk_quote_revisions")),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("principal", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_approvals_deal_id")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisations.id"], name=op.f("fk_approvals_institution_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint(
            "deal_id", "institution_id", name=op.f("uq_approvals_deal_id_institution_id")
        ),
    )
    op.create_table(
        "contracts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("drafted_by", sa.Uuid(), nullable=False),
        sa.Column("drafted_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_contracts_deal_id")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_contracts_document_id")
        ),
        sa.ForeignKeyConstraint(
            ["drafted_by"], ["organisations.id"], name=op.f("fk_contracts_drafted_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
        sa.UniqueConstraint(
            "deal_id", "kind", "version", name=op.f("uq_contracts_deal_id_kind_version")
        ),
    )
    op.create_index(
        "uq_contracts_live",
        "contracts",
        ["deal_id", "kind"],
        unique=True,
        postgresql_where=sa.text("status <> 'replaced'"),
    )
    op.create_table(
        "deal_rights",
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("register", sa.String(32), nullable=False),
        sa.Column("locked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("released_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_deal_rights_deal_id")),
        sa.ForeignKeyConstraint(["right_id"], ["rights.id"], name=op.f("fk_deal_rights_right_id")),
        sa.PrimaryKeyConstraint("deal_id", "right_id", name=op.f("pk_deal_rights")),
    )
    op.create_index(
        "uq_deal_rights_live",
        "deal_rights",
        ["right_id"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "drawdowns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("bank_id", sa.Uuid(), nullable=False),
        sa.Column("tranche", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("released_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("hold_expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("drawn_on", sa.Date(), nullable=True),
        sa.Column("liability", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reported_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_drawdowns_amount_positive")),
        sa.ForeignKeyConstraint(
            ["bank_id"], ["organisations.id"], name=op.f("fk_drawdowns_bank_id")
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_drawdowns_deal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drawdowns")),
        sa.UniqueConstraint("bank_id", "reference", name=op.f("uq_drawdowns_bank_id_reference")),
        sa.UniqueConstraint("deal_id", "tranche", name=op.f("uq_drawdowns_deal_id_tranche")),
    )
    op.create_index(
        "uq_drawdowns_released",
        "drawdowns",
        ["deal_id"],
        unique=True,
        postgresql_where=sa.text("status = 'released'"),
    )
    op.create_table(
        "loans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("bank_id", sa.Uuid(), nullable=False),
        sa.Column("firm_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("drawn", sa.BigInteger(), nullable=False),
        sa.Column("outstanding", sa.BigInteger(), nullable=False),
        sa.Column("settled_by_calls", sa.BigInteger(), nullable=False),
        sa.Column("guarantee_share_pct", sa.Numeric(precision=12, scale=6), nullable=False),
        sa.Column("liability", sa.BigInteger(), nullable=False),
        sa.Column("in_programme", sa.Boolean(), nullable=False),
        sa.Column("annual_rate_pct", sa.Numeric(precision=12, scale=6), nullable=False),
        sa.Column("penalty_multiple", sa.Numeric(precision=12, scale=6), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("day_count", sa.Text(), nullable=False),
        sa.Column("rounding", sa.Text(), nullable=False),
        sa.Column("settlement_day", sa.Integer(), nullable=True),
        sa.Column("grace_months", sa.Integer(), nullable=False),
        sa.Column("allocation_order", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("maturity_on", sa.Date(), nullable=False),
        sa.Column("schedule_version", sa.Integer(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("accrues_from", sa.Date(), nullable=False),
        sa.Column("carried_interest", sa.BigInteger(), nullable=False),
        sa.Column("retake_waiting", sa.Boolean(), nullable=False),
        sa.Column("marked", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outstanding >= 0 AND outstanding <= drawn", name=op.f("ck_loans_outstanding")
        ),
        sa.CheckConstraint("settled_by_calls >= 0", name=op.f("ck_loans_settled_not_negative")),
        sa.ForeignKeyConstraint(["bank_id"], ["organisations.id"], name=op.f("fk_loans_bank_id")),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_loans_deal_id")),
        sa.ForeignKeyConstraint(["firm_id"], ["organisations.id"], name=op.f("fk_loans_firm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loans")),
        sa.UniqueConstraint("bank_id", "reference", name=op.f("uq_loans_bank_id_reference")),
        sa.UniqueConstraint("deal_id", name=op.f("uq_loans_deal_id")),
    )
    op.create_index("ix_loans_bank_id_id", "loans", ["bank_id", "id"], unique=False)
    op.create_index("ix_loans_firm_id_id", "loans", ["firm_id", "id"], unique=False)
    op.create_table(
        "milestones",
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_milestones_deal_id")),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["organisations.id"], name=op.f("fk_milestones_recorded_by")
        ),
        sa.PrimaryKeyConstraint("deal_id", "kind", name=op.f("pk_milestones")),
    )
    op.create_table(
        "queue_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "arrival",
            sa.BigInteger(),
            server_default=sa.text("nextval('queue_arrival')"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("quota_account_id", sa.Uuid(), nullable=True),
        sa.Column("limit_account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("lacks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("joined_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("left_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_queue_entries_amount_positive")),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_queue_entries_deal_id")),
        sa.ForeignKeyConstraint(
            ["limit_account_id"],
            ["ledger_accounts.id"],
            name=op.f("fk_queue_entries_limit_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["quota_account_id"],
            ["ledger_accounts.id"],
            name=op.f("fk_queue_entries_quota_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_entries")),
        sa.UniqueConstraint("arrival", name=op.f("uq_queue_entries_arrival")),
    )
    op.create_index(op.f("ix_queue_entries_deal_id"), "queue_entries", ["deal_id"], unique=False)
    op.create_index(
        "ix_queue_entries_waiting",
        "queue_entries",
        ["arrival"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "registrations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("register", sa.String(32), nullable=False),
        sa.Column("pledgee", sa.String(32), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("registered_on", sa.Date(), nullable=True),
        sa.Column("cancelled_on", sa.Date(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_registrations_deal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("deal_id", "register", name=op.f("uq_registrations_deal_id_register")),
        sa.UniqueConstraint("register", "number", name=op.f("uq_registrations_register_number")),
    )
    op.create_table(
        "conditions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("met_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("met_by", sa.Uuid(), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approvals.id"], name=op.f("fk_conditions_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_conditions_document_id")
        ),
        sa.ForeignKeyConstraint(["met_by"], ["users.id"], name=op.f("fk_conditions_met_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conditions")),
    )
    op.create_index(op.f("ix_conditions_approval_id"), "conditions", ["approval_id"], unique=False)
    op.create_table(
        "contract_confirmations",
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_contract_confirmations_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_contract_confirmations_organisation_id"),
        ),
        sa.PrimaryKeyConstraint(
            "contract_id", "organisation_id", name=op.f("pk_contract_confirmations")
        ),
    )
    op.create_table(
        "extensions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("loan_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("maturity_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_extensions_loan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extensions")),
    )
    op.create_index(
        "uq_extensions_live",
        "extensions",
        ["loan_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('requested', 'agreed')"),
    )
    op.create_table(
        "instalments",
        sa.Column("loan_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("principal", sa.BigInteger(), nullable=False),
        sa.Column("interest", sa.BigInteger(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("paid_principal", sa.BigInteger(), nullable=False),
        sa.Column("paid_interest", sa.BigInteger(), nullable=False),
        sa.Column("paid_penalty", sa.BigInteger(), nullable=False),
        sa.Column("penalty_through", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "paid_interest BETWEEN 0 AND interest", name=op.f("ck_instalments_paid_interest")
        ),
        sa.CheckConstraint(
            "paid_penalty BETWEEN 0 AND penalty", name=op.f("ck_instalments_paid_penalty")
        ),
        sa.CheckConstraint(
            "paid_principal BETWEEN 0 AND principal", name=op.f("ck_instalments_paid_principal")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_instalments_loan_id")),
        sa.PrimaryKeyConstraint("loan_id", "version", "number", name=op.f("pk_instalments")),
    )
    op.create_table(
        "repayments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("loan_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fees", sa.BigInteger(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("interest", sa.BigInteger(), nullable=False),
        sa.Column("principal", sa.BigInteger(), nullable=False),
        sa.Column("freed", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False),
        sa.Column("spared", sa.BigInteger(), nullable=False),
        sa.Column("applied", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("loan_before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version_after", sa.Integer(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("confirmed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("reversed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("reversal_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_repayments_amount_positive")),
        sa.CheckConstraint(
            "penalty + interest + principal + fees = amount",
            name=op.f("ck_repayments_applied_in_full"),
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_repayments_loan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repayments")),
        sa.UniqueConstraint("loan_id", "reference", name=op.f("uq_repayments_loan_id_reference")),
    )
    op.create_index("ix_repayments_loan_id_id", "repayments", ["loan_id", "id"], unique=False)
    op.create_table(
        "extension_consents",
        sa.Column("extension_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("consented_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["extension_id"], ["extensions.id"], name=op.f("fk_extension_consents_extension_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_extension_consents_organisation_id"),
        ),
        sa.PrimaryKeyConstraint(
            "extension_id", "organisation_id", name=op.f("pk_extension_consents")
        ),
    )


def downgrade() -> None:
    op.drop_table("extension_consents")
    op.drop_index("ix_repayments_loan_id_id", table_name="repayments")
    op.drop_table("repayments")
    op.drop_table("instalments")
    op.drop_index(
        "uq_extensions_live",
        table_name="extensions",
        postgresql_where=sa.text("status IN ('requested', 'agreed')"),
    )
    op.drop_table("extensions")
    op.drop_table("contract_confirmations")
    op.drop_index(op.f("ix_conditions_approval_id"), table_name="conditions")
    op.drop_table("conditions")
    op.drop_table("registrations")
    op.drop_index(
        "ix_queue_entries_waiting",
        table_name="queue_entries",
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.drop_index(op.f("ix_queue_entries_deal_id"), table_name="queue_entries")
    op.drop_table("queue_entries")
    op.drop_table("milestones")
    op.drop_index("ix_loans_firm_id_id", table_name="loans")
    op.drop_index("ix_loans_bank_id_id", table_name="loans")
    op.drop_table("loans")
    op.drop_index(
        "uq_drawdowns_released",
        table_name="drawdowns",
        postgresql_where=sa.text("status = 'released'"),
    )
    op.drop_table("drawdowns")
    op.drop_index(
        "uq_deal_rights_live",
        table_name="deal_rights",
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.drop_table("deal_rights")
    op.drop_index(
        "uq_contracts_live",
        table_name="contracts",
        postgresql_where=sa.text("status <> 'replaced'"),
    )
    op.drop_table("contracts")
    op.drop_table("approvals")
    op.drop_table("quote_revisions")
    op.drop_index(
        "uq_deals_live", table_name="deals", postgresql_where=sa.text("status <> 'failed'")
    )
    op.drop_index("ix_deals_insurer_id_id", table_name="deals")
    op.drop_index(
        "ix_deals_hold_expiring",
        table_name="deals",
        postgresql_where=sa.text(
            "status IN ('reconfirming', 'approving', 'contracting', 'perfecting')"
        ),
    )
    op.drop_index("ix_deals_guarantor_id_id", table_name="deals")
    op.drop_index("ix_deals_firm_id_id", table_name="deals")
    op.drop_index("ix_deals_bank_id_id", table_name="deals")
    op.drop_table("deals")
    op.drop_index(op.f("ix_request_rights_right_id"), table_name="request_rights")
    op.drop_table("request_rights")
    op.drop_index(
        "uq_quotes_live",
        table_name="quotes",
        postgresql_where=sa.text("status IN ('offered', 'standing_by', 'accepted')"),
    )
    op.drop_index(
        "uq_quotes_accepted", table_name="quotes", postgresql_where=sa.text("status = 'accepted'")
    )
    op.drop_index(op.f("ix_quotes_request_id"), table_name="quotes")
    op.drop_index("ix_quotes_institution_id_id", table_name="quotes")
    op.drop_index(
        "ix_quotes_expiring",
        table_name="quotes",
        postgresql_where=sa.text("status IN ('offered', 'standing_by')"),
    )
    op.drop_table("quotes")
    op.drop_index("ix_import_rows_import_id_line", table_name="import_rows")
    op.drop_table("import_rows")
    op.drop_table("identity_consents")
    op.drop_table("valuation_items")
    op.drop_index("ix_stated_values_portfolio_id", table_name="stated_values")
    op.drop_table("stated_values")
    op.drop_index("ix_imports_owner_id_id", table_name="imports")
    op.drop_table("imports")
    op.drop_index(
        "ix_financing_requests_open_park",
        table_name="financing_requests",
        postgresql_where=sa.text("status = 'open'"),
    )
    op.drop_index(
        "ix_financing_requests_open",
        table_name="financing_requests",
        postgresql_where=sa.text("status = 'open'"),
    )
    op.drop_index("ix_financing_requests_firm_id_id", table_name="financing_requests")
    op.drop_index(
        "ix_financing_requests_expiring",
        table_name="financing_requests",
        postgresql_where=sa.text("status = 'open'"),
    )
    op.drop_table("financing_requests")
    op.drop_table("document_readers")
    op.drop_table("co_owners")
    op.drop_index(op.f("ix_access_tokens_user_id"), table_name="access_tokens")
    op.drop_index(op.f("ix_access_tokens_expires_at"), table_name="access_tokens")
    op.drop_index(op.f("ix_access_tokens_client_id"), table_name="access_tokens")
    op.drop_table("access_tokens")
    op.drop_index("ix_valuations_portfolio_id_id", table_name="valuations")
    op.drop_table("valuations")
    op.drop_table("precheck_consents")
    op.drop_index(op.f("ix_portfolio_rights_right_id"), table_name="portfolio_rights")
    op.drop_table("portfolio_rights")
    op.drop_index(op.f("ix_password_resets_user_id"), table_name="password_resets")
    op.drop_table("password_resets")
    op.drop_index(op.f("ix_licences_right_id"), table_name="licences")
    op.drop_table("licences")
    op.drop_table("legal_events")
    op.drop_index(op.f("ix_invitations_organisation_id"), table_name="invitations")
    op.drop_table("invitations")
    op.drop_index(op.f("ix_encumbrances_right_id"), table_name="encumbrances")
    op.drop_table("encumbrances")
    op.drop_index(op.f("ix_documents_owner_id"), table_name="documents")
    op.drop_table("documents")
    op.drop_index(op.f("ix_api_clients_organisation_id"), table_name="api_clients")
    op.drop_table("api_clients")
    op.drop_index(op.f("ix_users_organisation_id"), table_name="users")
    op.drop_table("users")
    op.drop_index("ix_rights_owner_id_id", table_name="rights")
    op.drop_table("rights")
    op.drop_index("ix_portfolios_firm_id_id", table_name="portfolios")
    op.drop_table("portfolios")
    op.drop_index(
        "uq_park_memberships_live",
        table_name="park_memberships",
        postgresql_where="status IN ('claimed', 'certified')",
    )
    op.drop_index("ix_park_memberships_park_code_status", table_name="park_memberships")
    op.drop_table("park_memberships")
    op.drop_table("ledger_seals")
    op.drop_index(op.f("ix_ledger_entries_transfer_id"), table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_table("firm_profiles")
    op.drop_index(
        "uq_cooperations_pair", table_name="cooperations", postgresql_where="ended_on IS NULL"
    )
    op.drop_index(op.f("ix_cooperations_partner_id"), table_name="cooperations")
    op.drop_table("cooperations")
    op.drop_index("ix_organisations_kind_status", table_name="organisations")
    op.drop_table("organisations")
    op.drop_index(
        "uq_ledger_transfers_hold_id",
        table_name="ledger_transfers",
        postgresql_where=sa.text("hold_id IS NOT NULL"),
    )
    op.drop_index("ix_ledger_transfers_txid", table_name="ledger_transfers")
    op.drop_index("ix_ledger_transfers_reference", table_name="ledger_transfers")
    op.drop_table("ledger_transfers")
    op.drop_index("ix_status_changes_subject_id_id", table_name="status_changes")
    op.drop_table("status_changes")
    op.drop_table("rule_versions")
    op.drop_table("parks")
    op.drop_index(
        "ix_outbox_events_undelivered",
        table_name="outbox_events",
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.drop_table("outbox_events")
    op.drop_table("ledger_accounts")
    op.drop_table("idempotency_keys")
    op.execute("DROP SEQUENCE queue_arrival")
