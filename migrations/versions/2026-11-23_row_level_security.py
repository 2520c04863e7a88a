"""Row-level security: the second lock behind the visible_…(actor) statements

app.org and app.kind say who is acting (authenticate, or bind() in the services). The owner of the
tables is not subject to the policies; the service connects as another role.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

FUNCTIONS = {
    "app_org()": "RETURNS uuid LANGUAGE sql STABLE AS"
    " $$ SELECT nullif(current_setting('app.org', true), '')::uuid $$",
    "app_staff()": "RETURNS boolean LANGUAGE sql STABLE AS"
    " $$ SELECT coalesce(current_setting('app.kind', true) IN ('authority', 'system'), false) $$",
    "app_lender()": "RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT"
    " coalesce(current_setting('app.kind', true) IN ('bank', 'insurer', 'guarantor'), false) $$",
    # These read tables with policies of their own, so they run as the owner.
    "app_in_deal(p_deal uuid)": "RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS"
    " $$ SELECT EXISTS (SELECT FROM deals d WHERE d.id = p_deal"
    " AND app_org() IN (d.firm_id, d.bank_id, d.guarantor_id, d.insurer_id)) $$",
    "app_in_request(p_request uuid)": "RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS"
    " $$ SELECT EXISTS (SELECT FROM quotes q"
    " WHERE q.request_id = p_request AND q.institution_id = app_org()) $$",
    "app_knows_firm(p_firm uuid)": "RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS"
    " $$ SELECT EXISTS (SELECT FROM deals d WHERE d.firm_id = p_firm"
    " AND app_org() IN (d.bank_id, d.guarantor_id, d.insurer_id))"
    " OR EXISTS (SELECT FROM identity_consents c JOIN financing_requests r ON r.id = c.request_id"
    " WHERE r.firm_id = p_firm AND c.institution_id = app_org()) $$",
    "app_reads_document(p_document uuid)": "RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER"
    " AS $$ SELECT EXISTS (SELECT FROM document_readers r"
    " WHERE r.document_id = p_document AND r.organisation_id = app_org()) $$",
}

POLICIES = {
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
}


def upgrade() -> None:
    for signature, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} {body}")
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({condition})")


def downgrade() -> None:
    for table in POLICIES:
        op.execute(f"DROP POLICY tenant ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for signature in reversed(FUNCTIONS):
        arguments = signature.replace("p_deal ", "").replace("p_request ", "")
        arguments = arguments.replace("p_firm ", "").replace("p_document ", "")
        op.execute(f"DROP FUNCTION {arguments}")
