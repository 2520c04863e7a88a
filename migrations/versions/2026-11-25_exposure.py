"""Exposures kept by difference, deals' steps, consents to be named, alerts

What a loan contributes to its park's figures is one row; a change of it moves the park's running
aggregates by the difference and appends them, stamped by the database clock. So a figure costs the
same whatever the number of loans, now and for any past instant.
"""

from alembic import op

revision = "exposure"
down_revision = "programme"

TABLES = """
CREATE TABLE loan_exposures (
    loan_id uuid NOT NULL,
    park_code text NOT NULL,
    bank_id uuid NOT NULL,
    firm_id uuid NOT NULL,
    guarantor_id uuid,
    size text NOT NULL,
    in_programme boolean NOT NULL,
    liability bigint NOT NULL,
    live boolean NOT NULL,
    drawn bigint NOT NULL,
    outstanding bigint NOT NULL,
    overdue_since date,
    overdue_principal bigint NOT NULL,
    days_to_cash integer,
    first_time boolean NOT NULL,
    releases jsonb NOT NULL,
    as_of date NOT NULL,
    changes_on date,
    CONSTRAINT pk_loan_exposures PRIMARY KEY (loan_id),
    CONSTRAINT fk_loan_exposures_loan_id FOREIGN KEY (loan_id) REFERENCES loans (id),
    CONSTRAINT fk_loan_exposures_park_code FOREIGN KEY (park_code) REFERENCES parks (code),
    CONSTRAINT fk_loan_exposures_bank_id FOREIGN KEY (bank_id) REFERENCES organisations (id),
    CONSTRAINT fk_loan_exposures_firm_id FOREIGN KEY (firm_id) REFERENCES organisations (id),
    CONSTRAINT fk_loan_exposures_guarantor_id
        FOREIGN KEY (guarantor_id) REFERENCES organisations (id)
);
CREATE INDEX ix_loan_exposures_changes_on ON loan_exposures (changes_on)
    WHERE changes_on IS NOT NULL;
CREATE INDEX ix_loan_exposures_firm_id ON loan_exposures (firm_id);
CREATE INDEX ix_loan_exposures_bank_id ON loan_exposures (bank_id) WHERE live;
CREATE INDEX ix_loan_exposures_guarantor_id ON loan_exposures (guarantor_id) WHERE live;
CREATE INDEX ix_loan_exposures_overdue ON loan_exposures (park_code, overdue_since)
    WHERE overdue_since IS NOT NULL;
CREATE TABLE park_exposures (
    park_code text NOT NULL,
    dimension text NOT NULL,
    key text NOT NULL,
    amount bigint NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT pk_park_exposures PRIMARY KEY (park_code, dimension, key),
    CONSTRAINT fk_park_exposures_park_code FOREIGN KEY (park_code) REFERENCES parks (code)
);
CREATE INDEX ix_park_exposures_largest
    ON park_exposures (park_code, dimension, amount DESC, key);
CREATE TABLE park_figures (
    park_code text NOT NULL,
    version bigint NOT NULL,
    at timestamptz NOT NULL,
    liability bigint NOT NULL,
    outstanding bigint NOT NULL,
    drawn bigint NOT NULL,
    loans bigint NOT NULL,
    live_loans bigint NOT NULL,
    first_time bigint NOT NULL,
    days_sum bigint NOT NULL,
    days_count bigint NOT NULL,
    days_median numeric(12, 1) NOT NULL,
    overdue_loans bigint NOT NULL,
    overdue_principal bigint NOT NULL,
    small_micro_liability bigint NOT NULL,
    bank_squares numeric(50, 0) NOT NULL,
    firm_squares numeric(50, 0) NOT NULL,
    largest_bank uuid,
    largest_bank_liability bigint NOT NULL,
    largest_firm uuid,
    largest_firm_liability bigint NOT NULL,
    releases jsonb NOT NULL,
    CONSTRAINT pk_park_figures PRIMARY KEY (park_code, version),
    CONSTRAINT fk_park_figures_park_code FOREIGN KEY (park_code) REFERENCES parks (code)
);
CREATE UNIQUE INDEX uq_park_figures_park_code_at ON park_figures (park_code, at);
CREATE TABLE deal_steps (
    deal_id uuid NOT NULL,
    number bigint NOT NULL,
    park_code text NOT NULL,
    step text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz,
    CONSTRAINT pk_deal_steps PRIMARY KEY (deal_id, number),
    CONSTRAINT fk_deal_steps_deal_id FOREIGN KEY (deal_id) REFERENCES deals (id),
    CONSTRAINT fk_deal_steps_park_code FOREIGN KEY (park_code) REFERENCES parks (code)
);
CREATE INDEX ix_deal_steps_open ON deal_steps (park_code, since, deal_id) WHERE until IS NULL;
CREATE INDEX ix_deal_steps_past ON deal_steps USING gist (tstzrange(since, until));
CREATE TABLE park_consents (
    id uuid NOT NULL,
    firm_id uuid NOT NULL,
    given_by uuid,
    given_at timestamptz NOT NULL,
    withdrawn_by uuid,
    withdrawn_at timestamptz,
    CONSTRAINT pk_park_consents PRIMARY KEY (id),
    CONSTRAINT fk_park_consents_firm_id FOREIGN KEY (firm_id) REFERENCES organisations (id),
    CONSTRAINT fk_park_consents_given_by FOREIGN KEY (given_by) REFERENCES users (id),
    CONSTRAINT fk_park_consents_withdrawn_by FOREIGN KEY (withdrawn_by) REFERENCES users (id)
);
CREATE UNIQUE INDEX uq_park_consents_live ON park_consents (firm_id) WHERE withdrawn_at IS NULL;
CREATE TABLE alerts (
    id uuid NOT NULL,
    subject text NOT NULL,
    measure text NOT NULL,
    level numeric(12, 6) NOT NULL,
    value numeric(12, 6) NOT NULL,
    status varchar(32) NOT NULL,
    raised_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    note text,
    cleared_at timestamptz,
    CONSTRAINT pk_alerts PRIMARY KEY (id),
    CONSTRAINT fk_alerts_acknowledged_by FOREIGN KEY (acknowledged_by) REFERENCES users (id)
);
CREATE UNIQUE INDEX uq_alerts_open ON alerts (subject, measure, level) WHERE status <> 'cleared';
CREATE INDEX ix_alerts_subject_id ON alerts (subject, id)
"""

