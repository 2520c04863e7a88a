"""Compensation funds and their filings; grades, claims, recoveries and disposals of lost loans"""

import sqlalchemy as sa
from alembic import op

revision = "funds"
down_revision = "figure_mends"

TABLES = (
    """
CREATE TABLE funds (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    owner_id UUID NOT NULL,
    manager_id UUID NOT NULL,
    park_code TEXT,
    scheme TEXT NOT NULL,
    leverage_warn NUMERIC(12, 6) NOT NULL,
    leverage_max NUMERIC(12, 6) NOT NULL,
    opened_on DATE NOT NULL,
    CONSTRAINT pk_funds PRIMARY KEY (id),
    CONSTRAINT ck_funds_leverage CHECK (0 < leverage_warn AND leverage_warn <= leverage_max),
    CONSTRAINT uq_funds_name UNIQUE (name),
    CONSTRAINT fk_funds_owner_id FOREIGN KEY(owner_id) REFERENCES organisations (id),
    CONSTRAINT fk_funds_manager_id FOREIGN KEY(manager_id) REFERENCES organisations (id),
    CONSTRAINT fk_funds_park_code FOREIGN KEY(park_code) REFERENCES parks (code)
)
    """,
    """CREATE INDEX ix_funds_manager_id ON funds (manager_id)""",
    """
CREATE TABLE fund_filings (
    id UUID NOT NULL,
    fund_id UUID NOT NULL,
    deal_id UUID NOT NULL,
    claimant_id UUID NOT NULL,
    bank_id UUID NOT NULL,
    firm_id UUID NOT NULL,
    firm_name TEXT NOT NULL,
    park_code TEXT NOT NULL,
    scheme TEXT NOT NULL,
    scheme_from DATE NOT NULL,
    facts JSONB NOT NULL,
    loan_amount BIGINT NOT NULL,
    ip_share_pct NUMERIC(12, 6) NOT NULL,
    fund_share_pct NUMERIC(12, 6) NOT NULL,
    status VARCHAR(32) NOT NULL,
    reserved BIGINT NOT NULL,
    outstanding BIGINT NOT NULL,
    compensated BIGINT NOT NULL,
    reference TEXT,
    refusal TEXT,
    filed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_fund_filings PRIMARY KEY (id),
    CONSTRAINT ck_fund_filings_ip_share CHECK (0 < ip_share_pct AND ip_share_pct <= 100),
    CONSTRAINT ck_fund_filings_not_negative CHECK (least(reserved, outstanding) >= 0),
    CONSTRAINT fk_fund_filings_fund_id FOREIGN KEY(fund_id) REFERENCES funds (id),
    CONSTRAINT fk_fund_filings_deal_id FOREIGN KEY(deal_id) REFERENCES deals (id),
    CONSTRAINT fk_fund_filings_claimant_id FOREIGN KEY(claimant_id) REFERENCES organisations (id),
    CONSTRAINT fk_fund_filings_bank_id FOREIGN KEY(bank_id) REFERENCES organisations (id),
    CONSTRAINT fk_fund_filings_firm_id FOREIGN KEY(firm_id) REFERENCES organisations (id),
    CONSTRAINT fk_fund_filings_park_code FOREIGN KEY(park_code) REFERENCES parks (code)
)
    """,
    """CREATE INDEX ix_fund_filings_claimant_id_id ON fund_filings (claimant_id, id)""",
    """CREATE INDEX ix_fund_filings_deal_id ON fund_filings (deal_id)""",
    """CREATE INDEX ix_fund_filings_fund_id_id ON fund_filings (fund_id, id)""",
    """CREATE UNIQUE INDEX uq_fund_filings_live ON fund_filings (deal_id) WHERE status IN ('filed', 'acknowledged')""",
    """
CREATE TABLE filing_papers (
    filing_id UUID NOT NULL,
    code TEXT NOT NULL,
    document_id UUID NOT NULL,
    attached_by UUID NOT NULL,
    attached_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_filing_papers PRIMARY KEY (filing_id, code, document_id),
    CONSTRAINT fk_filing_papers_filing_id FOREIGN KEY(filing_id) REFERENCES fund_filings (id),
    CONSTRAINT fk_filing_papers_document_id FOREIGN KEY(document_id) REFERENCES documents (id),
    CONSTRAINT fk_filing_papers_attached_by FOREIGN KEY(attached_by) REFERENCES organisations (id)
)
    """,
    """
CREATE TABLE readiness_records (
    filing_id UUID NOT NULL,
    number INTEGER NOT NULL,
    step TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    score_pct NUMERIC(12, 6) NOT NULL,
    missing JSONB NOT NULL,
    CONSTRAINT pk_readiness_records PRIMARY KEY (filing_id, number),
    CONSTRAINT fk_readiness_records_filing_id FOREIGN KEY(filing_id) REFERENCES fund_filings (id)
)
    """,
    """
CREATE TABLE loan_grades (
    id UUID NOT NULL,
    loan_id UUID NOT NULL,
    graded_on DATE NOT NULL,
    days_past_due INTEGER NOT NULL,
    floor VARCHAR(32) NOT NULL,
    own VARCHAR(32) NOT NULL,
    grade VARCHAR(32) NOT NULL,
    reason TEXT NOT NULL,
    document_id UUID,
    graded_by UUID NOT NULL,
    graded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_loan_grades PRIMARY KEY (id),
    CONSTRAINT ck_loan_grades_days_not_negative CHECK (days_past_due >= 0),
    CONSTRAINT fk_loan_grades_loan_id FOREIGN KEY(loan_id) REFERENCES loans (id),
    CONSTRAINT fk_loan_grades_document_id FOREIGN KEY(document_id) REFERENCES documents (id),
    CONSTRAINT fk_loan_grades_graded_by FOREIGN KEY(graded_by) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_loan_grades_loan_id_id ON loan_grades (loan_id, id)""",
    """
CREATE TABLE inspections (
    id UUID NOT NULL,
    loan_id UUID NOT NULL,
    inspected_on DATE NOT NULL,
    findings TEXT NOT NULL,
    document_id UUID,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_inspections PRIMARY KEY (id),
    CONSTRAINT fk_inspections_loan_id FOREIGN KEY(loan_id) REFERENCES loans (id),
    CONSTRAINT fk_inspections_document_id FOREIGN KEY(document_id) REFERENCES documents (id),
    CONSTRAINT fk_inspections_recorded_by FOREIGN KEY(recorded_by) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_inspections_loan_id_id ON inspections (loan_id, id)""",
    """
CREATE TABLE disposals (
    id UUID NOT NULL,
    deal_id UUID NOT NULL,
    right_id UUID NOT NULL,
    kind VARCHAR(32) NOT NULL,
    counterparty TEXT NOT NULL,
    price BIGINT NOT NULL,
    terms TEXT NOT NULL,
    document_id UUID,
    status VARCHAR(32) NOT NULL,
    proposed_by UUID NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    escrow TEXT,
    note TEXT,
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_disposals PRIMARY KEY (id),
    CONSTRAINT ck_disposals_price_positive CHECK (price > 0),
    CONSTRAINT fk_disposals_deal_id FOREIGN KEY(deal_id) REFERENCES deals (id),
    CONSTRAINT fk_disposals_right_id FOREIGN KEY(right_id) REFERENCES rights (id),
    CONSTRAINT fk_disposals_document_id FOREIGN KEY(document_id) REFERENCES documents (id),
    CONSTRAINT fk_disposals_proposed_by FOREIGN KEY(proposed_by) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_disposals_deal_id ON disposals (deal_id)""",
    """
CREATE TABLE claims (
    id UUID NOT NULL,
    kind VARCHAR(32) NOT NULL,
    loan_id UUID NOT NULL,
    deal_id UUID NOT NULL,
    filing_id UUID,
    fund_id UUID,
    payer_id UUID NOT NULL,
    claimant_id UUID NOT NULL,
    bank_id UUID NOT NULL,
    firm_id UUID NOT NULL,
    reference TEXT NOT NULL,
    lost_on DATE NOT NULL,
    principal BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    shares JSONB NOT NULL,
    trace JSONB NOT NULL,
    status VARCHAR(32) NOT NULL,
    due_on DATE,
    submitted_by UUID,
    submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reviewed_by UUID,
    reviewed_at TIMESTAMP WITH TIME ZONE,
    approved_by UUID,
    approved_at TIMESTAMP WITH TIME ZONE,
    approved BIGINT,
    refusal TEXT,
    refused_at TIMESTAMP WITH TIME ZONE,
    appeal TEXT,
    paid_on DATE,
    payment_reference TEXT,
    paid_at TIMESTAMP WITH TIME ZONE,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    hold_id UUID,
    CONSTRAINT pk_claims PRIMARY KEY (id),
    CONSTRAINT ck_claims_positive CHECK (principal > 0 AND amount > 0),
    CONSTRAINT ck_claims_approved CHECK (approved IS NULL OR approved BETWEEN 1 AND amount),
    CONSTRAINT ck_claims_fund CHECK ((kind = 'fund') = (fund_id IS NOT NULL)),
    CONSTRAINT ck_claims_filing CHECK ((kind = 'fund') = (filing_id IS NOT NULL)),
    CONSTRAINT uq_claims_claimant_id_reference UNIQUE (claimant_id, reference),
    CONSTRAINT fk_claims_loan_id FOREIGN KEY(loan_id) REFERENCES loans (id),
    CONSTRAINT fk_claims_deal_id FOREIGN KEY(deal_id) REFERENCES deals (id),
    CONSTRAINT fk_claims_filing_id FOREIGN KEY(filing_id) REFERENCES fund_filings (id),
    CONSTRAINT fk_claims_fund_id FOREIGN KEY(fund_id) REFERENCES funds (id),
    CONSTRAINT fk_claims_payer_id FOREIGN KEY(payer_id) REFERENCES organisations (id),
    CONSTRAINT fk_claims_claimant_id FOREIGN KEY(claimant_id) REFERENCES organisations (id),
    CONSTRAINT fk_claims_bank_id FOREIGN KEY(bank_id) REFERENCES organisations (id),
    CONSTRAINT fk_claims_firm_id FOREIGN KEY(firm_id) REFERENCES organisations (id),
    CONSTRAINT fk_claims_submitted_by FOREIGN KEY(submitted_by) REFERENCES users (id),
    CONSTRAINT fk_claims_reviewed_by FOREIGN KEY(reviewed_by) REFERENCES users (id),
    CONSTRAINT fk_claims_approved_by FOREIGN KEY(approved_by) REFERENCES users (id)
)
    """,
    """CREATE INDEX ix_claims_fund_id_id ON claims (fund_id, id)""",
    """CREATE INDEX ix_claims_loan_id ON claims (loan_id)""",
    """CREATE INDEX ix_claims_payer_id_id ON claims (payer_id, id)""",
    """CREATE UNIQUE INDEX uq_claims_in_flight ON claims (loan_id, kind) WHERE status IN ('submitted', 'reviewed', 'approved', 'paid')""",
    """
CREATE TABLE fund_suspensions (
    id UUID NOT NULL,
    fund_id UUID NOT NULL,
    bank_id UUID,
    fuse TEXT NOT NULL,
    stops TEXT NOT NULL,
    ratio_pct NUMERIC(12, 6) NOT NULL,
    threshold_pct NUMERIC(12, 6) NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    claim_id UUID,
    ended_at TIMESTAMP WITH TIME ZONE,
    change_id UUID,
    CONSTRAINT pk_fund_suspensions PRIMARY KEY (id),
    CONSTRAINT fk_fund_suspensions_fund_id FOREIGN KEY(fund_id) REFERENCES funds (id),
    CONSTRAINT fk_fund_suspensions_bank_id FOREIGN KEY(bank_id) REFERENCES organisations (id),
    CONSTRAINT fk_fund_suspensions_claim_id FOREIGN KEY(claim_id) REFERENCES claims (id),
    CONSTRAINT fk_fund_suspensions_change_id FOREIGN KEY(change_id) REFERENCES programme_changes (id)
)
    """,
    """CREATE UNIQUE INDEX uq_fund_suspensions_open ON fund_suspensions (fund_id, coalesce(bank_id, fund_id), fuse) WHERE ended_at IS NULL""",
    """
CREATE TABLE recoveries (
    id UUID NOT NULL,
    loan_id UUID NOT NULL,
    disposal_id UUID,
    reference TEXT NOT NULL,
    received_on DATE NOT NULL,
    amount BIGINT NOT NULL,
    costs BIGINT NOT NULL,
    principal BIGINT NOT NULL,
    interest BIGINT NOT NULL,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_recoveries PRIMARY KEY (id),
    CONSTRAINT ck_recoveries_amounts CHECK (amount > 0 AND costs >= 0 AND costs <= amount),
    CONSTRAINT ck_recoveries_split_in_full CHECK (costs + principal + interest = amount),
    CONSTRAINT uq_recoveries_loan_id_reference UNIQUE (loan_id, reference),
    CONSTRAINT fk_recoveries_loan_id FOREIGN KEY(loan_id) REFERENCES loans (id),
    CONSTRAINT fk_recoveries_disposal_id FOREIGN KEY(disposal_id) REFERENCES disposals (id),
    CONSTRAINT fk_recoveries_recorded_by FOREIGN KEY(recorded_by) REFERENCES organisations (id)
)
    """,
    """
CREATE TABLE recovery_shares (
    recovery_id UUID NOT NULL,
    party TEXT NOT NULL,
    organisation_id UUID NOT NULL,
    fund_id UUID,
    amount BIGINT NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_recovery_shares PRIMARY KEY (recovery_id, party),
    CONSTRAINT ck_recovery_shares_amount_positive CHECK (amount > 0),
    CONSTRAINT fk_recovery_shares_recovery_id FOREIGN KEY(recovery_id) REFERENCES recoveries (id),
    CONSTRAINT fk_recovery_shares_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id),
    CONSTRAINT fk_recovery_shares_fund_id FOREIGN KEY(fund_id) REFERENCES funds (id)
)
    """,
)
NAMES = (
    "funds",
    "fund_filings",
    "filing_papers",
    "readiness_records",
    "loan_grades",
    "inspections",
    "disposals",
    "claims",
    "fund_suspensions",
    "recoveries",
    "recovery_shares",
)
APPEND_ONLY = ("readiness_records", "loan_grades", "inspections", "recoveries")


