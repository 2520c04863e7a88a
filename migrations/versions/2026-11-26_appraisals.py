"""External appraisals ordered from accredited appraisers; grade sheets of rights"""

import sqlalchemy as sa
from alembic import op

revision = "appraisals"
down_revision = "valuation_runs"

TABLES = (
    """
CREATE TABLE accreditations (
    id UUID NOT NULL,
    appraiser_id UUID NOT NULL,
    certificate_number TEXT NOT NULL,
    starts_on DATE NOT NULL,
    expires_on DATE NOT NULL,
    granted_by UUID NOT NULL,
    granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revocation TEXT,
    CONSTRAINT pk_accreditations PRIMARY KEY (id),
    CONSTRAINT ck_accreditations_days_ordered CHECK (starts_on <= expires_on),
    CONSTRAINT fk_accreditations_appraiser_id FOREIGN KEY(appraiser_id) REFERENCES organisations (id),
    CONSTRAINT fk_accreditations_granted_by FOREIGN KEY(granted_by) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_accreditations_appraiser_id_expires_on ON accreditations (appraiser_id, expires_on)""",
    """
CREATE TABLE appraisal_orders (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    request_id UUID,
    firm_id UUID NOT NULL,
    orderer_id UUID NOT NULL,
    appraiser_id UUID NOT NULL,
    instructions TEXT NOT NULL,
    price BIGINT NOT NULL,
    due_on DATE NOT NULL,
    status VARCHAR(32) NOT NULL,
    reason TEXT,
    ordered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_appraisal_orders PRIMARY KEY (id),
    CONSTRAINT ck_appraisal_orders_price_positive CHECK (price > 0),
    CONSTRAINT fk_appraisal_orders_portfolio_id FOREIGN KEY(portfolio_id) REFERENCES portfolios (id),
    CONSTRAINT fk_appraisal_orders_request_id FOREIGN KEY(request_id) REFERENCES financing_requests (id),
    CONSTRAINT fk_appraisal_orders_firm_id FOREIGN KEY(firm_id) REFERENCES organisations (id),
    CONSTRAINT fk_appraisal_orders_orderer_id FOREIGN KEY(orderer_id) REFERENCES organisations (id),
    CONSTRAINT fk_appraisal_orders_appraiser_id FOREIGN KEY(appraiser_id) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_appraisal_orders_orderer_id_id ON appraisal_orders (orderer_id, id)""",
    """CREATE INDEX ix_appraisal_orders_appraiser_id_id ON appraisal_orders (appraiser_id, id)""",
    """CREATE INDEX ix_appraisal_orders_firm_id_id ON appraisal_orders (firm_id, id)""",
    """CREATE INDEX ix_appraisal_orders_portfolio_id ON appraisal_orders (portfolio_id)""",
    """CREATE INDEX ix_appraisal_orders_due ON appraisal_orders (due_on) WHERE status IN ('offered', 'agreed')""",
    """
CREATE TABLE appraisal_order_rights (
    order_id UUID NOT NULL,
    right_id UUID NOT NULL,
    kind VARCHAR(32) NOT NULL,
    register VARCHAR(32) NOT NULL,
    number TEXT NOT NULL,
    title TEXT NOT NULL,
    holder_name TEXT NOT NULL,
    expires_on DATE,
    CONSTRAINT pk_appraisal_order_rights PRIMARY KEY (order_id, right_id),
    CONSTRAINT fk_appraisal_order_rights_order_id FOREIGN KEY(order_id) REFERENCES appraisal_orders (id),
    CONSTRAINT fk_appraisal_order_rights_right_id FOREIGN KEY(right_id) REFERENCES rights (id)
)
    """,
    """CREATE INDEX ix_appraisal_order_rights_right_id ON appraisal_order_rights (right_id)""",
    """
CREATE TABLE appraisal_reports (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    version INTEGER NOT NULL,
    report_number TEXT NOT NULL,
    document_id UUID NOT NULL,
    value BIGINT NOT NULL,
    method TEXT NOT NULL,
    valued_on DATE NOT NULL,
    expires_on DATE NOT NULL,
    signers JSONB NOT NULL,
    discount_rate_pct NUMERIC(12, 6),
    royalty_rate_pct NUMERIC(12, 6),
    life_years INTEGER,
    annual_revenue BIGINT,
    assumptions TEXT,
    delivered_by UUID NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_appraisal_reports PRIMARY KEY (id),
    CONSTRAINT ck_appraisal_reports_value_positive CHECK (value > 0),
    CONSTRAINT ck_appraisal_reports_days_ordered CHECK (valued_on <= expires_on),
    CONSTRAINT uq_appraisal_reports_order_id_version UNIQUE (order_id, version),
    CONSTRAINT fk_appraisal_reports_order_id FOREIGN KEY(order_id) REFERENCES appraisal_orders (id),
    CONSTRAINT fk_appraisal_reports_document_id FOREIGN KEY(document_id) REFERENCES documents (id),
    CONSTRAINT fk_appraisal_reports_delivered_by FOREIGN KEY(delivered_by) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_appraisal_reports_document_id ON appraisal_reports (document_id)""",
    """
CREATE TABLE appraisal_answers (
    id UUID NOT NULL,
    report_id UUID NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT,
    document_id UUID,
    answered_by UUID NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_appraisal_answers PRIMARY KEY (id),
    CONSTRAINT ck_appraisal_answers_verdict CHECK (verdict IN ('accepted', 'disputed')),
    CONSTRAINT fk_appraisal_answers_report_id FOREIGN KEY(report_id) REFERENCES appraisal_reports (id),
    CONSTRAINT fk_appraisal_answers_document_id FOREIGN KEY(document_id) REFERENCES documents (id),
    CONSTRAINT fk_appraisal_answers_answered_by FOREIGN KEY(answered_by) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_appraisal_answers_report_id ON appraisal_answers (report_id)""",
    """
CREATE TABLE grade_sheets (
    id UUID NOT NULL,
    right_id UUID NOT NULL,
    firm_id UUID NOT NULL,
    use TEXT NOT NULL,
    table_id TEXT NOT NULL,
    table_sha256 BYTEA NOT NULL,
    graded_on DATE NOT NULL,
    facts JSONB NOT NULL,
    engine TEXT NOT NULL,
    status VARCHAR(32) NOT NULL,
    result JSONB,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_grade_sheets PRIMARY KEY (id),
    CONSTRAINT fk_grade_sheets_right_id FOREIGN KEY(right_id) REFERENCES rights (id),
    CONSTRAINT fk_grade_sheets_firm_id FOREIGN KEY(firm_id) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_grade_sheets_right_id_id ON grade_sheets (right_id, id)""",
    """CREATE UNIQUE INDEX uq_grade_sheets_open ON grade_sheets (right_id, use) WHERE status = 'open'""",
    """
CREATE TABLE grade_answers (
    sheet_id UUID NOT NULL,
    indicator TEXT NOT NULL,
    level INTEGER NOT NULL,
    note TEXT,
    document_id UUID,
    answered_by UUID,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_grade_answers PRIMARY KEY (sheet_id, indicator),
    CONSTRAINT ck_grade_answers_level CHECK (level BETWEEN 1 AND 5),
    CONSTRAINT fk_grade_answers_sheet_id FOREIGN KEY(sheet_id) REFERENCES grade_sheets (id),
    CONSTRAINT fk_grade_answers_document_id FOREIGN KEY(document_id) REFERENCES documents (id),
    CONSTRAINT fk_grade_answers_answered_by FOREIGN KEY(answered_by) REFERENCES users (id)
)
    """,
)
NAMES = (
    "accreditations",
    "appraisal_orders",
    "appraisal_order_rights",
    "appraisal_reports",
    "appraisal_answers",
    "grade_sheets",
    "grade_answers",
)
APPEND_ONLY = ("appraisal_reports", "appraisal_answers")