# What a loan contributes on a day. {loan_filter} and {first} differ for one loan and for all.
# Releases follow deal.md: liability falls to round(principal × share); what is late has no month.
CONTRIBUTION = """
SELECT l.id, d.park_code, l.bank_id, l.firm_id, d.guarantor_id, coalesce(r.size, 'unknown'),
       l.in_programme, l.liability, l.status <> 'repaid', l.drawn, l.outstanding,
       lines.overdue_since, lines.overdue_principal,
       greatest(0, l.first_day - (r.opened_at AT TIME ZONE 'Asia/Shanghai')::date),
       {first}, coalesce(freed.releases, '{{}}'), day.on_, lines.changes_on
FROM loans l
JOIN deals d ON d.id = l.deal_id
JOIN financing_requests r ON r.id = d.request_id
LEFT JOIN loan_exposures e ON e.loan_id = l.id
CROSS JOIN LATERAL (
    SELECT coalesce(p_on, e.as_of, (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date) AS on_
) day
CROSS JOIN LATERAL (
    SELECT min(i.due_on) FILTER (WHERE i.due_on < day.on_ AND x.unsettled) AS overdue_since,
           coalesce(sum(i.principal - i.paid_principal) FILTER (WHERE i.due_on < day.on_), 0)
               AS overdue_principal,
           min(i.due_on + 1) FILTER (WHERE i.due_on >= day.on_ AND x.unsettled) AS changes_on
    FROM instalments i, LATERAL (
        SELECT i.paid_principal < i.principal OR i.paid_interest < i.interest
            OR i.paid_penalty < i.penalty AS unsettled
    ) x
    WHERE i.loan_id = l.id AND i.version = l.schedule_version
) lines
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(m.month, m.part) FILTER (WHERE m.part > 0) AS releases FROM (
        SELECT to_char(c.due_on, 'YYYY-MM') AS month, sum(c.part) AS part FROM (
            SELECT t.due_on, t.freed - lag(t.freed, 1, 0::numeric) OVER (ORDER BY t.number) AS part
            FROM (
                SELECT i.number, i.due_on, greatest(0, l.liability - round(
                    (l.outstanding - sum(i.principal - i.paid_principal) OVER (ORDER BY i.number))
                    * l.guarantee_share_pct / 100)) AS freed
                FROM instalments i
                WHERE i.loan_id = l.id AND i.version = l.schedule_version
                  AND i.due_on >= day.on_ AND l.in_programme AND l.liability > 0
            ) t
        ) c GROUP BY 1
    ) m
) freed
{loan_filter}
"""

