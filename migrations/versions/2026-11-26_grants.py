"""Grants of the policy's measures: budgets, programmes, windows, applications, reviews, notices"""

import sqlalchemy as sa
from alembic import op

revision = "grants"
down_revision = "appraisals"

TABLES = (
    """
CREATE TABLE grant_budgets (
    id UUID NOT NULL,
    measure INTEGER NOT NULL,
    year INTEGER,
    kind VARCHAR(32) NOT NULL,
    amount BIGINT,
    slots INTEGER,
    CONSTRAINT pk_grant_budgets PRIMARY KEY (id),
    CONSTRAINT ck_grant_budgets_one_unit CHECK (num_nonnulls(amount, slots) <= 1)
)
    """,
    """CREATE UNIQUE INDEX uq_grant_budgets_period ON grant_budgets (measure, coalesce(year, 0))""",
    """
CREATE TABLE firm_relations (
    firm_id UUID NOT NULL,
    related_id UUID NOT NULL,
    ground TEXT NOT NULL,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_firm_relations PRIMARY KEY (firm_id, related_id),
    CONSTRAINT ck_firm_relations_ordered CHECK (firm_id < related_id),
    CONSTRAINT fk_firm_relations_firm_id FOREIGN KEY(firm_id) REFERENCES organisations (id),
    CONSTRAINT fk_firm_relations_related_id FOREIGN KEY(related_id) REFERENCES organisations (id),
    CONSTRAINT fk_firm_relations_recorded_by FOREIGN KEY(recorded_by) REFERENCES users (id)
)
    """,
    """CREATE INDEX ix_firm_relations_related_id ON firm_relations (related_id)""",
    """
CREATE TABLE grant_programmes (
    id UUID NOT NULL,
    measure INTEGER NOT NULL,
    year INTEGER NOT NULL,
    title TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    rules_on DATE NOT NULL,
    rules JSONB NOT NULL,
    budget_id UUID NOT NULL,
    status VARCHAR(32) NOT NULL,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_grant_programmes PRIMARY KEY (id),
    CONSTRAINT fk_grant_programmes_budget_id FOREIGN KEY(budget_id) REFERENCES grant_budgets (id),
    CONSTRAINT fk_grant_programmes_created_by FOREIGN KEY(created_by) REFERENCES users (id)
)
    """,
    """CREATE INDEX ix_grant_programmes_measure_year ON grant_programmes (measure, year)""",
    """
CREATE TABLE recognitions (
    id UUID NOT NULL,
    measure INTEGER NOT NULL,
    organisation_id UUID NOT NULL,
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    facts JSONB NOT NULL,
    recognised_on DATE NOT NULL,
    ended_on DATE,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_recognitions PRIMARY KEY (id),
    CONSTRAINT ck_recognitions_days CHECK (ended_on IS NULL OR ended_on >= recognised_on),
    CONSTRAINT fk_recognitions_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id),
    CONSTRAINT fk_recognitions_recorded_by FOREIGN KEY(recorded_by) REFERENCES users (id)
)
    """,
    """CREATE INDEX ix_recognitions_organisation_id ON recognitions (organisation_id)""",
    """CREATE UNIQUE INDEX uq_recognitions_key ON recognitions (measure, organisation_id, key)""",
    """
CREATE TABLE grant_windows (
    id UUID NOT NULL,
    programme_id UUID NOT NULL,
    title TEXT NOT NULL,
    opens_on DATE NOT NULL,
    closes_on DATE NOT NULL,
    status VARCHAR(32) NOT NULL,
    ranked_by UUID,
    ranked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_grant_windows PRIMARY KEY (id),
    CONSTRAINT ck_grant_windows_days CHECK (opens_on <= closes_on),
    CONSTRAINT fk_grant_windows_programme_id FOREIGN KEY(programme_id) REFERENCES grant_programmes (id),
    CONSTRAINT fk_grant_windows_ranked_by FOREIGN KEY(ranked_by) REFERENCES users (id)
)
    """,
    """CREATE INDEX ix_grant_windows_programme_id ON grant_windows (programme_id)""",
    """
CREATE TABLE grant_applications (
    id UUID NOT NULL,
    programme_id UUID NOT NULL,
    window_id UUID NOT NULL,
    measure INTEGER NOT NULL,
    year INTEGER NOT NULL,
    applicant_id UUID NOT NULL,
    applicant_name TEXT NOT NULL,
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    facts JSONB NOT NULL,
    status VARCHAR(32) NOT NULL,
    round INTEGER NOT NULL,
    submitted_at TIMESTAMP WITH TIME ZONE,
    checked_by UUID,
    checked_at TIMESTAMP WITH TIME ZONE,
    return_reason TEXT,
    correct_by DATE,
    score NUMERIC(12, 6),
    place INTEGER,
    award BIGINT,
    slots INTEGER,
    trace JSONB NOT NULL,
    recommended_by UUID,
    recommended_at TIMESTAMP WITH TIME ZONE,
    hold_id UUID,
    notice_from DATE,
    notice_until DATE,
    approved_by UUID,
    approved_at TIMESTAMP WITH TIME ZONE,
    agreement_reference TEXT,
    agreement_terms TEXT,
    agreed_at TIMESTAMP WITH TIME ZONE,
    paid_on DATE,
    payment_reference TEXT,
    paid_by UUID,
    paid_at TIMESTAMP WITH TIME ZONE,
    audit_passed BOOLEAN,
    audit_findings TEXT,
    audited_at TIMESTAMP WITH TIME ZONE,
    clawed_back BIGINT,
    claw_back_reason TEXT,
    claw_back_by UUID,
    recovery_reference TEXT,
    recovered_at TIMESTAMP WITH TIME ZONE,
    rejection TEXT,
    rejected_by UUID,
    appeal TEXT,
    appeal_answer TEXT,
    CONSTRAINT pk_grant_applications PRIMARY KEY (id),
    CONSTRAINT ck_grant_applications_award CHECK (award IS NULL OR award >= 0),
    CONSTRAINT ck_grant_applications_claw_back CHECK (clawed_back IS NULL OR clawed_back BETWEEN 1 AND award),
    CONSTRAINT ck_grant_applications_two_people CHECK (approved_by IS NULL OR approved_by <> checked_by),
    CONSTRAINT ck_grant_applications_two_payers CHECK (paid_by IS NULL OR paid_by <> approved_by),
    CONSTRAINT fk_grant_applications_programme_id FOREIGN KEY(programme_id) REFERENCES grant_programmes (id),
    CONSTRAINT fk_grant_applications_window_id FOREIGN KEY(window_id) REFERENCES grant_windows (id),
    CONSTRAINT fk_grant_applications_applicant_id FOREIGN KEY(applicant_id) REFERENCES organisations (id),
    CONSTRAINT fk_grant_applications_checked_by FOREIGN KEY(checked_by) REFERENCES users (id),
    CONSTRAINT fk_grant_applications_recommended_by FOREIGN KEY(recommended_by) REFERENCES users (id),
    CONSTRAINT fk_grant_applications_approved_by FOREIGN KEY(approved_by) REFERENCES users (id),
    CONSTRAINT fk_grant_applications_paid_by FOREIGN KEY(paid_by) REFERENCES users (id),
    CONSTRAINT fk_grant_applications_claw_back_by FOREIGN KEY(claw_back_by) REFERENCES users (id),
    CONSTRAINT fk_grant_applications_rejected_by FOREIGN KEY(rejected_by) REFERENCES users (id)
)
    """,
    """CREATE INDEX ix_grant_applications_applicant_id_id ON grant_applications (applicant_id, id)""",
    """CREATE INDEX ix_grant_applications_measure_key ON grant_applications (measure, key)""",
    """CREATE INDEX ix_grant_applications_programme_id ON grant_applications (programme_id)""",
    """CREATE INDEX ix_grant_applications_window_id_status ON grant_applications (window_id, status)""",
    """
CREATE TABLE grant_objections (
    id UUID NOT NULL,
    application_id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    text TEXT NOT NULL,
    objected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    upheld BOOLEAN,
    answer TEXT,
    answered_by UUID,
    answered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_grant_objections PRIMARY KEY (id),
    CONSTRAINT fk_grant_objections_application_id FOREIGN KEY(application_id) REFERENCES grant_applications (id),
    CONSTRAINT fk_grant_objections_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id),
    CONSTRAINT fk_grant_objections_answered_by FOREIGN KEY(answered_by) REFERENCES users (id)
)
    """,
    """CREATE INDEX ix_grant_objections_application_id ON grant_objections (application_id)""",
    """
CREATE TABLE grant_papers (
    application_id UUID NOT NULL,
    document_id UUID NOT NULL,
    CONSTRAINT pk_grant_papers PRIMARY KEY (application_id, document_id),
    CONSTRAINT fk_grant_papers_application_id FOREIGN KEY(application_id) REFERENCES grant_applications (id),
    CONSTRAINT fk_grant_papers_document_id FOREIGN KEY(document_id) REFERENCES documents (id)
)
    """,
    """
CREATE TABLE grant_reviews (
    application_id UUID NOT NULL,
    round INTEGER NOT NULL,
    organisation_id UUID NOT NULL,
    assigned_by UUID NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    conflict BOOLEAN,
    statement TEXT,
    declared_by UUID,
    declared_at TIMESTAMP WITH TIME ZONE,
    marks JSONB,
    supports BOOLEAN,
    comment TEXT,
    filed_by UUID,
    filed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_grant_reviews PRIMARY KEY (application_id, round, organisation_id),
    CONSTRAINT ck_grant_reviews_no_conflict CHECK (filed_at IS NULL OR conflict = false),
    CONSTRAINT fk_grant_reviews_application_id FOREIGN KEY(application_id) REFERENCES grant_applications (id),
    CONSTRAINT fk_grant_reviews_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id),
    CONSTRAINT fk_grant_reviews_assigned_by FOREIGN KEY(assigned_by) REFERENCES users (id),
    CONSTRAINT fk_grant_reviews_declared_by FOREIGN KEY(declared_by) REFERENCES users (id),
    CONSTRAINT fk_grant_reviews_filed_by FOREIGN KEY(filed_by) REFERENCES users (id)
)
    """,
    """CREATE INDEX ix_grant_reviews_organisation_id ON grant_reviews (organisation_id)""",
)
NAMES = (
    "grant_budgets",
    "firm_relations",
    "grant_programmes",
    "recognitions",
    "grant_windows",
    "grant_applications",
    "grant_objections",
    "grant_papers",
    "grant_reviews",
)


