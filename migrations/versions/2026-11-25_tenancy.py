"""Row-level security on every table with tenants, reads and writes apart

Reads are by visibility: the same organisations as the services' visible_…(actor) statements. A
child is seen with its parent, so its policy asks the parent's table, which answers under its own
policy. Writes are by who writes in the services; what touches other parties' rows is done there
as the platform, which alone may delete, but for two tables. Reading under a lock (FOR UPDATE,
FOR SHARE) takes the USING of UPDATE; where a reader locks what it must not change, WITH CHECK
looks at the stored row, for a condition on the new one could be met by changing it.

Open to read: parks, rule_versions and calendar_days (reference data, written by the platform and
the authority), matchmaking_events (announcements), organisations other than firms (whom to ask for
a loan), cooperations in force (which quotes go together), queue_entries that wait (the order of
arrival decides who gets room; ids and amounts, no names). Without policies: ledger_accounts,
ledger_transfers, ledger_entries, ledger_seals, ledger_roots. Every party moves the same few accounts through the
ledger's functions, under its locks; their rows name no party but the guarantor, whose room is
shown to firms. Triggers and CHECKs guard them instead.

Inserts without a condition: outbox_events (whoever acts tells others of it). Children of a new
deal are written in one statement with it (services/acceptance_rows), whose policies do not see
the deal yet: app_begins_deal admits a deal that is not there, and the foreign key then proves that
this statement made it, which the policy of deals allows to its firm only.
"""

from alembic import op

revision = "tenancy"
down_revision = "exposure"

# Definers, since what they ask has a policy that asks back. PL/pgSQL keeps their plans.
DEFINER = (
    "RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER"
    " SET search_path = pg_catalog, public, pg_temp AS $$ BEGIN RETURN {}; END $$"
)
ASKS = {
    "app_begins_deal": "NOT EXISTS (SELECT FROM deals d WHERE d.id = $1 AND"
    " (app_org() IN (d.firm_id, d.bank_id, d.guarantor_id, d.insurer_id)) IS NOT TRUE)",
    "app_pledged_right": "EXISTS (SELECT FROM deal_rights p JOIN deals d ON d.id = p.deal_id"
    " WHERE p.right_id = $1 AND app_org() IN (d.bank_id, d.guarantor_id, d.insurer_id))"
    " OR EXISTS (SELECT FROM request_rights q"
    " JOIN identity_consents c ON c.request_id = q.request_id"
    " WHERE q.right_id = $1 AND c.institution_id = app_org())",
    "app_was_told": "EXISTS (SELECT FROM financing_requests r"
    " JOIN identity_consents c ON c.request_id = r.id"
    " WHERE r.firm_id = $1 AND c.institution_id = app_org())",
    "app_deals_with_firm": "EXISTS (SELECT FROM deals d WHERE d.firm_id = $1"
    " AND app_org() IN (d.bank_id, d.guarantor_id, d.insurer_id))",
    "app_hosts_firm": "EXISTS (SELECT FROM park_memberships m"
    " WHERE m.firm_id = $1 AND m.park_code = app_park())",
    "app_owns_request": "EXISTS (SELECT FROM financing_requests r"
    " WHERE r.id = $1 AND r.firm_id = app_org())",
    "app_banks_deal": "EXISTS (SELECT FROM deals d WHERE d.id = $1 AND d.bank_id = app_org())",
    "app_asked_to_extend": "EXISTS (SELECT FROM extension_consents c"
    " WHERE c.extension_id = $1 AND c.organisation_id = app_org())",
}
FUNCTIONS = {
    "app_platform()": "RETURNS boolean LANGUAGE sql STABLE AS"
    " $$ SELECT coalesce(current_setting('app.kind', true) = 'system', false) $$",
    **{f"{name}(uuid)": DEFINER.format(condition) for name, condition in ASKS.items()},
}