EXPOSURE_OF = f"""
CREATE FUNCTION exposure_of(p_loan uuid, p_on date) RETURNS SETOF loan_exposures
LANGUAGE sql STABLE AS $$
{
    CONTRIBUTION.format(
        first="coalesce(e.first_time, NOT EXISTS (SELECT FROM loan_exposures o"
        " WHERE o.firm_id = l.firm_id))",
        loan_filter="WHERE l.id = p_loan",
    )
}
$$
"""

# NULL: each as of the day that its stored contribution is of.
EXPECTED_EXPOSURES = f"""
CREATE FUNCTION expected_exposures(p_on date) RETURNS SETOF loan_exposures
LANGUAGE sql STABLE AS $$
{
    CONTRIBUTION.format(
        first="coalesce(e.first_time, NOT bool_or(coalesce(e.first_time, false))"
        " OVER (PARTITION BY l.firm_id)"
        " AND l.id = first_value(l.id) OVER (PARTITION BY l.firm_id ORDER BY l.id))",
        loan_filter="",
    )
}
$$
"""

EXPECTED_PARK_EXPOSURES = """
CREATE VIEW expected_park_exposures WITH (security_invoker = true) AS
SELECT park_code, dimension, key, sum(amount)::bigint AS amount, sum(count)::bigint AS count FROM (
    SELECT e.park_code, x.dimension, x.key, x.amount, x.count
    FROM loan_exposures e CROSS JOIN LATERAL (VALUES
        ('bank', e.bank_id::text, e.in_programme::int * e.liability, e.live::int),
        ('firm', e.firm_id::text, e.in_programme::int * e.liability, e.live::int),
        ('size', e.size, e.in_programme::int * e.liability, e.live::int),
        ('days', e.days_to_cash::text, 0, 1)
    ) AS x (dimension, key, amount, count)
    WHERE x.key IS NOT NULL
    UNION ALL
    SELECT e.park_code, 'month', m.key, m.value::bigint, 0
    FROM loan_exposures e CROSS JOIN LATERAL jsonb_each_text(e.releases) m
) parts
GROUP BY park_code, dimension, key HAVING sum(amount) <> 0 OR sum(count) <> 0
"""

