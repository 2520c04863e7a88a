"""Valuation runs and their results, rounds of revaluation, signals where cover fell"""

from alembic import op

revision = "valuation_runs"
down_revision = "calendar_decrees"

TABLES = (
    """
CREATE TABLE revaluation_rounds (
    id UUID NOT NULL,
    valued_on DATE NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_revaluation_rounds PRIMARY KEY (id)
)
    """,
    """CREATE UNIQUE INDEX uq_revaluation_rounds_open ON revaluation_rounds ((true)) WHERE closed_at IS NULL""",
    """
CREATE TABLE valuation_runs (
    id UUID NOT NULL,
    kind VARCHAR(32) NOT NULL,
    firm_id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    valuation_id UUID NOT NULL,
    deal_id UUID,
    round_id UUID,
    challenges_id UUID,
    made_by UUID,
    reason TEXT,
    valued_on DATE NOT NULL,
    inputs JSONB NOT NULL,
    inputs_sha256 BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_valuation_runs PRIMARY KEY (id),
    CONSTRAINT ck_valuation_runs_challenge CHECK ((kind = 'challenge') = (challenges_id IS NOT NULL)),
    CONSTRAINT ck_valuation_runs_reason CHECK ((kind = 'challenge') = (reason IS NOT NULL)),
    CONSTRAINT ck_valuation_runs_revaluation CHECK ((kind = 'revaluation') = (deal_id IS NOT NULL)),
    CONSTRAINT uq_valuation_runs_round_id_deal_id UNIQUE (round_id, deal_id),
    CONSTRAINT fk_valuation_runs_firm_id FOREIGN KEY(firm_id) REFERENCES organisations (id),
    CONSTRAINT fk_valuation_runs_portfolio_id FOREIGN KEY(portfolio_id) REFERENCES portfolios (id),
    CONSTRAINT fk_valuation_runs_valuation_id FOREIGN KEY(valuation_id) REFERENCES valuations (id),
    CONSTRAINT fk_valuation_runs_deal_id FOREIGN KEY(deal_id) REFERENCES deals (id),
    CONSTRAINT fk_valuation_runs_round_id FOREIGN KEY(round_id) REFERENCES revaluation_rounds (id),
    CONSTRAINT fk_valuation_runs_challenges_id FOREIGN KEY(challenges_id) REFERENCES valuation_runs (id),
    CONSTRAINT fk_valuation_runs_made_by FOREIGN KEY(made_by) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_valuation_runs_challenges_id ON valuation_runs (challenges_id)""",
    """CREATE INDEX ix_valuation_runs_deal_id_id ON valuation_runs (deal_id, id)""",
    """CREATE INDEX ix_valuation_runs_portfolio_id_id ON valuation_runs (portfolio_id, id)""",
    """CREATE UNIQUE INDEX uq_valuation_runs_first ON valuation_runs (valuation_id) WHERE kind = 'first'""",
    """
CREATE TABLE valuation_results (
    run_id UUID NOT NULL,
    engine TEXT NOT NULL,
    market BIGINT NOT NULL,
    liquidation BIGINT NOT NULL,
    lendable BIGINT NOT NULL,
    results JSONB NOT NULL,
    results_sha256 BYTEA NOT NULL,
    computed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_valuation_results PRIMARY KEY (run_id),
    CONSTRAINT fk_valuation_results_run_id FOREIGN KEY(run_id) REFERENCES valuation_runs (id)
)
    """,
    """
CREATE TABLE revaluation_items (
    round_id UUID NOT NULL,
    deal_id UUID NOT NULL,
    outcome VARCHAR(32),
    run_id UUID,
    cover_pct NUMERIC(12, 6),
    done_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_revaluation_items PRIMARY KEY (round_id, deal_id),
    CONSTRAINT fk_revaluation_items_round_id FOREIGN KEY(round_id) REFERENCES revaluation_rounds (id),
    CONSTRAINT fk_revaluation_items_deal_id FOREIGN KEY(deal_id) REFERENCES deals (id),
    CONSTRAINT fk_revaluation_items_run_id FOREIGN KEY(run_id) REFERENCES valuation_runs (id)
)
    """,
    """CREATE INDEX ix_revaluation_items_deal_id_round_id ON revaluation_items (deal_id, round_id)""",
    """CREATE INDEX ix_revaluation_items_left ON revaluation_items (round_id, deal_id) WHERE outcome IS NULL""",
    """
CREATE TABLE cover_signals (
    id UUID NOT NULL,
    deal_id UUID NOT NULL,
    loan_id UUID NOT NULL,
    run_id UUID NOT NULL,
    level_pct NUMERIC(12, 6) NOT NULL,
    cover_pct NUMERIC(12, 6) NOT NULL,
    previous_pct NUMERIC(12, 6),
    outstanding BIGINT NOT NULL,
    liquidation BIGINT NOT NULL,
    raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_cover_signals PRIMARY KEY (id),
    CONSTRAINT fk_cover_signals_deal_id FOREIGN KEY(deal_id) REFERENCES deals (id),
    CONSTRAINT fk_cover_signals_loan_id FOREIGN KEY(loan_id) REFERENCES loans (id),
    CONSTRAINT uq_cover_signals_run_id UNIQUE (run_id),
    CONSTRAINT fk_cover_signals_run_id FOREIGN KEY(run_id) REFERENCES valuation_runs (id)
)
    """,
    """CREATE INDEX ix_cover_signals_deal_id_id ON cover_signals (deal_id, id)""",
    """
CREATE TABLE cover_decisions (
    signal_id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    choice VARCHAR(32) NOT NULL,
    reason TEXT NOT NULL,
    document_id UUID,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_cover_decisions PRIMARY KEY (signal_id, organisation_id),
    CONSTRAINT fk_cover_decisions_signal_id FOREIGN KEY(signal_id) REFERENCES cover_signals (id),
    CONSTRAINT fk_cover_decisions_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id),
    CONSTRAINT fk_cover_decisions_document_id FOREIGN KEY(document_id) REFERENCES documents (id),
    CONSTRAINT fk_cover_decisions_decided_by FOREIGN KEY(decided_by) REFERENCES users (id)
)
    """,
)
NAMES = (
    "revaluation_rounds",
    "valuation_runs",
    "valuation_results",
    "revaluation_items",
    "cover_signals",
    "cover_decisions",
)
APPEND_ONLY = ("valuation_runs", "valuation_results", "cover_signals", "cover_decisions")