# Under the caller's own policies: a change of status is seen with what it changed.
FUNCTIONS["app_sees_subject(text, uuid)"] = """
RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN CASE $1
        WHEN 'deal' THEN EXISTS (SELECT FROM deals WHERE id = $2)
        WHEN 'hold' THEN EXISTS (SELECT FROM deals WHERE id = $2)
        WHEN 'milestone' THEN EXISTS (SELECT FROM deals WHERE id = $2)
        WHEN 'condition' THEN EXISTS (SELECT FROM conditions WHERE id = $2)
        WHEN 'confirmation' THEN EXISTS (SELECT FROM contracts WHERE id = $2)
        WHEN 'repayment' THEN EXISTS (SELECT FROM repayments WHERE id = $2)
        WHEN 'place in the queue' THEN EXISTS (SELECT FROM queue_entries WHERE id = $2)
        WHEN 'approval' THEN EXISTS (SELECT FROM approvals WHERE id = $2)
        WHEN 'contract' THEN EXISTS (SELECT FROM contracts WHERE id = $2)
        WHEN 'pledge registration' THEN EXISTS (SELECT FROM registrations WHERE id = $2)
        WHEN 'drawdown' THEN EXISTS (SELECT FROM drawdowns WHERE id = $2)
        WHEN 'loan' THEN EXISTS (SELECT FROM loans WHERE id = $2)
        WHEN 'extension' THEN EXISTS (SELECT FROM extensions WHERE id = $2)
        ELSE false
    END;
END $$"""


def seen(parent: str, column: str, condition: str = "true") -> str:
    """The row's ``parent`` is visible, and meets ``condition``, in which it is called p."""
    return f"EXISTS (SELECT FROM {parent} p WHERE p.id = {column} AND {condition})"


OWN = "{} = app_org()".format
PARTY = "app_org() IN (firm_id, bank_id, guarantor_id, insurer_id)"
OWN_RIGHT = seen("rights", "right_id", "p.owner_id = app_org()")
OWN_PORTFOLIO = seen("portfolios", "portfolio_id")
OF_DEAL = seen("deals", "deal_id")
OF_LOAN = seen("loans", "loan_id")
BANK_OF_DEAL = seen("deals", "deal_id", "p.bank_id = app_org()")
BANK_OF_LOAN = seen("loans", "loan_id", "p.bank_id = app_org()")
PLEDGEE_OF_DEAL = seen("deals", "deal_id", "app_org() IN (p.bank_id, p.guarantor_id)")
EXTENSION = f"{OF_LOAN} OR app_asked_to_extend(id)"
OWN_APPROVAL = seen("approvals", "approval_id", "p.institution_id = app_org()")
MEMBERSHIP = "firm_id = app_org() OR park_code = app_park()"
ALERT = "subject IN (app_park(), app_org()::text)"
NOBODY = "'00000000-0000-0000-0000-000000000000'"
OF_PARK = "park_code = app_park()"
PARK_OF_EVENT = seen("matchmaking_events", "event_id", "p.park_code = app_park()")
REQUEST = "firm_id = app_org() OR (status = 'open' AND app_lender()) OR app_in_request(id)"