EXPECTED_FIGURES = """
CREATE VIEW expected_figures WITH (security_invoker = true) AS
SELECT l.*,
       coalesce((SELECT avg(s.days) FROM (
           SELECT x.key::int AS days, x.count,
                  sum(x.count) OVER (ORDER BY x.key::int) AS upto
           FROM park_exposures x WHERE x.park_code = l.park_code AND x.dimension = 'days'
       ) s, (VALUES ((l.days_count + 1) / 2), ((l.days_count + 2) / 2)) AS middle (place)
       WHERE s.upto >= middle.place AND s.upto - s.count < middle.place), 0) AS days_median,
       coalesce(s.bank_squares, 0) AS bank_squares, coalesce(s.firm_squares, 0) AS firm_squares,
       b.key::uuid AS largest_bank, coalesce(b.amount, 0) AS largest_bank_liability,
       f.key::uuid AS largest_firm, coalesce(f.amount, 0) AS largest_firm_liability,
       coalesce(s.releases, '{}') AS releases
FROM (
    SELECT park_code,
           sum(in_programme::int * liability)::bigint AS liability,
           sum(outstanding)::bigint AS outstanding, sum(drawn)::bigint AS drawn,
           count(*) AS loans, count(*) FILTER (WHERE live) AS live_loans,
           count(*) FILTER (WHERE first_time) AS first_time,
           coalesce(sum(days_to_cash), 0)::bigint AS days_sum, count(days_to_cash) AS days_count,
           count(overdue_since) AS overdue_loans,
           sum(overdue_principal)::bigint AS overdue_principal,
           coalesce(sum(in_programme::int * liability)
               FILTER (WHERE size IN ('micro', 'small')), 0)::bigint AS small_micro_liability
    FROM loan_exposures GROUP BY park_code
) l
LEFT JOIN LATERAL (
    SELECT sum(amount::numeric ^ 2) FILTER (WHERE dimension = 'bank') AS bank_squares,
           sum(amount::numeric ^ 2) FILTER (WHERE dimension = 'firm') AS firm_squares,
           jsonb_object_agg(key, amount) FILTER (WHERE dimension = 'month') AS releases
    FROM park_exposures x
    WHERE x.park_code = l.park_code AND x.dimension IN ('bank', 'firm', 'month')
) s ON true
LEFT JOIN LATERAL (
    SELECT key, amount FROM park_exposures
    WHERE park_code = l.park_code AND dimension = 'bank' AND amount > 0
    ORDER BY amount DESC, key LIMIT 1
) b ON true
LEFT JOIN LATERAL (
    SELECT key, amount FROM park_exposures
    WHERE park_code = l.park_code AND dimension = 'firm' AND amount > 0
    ORDER BY amount DESC, key LIMIT 1
) f ON true
"""

# Adds to one line of a park; answers by how much the square of its amount grew.
EXPOSURE_ADD = """
CREATE FUNCTION exposure_add(
    p_park text, p_dimension text, p_key text, p_amount bigint, p_count bigint
) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    v_amount numeric;
    v_count bigint;
BEGIN
    IF p_key IS NULL OR (p_amount = 0 AND p_count = 0) THEN
        RETURN 0;
    END IF;
    INSERT INTO park_exposures AS x (park_code, dimension, key, amount, count)
    VALUES (p_park, p_dimension, p_key, p_amount, p_count)
    ON CONFLICT (park_code, dimension, key) DO UPDATE
        SET amount = x.amount + excluded.amount, count = x.count + excluded.count
    RETURNING amount, count INTO v_amount, v_count;
    IF v_amount = 0 AND v_count = 0 THEN
        DELETE FROM park_exposures
        WHERE park_code = p_park AND dimension = p_dimension AND key = p_key;
    END IF;
    RETURN v_amount ^ 2 - (v_amount - p_amount) ^ 2;
END $$
"""

