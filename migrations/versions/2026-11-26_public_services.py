"""Public services: their list, the market of patents, cases of every kind, openings"""

from alembic import op

revision = "public_services"
down_revision = "grants"

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
    """
CREATE TABLE market_listings (
    id UUID NOT NULL,
    owner_id UUID NOT NULL,
    side VARCHAR(32) NOT NULL,
    form VARCHAR(32) NOT NULL,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    ipc TEXT[] NOT NULL,
    subclasses TEXT[] NOT NULL,
    patent_number TEXT,
    right_id UUID,
    holder_name TEXT,
    price BIGINT,
    terms TEXT NOT NULL,
    disposal_id UUID,
    valid_until DATE NOT NULL,
    status VARCHAR(32) NOT NULL,
    grams TEXT[] NOT NULL,
    listed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_market_listings PRIMARY KEY (id),
    CONSTRAINT ck_market_listings_offer_patent CHECK (side <> 'offer' OR patent_number IS NOT NULL),
    CONSTRAINT ck_market_listings_open_licence_terms CHECK (form <> 'open_licence' OR side <> 'offer' OR (price IS NOT NULL AND terms <> '')),
    CONSTRAINT ck_market_listings_price_not_negative CHECK (price >= 0),
    CONSTRAINT fk_market_listings_owner_id FOREIGN KEY(owner_id) REFERENCES organisations (id),
    CONSTRAINT fk_market_listings_right_id FOREIGN KEY(right_id) REFERENCES rights (id),
    CONSTRAINT fk_market_listings_disposal_id FOREIGN KEY(disposal_id) REFERENCES disposals (id)
)
    """,
    """CREATE INDEX ix_market_listings_grams ON market_listings USING gin (grams)""",
    """CREATE INDEX ix_market_listings_owner_id_id ON market_listings (owner_id, id)""",
    """CREATE INDEX ix_market_listings_subclasses ON market_listings USING gin (subclasses)""",
    """CREATE UNIQUE INDEX uq_market_listings_offer ON market_listings (patent_number, form) WHERE side = 'offer' AND status = 'open'""",
    """
CREATE TABLE market_enquiries (
    id UUID NOT NULL,
    listing_id UUID NOT NULL,
    asker_id UUID NOT NULL,
    owner_id UUID NOT NULL,
    status VARCHAR(32) NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_market_enquiries PRIMARY KEY (id),
    CONSTRAINT ck_market_enquiries_two_sides CHECK (asker_id <> owner_id),
    CONSTRAINT fk_market_enquiries_listing_id FOREIGN KEY(listing_id) REFERENCES market_listings (id),
    CONSTRAINT fk_market_enquiries_asker_id FOREIGN KEY(asker_id) REFERENCES organisations (id),
    CONSTRAINT fk_market_enquiries_owner_id FOREIGN KEY(owner_id) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_market_enquiries_asker_id_id ON market_enquiries (asker_id, id)""",
    """CREATE INDEX ix_market_enquiries_owner_id_id ON market_enquiries (owner_id, id)""",
    """CREATE UNIQUE INDEX uq_market_enquiries_live ON market_enquiries (listing_id, asker_id) WHERE status IN ('asked', 'accepted')""",
    """
CREATE TABLE market_messages (
    enquiry_id UUID NOT NULL,
    number INTEGER NOT NULL,
    sender_id UUID NOT NULL,
    body TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_market_messages PRIMARY KEY (enquiry_id, number),
    CONSTRAINT fk_market_messages_enquiry_id FOREIGN KEY(enquiry_id) REFERENCES market_enquiries (id),
    CONSTRAINT fk_market_messages_sender_id FOREIGN KEY(sender_id) REFERENCES organisations (id)
)
    """,
    """
CREATE TABLE transfer_contracts (
    id UUID NOT NULL,
    enquiry_id UUID NOT NULL,
    supplier_id UUID NOT NULL,
    buyer_id UUID NOT NULL,
    form VARCHAR(32) NOT NULL,
    patent_number TEXT NOT NULL,
    right_id UUID,
    disposal_id UUID,
    amount BIGINT NOT NULL,
    exclusive BOOLEAN NOT NULL,
    signed_on DATE NOT NULL,
    ends_on DATE,
    document_id UUID,
    record_number TEXT,
    status VARCHAR(32) NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    note TEXT,
    paid BIGINT NOT NULL,
    benefit TEXT,
    benefit_document_id UUID,
    CONSTRAINT pk_transfer_contracts PRIMARY KEY (id),
    CONSTRAINT ck_transfer_contracts_amount_positive CHECK (amount > 0),
    CONSTRAINT ck_transfer_contracts_paid CHECK (paid BETWEEN 0 AND amount),
    CONSTRAINT ck_transfer_contracts_two_sides CHECK (supplier_id <> buyer_id),
    CONSTRAINT ck_transfer_contracts_dates_ordered CHECK (ends_on IS NULL OR ends_on >= signed_on),
    CONSTRAINT fk_transfer_contracts_enquiry_id FOREIGN KEY(enquiry_id) REFERENCES market_enquiries (id),
    CONSTRAINT fk_transfer_contracts_supplier_id FOREIGN KEY(supplier_id) REFERENCES organisations (id),
    CONSTRAINT fk_transfer_contracts_buyer_id FOREIGN KEY(buyer_id) REFERENCES organisations (id),
    CONSTRAINT fk_transfer_contracts_right_id FOREIGN KEY(right_id) REFERENCES rights (id),
    CONSTRAINT fk_transfer_contracts_disposal_id FOREIGN KEY(disposal_id) REFERENCES disposals (id),
    CONSTRAINT fk_transfer_contracts_document_id FOREIGN KEY(document_id) REFERENCES documents (id),
    CONSTRAINT fk_transfer_contracts_benefit_document_id FOREIGN KEY(benefit_document_id) REFERENCES documents (id)
)
    """,
    """CREATE INDEX ix_transfer_contracts_buyer_id_id ON transfer_contracts (buyer_id, id)""",
    """CREATE INDEX ix_transfer_contracts_supplier_id_id ON transfer_contracts (supplier_id, id)""",
    """CREATE UNIQUE INDEX uq_transfer_contracts_consent ON transfer_contracts (disposal_id) WHERE status IN ('proposed', 'confirmed') AND form <> 'open_licence'""",
    """CREATE UNIQUE INDEX uq_transfer_contracts_live ON transfer_contracts (enquiry_id) WHERE status IN ('proposed', 'confirmed')""",
    """
CREATE TABLE cases (
    id UUID NOT NULL,
    serial BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    kind_from DATE NOT NULL,
    title TEXT NOT NULL,
    applicant_id UUID NOT NULL,
    handler_id UUID,
    respondent_id UUID,
    parent_id UUID,
    state TEXT NOT NULL,
    fields JSONB NOT NULL,
    entries INTEGER NOT NULL,
    head BYTEA NOT NULL,
    due_on DATE,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_cases PRIMARY KEY (id),
    CONSTRAINT uq_cases_serial UNIQUE (serial),
    CONSTRAINT fk_cases_applicant_id FOREIGN KEY(applicant_id) REFERENCES organisations (id),
    CONSTRAINT fk_cases_handler_id FOREIGN KEY(handler_id) REFERENCES organisations (id),
    CONSTRAINT fk_cases_respondent_id FOREIGN KEY(respondent_id) REFERENCES organisations (id),
    CONSTRAINT fk_cases_parent_id FOREIGN KEY(parent_id) REFERENCES cases (id)
)
    """,
    """CREATE INDEX ix_cases_applicant_id_id ON cases (applicant_id, id)""",
    """CREATE INDEX ix_cases_due_on ON cases (due_on) WHERE due_on IS NOT NULL""",
    """CREATE INDEX ix_cases_handler_id_id ON cases (handler_id, id)""",
    """CREATE INDEX ix_cases_kind_id ON cases (kind, id)""",
    """CREATE INDEX ix_cases_parent_id_id ON cases (parent_id, id)""",
    """CREATE INDEX ix_cases_respondent_id_id ON cases (respondent_id, id)""",
    """
CREATE TABLE case_entries (
    case_id UUID NOT NULL,
    number INTEGER NOT NULL,
    move TEXT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    organisation_id UUID NOT NULL,
    user_id UUID,
    note TEXT NOT NULL,
    fields JSONB NOT NULL,
    document_id UUID,
    document_sha256 TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    previous BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    CONSTRAINT pk_case_entries PRIMARY KEY (case_id, number),
    CONSTRAINT fk_case_entries_case_id FOREIGN KEY(case_id) REFERENCES cases (id),
    CONSTRAINT fk_case_entries_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id),
    CONSTRAINT fk_case_entries_user_id FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT fk_case_entries_document_id FOREIGN KEY(document_id) REFERENCES documents (id)
)
    """,
    """
CREATE TABLE case_clocks (
    case_id UUID NOT NULL,
    clock TEXT NOT NULL,
    run INTEGER NOT NULL,
    started_on DATE NOT NULL,
    due_on DATE,
    paused_on DATE,
    stopped_on DATE,
    working_days INTEGER,
    late BOOLEAN,
    CONSTRAINT pk_case_clocks PRIMARY KEY (case_id, clock, run),
    CONSTRAINT ck_case_clocks_judged CHECK ((stopped_on IS NULL) = (late IS NULL)),
    CONSTRAINT fk_case_clocks_case_id FOREIGN KEY(case_id) REFERENCES cases (id)
)
    """,
    """CREATE INDEX ix_case_clocks_clock ON case_clocks (clock, started_on)""",
    """
CREATE TABLE case_publications (
    case_id UUID NOT NULL,
    parent_id UUID,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    fields JSONB NOT NULL,
    grams TEXT[] NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_case_publications PRIMARY KEY (case_id),
    CONSTRAINT fk_case_publications_case_id FOREIGN KEY(case_id) REFERENCES cases (id)
)
    """,
    """CREATE INDEX ix_case_publications_grams ON case_publications USING gin (grams)""",
    """CREATE INDEX ix_case_publications_kind_case_id ON case_publications (kind, case_id)""",
    """
CREATE TABLE openings (
    id UUID NOT NULL,
    kind VARCHAR(32) NOT NULL,
    window_code TEXT,
    organiser_id UUID NOT NULL,
    title TEXT NOT NULL,
    place TEXT NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    capacity INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    status VARCHAR(32) NOT NULL,
    announced_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_openings PRIMARY KEY (id),
    CONSTRAINT ck_openings_taken CHECK (taken BETWEEN 0 AND capacity),
    CONSTRAINT ck_openings_capacity_positive CHECK (capacity > 0),
    CONSTRAINT ck_openings_times_ordered CHECK (ends_at > starts_at),
    CONSTRAINT ck_openings_window CHECK ((kind = 'appointment') = (window_code IS NOT NULL)),
    CONSTRAINT fk_openings_organiser_id FOREIGN KEY(organiser_id) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_openings_starts_at ON openings (starts_at)""",
    """CREATE UNIQUE INDEX uq_openings_window ON openings (window_code, starts_at) WHERE status <> 'cancelled'""",
    """
CREATE TABLE bookings (
    id UUID NOT NULL,
    opening_id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    people INTEGER NOT NULL,
    matter TEXT,
    booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    attended BOOLEAN,
    CONSTRAINT pk_bookings PRIMARY KEY (id),
    CONSTRAINT ck_bookings_people_positive CHECK (people > 0),
    CONSTRAINT fk_bookings_opening_id FOREIGN KEY(opening_id) REFERENCES openings (id),
    CONSTRAINT fk_bookings_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id)
)
    """,
    """CREATE INDEX ix_bookings_organisation_id_id ON bookings (organisation_id, id)""",
    """CREATE UNIQUE INDEX uq_bookings_live ON bookings (opening_id, organisation_id) WHERE cancelled_at IS NULL""",
)
NAMES = (
    "service_versions",
    "market_listings",
    "market_enquiries",
    "market_messages",
    "transfer_contracts",
    "cases",
    "case_entries",
    "case_clocks",
    "case_publications",
    "openings",
    "bookings",
)
APPEND_ONLY: tuple[str, ...] = ("market_messages", "case_entries")