def seen(parent: str, column: str, condition: str = "true") -> str:
    """The row's ``parent`` is visible, and meets ``condition``, in which it is called p."""
    return f"EXISTS (SELECT FROM {parent} p WHERE p.id = {column} AND {condition})"


OF_FILING = seen("fund_filings", "filing_id")
MANAGED = seen("funds", "fund_id", "p.manager_id = app_org()")
BANK_OF_LOAN = seen("loans", "loan_id", "p.bank_id = app_org()")
FILING = f"app_org() IN (claimant_id, bank_id) OR {MANAGED}"

# Who sees a row: besides the authority and the platform.
READ = {
    "funds": "true",
    "fund_filings": f"app_org() IN (claimant_id, bank_id, firm_id) OR {MANAGED}",
    "filing_papers": OF_FILING,
    "readiness_records": OF_FILING,
    "loan_grades": "graded_by = app_org()",
    "inspections": "recorded_by = app_org()",
    "disposals": seen("deals", "deal_id"),
    "claims": "app_org() IN (claimant_id, payer_id, bank_id, firm_id)",
    "fund_suspensions": f"bank_id IS NULL OR bank_id = app_org() OR {MANAGED}",
    "recoveries": seen("loans", "loan_id")
    + " OR EXISTS (SELECT FROM claims c WHERE c.loan_id = recoveries.loan_id)",
    "recovery_shares": "organisation_id = app_org() OR " + seen("recoveries", "recovery_id"),
}
INSERT = {
    "fund_filings": "claimant_id = app_org()",
    "filing_papers": f"attached_by = app_org() AND {OF_FILING}",
    "readiness_records": OF_FILING,
    "loan_grades": f"graded_by = app_org() AND {BANK_OF_LOAN}",
    "inspections": f"recorded_by = app_org() AND {BANK_OF_LOAN}",
    "disposals": "proposed_by = app_org() AND " + seen("deals", "deal_id"),
    "claims": "claimant_id = app_org()",
    "recoveries": "recorded_by = app_org() AND " + seen("loans", "loan_id"),
    "recovery_shares": seen("recoveries", "recovery_id", "p.recorded_by = app_org()"),
}
UPDATE = {
    "fund_filings": FILING,
    "disposals": seen("deals", "deal_id"),
    "claims": "app_org() IN (claimant_id, payer_id)",
    "recovery_shares": "organisation_id = app_org()",
}