# The locks: firms new to the table, then parks in the order of their codes. A caller takes no
# other lock afterwards. Runs as the owner: what a bank may not see counts for its park as well.
REFRESH_EXPOSURES = """
CREATE FUNCTION refresh_exposures(p_loans uuid[], p_on date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_loan uuid;
    v_old loan_exposures;
    v_new loan_exposures;
    v_next park_figures;
    v_month record;
    v_changed integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('exposure ' || f.firm_id, 0)) FROM (
        SELECT DISTINCT l.firm_id FROM loans l WHERE l.id = ANY (p_loans)
          AND NOT EXISTS (SELECT FROM loan_exposures e WHERE e.loan_id = l.id)
        ORDER BY l.firm_id) f;
    PERFORM FROM parks WHERE code IN (
        SELECT d.park_code FROM loans l JOIN deals d ON d.id = l.deal_id
        WHERE l.id = ANY (p_loans)) ORDER BY code FOR NO KEY UPDATE;
    FOR v_loan IN SELECT DISTINCT unnest(p_loans) ORDER BY 1 LOOP
        SELECT * INTO v_new FROM exposure_of(v_loan, p_on);
        CONTINUE WHEN NOT FOUND;
        SELECT * INTO v_old FROM loan_exposures WHERE loan_id = v_loan;
        IF FOUND THEN
            UPDATE loan_exposures SET
                (liability, live, drawn, outstanding, overdue_since, overdue_principal, releases,
                 as_of, changes_on)
                = (v_new.liability, v_new.live, v_new.drawn, v_new.outstanding,
                   v_new.overdue_since, v_new.overdue_principal, v_new.releases, v_new.as_of,
                   v_new.changes_on)
            WHERE loan_id = v_loan;
            CONTINUE WHEN (v_old.liability, v_old.live, v_old.drawn, v_old.outstanding,
                           v_old.overdue_since, v_old.overdue_principal, v_old.releases)
                IS NOT DISTINCT FROM (v_new.liability, v_new.live, v_new.drawn, v_new.outstanding,
                           v_new.overdue_since, v_new.overdue_principal, v_new.releases);
        ELSE
            INSERT INTO loan_exposures SELECT v_new.*;
            v_old.liability := 0;
            v_old.live := false;
            v_old.drawn := 0;
            v_old.outstanding := 0;
            v_old.overdue_principal := 0;
            v_old.releases := '{}';
        END IF;
        SELECT * INTO v_next FROM park_figures
            WHERE park_code = v_new.park_code ORDER BY version DESC LIMIT 1;
        IF NOT FOUND THEN
            v_next := (v_new.park_code, 0, '-infinity', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                       0, 0, NULL, 0, NULL, 0, '{}');
        END IF;
        v_next.version := v_next.version + 1;
        v_next.at := greatest(clock_timestamp(), v_next.at + interval '1 microsecond');
        v_next.outstanding := v_next.outstanding + v_new.outstanding - v_old.outstanding;
        v_next.drawn := v_next.drawn + v_new.drawn - v_old.drawn;
        v_next.live_loans := v_next.live_loans + v_new.live::int - v_old.live::int;
        v_next.overdue_loans := v_next.overdue_loans
            + (v_new.overdue_since IS NOT NULL)::int - (v_old.overdue_since IS NOT NULL)::int;
        v_next.overdue_principal := v_next.overdue_principal
            + v_new.overdue_principal - v_old.overdue_principal;
        IF v_new.in_programme THEN
            v_next.liability := v_next.liability + v_new.liability - v_old.liability;
            IF v_new.size IN ('micro', 'small') THEN
                v_next.small_micro_liability := v_next.small_micro_liability
                    + v_new.liability - v_old.liability;
            END IF;
        END IF;
        v_next.bank_squares := v_next.bank_squares + exposure_add(
            v_new.park_code, 'bank', v_new.bank_id::text,
            v_new.in_programme::int * (v_new.liability - v_old.liability),
            v_new.live::int - v_old.live::int);
        v_next.firm_squares := v_next.firm_squares + exposure_add(
            v_new.park_code, 'firm', v_new.firm_id::text,
            v_new.in_programme::int * (v_new.liability - v_old.liability),
            v_new.live::int - v_old.live::int);
        PERFORM exposure_add(v_new.park_code, 'size', v_new.size,
            v_new.in_programme::int * (v_new.liability - v_old.liability),
            v_new.live::int - v_old.live::int);
        IF v_old.loan_id IS NULL THEN
            v_next.loans := v_next.loans + 1;
            v_next.first_time := v_next.first_time + v_new.first_time::int;
            IF v_new.days_to_cash IS NOT NULL THEN
                PERFORM exposure_add(v_new.park_code, 'days', v_new.days_to_cash::text, 0, 1);
                v_next.days_sum := v_next.days_sum + v_new.days_to_cash;
                v_next.days_count := v_next.days_count + 1;
                SELECT avg(s.days) INTO v_next.days_median FROM (
                    SELECT x.key::int AS days, x.count,
                           sum(x.count) OVER (ORDER BY x.key::int) AS upto
                    FROM park_exposures x
                    WHERE x.park_code = v_new.park_code AND x.dimension = 'days'
                ) s, (VALUES ((v_next.days_count + 1) / 2), ((v_next.days_count + 2) / 2))
                    AS middle (place)
                WHERE s.upto >= middle.place AND s.upto - s.count < middle.place;
            END IF;
        END IF;
        IF v_old.releases <> v_new.releases THEN
            FOR v_month IN
                SELECT key, sum(part)::bigint AS part FROM (
                    SELECT key, value::bigint AS part FROM jsonb_each_text(v_new.releases)
                    UNION ALL
                    SELECT key, -value::bigint FROM jsonb_each_text(v_old.releases)
                ) parts GROUP BY key HAVING sum(part) <> 0 ORDER BY key
            LOOP
                PERFORM exposure_add(v_new.park_code, 'month', v_month.key, v_month.part, 0);
            END LOOP;
            SELECT coalesce(jsonb_object_agg(key, amount), '{}') INTO v_next.releases
                FROM park_exposures WHERE park_code = v_new.park_code AND dimension = 'month';
        END IF;
        v_next.largest_bank := NULL;
        v_next.largest_bank_liability := 0;
        v_next.largest_firm := NULL;
        v_next.largest_firm_liability := 0;
        SELECT key::uuid, amount INTO v_next.largest_bank, v_next.largest_bank_liability
            FROM park_exposures
            WHERE park_code = v_new.park_code AND dimension = 'bank' AND amount > 0
            ORDER BY amount DESC, key LIMIT 1;
        SELECT key::uuid, amount INTO v_next.largest_firm, v_next.largest_firm_liability
            FROM park_exposures
            WHERE park_code = v_new.park_code AND dimension = 'firm' AND amount > 0
            ORDER BY amount DESC, key LIMIT 1;
        v_next.largest_bank_liability := coalesce(v_next.largest_bank_liability, 0);
        v_next.largest_firm_liability := coalesce(v_next.largest_firm_liability, 0);
        INSERT INTO park_figures SELECT v_next.*;
        v_changed := v_changed + 1;
        PERFORM pg_notify('quota', v_new.park_code);
    END LOOP;
    RETURN v_changed;
END $$
"""

