"""Public services: the list of services"""

from alembic import op

revision = "public_services"
down_revision = "appraisals"

TABLES = (
    """
CREATE TABLE service_versions (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    number INTEGER NOT NULL,
    status VARCHAR(32) NOT NULL,
    offered BOOLEAN NOT NULL,
    category TEXT NOT NULL,
    name TEXT NOT NULL,
    name_en TEXT NOT NULL,
    content TEXT NOT NULL,
    form TEXT NOT NULL,
    process JSONB NOT NULL,
    basis TEXT NOT NULL,
    contact TEXT NOT NULL,
    grams TEXT[] NOT NULL,
    reason TEXT NOT NULL,
    proposed_by UUID NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    refusal TEXT,
    published_at TIMESTAMP WITH TIME ZONE,
    in_force_from DATE,
    in_force_until DATE,
    CONSTRAINT pk_service_versions PRIMARY KEY (id),
    CONSTRAINT uq_service_versions_code_number UNIQUE (code, number),
    CONSTRAINT ck_service_versions_number_positive CHECK (number > 0),
    CONSTRAINT ck_service_versions_published_at CHECK ((published_at IS NOT NULL) = (status IN ('published', 'superseded'))),
    CONSTRAINT fk_service_versions_proposed_by FOREIGN KEY(proposed_by) REFERENCES users (id),
    CONSTRAINT fk_service_versions_decided_by FOREIGN KEY(decided_by) REFERENCES users (id)
)
    """,
    """CREATE INDEX ix_service_versions_grams ON service_versions USING gin (grams)""",
    """CREATE UNIQUE INDEX uq_service_versions_proposed ON service_versions (code) WHERE status = 'proposed'""",
    """CREATE UNIQUE INDEX uq_service_versions_published ON service_versions (code) WHERE status = 'published'""",
)
NAMES = ("service_versions",)
APPEND_ONLY: tuple[str, ...] = ()


def seen(parent: str, column: str, condition: str = "true") -> str:
    """The row's ``parent`` is visible, and meets ``condition``, in which it is called p."""
    return f"EXISTS (SELECT FROM {parent} p WHERE p.id = {column} AND {condition})"


# Who sees a row: besides the authority and the platform.
READ = {
    "service_versions": "published_at IS NOT NULL",
}
INSERT: dict[str, str] = {}
UPDATE: dict[str, str] = {}


def policies(table: str) -> dict[str, str]:
    """The table's policies by command, as CREATE POLICY takes them."""
    update = f"app_staff() OR {UPDATE.get(table, 'false')}"
    return {
        "SELECT": f"USING (app_staff() OR {READ[table]})",
        "INSERT": f"WITH CHECK (app_staff() OR {INSERT.get(table, 'false')})",
        "UPDATE": f"USING ({update}) WITH CHECK ({update})",
        "DELETE": "USING (app_platform())",
    }


def upgrade() -> None:
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


def downgrade() -> None:
    for table in reversed(NAMES):
        op.execute(f"DROP TABLE {table} CASCADE")