# Who sees a row: besides the authority and the platform, but for the tables of PRIVATE.
READ = {
    "parks": "true",
    "rule_versions": "true",
    "organisations": "kind <> 'enterprise' OR id = app_org() OR app_was_told(id)"
    " OR app_deals_with_firm(id) OR app_hosts_firm(id)",
    "firm_profiles": "firm_id = app_org() OR app_was_told(firm_id)",
    "park_memberships": MEMBERSHIP,
    "cooperations": "app_org() IN (bank_id, partner_id)"
    " OR (confirmed_at IS NOT NULL AND ended_on IS NULL)",
    "users": OWN("organisation_id"),
    "invitations": OWN("organisation_id"),
    "password_resets": seen("users", "user_id"),
    "api_clients": OWN("organisation_id"),
    "access_tokens": OWN("organisation_id"),
    "documents": "owner_id = app_org() OR app_reads_document(id)",
    "document_readers": "organisation_id = app_org()"
    " OR " + seen("documents", "document_id", "p.owner_id = app_org()"),
    "imports": OWN("owner_id"),
    "import_rows": seen("imports", "import_id"),
    "rights": "owner_id = app_org() OR app_pledged_right(id)",
    "co_owners": seen("rights", "right_id"),
    "licences": seen("rights", "right_id"),
    "encumbrances": seen("rights", "right_id"),
    "legal_events": seen("rights", "right_id"),
    "precheck_consents": seen("rights", "right_id"),
    "portfolios": OWN("firm_id"),
    "portfolio_rights": OWN_PORTFOLIO,
    "valuations": OWN_PORTFOLIO,
    "valuation_items": seen("valuations", "valuation_id"),
    "stated_values": f"agreed_with = app_org() OR {OWN_PORTFOLIO}",
    "financing_requests": REQUEST,
    "request_rights": seen("financing_requests", "request_id", "p.firm_id = app_org()")
    + " OR EXISTS (SELECT FROM identity_consents c WHERE c.request_id = request_rights.request_id"
    " AND c.institution_id = app_org())",
    "identity_consents": "institution_id = app_org() OR "
    + seen("financing_requests", "request_id", "p.firm_id = app_org()"),
    "quotes": "institution_id = app_org() OR firm_id = app_org()",
    "quote_revisions": seen("quotes", "quote_id"),
    "deals": PARTY,
    "deal_rights": f"{OF_DEAL} OR {OWN_RIGHT}",
    "queue_entries": f"status = 'waiting' OR {OF_DEAL}",
    "approvals": OF_DEAL,
    "conditions": seen("approvals", "approval_id"),
    "contracts": OF_DEAL,
    "contract_confirmations": seen("contracts", "contract_id"),
    "registrations": OF_DEAL,
    "milestones": OF_DEAL,
    "drawdowns": OF_DEAL,
    "loans": f"app_org() IN (firm_id, bank_id) OR {OF_DEAL}",
    "instalments": OF_LOAN,
    "repayments": OF_LOAN,
    "extensions": EXTENSION,
    "extension_consents": f"organisation_id = app_org() OR {seen('extensions', 'extension_id')}",
    "status_changes": f"(organisation_id = app_org() AND app_org() <> {NOBODY})"
    " OR app_sees_subject(subject, subject_id)",
    "outbox_events": OWN("organisation_id"),
    "idempotency_keys": OWN("organisation_id"),
    "calendar_days": "true",
    "green_entries": "firm_id = app_org() OR app_in_request(request_id)",
    "clock_judgements": "firm_id = app_org() OR app_in_request(request_id)",
    "park_visits": OF_PARK,
    "park_visit_firms": seen("park_visits", "visit_id"),
    "recommendations": "firm_id = app_org() OR park_code = app_park()",
    "matchmaking_events": "true",
    "event_registrations": f"organisation_id = app_org() OR {PARK_OF_EVENT}",
    "programme_changes": OWN("guarantor_id"),
    "guarantor_terms": OWN("guarantor_id"),
    "loan_exposures": f"app_org() IN (bank_id, firm_id, guarantor_id) OR {OF_PARK}",
    "park_exposures": OF_PARK,
    "park_figures": OF_PARK,
    "deal_steps": OF_PARK,
    "park_consents": OWN("firm_id"),
    "alerts": ALERT,
}
# Not the authority's either.
PRIVATE = {"portfolios", "invitations", "api_clients", "idempotency_keys"}
# Who adds a row; the platform adds to every table, the authority to those not private.
INSERT = {
    "firm_profiles": OWN("firm_id"),
    "park_memberships": "firm_id = app_org() AND status = 'claimed'",
    "cooperations": "app_org() IN (bank_id, partner_id) AND proposed_by = app_org()"
    " AND confirmed_at IS NULL",
    "invitations": OWN("organisation_id"),
    "password_resets": seen("users", "user_id"),
    "api_clients": OWN("organisation_id"),
    "documents": OWN("owner_id"),
    "document_readers": seen("documents", "document_id", "p.owner_id = app_org()"),
    "imports": OWN("owner_id"),
    "import_rows": seen("imports", "import_id"),
    "rights": OWN("owner_id"),
    "co_owners": OWN_RIGHT,
    "licences": OWN_RIGHT,
    "encumbrances": OWN_RIGHT,
    "legal_events": OWN_RIGHT,
    "precheck_consents": OWN_RIGHT,
    "portfolios": OWN("firm_id"),
    "portfolio_rights": f"{OWN_PORTFOLIO} AND {OWN_RIGHT}",
    "valuations": OWN_PORTFOLIO,
    "valuation_items": seen("valuations", "valuation_id"),
    "stated_values": f"{OWN_PORTFOLIO} AND agreed_at IS NULL",
    "financing_requests": OWN("firm_id"),
    "request_rights": seen("financing_requests", "request_id", "p.firm_id = app_org()"),
    "identity_consents": seen("financing_requests", "request_id", "p.firm_id = app_org()"),
    "quotes": "institution_id = app_org() AND "
    + seen("financing_requests", "request_id", "p.firm_id = quotes.firm_id"),
    "quote_revisions": seen("quotes", "quote_id", "p.institution_id = app_org()"),
    "deals": OWN("firm_id"),
    # A renewal's lock is passed on by the bank.
    "deal_rights": f"app_begins_deal(deal_id) AND {seen('rights', 'right_id')}",
    "queue_entries": "app_begins_deal(deal_id)",
    "approvals": "app_begins_deal(deal_id)",
    "conditions": OWN_APPROVAL,
    "contracts": f"drafted_by = app_org() AND {OF_DEAL}",
    "contract_confirmations": "organisation_id = app_org() AND " + seen("contracts", "contract_id"),
    "registrations": OF_DEAL,  # prepared by whoever confirms the last contract
    "milestones": f"recorded_by = app_org() AND {OF_DEAL}",
    "drawdowns": BANK_OF_DEAL,
    "loans": BANK_OF_DEAL,
    "instalments": BANK_OF_LOAN,
    "repayments": BANK_OF_LOAN,
    "status_changes": OWN("organisation_id"),
    "outbox_events": "true",
    "idempotency_keys": OWN("organisation_id"),
    "green_entries": OWN("firm_id"),
    "park_visits": OF_PARK,
    "park_visit_firms": seen("park_visits", "visit_id"),
    "recommendations": OF_PARK,
    "matchmaking_events": OF_PARK,
    "event_registrations": OWN("organisation_id"),
    # Terms of today take effect when their guarantor signs them.
    "guarantor_terms": seen(
        "programme_changes", "change_id", "p.guarantor_id = app_org() AND p.status = 'signed'"
    ),
    "park_consents": OWN("firm_id"),
}
# Who changes a row (and may lock it), and what it must be afterwards if that is another condition.
UPDATE = {
    "organisations": (OWN("id"), "false"),  # its row guards the counts of people and clients
    "firm_profiles": (OWN("firm_id"), None),
    "park_memberships": (
        MEMBERSHIP,
        "park_code = app_park() OR (firm_id = app_org() AND status <> 'certified')",
    ),
    "cooperations": ("app_org() IN (bank_id, partner_id)", None),
    "users": (OWN("organisation_id"), None),
    "api_clients": (OWN("organisation_id"), None),
    "access_tokens": (OWN("organisation_id"), None),
    "documents": (OWN("owner_id"), None),
    "imports": (OWN("owner_id"), None),
    "rights": (OWN("owner_id"), None),
    "co_owners": (OWN_RIGHT, None),
    "portfolios": (OWN("firm_id"), None),
    "stated_values": (OWN("agreed_with"), None),
    "financing_requests": (REQUEST, "app_owns_request(id) AND firm_id = app_org()"),
    "quotes": ("institution_id = app_org() OR firm_id = app_org()", None),
    "deals": (PARTY, None),
    "deal_rights": (PLEDGEE_OF_DEAL, None),
    "queue_entries": (BANK_OF_DEAL, None),
    "approvals": (OWN("institution_id"), None),
    "conditions": (OWN_APPROVAL, None),
    "contracts": (OF_DEAL, None),
    "registrations": (PLEDGEE_OF_DEAL, None),
    "drawdowns": (BANK_OF_DEAL, None),
    "loans": ("app_org() IN (firm_id, bank_id)", "app_banks_deal(deal_id)"),
    "instalments": (BANK_OF_LOAN, None),
    "repayments": (BANK_OF_LOAN, None),
    "extensions": (EXTENSION, None),
    "extension_consents": (OWN("organisation_id"), None),
    "park_visits": (OF_PARK, None),
    "recommendations": ("firm_id = app_org() OR park_code = app_park()", None),
    "matchmaking_events": (OF_PARK, None),
    "event_registrations": (f"organisation_id = app_org() OR {PARK_OF_EVENT}", None),
    "programme_changes": (OWN("guarantor_id"), None),
    "park_consents": (OWN("firm_id"), None),
    "alerts": (ALERT, None),
}
DELETE = {"portfolio_rights": OWN_PORTFOLIO, "milestones": BANK_OF_DEAL}