# From scratch, for a database that was filled without them.
REBUILD_EXPOSURES = """
CREATE FUNCTION rebuild_exposures(p_on date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM parks ORDER BY code FOR NO KEY UPDATE;
    CREATE TEMP TABLE rebuilt ON COMMIT DROP AS SELECT * FROM expected_exposures(p_on);
    DELETE FROM loan_exposures;
    INSERT INTO loan_exposures SELECT * FROM rebuilt;
    DROP TABLE rebuilt;
    DELETE FROM park_exposures;
    INSERT INTO park_exposures SELECT * FROM expected_park_exposures;
    INSERT INTO park_figures (park_code, version, at, liability, outstanding, drawn, loans,
        live_loans, first_time, days_sum, days_count, days_median, overdue_loans,
        overdue_principal, small_micro_liability, bank_squares, firm_squares, largest_bank,
        largest_bank_liability, largest_firm, largest_firm_liability, releases)
    SELECT f.park_code, coalesce(p.version, 0) + 1,
        greatest(clock_timestamp(), p.at + interval '1 microsecond'), f.liability, f.outstanding,
        f.drawn, f.loans, f.live_loans, f.first_time, f.days_sum, f.days_count, f.days_median,
        f.overdue_loans, f.overdue_principal, f.small_micro_liability, f.bank_squares,
        f.firm_squares, f.largest_bank, f.largest_bank_liability, f.largest_firm,
        f.largest_firm_liability, f.releases
    FROM expected_figures f LEFT JOIN LATERAL (
        SELECT version, at FROM park_figures l WHERE l.park_code = f.park_code
        ORDER BY version DESC LIMIT 1
    ) p ON true;
END $$
"""