# A change of status is seen with what it changed: four subjects more than before.
SEES_SUBJECT = """
CREATE OR REPLACE FUNCTION app_sees_subject(text, uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN CASE $1
{cases}
        ELSE false
    END;
END $$"""
SUBJECTS = {
    "deal": "deals",
    "hold": "deals",
    "milestone": "deals",
    "condition": "conditions",
    "confirmation": "contracts",
    "repayment": "repayments",
    "place in the queue": "queue_entries",
    "approval": "approvals",
    "contract": "contracts",
    "pledge registration": "registrations",
    "drawdown": "drawdowns",
    "loan": "loans",
    "extension": "extensions",
}
MORE_SUBJECTS = {
    "fund filing": "fund_filings",
    "claim": "claims",
    "recovery": "recoveries",
    "disposal": "disposals",
}


def sees_subject(subjects: dict[str, str]) -> str:
    cases = "\n".join(
        f"        WHEN '{subject}' THEN EXISTS (SELECT FROM {table} WHERE id = $2)"
        for subject, table in subjects.items()
    )
    return SEES_SUBJECT.format(cases=cases)


def policies(table: str) -> dict[str, str]:
    """The table's policies by command, as CREATE POLICY takes them."""
    update = f"app_staff() OR {UPDATE.get(table, 'false')}"
    return {
        "SELECT": f"USING (app_staff() OR {READ[table]})",
        "INSERT": f"WITH CHECK (app_staff() OR {INSERT.get(table, 'false')})",
        "UPDATE": f"USING ({update}) WITH CHECK ({update})",
        "DELETE": "USING (app_platform())",
    }