# A definer, as app_pledged_right is: what it asks has policies that ask back.
LENDS_ON_ORDER = """
CREATE FUNCTION app_lends_on_order(uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$ BEGIN RETURN
    EXISTS (SELECT FROM appraisal_order_rights r WHERE r.order_id = $1)
    AND NOT EXISTS (SELECT FROM appraisal_order_rights r
        WHERE r.order_id = $1 AND NOT app_pledged_right(r.right_id));
END $$"""


def seen(parent: str, column: str, condition: str = "true") -> str:
    """The row's ``parent`` is visible, and meets ``condition``, in which it is called p."""
    return f"EXISTS (SELECT FROM {parent} p WHERE p.id = {column} AND {condition})"


OF_ORDER = seen("appraisal_orders", "order_id")
OWN_SHEET = seen("grade_sheets", "sheet_id", "p.firm_id = app_org() AND p.status = 'open'")

# Who sees a row: besides the authority and the platform. Whom to ask for a report is public. What a
# bank ordered is its own and the firm's, as a quote is; what the firm ordered is also for those it
# told who it is, or who lend on the rights.
READ = {
    "accreditations": "true",
    "appraisal_orders": "app_org() IN (firm_id, orderer_id, appraiser_id) OR"
    " (orderer_id = firm_id AND status IN ('delivered', 'accepted', 'disputed')"
    " AND app_lends_on_order(id))",
    "appraisal_order_rights": OF_ORDER,
    "appraisal_reports": OF_ORDER,
    "appraisal_answers": seen("appraisal_reports", "report_id"),
    "grade_sheets": f"firm_id = app_org() OR (status = 'finished' AND {seen('rights', 'right_id')})",
    "grade_answers": seen("grade_sheets", "sheet_id"),
}
INSERT = {
    "appraisal_orders": "orderer_id = app_org() AND (("
    + seen("portfolios", "portfolio_id", "p.firm_id = appraisal_orders.firm_id")
    + ") OR ("
    + seen(
        "financing_requests",
        "request_id",
        "p.firm_id = appraisal_orders.firm_id AND p.portfolio_id = appraisal_orders.portfolio_id",
    )
    + " AND app_was_told(firm_id)))",
    "appraisal_order_rights": seen("appraisal_orders", "order_id", "p.orderer_id = app_org()")
    + f" AND {seen('rights', 'right_id')}",
    "appraisal_reports": "delivered_by = app_org() AND "
    + seen("appraisal_orders", "order_id", "p.appraiser_id = app_org()"),
    "appraisal_answers": "answered_by = app_org() AND EXISTS (SELECT FROM appraisal_reports r"
    " JOIN appraisal_orders o ON o.id = r.order_id"
    " WHERE r.id = report_id AND o.orderer_id = app_org())",
    "grade_sheets": f"firm_id = app_org() AND {seen('rights', 'right_id', 'p.owner_id = app_org()')}",
    "grade_answers": OWN_SHEET,
}
UPDATE = {
    "appraisal_orders": "app_org() IN (orderer_id, appraiser_id)",
    "grade_sheets": "firm_id = app_org()",
    "grade_answers": OWN_SHEET,
}

