"""Ledger functions for a linked list and for a batch of them, that leave no other way to post

Each reads, decides under the accounts' locks, and only then writes, so that a refused list of a
batch has nothing to undo. They run as the owner: the service's role may call them, and may neither
insert a transfer nor change a counter itself.
"""

from alembic import context, op

revision = "0006"
down_revision = "0005"

# The common batch, without a loop: transfers and holds with new ids, and room for all of them even
# if none of them made room for another. False, and nothing done, when it is not that.
LEDGER_APPLY_PLAIN = """
CREATE FUNCTION ledger_apply_plain(lists jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c_amount_max CONSTANT bigint := 1000000000000000;
    c_tick CONSTANT interval := interval '1 microsecond';
    v_plain boolean;
    v_start timestamptz;
    t_id uuid[];
    t_kind text[];
    t_code text[];
    t_debit uuid[];
    t_credit uuid[];
    t_amount bigint[];
    t_reference uuid[];
    a_id uuid[];
    a_limited boolean[];
    a_room bigint[];
BEGIN
    SELECT bool_and(coalesce(
                   x.kind IN ('transfer', 'hold') AND x.amount BETWEEN 1 AND c_amount_max
                   AND x.debit <> x.credit AND x.hold IS NULL AND x.id IS NOT NULL, false))
               AND count(DISTINCT x.id) = count(*),
           array_agg(x.id), array_agg(x.kind), array_agg(x.code), array_agg(x.debit),
           array_agg(x.credit), array_agg(x.amount), array_agg(x.reference)
        INTO v_plain, t_id, t_kind, t_code, t_debit, t_credit, t_amount, t_reference
        FROM jsonb_array_elements(lists) WITH ORDINALITY AS l(item, n),
            jsonb_array_elements(l.item) WITH ORDINALITY AS i(item, n),
            jsonb_to_record(i.item) AS x(
                id uuid, kind text, code text, debit uuid, credit uuid,
                amount bigint, hold uuid, reference uuid);
    IF v_plain IS NOT TRUE THEN
        RETURN false;
    END IF;
    SELECT array_agg(a.id), array_agg(a.limited),
           array_agg(a.credits_posted - a.debits_posted - a.debits_pending), max(a.at) + c_tick
        INTO a_id, a_limited, a_room, v_start
        FROM (SELECT * FROM ledger_accounts WHERE id = ANY (t_debit || t_credit)
              ORDER BY id FOR NO KEY UPDATE) a;
    IF EXISTS (SELECT FROM ledger_transfers WHERE id = ANY (t_id))
        OR EXISTS (
            SELECT FROM unnest(t_debit, t_credit, t_amount) AS w(debit, credit, amount)
            LEFT JOIN unnest(a_id, a_limited, a_room) AS a(id, limited, room) ON a.id = w.debit
            GROUP BY a.id, a.limited, a.room
            HAVING a.id IS NULL OR (a.limited AND sum(w.amount) > a.room))
        OR EXISTS (SELECT unnest(t_credit) EXCEPT SELECT unnest(a_id))
    THEN
        RETURN false;
    END IF;
    v_start := greatest(clock_timestamp(), v_start);
    WITH transfer AS MATERIALIZED (
        SELECT w.*, v_start + (w.place - 1) * c_tick AS at,
               CASE w.kind WHEN 'transfer' THEN w.amount ELSE 0 END AS posted,
               CASE w.kind WHEN 'hold' THEN w.amount ELSE 0 END AS pending
        FROM unnest(t_id, t_kind, t_code, t_debit, t_credit, t_amount, t_reference)
            WITH ORDINALITY AS w(id, kind, code, debit, credit, amount, reference, place)
    ), written AS (
        INSERT INTO ledger_transfers
            (id, kind, code, debit_account_id, credit_account_id, amount, reference, at)
        SELECT t.id, t.kind, t.code, t.debit, t.credit, t.amount, t.reference, t.at
        FROM transfer t
    ), side AS (
        SELECT t.id, t.at, t.debit AS account, t.posted AS dp, t.pending AS dn, 0 AS cp, 0 AS cn
        FROM transfer t
        UNION ALL
        SELECT t.id, t.at, t.credit, 0, 0, t.posted, t.pending
        FROM transfer t
    ), so_far AS (
        SELECT s.*, row_number() OVER earlier AS steps,
               (sum(s.dp) OVER earlier)::bigint AS sum_dp,
               (sum(s.dn) OVER earlier)::bigint AS sum_dn,
               (sum(s.cp) OVER earlier)::bigint AS sum_cp,
               (sum(s.cn) OVER earlier)::bigint AS sum_cn
        FROM side s
        WINDOW earlier AS (PARTITION BY s.account ORDER BY s.at ROWS UNBOUNDED PRECEDING)
    ), entry AS (
        INSERT INTO ledger_entries
            (account_id, version, transfer_id, at,
             debits_posted, debits_pending, credits_posted, credits_pending,
             previous_debits_posted, previous_debits_pending,
             previous_credits_posted, previous_credits_pending)
        SELECT a.id, a.version + s.steps, s.id, s.at,
               a.debits_posted + s.sum_dp, a.debits_pending + s.sum_dn,
               a.credits_posted + s.sum_cp, a.credits_pending + s.sum_cn,
               a.debits_posted + s.sum_dp - s.dp, a.debits_pending + s.sum_dn - s.dn,
               a.credits_posted + s.sum_cp - s.cp, a.credits_pending + s.sum_cn - s.cn
        FROM so_far s JOIN ledger_accounts a ON a.id = s.account
        WHERE a.id = ANY (a_id)
    )
    UPDATE ledger_accounts a SET
        debits_posted = a.debits_posted + s.dp, debits_pending = a.debits_pending + s.dn,
        credits_posted = a.credits_posted + s.cp, credits_pending = a.credits_pending + s.cn,
        version = a.version + s.steps, at = s.at
    FROM (SELECT account, count(*) AS steps, max(at) AS at, sum(dp)::bigint AS dp,
                 sum(dn)::bigint AS dn, sum(cp)::bigint AS cp, sum(cn)::bigint AS cn
          FROM side GROUP BY account) s
    WHERE a.id = s.account AND a.id = ANY (a_id);
    RETURN true;
END $$
"""