# A loan that was recovered or written off is late no more.
LINES = """WHERE i.loan_id = l.id AND i.version = l.schedule_version
) lines"""
LINES_OF_LIVE = """WHERE i.loan_id = l.id AND i.version = l.schedule_version
      AND l.status NOT IN ('repaid', 'written_off')
) lines"""
EDITED = ("exposure_of(uuid, date)", "expected_exposures(date)")


def edit(function: str, old: str, new: str) -> None:
    """Put ``new`` for ``old`` in the function's text, where it is there once."""
    definition = op.get_bind().scalar(
        sa.text("SELECT pg_get_functiondef(CAST(:function AS regprocedure))"),
        {"function": function},
    )
    assert definition.count(old) == 1, (function, old)
    op.execute(definition.replace(old, new))


def upgrade() -> None:
    for function in EDITED:
        edit(function, LINES, LINES_OF_LIVE)
    for statement in TABLES:
        op.execute(statement)
    for table in NAMES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for command, clause in policies(table).items():
            op.execute(f"CREATE POLICY tenant_{command.lower()} ON {table} FOR {command} {clause}")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(sees_subject(SUBJECTS | MORE_SUBJECTS))


def downgrade() -> None:
    for function in EDITED:
        edit(function, LINES_OF_LIVE, LINES)
    op.execute(sees_subject(SUBJECTS))
    for table in reversed(NAMES):
        op.execute(f"DROP TABLE {table} CASCADE")
