-- What every service's database holds beside its own tables: the at-least-once protocol's memory.

-- Events that were handled: a second delivery is a duplicate. Written in the handler's transaction.
CREATE TABLE inbox (
    message_id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Events that are committed and not yet known to be delivered. Rows are born leased to the process that wrote them.
CREATE TABLE outbox (
    event_id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    traceparent TEXT,
    lease_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_lease ON outbox (lease_until);

-- Calls to the outside that are owed. The row is the durable intent; it goes with the transaction of the answer.
CREATE TABLE effects (
    id TEXT NOT NULL PRIMARY KEY,
    correlation TEXT NOT NULL,
    effect TEXT NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    -- Due, or leased until: nobody claims it before.
    ready_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX effects_ready ON effects (ready_at);

-- Deadlines. A timer fires through the same path as a message; another epoch than the armed one is stale.
CREATE TABLE timers (
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    due INTEGER NOT NULL,
    PRIMARY KEY (subject, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX timers_due ON timers (due);

-- What happened to each subject, append-only.
CREATE TABLE history (
    seq INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    causation_id TEXT,
    event TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    detail TEXT
) STRICT;
CREATE INDEX history_subject ON history (subject, seq);

-- Answers to requests with an idempotency key, kept in the transaction of their effect.
CREATE TABLE kept_answers (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    resource TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- Failed attempts to handle a message, until it succeeds or becomes a dead letter.
CREATE TABLE attempts (
    queue TEXT NOT NULL,
    message_id TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (queue, message_id)
) STRICT, WITHOUT ROWID;

-- Messages that were given up. Never deleted: an action on one is kept with its actor and reason.
CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    queue TEXT NOT NULL,
    event_type TEXT NOT NULL,
    body TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    at INTEGER NOT NULL,
    taken_at INTEGER,
    taken_by TEXT,
    taken_reason TEXT
) STRICT;
CREATE UNIQUE INDEX dead_letters_open ON dead_letters (id, queue) WHERE taken_at IS NULL;
