-- The sandbox payment provider's own log: every call and what became of it. Rows are only added.
CREATE TABLE calls (
    seq          INTEGER NOT NULL PRIMARY KEY,
    at           INTEGER NOT NULL,
    key          TEXT    NOT NULL,
    operation    TEXT    NOT NULL CHECK (operation IN ('charge', 'refund')),
    order_id     TEXT    NOT NULL,
    payment_id   TEXT    NOT NULL,
    -- The charge that a refund is of.
    charge       TEXT    CHECK ((operation = 'refund') = (charge IS NOT NULL)),
    amount_minor INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    -- Money moved if, and only if, this is 'succeeded'.
    result       TEXT    NOT NULL,
    reference    TEXT    CHECK (result <> 'succeeded' OR reference IS NOT NULL)
) STRICT;

CREATE INDEX calls_of_key ON calls (key);

CREATE INDEX calls_of_order ON calls (order_id);

CREATE INDEX refunds_of_charge ON calls (charge) WHERE charge IS NOT NULL;

-- Money moves once under each key, whatever a program does.
CREATE UNIQUE INDEX once_for_each_key ON calls (key) WHERE result = 'succeeded';

CREATE TRIGGER calls_do_not_change BEFORE UPDATE ON calls
BEGIN
    SELECT RAISE(ABORT, 'the log is only added to');
END;

CREATE TRIGGER calls_are_kept BEFORE DELETE ON calls
BEGIN
    SELECT RAISE(ABORT, 'the log is only added to');
END;
