-- What every service's database holds beside its own tables: the at-least-once protocol's memory.

-- An amount of money in its currency's unit, with up to four digits after the point: never below zero, never NaN.
CREATE DOMAIN amount AS NUMERIC(23, 4) CHECK (VALUE >= 0 AND VALUE < 'NaN');

-- Keeps the times of a row: it is created once, and whoever changes it without saying when changes it now. A service
-- says when: it writes the time of the transaction that decided, with the row's next version.
CREATE FUNCTION keep_times() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.created_at := OLD.created_at;
    IF NEW.updated_at = OLD.updated_at THEN
        NEW.updated_at := greatest(now(), OLD.updated_at);
    END IF;
    RETURN NEW;
END
$$;

-- For tables whose rows are never changed, never deleted, or end once: the trigger's argument says why.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END
$$;

-- Events that were handled: a second delivery is a duplicate. Written in the handler's transaction.
CREATE TABLE inbox (
    message_id UUID NOT NULL PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL
);

-- Events that are committed and not yet known to be delivered. Rows are born leased to the process that wrote them.
-- They come and go all the time, so the dead ones are cleared away early.
CREATE TABLE outbox (
    event_id UUID NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    traceparent TEXT,
    lease_until TIMESTAMPTZ NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX outbox_lease ON outbox (lease_until);

-- Calls to the outside that are owed. The row is the durable intent; it goes with the transaction of the answer.
CREATE TABLE effects (
    id UUID NOT NULL PRIMARY KEY,
    correlation UUID NOT NULL,
    effect JSON NOT NULL,
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    -- Due, or leased until: nobody claims it before.
    ready_at TIMESTAMPTZ NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX effects_ready ON effects (ready_at);

-- Deadlines. A timer fires through the same path as a message; another epoch than the armed one is stale.
CREATE TABLE timers (
    subject UUID NOT NULL,
    kind TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    due TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (subject, kind)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX timers_due ON timers (due);

-- What happened to each subject, append-only.
CREATE TABLE history (
    seq BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    subject UUID NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    message_id UUID NOT NULL,
    causation_id UUID,
    event TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    detail TEXT,
    PRIMARY KEY (subject, seq)
);

-- Answers to requests with an idempotency key, kept in the transaction of their effect.
CREATE TABLE kept_answers (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status BIGINT NOT NULL CHECK (status BETWEEN 100 AND 599),
    resource UUID NOT NULL,
    body TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Failed attempts to handle a message, until it succeeds or becomes a dead letter.
CREATE TABLE attempts (
    queue TEXT NOT NULL,
    message_id UUID NOT NULL,
    count BIGINT NOT NULL CHECK (count >= 1),
    PRIMARY KEY (queue, message_id)
);

-- Messages that were given up. Never deleted: an action on one is kept with its actor and reason.
CREATE TABLE dead_letters (
    seq BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id UUID NOT NULL,
    queue TEXT NOT NULL,
    event_type TEXT NOT NULL,
    body TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    at TIMESTAMPTZ NOT NULL,
    taken_at TIMESTAMPTZ,
    taken_by TEXT,
    taken_reason TEXT,
    CHECK ((taken_at IS NULL) = (taken_by IS NULL) AND (taken_at IS NULL) = (taken_reason IS NULL))
);
CREATE UNIQUE INDEX dead_letters_open ON dead_letters (id, queue) WHERE taken_at IS NULL;
CREATE INDEX dead_letters_newest ON dead_letters (seq) WHERE taken_at IS NULL;