# A deal's step is the last row of its history; the interval of each is kept for past instants.
KEEP_STEP = """
CREATE FUNCTION keep_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE deal_steps SET until = greatest(since, NEW.at)
        WHERE deal_id = NEW.subject_id AND until IS NULL;
    IF NEW.target IN ('queued', 'reconfirming', 'approving', 'contracting', 'perfecting') THEN
        INSERT INTO deal_steps (deal_id, number, park_code, step, since)
        SELECT d.id, NEW.id, d.park_code, NEW.target, NEW.at
        FROM deals d WHERE d.id = NEW.subject_id;
    END IF;
    RETURN NULL;
END $$
"""
PAST_STEPS = """
INSERT INTO deal_steps (deal_id, number, park_code, step, since, until)
SELECT d.id, c.id, d.park_code, c.target, c.at, greatest(c.at, c.next) FROM (
    SELECT id, subject_id, target, at, lead(at) OVER (PARTITION BY subject_id ORDER BY id) AS next
    FROM status_changes WHERE subject = 'deal'
) c JOIN deals d ON d.id = c.subject_id
WHERE c.target IN ('queued', 'reconfirming', 'approving', 'contracting', 'perfecting')
"""

# A hold taken or given back changes the quota; the hint spares the stream's readers a wait.
TELL_QUOTA = """
CREATE FUNCTION tell_quota() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('quota', NEW.park_code);
    RETURN NULL;
END $$
"""

POLICIES = {
    "loan_exposures": "app_org() IN (bank_id, firm_id, guarantor_id) OR park_code = app_park()"
    " OR app_staff()",
    "park_exposures": "park_code = app_park() OR app_staff()",
    "park_figures": "park_code = app_park() OR app_staff()",
    "deal_steps": "park_code = app_park() OR app_staff()",
    "park_consents": "firm_id = app_org() OR app_staff()",
    "alerts": "app_staff() OR subject IN (app_park(), app_org()::text)",
}


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    for statement in (
        EXPOSURE_OF,
        EXPECTED_EXPOSURES,
        EXPECTED_PARK_EXPOSURES,
        EXPECTED_FIGURES,
        EXPOSURE_ADD,
        REFRESH_EXPOSURES,
        REBUILD_EXPOSURES,
        KEEP_STEP,
        TELL_QUOTA,
    ):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER keep_step AFTER INSERT ON status_changes FOR EACH ROW"
        " WHEN (NEW.subject = 'deal') EXECUTE FUNCTION keep_step()"
    )
    op.execute(
        "CREATE TRIGGER tell_quota AFTER INSERT OR UPDATE OF held ON deals FOR EACH ROW"
        " WHEN (NEW.in_programme) EXECUTE FUNCTION tell_quota()"
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON park_figures"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(PAST_STEPS)
    op.execute("SELECT rebuild_exposures((now() AT TIME ZONE 'Asia/Shanghai')::date)")
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({condition})")


def downgrade() -> None:
    op.execute("DROP TRIGGER tell_quota ON deals")
    op.execute("DROP TRIGGER keep_step ON status_changes")
    for function in (
        "tell_quota()",
        "keep_step()",
        "rebuild_exposures(date)",
        "refresh_exposures(uuid[], date)",
        "exposure_add(text, text, text, bigint, bigint)",
    ):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP VIEW expected_figures")
    op.execute("DROP VIEW expected_park_exposures")
    op.execute("DROP FUNCTION expected_exposures(date)")
    op.execute("DROP FUNCTION exposure_of(uuid, date)")
    for table in reversed(POLICIES):
        op.drop_table(table)