# A change of status is seen with what it changed: two subjects more than before.
ELSE = "        ELSE false"
CASES = "".join(
    f"        WHEN '{subject}' THEN EXISTS (SELECT FROM {table} WHERE id = $2)\n"
    for subject, table in {
        "appraisal order": "appraisal_orders",
        "grade sheet": "grade_sheets",
    }.items()
)


def policies(table: str) -> dict[str, str]:
    """The table's policies by command, as CREATE POLICY takes them."""
    update = f"app_staff() OR {UPDATE.get(table, 'false')}"
    return {
        "SELECT": f"USING (app_staff() OR {READ[table]})",
        "INSERT": f"WITH CHECK (app_staff() OR {INSERT.get(table, 'false')})",
        "UPDATE": f"USING ({update}) WITH CHECK ({update})",
        "DELETE": "USING (app_platform())",
    }


def edit(old: str, new: str) -> None:
    """Put ``new`` for ``old`` in the function that tells whose changes of status are seen."""
    definition = op.get_bind().scalar(
        sa.text("SELECT pg_get_functiondef('app_sees_subject(text, uuid)'::regprocedure)")
    )
    assert definition.count(old) == 1, old
    op.execute(definition.replace(old, new))


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    op.execute(LENDS_ON_ORDER)
    for table in NAMES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for command, clause in policies(table).items():
            op.execute(f"CREATE POLICY tenant_{command.lower()} ON {table} FOR {command} {clause}")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    edit(ELSE, CASES + ELSE)


def downgrade() -> None:
    edit(CASES, "")
    for table in reversed(NAMES):
        op.execute(f"DROP TABLE {table} CASCADE")
    op.execute("DROP FUNCTION app_lends_on_order(uuid)")
