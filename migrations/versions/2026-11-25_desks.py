"""Working days and the green channel, the park desk, renewals"""

import sqlalchemy as sa
from alembic import op

revision = "desks"
down_revision = "0006"

TABLES = (
    """
CREATE TABLE calendar_days (
    "on" DATE NOT NULL,
    working BOOLEAN NOT NULL,
    decree TEXT NOT NULL,
    whole_year BOOLEAN NOT NULL,
    set_by UUID NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_calendar_days PRIMARY KEY ("on"),
    CONSTRAINT fk_calendar_days_set_by FOREIGN KEY(set_by) REFERENCES organisations (id)
)
    """,
    """
CREATE TABLE green_entries (
    request_id UUID NOT NULL,
    firm_id UUID NOT NULL,
    park_code TEXT NOT NULL,
    grounds JSONB NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    checked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_green_entries PRIMARY KEY (request_id),
    CONSTRAINT fk_green_entries_request_id FOREIGN KEY(request_id) REFERENCES financing_requests (id),
    CONSTRAINT fk_green_entries_firm_id FOREIGN KEY(firm_id) REFERENCES organisations (id),
    CONSTRAINT fk_green_entries_park_code FOREIGN KEY(park_code) REFERENCES parks (code)
)
    """,
    """CREATE INDEX ix_green_entries_checked_at ON green_entries (checked_at) WHERE settled_at IS NULL""",
    """CREATE INDEX ix_green_entries_park_code ON green_entries (park_code)""",
    """
CREATE TABLE clock_judgements (
    step VARCHAR(32) NOT NULL,
    subject_id UUID NOT NULL,
    request_id UUID NOT NULL,
    deal_id UUID,
    firm_id UUID NOT NULL,
    park_code TEXT NOT NULL,
    role VARCHAR(32) NOT NULL,
    party_id UUID,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_on DATE NOT NULL,
    late_at TIMESTAMP WITH TIME ZONE,
    stopped_at TIMESTAMP WITH TIME ZONE,
    outcome VARCHAR(32) NOT NULL,
    working_days INTEGER NOT NULL,
    provisional BOOLEAN NOT NULL,
    CONSTRAINT pk_clock_judgements PRIMARY KEY (step, subject_id),
    CONSTRAINT ck_clock_judgements_working_days CHECK (working_days >= 0),
    CONSTRAINT fk_clock_judgements_request_id FOREIGN KEY(request_id) REFERENCES green_entries (request_id),
    CONSTRAINT fk_clock_judgements_deal_id FOREIGN KEY(deal_id) REFERENCES deals (id),
    CONSTRAINT fk_clock_judgements_firm_id FOREIGN KEY(firm_id) REFERENCES organisations (id),
    CONSTRAINT fk_clock_judgements_park_code FOREIGN KEY(park_code) REFERENCES parks (code),
    CONSTRAINT fk_clock_judgements_party_id FOREIGN KEY(party_id) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_clock_judgements_park_code_step ON clock_judgements (park_code, step)""",
    """CREATE INDEX ix_clock_judgements_request_id ON clock_judgements (request_id)""",
    """
CREATE TABLE park_visits (
    id UUID NOT NULL,
    park_code TEXT NOT NULL,
    visited_on DATE NOT NULL,
    visitors TEXT NOT NULL,
    notes TEXT NOT NULL,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_park_visits PRIMARY KEY (id),
    CONSTRAINT fk_park_visits_park_code FOREIGN KEY(park_code) REFERENCES parks (code),
    CONSTRAINT fk_park_visits_recorded_by FOREIGN KEY(recorded_by) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_park_visits_park_code_visited_on ON park_visits (park_code, visited_on)""",
    """
CREATE TABLE park_visit_firms (
    visit_id UUID NOT NULL,
    firm_id UUID NOT NULL,
    CONSTRAINT pk_park_visit_firms PRIMARY KEY (visit_id, firm_id),
    CONSTRAINT fk_park_visit_firms_visit_id FOREIGN KEY(visit_id) REFERENCES park_visits (id),
    CONSTRAINT fk_park_visit_firms_firm_id FOREIGN KEY(firm_id) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_park_visit_firms_firm_id ON park_visit_firms (firm_id)""",
    """
CREATE TABLE recommendations (
    id UUID NOT NULL,
    park_code TEXT NOT NULL,
    firm_id UUID NOT NULL,
    reason TEXT NOT NULL,
    status VARCHAR(32) NOT NULL,
    by_name BOOLEAN NOT NULL,
    recommended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_recommendations PRIMARY KEY (id),
    CONSTRAINT fk_recommendations_park_code FOREIGN KEY(park_code) REFERENCES parks (code),
    CONSTRAINT fk_recommendations_firm_id FOREIGN KEY(firm_id) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_recommendations_park_code ON recommendations (park_code)""",
    """CREATE UNIQUE INDEX uq_recommendations_live ON recommendations (firm_id, park_code) WHERE status IN ('proposed', 'consented')""",
    """
CREATE TABLE matchmaking_events (
    id UUID NOT NULL,
    park_code TEXT NOT NULL,
    title TEXT NOT NULL,
    held_on DATE NOT NULL,
    place TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    status VARCHAR(32) NOT NULL,
    announced_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_matchmaking_events PRIMARY KEY (id),
    CONSTRAINT ck_matchmaking_events_capacity_positive CHECK (capacity > 0),
    CONSTRAINT fk_matchmaking_events_park_code FOREIGN KEY(park_code) REFERENCES parks (code)
)
    """,
    """CREATE INDEX ix_matchmaking_events_held_on ON matchmaking_events (held_on)""",
    """
CREATE TABLE event_registrations (
    event_id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    people INTEGER NOT NULL,
    registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    attended BOOLEAN,
    CONSTRAINT pk_event_registrations PRIMARY KEY (event_id, organisation_id),
    CONSTRAINT ck_event_registrations_people_positive CHECK (people > 0),
    CONSTRAINT fk_event_registrations_event_id FOREIGN KEY(event_id) REFERENCES matchmaking_events (id),
    CONSTRAINT fk_event_registrations_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id)
)
    """,
)