# Any batch: one operation after the other, decided in memory, written at the end.
LEDGER_APPLY_STEPWISE = """
CREATE FUNCTION ledger_apply_stepwise(lists jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    -- Larger amounts are a mistake, and would bring the counters near their end.
    c_amount_max CONSTANT bigint := 1000000000000000;
    c_tick CONSTANT interval := interval '1 microsecond';
    v_answers jsonb[] := array_fill(
        '{"status": "created"}'::jsonb, ARRAY[jsonb_array_length(lists)]);
    v_now timestamptz;
    -- The accounts, locked, in the order of their ids; one place in each array per account.
    a_id uuid[];
    a_limited boolean[];
    a_debits_posted bigint[];
    a_debits_pending bigint[];
    a_credits_posted bigint[];
    a_credits_pending bigint[];
    a_version bigint[];
    a_at timestamptz[];
    -- The transfers to write, n of them; whatever lies beyond n was refused.
    n integer := 0;
    t_id uuid[] := '{}';
    t_kind text[] := '{}';
    t_code text[] := '{}';
    t_debit uuid[] := '{}';
    t_credit uuid[] := '{}';
    t_amount bigint[] := '{}';
    t_hold uuid[] := '{}';
    t_reference uuid[] := '{}';
    t_at timestamptz[] := '{}';
    t_posted bigint[] := '{}';
    t_pending bigint[] := '{}';
    -- What each leaves on its debit (d) and its credit account (c), and when those moved before.
    d_version bigint[] := '{}';
    d_debits_posted bigint[] := '{}';
    d_debits_pending bigint[] := '{}';
    d_credits_posted bigint[] := '{}';
    d_credits_pending bigint[] := '{}';
    d_at timestamptz[] := '{}';
    c_version bigint[] := '{}';
    c_debits_posted bigint[] := '{}';
    c_debits_pending bigint[] := '{}';
    c_credits_posted bigint[] := '{}';
    c_credits_pending bigint[] := '{}';
    c_at timestamptz[] := '{}';
    -- The list at hand.
    v_list integer := 0;
    v_first integer;
    v_exists boolean;
    v_refused boolean;
    -- The operation at hand.
    o record;
    v_found boolean;
    v_same record;
    v_error text;
    v_account uuid;
    v_debit uuid;
    v_credit uuid;
    v_amount bigint;
    v_held bigint;
    v_posted bigint;
    v_pending bigint;
    v_at timestamptz;
    d integer;
    c integer;
    p integer;
BEGIN
    SELECT array_agg(a.id), array_agg(a.limited),
           array_agg(a.debits_posted), array_agg(a.debits_pending),
           array_agg(a.credits_posted), array_agg(a.credits_pending),
           array_agg(a.version), array_agg(a.at)
        INTO a_id, a_limited, a_debits_posted, a_debits_pending,
             a_credits_posted, a_credits_pending, a_version, a_at
        FROM (
            SELECT * FROM ledger_accounts WHERE id = ANY (ARRAY(
                SELECT unnest(ARRAY[(i->>'debit')::uuid, (i->>'credit')::uuid,
                                    h.debit_account_id, h.credit_account_id])
                FROM jsonb_array_elements(lists) l, jsonb_array_elements(l) i
                LEFT JOIN LATERAL (SELECT * FROM ledger_transfers
                                   WHERE id = (i->>'hold')::uuid LIMIT 1) h ON true))
            ORDER BY id FOR NO KEY UPDATE
        ) a;
    a_id := coalesce(a_id, '{}');
    v_now := clock_timestamp();

    -- A new statement, so a new snapshot: what others did before we got the locks is seen.
    FOR o IN
        SELECT l.n::integer AS list, i.n - 1 AS place, x.*, t.id IS NOT NULL AS stored,
               t.kind AS t_kind, t.code AS t_code, t.debit_account_id AS t_debit,
               t.credit_account_id AS t_credit, t.amount AS t_amount, t.hold_id AS t_hold,
               t.reference AS t_reference,
               h.debit_account_id AS h_debit, h.credit_account_id AS h_credit, h.amount AS held,
               r.id IS NOT NULL AS resolved
        FROM jsonb_array_elements(lists) WITH ORDINALITY AS l(item, n),
            jsonb_array_elements(l.item) WITH ORDINALITY AS i(item, n),
            jsonb_to_record(i.item) AS x(
                id uuid, kind text, code text, debit uuid, credit uuid,
                amount bigint, hold uuid, reference uuid)
            LEFT JOIN LATERAL (SELECT * FROM ledger_transfers
                               WHERE id = x.id LIMIT 1) t ON true
            LEFT JOIN LATERAL (SELECT * FROM ledger_transfers
                               WHERE id = x.hold AND kind = 'hold' LIMIT 1) h ON true
            LEFT JOIN LATERAL (SELECT id FROM ledger_transfers
                               WHERE hold_id = x.hold LIMIT 1) r ON true
        ORDER BY l.n, i.n
    LOOP
        IF o.list <> v_list THEN
            v_list := o.list;
            v_first := n;
            v_exists := NULL;
            v_refused := false;
        END IF;
        CONTINUE WHEN v_refused;
        v_error := NULL;
        v_account := NULL;

        -- The same id again: in the table, or earlier in this batch.
        v_found := o.stored;
        IF v_found THEN
            v_same := o;
        ELSE
            p := array_position(t_id, o.id);
            v_found := coalesce(p <= n, false);
            IF v_found THEN
                SELECT t_kind[p] AS t_kind, t_code[p] AS t_code, t_debit[p] AS t_debit,
                       t_credit[p] AS t_credit, t_amount[p] AS t_amount, t_hold[p] AS t_hold,
                       t_reference[p] AS t_reference
                    INTO v_same;
            END IF;
        END IF;
        IF v_found THEN
            v_error := 'exists_with_different_' || CASE
                WHEN v_same.t_kind <> o.kind THEN 'kind'
                WHEN v_same.t_code <> o.code THEN 'code'
                WHEN v_same.t_reference <> o.reference THEN 'reference'
                WHEN v_same.t_hold IS DISTINCT FROM o.hold THEN 'hold'
                WHEN o.hold IS NULL AND v_same.t_debit <> o.debit THEN 'debit'
                WHEN o.hold IS NULL AND v_same.t_credit <> o.credit THEN 'credit'
                WHEN o.amount <> v_same.t_amount THEN 'amount'
            END;
        END IF;
        IF v_error IS NULL AND v_exists <> v_found THEN
            v_error := 'exists_in_part';
        END IF;
        IF v_error IS NULL AND v_found THEN
            v_answers[v_list] := '{"status": "exists"}';
            v_exists := true;
            CONTINUE;
        END IF;
        v_exists := false;

        IF v_error IS NULL AND o.kind IN ('transfer', 'hold') THEN
            v_debit := o.debit;
            v_credit := o.credit;
            v_amount := o.amount;
            v_posted := CASE o.kind WHEN 'transfer' THEN v_amount ELSE 0 END;
            v_pending := v_amount - v_posted;
            IF v_debit = v_credit THEN
                v_error := 'same_account';
                v_account := v_debit;
            END IF;
        ELSIF v_error IS NULL AND o.kind IN ('post', 'void', 'expire') THEN
            v_debit := o.h_debit;
            v_credit := o.h_credit;
            v_held := o.held;
            IF v_held IS NULL THEN
                p := array_position(t_id, o.hold);
                IF p <= n AND t_kind[p] = 'hold' THEN
                    v_debit := t_debit[p];
                    v_credit := t_credit[p];
                    v_held := t_amount[p];
                END IF;
            END IF;
            v_amount := CASE o.kind WHEN 'post' THEN o.amount ELSE v_held END;
            v_posted := CASE o.kind WHEN 'post' THEN o.amount ELSE 0 END;
            v_pending := -v_held;
            IF v_held IS NULL THEN
                v_error := 'no_such_hold';
            ELSIF o.resolved OR array_position(t_hold, o.hold) <= n THEN
                v_error := 'already_resolved';
            ELSIF v_amount > v_held THEN
                v_error := 'exceeds_hold';
            END IF;
        ELSIF v_error IS NULL THEN
            v_error := 'no_such_kind';
        END IF;
        IF v_error IS NULL AND (v_amount BETWEEN 1 AND c_amount_max) IS NOT TRUE THEN
            v_error := 'amount_out_of_range';
        END IF;
        IF v_error IS NULL THEN
            -- A binary search among the sorted ids.
            d := width_bucket(v_debit, a_id);
            c := width_bucket(v_credit, a_id);
            IF (a_id[d] = v_debit) IS NOT TRUE THEN
                v_error := 'no_such_account';
                v_account := v_debit;
            ELSIF (a_id[c] = v_credit) IS NOT TRUE THEN
                v_error := 'no_such_account';
                v_account := v_credit;
            ELSIF a_limited[d] AND v_posted + v_pending > 0 AND a_debits_posted[d]
                    + a_debits_pending[d] + v_posted + v_pending > a_credits_posted[d] THEN
                v_error := 'exceeds';
                v_account := v_debit;
            END IF;
        END IF;

        IF v_error IS NOT NULL THEN
            v_refused := true;
            v_answers[v_list] := jsonb_build_object(
                'status', 'refused', 'op', o.place, 'error', v_error, 'account', v_account);
            -- Undo what the list did so far.
            FOR u IN REVERSE n .. v_first + 1 LOOP
                d := width_bucket(t_debit[u], a_id);
                c := width_bucket(t_credit[u], a_id);
                a_debits_posted[d] := a_debits_posted[d] - t_posted[u];
                a_debits_pending[d] := a_debits_pending[d] - t_pending[u];
                a_credits_posted[c] := a_credits_posted[c] - t_posted[u];
                a_credits_pending[c] := a_credits_pending[c] - t_pending[u];
                a_version[d] := a_version[d] - 1;
                a_version[c] := a_version[c] - 1;
                a_at[d] := d_at[u];
                a_at[c] := c_at[u];
            END LOOP;
            n := v_first;
            CONTINUE;
        END IF;

        v_at := greatest(v_now, a_at[d] + c_tick, a_at[c] + c_tick);
        n := n + 1;
        t_id[n] := o.id;
        t_kind[n] := o.kind;
        t_code[n] := o.code;
        t_debit[n] := v_debit;
        t_credit[n] := v_credit;
        t_amount[n] := v_amount;
        t_hold[n] := o.hold;
        t_reference[n] := o.reference;
        t_at[n] := v_at;
        t_posted[n] := v_posted;
        t_pending[n] := v_pending;
        d_at[n] := a_at[d];
        c_at[n] := a_at[c];
        a_debits_posted[d] := a_debits_posted[d] + v_posted;
        a_debits_pending[d] := a_debits_pending[d] + v_pending;
        a_credits_posted[c] := a_credits_posted[c] + v_posted;
        a_credits_pending[c] := a_credits_pending[c] + v_pending;
        a_version[d] := a_version[d] + 1;
        a_version[c] := a_version[c] + 1;
        a_at[d] := v_at;
        a_at[c] := v_at;
        d_version[n] := a_version[d];
        d_debits_posted[n] := a_debits_posted[d];
        d_debits_pending[n] := a_debits_pending[d];
        d_credits_posted[n] := a_credits_posted[d];
        d_credits_pending[n] := a_credits_pending[d];
        c_version[n] := a_version[c];
        c_debits_posted[n] := a_debits_posted[c];
        c_debits_pending[n] := a_debits_pending[c];
        c_credits_posted[n] := a_credits_posted[c];
        c_credits_pending[n] := a_credits_pending[c];
    END LOOP;

    IF n = 0 THEN
        RETURN to_jsonb(v_answers);
    END IF;
    INSERT INTO ledger_transfers
        (id, kind, code, debit_account_id, credit_account_id, amount, hold_id, reference, at)
    SELECT w.id, w.kind, w.code, w.debit, w.credit, w.amount, w.hold, w.reference, w.at
    FROM unnest(t_id, t_kind, t_code, t_debit, t_credit, t_amount, t_hold, t_reference, t_at)
        WITH ORDINALITY AS w(id, kind, code, debit, credit, amount, hold, reference, at, place)
    WHERE w.place <= n;
    INSERT INTO ledger_entries
        (account_id, version, transfer_id, at,
         debits_posted, debits_pending, credits_posted, credits_pending,
         previous_debits_posted, previous_debits_pending,
         previous_credits_posted, previous_credits_pending)
    SELECT e.account, e.version, w.id, w.at, e.dp, e.dn, e.cp, e.cn,
           e.dp - e.debited, e.dn - e.debit_held, e.cp - e.credited, e.cn - e.credit_held
    FROM unnest(t_id, t_at, t_posted, t_pending,
                t_debit, d_version, d_debits_posted, d_debits_pending,
                d_credits_posted, d_credits_pending,
                t_credit, c_version, c_debits_posted, c_debits_pending,
                c_credits_posted, c_credits_pending)
        WITH ORDINALITY AS w(id, at, posted, pending,
                             debit, d_version, d_dp, d_dn, d_cp, d_cn,
                             credit, c_version, c_dp, c_dn, c_cp, c_cn, place),
        LATERAL (VALUES
            (w.debit, w.d_version, w.d_dp, w.d_dn, w.d_cp, w.d_cn, w.posted, w.pending, 0, 0),
            (w.credit, w.c_version, w.c_dp, w.c_dn, w.c_cp, w.c_cn, 0, 0, w.posted, w.pending)
        ) AS e(account, version, dp, dn, cp, cn, debited, debit_held, credited, credit_held)
    WHERE w.place <= n;
    -- Last, so that the foreign keys' checks find the accounts as we locked them.
    UPDATE ledger_accounts a SET
        debits_posted = u.debits_posted, debits_pending = u.debits_pending,
        credits_posted = u.credits_posted, credits_pending = u.credits_pending,
        version = u.version, at = u.at
    FROM unnest(a_id, a_debits_posted, a_debits_pending, a_credits_posted, a_credits_pending,
                a_version, a_at)
        AS u(id, debits_posted, debits_pending, credits_posted, credits_pending, version, at)
    WHERE a.id = u.id AND a.version <> u.version;
    RETURN to_jsonb(v_answers);
END $$
"""