def seen(parent: str, column: str, condition: str = "true") -> str:
    """The row's ``parent`` is visible, and meets ``condition``, in which it is called p."""
    return f"EXISTS (SELECT FROM {parent} p WHERE p.id = {column} AND {condition})"


OWN = seen("grant_applications", "application_id", "p.applicant_id = app_org()")

# Who sees a row: besides the authority and the platform. A reviewer sees its own sheets only, and
# through them the applications it was asked about.
READ = {
    "grant_budgets": "true",
    "grant_programmes": "true",
    "grant_windows": "true",
    "grant_applications": "applicant_id = app_org() OR EXISTS (SELECT FROM grant_reviews r"
    " WHERE r.application_id = grant_applications.id)",
    "grant_reviews": "organisation_id = app_org()",
    "grant_papers": seen("grant_applications", "application_id"),
    "grant_objections": "organisation_id = app_org()",
    "recognitions": "organisation_id = app_org()",
    "firm_relations": "app_org() IN (firm_id, related_id)",
}
INSERT = {
    "grant_applications": "applicant_id = app_org()",
    "grant_papers": OWN,
    "grant_objections": "organisation_id = app_org()",
}
UPDATE = {
    "grant_applications": "applicant_id = app_org()",
    "grant_reviews": "organisation_id = app_org()",
}
DELETE = {"grant_papers": OWN}

