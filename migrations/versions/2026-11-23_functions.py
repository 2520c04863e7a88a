"""The ledger's functions, its append-only guard, and the two look-ups of every request

Money moves only through ledger_apply: linked operations, all or none, under locks taken in the
order of account ids. reserve_room decides in the same locks whether a deal holds or queues.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

APPEND_ONLY = ("ledger_transfers", "ledger_entries", "ledger_seals", "status_changes")

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""

# One operation of a linked list. The guard of the limit is in the UPDATE itself, so whoever
# forgets it meets the CHECK constraint instead.
LEDGER_STEP = """
CREATE FUNCTION ledger_step(
    p_id uuid, p_kind text, p_code text, p_debit uuid, p_credit uuid,
    p_amount bigint, p_posted bigint, p_pending bigint, p_hold uuid, p_reference uuid
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_at timestamptz := clock_timestamp();
BEGIN
    WITH debited AS (
        UPDATE ledger_accounts SET
            debits_posted = debits_posted + p_posted,
            debits_pending = debits_pending + p_pending,
            version = version + 1
        WHERE id = p_debit
          AND (NOT limited OR p_posted + p_pending <= 0
               OR debits_posted + debits_pending + p_posted + p_pending <= credits_posted)
        RETURNING *
    ), credited AS (
        UPDATE ledger_accounts SET
            credits_posted = credits_posted + p_posted,
            credits_pending = credits_pending + p_pending,
            version = version + 1
        WHERE id = p_credit AND EXISTS (SELECT FROM debited)
        RETURNING *
    ), moved AS (
        INSERT INTO ledger_transfers
            (id, kind, code, debit_account_id, credit_account_id, amount, hold_id, reference, at)
        SELECT p_id, p_kind, p_code, p_debit, p_credit, p_amount, p_hold, p_reference, v_at
        FROM credited
        RETURNING id
    )
    INSERT INTO ledger_entries
        (account_id, version, transfer_id,
         debits_posted, debits_pending, credits_posted, credits_pending, at)
    SELECT a.id, a.version, p_id,
           a.debits_posted, a.debits_pending, a.credits_posted, a.credits_pending, v_at
    FROM (SELECT * FROM debited UNION ALL SELECT * FROM credited) a, moved;
    RETURN FOUND;
END $$
"""

# ops: [{"id", "kind", "code", "debit", "credit", "amount", "hold", "reference"}, …].
# NULL when all were applied; otherwise {"op", "error", "account"} and none was.
LEDGER_APPLY = """
CREATE FUNCTION ledger_apply(ops jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_op record;
    v_hold ledger_transfers;
    v_done boolean;
    v_problem jsonb;
BEGIN
    PERFORM FROM ledger_accounts WHERE id IN (
        SELECT (o->>'debit')::uuid FROM jsonb_array_elements(ops) o
        UNION SELECT (o->>'credit')::uuid FROM jsonb_array_elements(ops) o
        UNION SELECT t.debit_account_id FROM jsonb_array_elements(ops) o
              JOIN ledger_transfers t ON t.id = (o->>'hold')::uuid
        UNION SELECT t.credit_account_id FROM jsonb_array_elements(ops) o
              JOIN ledger_transfers t ON t.id = (o->>'hold')::uuid
    ) ORDER BY id FOR UPDATE;
    BEGIN
        FOR v_op IN
            SELECT n, x.* FROM jsonb_array_elements(ops) WITH ORDINALITY AS o(item, n),
            jsonb_to_record(o.item) AS x(
                id uuid, kind text, code text, debit uuid, credit uuid,
                amount bigint, hold uuid, reference uuid)
            ORDER BY n
        LOOP
            v_problem := jsonb_build_object('op', v_op.n - 1);
            IF v_op.kind IN ('transfer', 'hold') THEN
                v_done := ledger_step(
                    v_op.id, v_op.kind, v_op.code, v_op.debit, v_op.credit, v_op.amount,
                    CASE v_op.kind WHEN 'transfer' THEN v_op.amount ELSE 0 END,
                    CASE v_op.kind WHEN 'hold' THEN v_op.amount ELSE 0 END,
                    NULL, v_op.reference);
                IF NOT v_done THEN
                    v_problem := v_problem
                        || jsonb_build_object('error', 'exceeds', 'account', v_op.debit);
                    RAISE EXCEPTION USING ERRCODE = 'ZR001';
                END IF;
            ELSE
                SELECT * INTO v_hold FROM ledger_transfers
                    WHERE id = v_op.hold AND kind = 'hold';
                IF NOT FOUND THEN
                    v_problem := v_problem || jsonb_build_object('error', 'no_such_hold');
                    RAISE EXCEPTION USING ERRCODE = 'ZR001';
                END IF;
                IF EXISTS (SELECT FROM ledger_transfers WHERE hold_id = v_op.hold) THEN
                    v_problem := v_problem || jsonb_build_object('error', 'already_resolved');
                    RAISE EXCEPTION USING ERRCODE = 'ZR001';
                END IF;
                IF v_op.kind = 'post' AND v_op.amount > v_hold.amount THEN
                    v_problem := v_problem || jsonb_build_object('error', 'exceeds_hold');
                    RAISE EXCEPTION USING ERRCODE = 'ZR001';
                END IF;
                v_done := ledger_step(
                    v_op.id, v_op.kind, v_op.code,
                    v_hold.debit_account_id, v_hold.credit_account_id,
                    CASE v_op.kind WHEN 'post' THEN v_op.amount ELSE v_hold.amount END,
                    CASE v_op.kind WHEN 'post' THEN v_op.amount ELSE 0 END,
                    -v_hold.amount, v_op.hold, v_op.reference);
            END IF;
        END LOOP;
        RETURN NULL;
    EXCEPTION WHEN SQLSTATE 'ZR001' THEN
        RETURN v_problem;
    END;
END $$
"""

# Takes room on the quota account (NULL outside the programme) and the guarantor's limit at once,
# or says which of them are short. The locks stay until the commit, so the queue entry that the
# caller then writes is seen by whoever asks for the same accounts next.
RESERVE_ROOM = """
CREATE FUNCTION reserve_room(
    p_deal uuid, p_amount bigint, p_ttl interval,
    p_quota uuid, p_quota_used uuid, p_quota_hold uuid,
    p_limit uuid, p_limit_used uuid, p_limit_hold uuid,
    p_entry_waiting boolean, p_code text,
    OUT held boolean, OUT expires_at timestamptz, OUT lacks text[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_needs text[] := array_remove(ARRAY[p_quota::text, p_limit::text], NULL);
    v_ops jsonb;
BEGIN
    PERFORM FROM ledger_accounts
        WHERE id = ANY (ARRAY[p_quota, p_quota_used, p_limit, p_limit_used])
        ORDER BY id FOR UPDATE;
    SELECT coalesce(array_agg(a.id::text ORDER BY a.id), '{}') INTO lacks
        FROM ledger_accounts a
        WHERE a.id IN (p_quota, p_limit)
          AND a.credits_posted - a.debits_posted - a.debits_pending < p_amount;
    IF NOT p_entry_waiting THEN
        -- A newcomer also waits behind whoever waits for the same account.
        SELECT coalesce(array_agg(DISTINCT n ORDER BY n), '{}') INTO lacks FROM (
            SELECT unnest(lacks) AS n
            UNION
            SELECT l FROM queue_entries q, jsonb_array_elements_text(q.lacks) l
            WHERE q.status = 'waiting' AND l = ANY (v_needs)
        ) s;
    END IF;
    held := lacks = '{}';
    IF held THEN
        v_ops := jsonb_build_array(jsonb_build_object(
            'id', p_limit_hold, 'kind', 'hold', 'code', p_code, 'debit', p_limit,
            'credit', p_limit_used, 'amount', p_amount, 'reference', p_deal));
        IF p_quota IS NOT NULL THEN
            v_ops := v_ops || jsonb_build_object(
                'id', p_quota_hold, 'kind', 'hold', 'code', p_code, 'debit', p_quota,
                'credit', p_quota_used, 'amount', p_amount, 'reference', p_deal);
        END IF;
        IF ledger_apply(v_ops) IS NOT NULL THEN
            RAISE EXCEPTION 'room vanished under its own lock';
        END IF;
        expires_at := clock_timestamp() + p_ttl;
    END IF;
END $$
"""

AUTHENTICATE = """
CREATE FUNCTION authenticate(p_digest bytea) RETURNS TABLE (
    organisation_id uuid, kind text, level text, verified boolean,
    user_id uuid, client_id uuid, scopes text[]
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT o.id, o.kind, coalesce(u.level, 'manager'), o.status = 'verified',
           t.user_id, t.client_id, t.scopes
        INTO organisation_id, kind, level, verified, user_id, client_id, scopes
        FROM access_tokens t
        JOIN organisations o ON o.id = t.organisation_id
        LEFT JOIN users u ON u.id = t.user_id
        LEFT JOIN api_clients c ON c.id = t.client_id
        WHERE t.digest = p_digest AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
          AND o.status <> 'suspended' AND u.disabled_at IS NULL AND c.revoked_at IS NULL;
    IF FOUND THEN
        PERFORM set_config('app.org', organisation_id::text, true),
                set_config('app.kind', kind, true);
        RETURN NEXT;
    END IF;
END $$
"""

# Each statement of a volatile function sees what was committed before it began, so the row of a
# call that ended between our two statements is found.
CLAIM_KEY = """
CREATE FUNCTION claim_idempotency_key(
    p_lock bigint, p_org uuid, p_route text, p_key text, p_digest bytea,
    OUT outcome text, OUT status integer, OUT media_type text, OUT body bytea
) LANGUAGE plpgsql AS $$
DECLARE
    v_digest bytea;
BEGIN
    IF NOT pg_try_advisory_xact_lock(p_lock) THEN
        outcome := 'in_flight';
        RETURN;
    END IF;
    SELECT k.digest, k.status, k.media_type, k.body
        INTO v_digest, status, media_type, body
        FROM idempotency_keys k
        WHERE k.organisation_id = p_org AND k.route = p_route AND k.key = p_key;
    outcome := CASE WHEN NOT FOUND THEN 'new' WHEN v_digest = p_digest THEN 'stored'
                    ELSE 'reused' END;
END $$
"""

FUNCTIONS = (
    "claim_idempotency_key(bigint, uuid, text, text, bytea)",
    "authenticate(bytea)",
    "reserve_room(uuid, bigint, interval, uuid, uuid, uuid, uuid, uuid, uuid, boolean, text)",
    "ledger_apply(jsonb)",
    "ledger_step(uuid, text, text, uuid, uuid, bigint, bigint, bigint, uuid, uuid)",
    "refuse_change()",
)


def upgrade() -> None:
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for function in (LEDGER_STEP, LEDGER_APPLY, RESERVE_ROOM, AUTHENTICATE, CLAIM_KEY):
        op.execute(function)


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