# lists: [[{"id", "kind", "code", "debit", "credit", "amount", "hold", "reference"}, …], …].
# Answers in the order of the lists: {"status": "created" | "exists"}, or {"status": "refused",
# "op", "error", "account"} of a list of which nothing was done. Lists do not depend on each other,
# but run in their order.
LEDGER_APPLY_BATCH = """
CREATE FUNCTION ledger_apply_batch(lists jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    FOR attempt IN 1 .. 3 LOOP
        BEGIN
            IF ledger_apply_plain(lists) THEN
                RETURN (SELECT jsonb_agg('{"status": "created"}'::jsonb)
                        FROM generate_series(1, jsonb_array_length(lists)));
            END IF;
            RETURN ledger_apply_stepwise(lists);
        EXCEPTION WHEN unique_violation THEN
            -- One of the ids was used at the same time on accounts of which we share none, so no
            -- lock kept us apart. It is stored now: decide again.
            CONTINUE;
        END;
    END LOOP;
    RAISE unique_violation USING MESSAGE = 'the ids of this batch are being used elsewhere';
END $$
"""

# One linked list: NULL when it was applied, otherwise the answer of the batch form. A list of one
# transfer or hold, the common case, goes straight: each account is locked by its own update. What
# does not go smoothly is taken back, unseen by others, and decided by the batch form.
LEDGER_APPLY = """
CREATE FUNCTION ledger_apply(ops jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c_amount_max CONSTANT bigint := 1000000000000000;
    c_tick CONSTANT interval := interval '1 microsecond';
    v_op jsonb := ops->0;
    v_kind text := v_op->>'kind';
    v_id uuid;
    v_debit uuid;
    v_credit uuid;
    v_amount bigint;
    v_posted bigint := 0;
    v_pending bigint := 0;
    v_touched uuid[] := '{}';
    d ledger_accounts;
    c ledger_accounts;
BEGIN
    IF jsonb_array_length(ops) = 1 AND v_kind IN ('transfer', 'hold') THEN
        v_id := v_op->>'id';
        v_debit := v_op->>'debit';
        v_credit := v_op->>'credit';
        v_amount := v_op->>'amount';
        IF v_kind = 'transfer' THEN
            v_posted := v_amount;
        ELSE
            v_pending := v_amount;
        END IF;
        <<straight>>
        BEGIN
            EXIT straight WHEN (v_amount BETWEEN 1 AND c_amount_max) IS NOT TRUE;
            IF v_debit < v_credit THEN
                UPDATE ledger_accounts SET
                    debits_posted = debits_posted + v_posted,
                    debits_pending = debits_pending + v_pending,
                    version = version + 1, at = greatest(clock_timestamp(), at + c_tick)
                WHERE id = v_debit AND (NOT limited
                    OR debits_posted + debits_pending + v_amount <= credits_posted)
                RETURNING * INTO d;
                EXIT straight WHEN NOT FOUND;
                v_touched := ARRAY[v_debit];
                UPDATE ledger_accounts SET
                    credits_posted = credits_posted + v_posted,
                    credits_pending = credits_pending + v_pending,
                    version = version + 1, at = greatest(d.at, at + c_tick)
                WHERE id = v_credit
                RETURNING * INTO c;
                EXIT straight WHEN NOT FOUND;
                v_touched := ARRAY[v_debit, v_credit];
                IF c.at > d.at THEN
                    UPDATE ledger_accounts SET at = c.at WHERE id = v_debit;
                END IF;
            ELSIF v_debit > v_credit THEN
                UPDATE ledger_accounts SET
                    credits_posted = credits_posted + v_posted,
                    credits_pending = credits_pending + v_pending,
                    version = version + 1, at = greatest(clock_timestamp(), at + c_tick)
                WHERE id = v_credit
                RETURNING * INTO c;
                EXIT straight WHEN NOT FOUND;
                v_touched := ARRAY[v_credit];
                UPDATE ledger_accounts SET
                    debits_posted = debits_posted + v_posted,
                    debits_pending = debits_pending + v_pending,
                    version = version + 1, at = greatest(c.at, at + c_tick)
                WHERE id = v_debit AND (NOT limited
                    OR debits_posted + debits_pending + v_amount <= credits_posted)
                RETURNING * INTO d;
                EXIT straight WHEN NOT FOUND;
                v_touched := ARRAY[v_debit, v_credit];
                IF d.at > c.at THEN
                    UPDATE ledger_accounts SET at = d.at WHERE id = v_credit;
                    c.at := d.at;
                END IF;
            ELSE
                EXIT straight;
            END IF;
            INSERT INTO ledger_transfers
                (id, kind, code, debit_account_id, credit_account_id, amount, reference, at)
            VALUES (v_id, v_kind, v_op->>'code', v_debit, v_credit, v_amount,
                    (v_op->>'reference')::uuid, c.at)
            ON CONFLICT (id) DO NOTHING;
            EXIT straight WHEN NOT FOUND;
            INSERT INTO ledger_entries
                (account_id, version, transfer_id, at,
                 debits_posted, debits_pending, credits_posted, credits_pending,
                 previous_debits_posted, previous_debits_pending,
                 previous_credits_posted, previous_credits_pending)
            VALUES
                (v_debit, d.version, v_id, c.at,
                 d.debits_posted, d.debits_pending, d.credits_posted, d.credits_pending,
                 d.debits_posted - v_posted, d.debits_pending - v_pending,
                 d.credits_posted, d.credits_pending),
                (v_credit, c.version, v_id, c.at,
                 c.debits_posted, c.debits_pending, c.credits_posted, c.credits_pending,
                 c.debits_posted, c.debits_pending,
                 c.credits_posted - v_posted, c.credits_pending - v_pending);
            RETURN NULL;
        END;
        UPDATE ledger_accounts a SET
            debits_posted = a.debits_posted - CASE a.id WHEN v_debit THEN v_posted ELSE 0 END,
            debits_pending = a.debits_pending - CASE a.id WHEN v_debit THEN v_pending ELSE 0 END,
            credits_posted = a.credits_posted - CASE a.id WHEN v_credit THEN v_posted ELSE 0 END,
            credits_pending = a.credits_pending
                - CASE a.id WHEN v_credit THEN v_pending ELSE 0 END,
            version = a.version - 1,
            at = (SELECT max(e.at) FROM ledger_entries e WHERE e.account_id = a.id)
        WHERE a.id = ANY (v_touched);
    END IF;
    RETURN nullif(ledger_apply_batch(jsonb_build_array(ops))->0, '{"status": "created"}');
END $$
"""

RUN_AS_OWNER = (
    "ledger_apply_plain(jsonb)",
    "ledger_apply_stepwise(jsonb)",
    "ledger_apply_batch(jsonb)",
    "ledger_apply(jsonb)",
)


def upgrade() -> None:
    op.execute("DROP FUNCTION ledger_apply(jsonb)")
    op.execute(
        "DROP FUNCTION"
        " ledger_step(uuid, text, text, uuid, uuid, bigint, bigint, bigint, uuid, uuid)"
    )
    for function in (
        LEDGER_APPLY_PLAIN,
        LEDGER_APPLY_STEPWISE,
        LEDGER_APPLY_BATCH,
        LEDGER_APPLY,
    ):
        op.execute(function)
    for function in RUN_AS_OWNER:
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")


def downgrade() -> None:
    for function in RUN_AS_OWNER:
        op.execute(f"DROP FUNCTION {function}")
    first = context.script.get_revision("0002").module
    op.execute(first.LEDGER_STEP)
    op.execute(first.LEDGER_APPLY)