# Definers of earlier revisions that go on, with a search path of their own from here on.
KEPT = (
    "app_in_deal(uuid)",
    "app_in_request(uuid)",
    "app_reads_document(uuid)",
    "app_recommended(uuid)",
)
KNOWS_FIRM = """
CREATE FUNCTION app_knows_firm(p_firm uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS
$$ SELECT EXISTS (SELECT FROM deals d WHERE d.firm_id = p_firm
    AND app_org() IN (d.bank_id, d.guarantor_id, d.insurer_id))
OR EXISTS (SELECT FROM identity_consents c JOIN financing_requests r ON r.id = c.request_id
    WHERE r.firm_id = p_firm AND c.institution_id = app_org()) $$"""
# One policy for reading and writing, as the revisions before left them.
OLD_POLICIES = {
    "rights": "owner_id = app_org() OR app_staff() OR app_knows_firm(owner_id)",
    "portfolios": "firm_id = app_org() OR app_staff() OR app_knows_firm(firm_id)",
    "firm_profiles": "firm_id = app_org() OR app_staff() OR app_knows_firm(firm_id)",
    "imports": "owner_id = app_org() OR app_staff()",
    "documents": "owner_id = app_org() OR app_staff() OR app_reads_document(id)",
    "financing_requests": "firm_id = app_org() OR app_staff()"
    " OR (status = 'open' AND app_lender()) OR app_in_request(id)",
    "quotes": "institution_id = app_org() OR firm_id = app_org() OR app_staff()",
    "deals": "app_org() IN (firm_id, bank_id, guarantor_id, insurer_id) OR app_staff()",
    "loans": "app_org() IN (firm_id, bank_id) OR app_staff() OR app_in_deal(deal_id)",
    "idempotency_keys": "organisation_id = app_org() OR app_staff()",
    "green_entries": "firm_id = app_org() OR app_staff() OR app_in_request(request_id)",
    "clock_judgements": "firm_id = app_org() OR app_staff() OR app_in_request(request_id)",
    "park_visits": "park_code = app_park() OR app_staff()",
    "recommendations": "firm_id = app_org() OR park_code = app_park() OR app_staff()",
    "event_registrations": "organisation_id = app_org() OR app_staff()"
    " OR EXISTS (SELECT FROM matchmaking_events e"
    " WHERE e.id = event_id AND e.park_code = app_park())",
    "programme_changes": "guarantor_id = app_org() OR app_staff()",
    "guarantor_terms": "guarantor_id = app_org() OR app_staff()",
    "loan_exposures": "app_org() IN (bank_id, firm_id, guarantor_id) OR park_code = app_park()"
    " OR app_staff()",
    "park_exposures": "park_code = app_park() OR app_staff()",
    "park_figures": "park_code = app_park() OR app_staff()",
    "deal_steps": "park_code = app_park() OR app_staff()",
    "park_consents": "firm_id = app_org() OR app_staff()",
    "alerts": "app_staff() OR subject IN (app_park(), app_org()::text)",
}