NAMES = (
    "calendar_days",
    "green_entries",
    "clock_judgements",
    "park_visits",
    "park_visit_firms",
    "recommendations",
    "matchmaking_events",
    "event_registrations",
)

FUNCTIONS = {
    "app_park()": "RETURNS text LANGUAGE sql STABLE AS $$ SELECT park_code FROM organisations"
    " WHERE id = app_org() AND kind = 'park' $$",
    # Runs as the owner: a lender may know that a firm is recommended, not by which row.
    "app_recommended(p_firm uuid)": "RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS"
    " $$ SELECT EXISTS (SELECT FROM recommendations r"
    " WHERE r.firm_id = p_firm AND r.status = 'consented') $$",
}

POLICIES = {
    "green_entries": "firm_id = app_org() OR app_staff() OR app_in_request(request_id)",
    "clock_judgements": "firm_id = app_org() OR app_staff() OR app_in_request(request_id)",
    "park_visits": "park_code = app_park() OR app_staff()",
    "recommendations": "firm_id = app_org() OR park_code = app_park() OR app_staff()",
    "event_registrations": "organisation_id = app_org() OR app_staff()"
    " OR EXISTS (SELECT FROM matchmaking_events e"
    " WHERE e.id = event_id AND e.park_code = app_park())",
}


def upgrade() -> None:
    for table in ("financing_requests", "deals"):
        op.add_column(table, sa.Column("renews_deal_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_{table}_renews_deal_id"), table, "deals", ["renews_deal_id"], ["id"]
        )
    op.create_index(
        "uq_financing_requests_renewal",
        "financing_requests",
        ["renews_deal_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('draft', 'open', 'matched')"),
    )
    op.create_index(
        "uq_deals_renewal",
        "deals",
        ["renews_deal_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'failed'"),
    )
    op.add_column("registrations", sa.Column("renews_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_registrations_renews_id"), "registrations", "registrations", ["renews_id"], ["id"]
    )
    op.drop_constraint("uq_registrations_register_number", "registrations", type_="unique")
    op.create_index(
        "uq_registrations_register_number",
        "registrations",
        ["register", "number"],
        unique=True,
        postgresql_where=sa.text("renews_id IS NULL"),
    )
    for statement in TABLES:
        op.execute(statement)
    for signature, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} {body}")
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({condition})")


def downgrade() -> None:
    for table in POLICIES:
        op.execute(f"DROP POLICY tenant ON {table}")
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature.replace('p_firm ', '')}")
    for table in reversed(NAMES):
        op.drop_table(table)
    op.drop_index("uq_registrations_register_number", "registrations")
    op.create_unique_constraint(
        op.f("uq_registrations_register_number"), "registrations", ["register", "number"]
    )
    op.drop_constraint(op.f("fk_registrations_renews_id"), "registrations", type_="foreignkey")
    op.drop_column("registrations", "renews_id")
    for table, index in (
        ("deals", "uq_deals_renewal"),
        ("financing_requests", "uq_financing_requests_renewal"),
    ):
        op.drop_index(index, table)
        op.drop_constraint(op.f(f"fk_{table}_renews_deal_id"), table, type_="foreignkey")
        op.drop_column(table, "renews_deal_id")