# A definer, since it asks whether a valuation backs a request or a deal of whoever asks.
READS_VALUATION = """
CREATE FUNCTION app_reads_valuation(uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM financing_requests r WHERE r.valuation_id = $1 AND (
            EXISTS (SELECT FROM identity_consents c
                    WHERE c.request_id = r.id AND c.institution_id = app_org())
            OR EXISTS (SELECT FROM deals d WHERE d.request_id = r.id
                       AND app_org() IN (d.bank_id, d.guarantor_id, d.insurer_id))
        )
    );
END $$"""


def seen(parent: str, column: str, condition: str = "true") -> str:
    """The row's ``parent`` is visible, and meets ``condition``, in which it is called p."""
    return f"EXISTS (SELECT FROM {parent} p WHERE p.id = {column} AND {condition})"


OF_DEAL = seen("deals", "deal_id")
PLEDGEE = (
    "EXISTS (SELECT FROM cover_signals s JOIN deals d ON d.id = s.deal_id"
    " WHERE s.id = signal_id AND app_org() IN (d.bank_id, d.guarantor_id))"
)

# Who sees a row: besides the authority and the platform.
READ = {
    "revaluation_rounds": "false",
    # The second side of a challenge is its maker's and the firm's, not a rival's.
    "valuation_runs": "app_org() IN (firm_id, made_by)"
    f" OR (kind = 'revaluation' AND {OF_DEAL})"
    " OR (kind = 'first' AND app_reads_valuation(valuation_id))",
    "valuation_results": seen("valuation_runs", "run_id"),
    "revaluation_items": "false",
    "cover_signals": OF_DEAL,
    "cover_decisions": seen("cover_signals", "signal_id"),
}
INSERT = {
    "valuation_runs": "made_by = app_org() AND kind <> 'revaluation'"
    " AND (firm_id = app_org() OR app_reads_valuation(valuation_id))",
    "cover_decisions": f"organisation_id = app_org() AND {PLEDGEE}",
}


def policies(table: str) -> dict[str, str]:
    """The table's policies by command, as CREATE POLICY takes them."""
    return {
        "SELECT": f"USING (app_staff() OR {READ[table]})",
        "INSERT": f"WITH CHECK (app_staff() OR {INSERT.get(table, 'false')})",
        "UPDATE": "USING (app_staff()) WITH CHECK (app_staff())",
        "DELETE": "USING (app_platform())",
    }


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    op.create_index("ix_financing_requests_valuation_id", "financing_requests", ["valuation_id"])
    op.execute(READS_VALUATION)
    for table in NAMES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for command, clause in policies(table).items():
            op.execute(f"CREATE POLICY tenant_{command.lower()} ON {table} FOR {command} {clause}")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in reversed(NAMES):
        op.execute(f"DROP TABLE {table} CASCADE")
    op.execute("DROP FUNCTION app_reads_valuation(uuid)")
    op.drop_index("ix_financing_requests_valuation_id", "financing_requests")