# authenticate runs before anybody is bound, and must see whose token it is.
AUTHENTICATE = "authenticate(bytea)"


def policies(table: str) -> dict[str, str]:
    """The table's policies by command, as CREATE POLICY takes them."""
    always = "app_platform()" if table in PRIVATE else "app_staff()"
    using, check = UPDATE.get(table, ("false", None))
    return {
        "SELECT": f"USING ({always} OR {READ[table]})",
        "INSERT": f"WITH CHECK ({always} OR {INSERT.get(table, 'false')})",
        "UPDATE": f"USING ({always} OR {using}) WITH CHECK ({always} OR {check or using})",
        "DELETE": f"USING (app_platform() OR {DELETE.get(table, 'false')})",
    }


def upgrade() -> None:
    for table in OLD_POLICIES:
        op.execute(f"DROP POLICY tenant ON {table}")
    op.execute("DROP FUNCTION app_knows_firm(uuid)")
    for signature in KEPT:
        op.execute(f"ALTER FUNCTION {signature} SET search_path = pg_catalog, public, pg_temp")
    for signature, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} {body}")
    op.execute(
        f"ALTER FUNCTION {AUTHENTICATE} SECURITY DEFINER"
        " SET search_path = pg_catalog, public, pg_temp"
    )
    for table in READ:
        if table not in OLD_POLICIES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for command, clause in policies(table).items():
            op.execute(f"CREATE POLICY tenant_{command.lower()} ON {table} FOR {command} {clause}")


def downgrade() -> None:
    for table in READ:
        for command in policies(table):
            op.execute(f"DROP POLICY tenant_{command.lower()} ON {table}")
        if table not in OLD_POLICIES:
            op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER FUNCTION {AUTHENTICATE} SECURITY INVOKER RESET search_path")
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    for signature in KEPT:
        op.execute(f"ALTER FUNCTION {signature} RESET search_path")
    op.execute(KNOWS_FIRM)
    for table, condition in OLD_POLICIES.items():
        op.execute(f"CREATE POLICY tenant ON {table} USING ({condition})")