def seen(parent: str, column: str, condition: str = "true") -> str:
    """The row's ``parent`` is visible, and meets ``condition``, in which it is called p."""
    return f"EXISTS (SELECT FROM {parent} p WHERE p.id = {column} AND {condition})"


ENQUIRED = "EXISTS (SELECT FROM market_enquiries e WHERE e.listing_id = market_listings.id)"
PARTY = "app_org() IN (applicant_id, handler_id, respondent_id)"

# Who sees a row: besides the authority and the platform.
READ = {
    "openings": "true",
    "bookings": "organisation_id = app_org() OR "
    + seen("openings", "opening_id", "p.organiser_id = app_org()"),
    "service_versions": "published_at IS NOT NULL",
    "market_listings": f"status = 'open' OR owner_id = app_org() OR {ENQUIRED}",
    "market_enquiries": "app_org() IN (asker_id, owner_id)",
    "market_messages": seen("market_enquiries", "enquiry_id"),
    "transfer_contracts": "app_org() IN (supplier_id, buyer_id)",
    "cases": PARTY,
    "case_entries": seen("cases", "case_id"),
    "case_clocks": seen("cases", "case_id"),
    "case_publications": "withdrawn_at IS NULL OR " + seen("cases", "case_id"),
}
INSERT = {
    "openings": "organiser_id = app_org()",
    "bookings": "organisation_id = app_org()",
    "market_listings": "owner_id = app_org()",
    "market_enquiries": "asker_id = app_org()",
    "market_messages": "sender_id = app_org() AND " + seen("market_enquiries", "enquiry_id"),
    "transfer_contracts": "supplier_id = app_org()",
    "cases": "applicant_id = app_org()",
    "case_entries": "organisation_id = app_org() AND " + seen("cases", "case_id"),
    "case_clocks": seen("cases", "case_id"),
    "case_publications": seen("cases", "case_id"),
}
UPDATE = {
    "openings": "organiser_id = app_org()",
    "bookings": "organisation_id = app_org() OR "
    + seen("openings", "opening_id", "p.organiser_id = app_org()"),
    "market_listings": "owner_id = app_org()",
    "market_enquiries": "app_org() IN (asker_id, owner_id)",
    "transfer_contracts": "app_org() IN (supplier_id, buyer_id)",
    "cases": PARTY,
    "case_clocks": seen("cases", "case_id"),
    "case_publications": seen("cases", "case_id"),
}


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