SEES_SUBJECT = "app_sees_subject(text, uuid)"
ELSE = "        ELSE false"
# The history of an application is seen with it; that of programmes and windows is the authority's.
CASE = (
    "        WHEN 'grant application' THEN EXISTS (SELECT FROM grant_applications WHERE id = $2)\n"
)


def policies(table: str) -> dict[str, str]:
    """The table's policies by command, as CREATE POLICY takes them."""
    update = f"app_staff() OR {UPDATE.get(table, 'false')}"
    return {
        "SELECT": f"USING (app_staff() OR {READ[table]})",
        "INSERT": f"WITH CHECK (app_staff() OR {INSERT.get(table, 'false')})",
        "UPDATE": f"USING ({update}) WITH CHECK ({update})",
        "DELETE": f"USING (app_platform() OR {DELETE.get(table, 'false')})",
    }


def edit(function: str, old: str, new: str) -> None:
    """Put ``new`` for ``old`` in the function's text, where it is there once."""
    definition = op.get_bind().scalar(
        sa.text("SELECT pg_get_functiondef(CAST(:function AS regprocedure))"),
        {"function": function},
    )
    assert definition.count(old) == 1, (function, old)
    op.execute(definition.replace(old, new))


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for table in NAMES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for command, clause in policies(table).items():
            op.execute(f"CREATE POLICY tenant_{command.lower()} ON {table} FOR {command} {clause}")
    edit(SEES_SUBJECT, ELSE, CASE + ELSE)


def downgrade() -> None:
    edit(SEES_SUBJECT, CASE, "")
    for table in reversed(NAMES):
        op.execute(f"DROP TABLE {table} CASCADE")
