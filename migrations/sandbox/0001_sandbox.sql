-- The sandbox payment provider's own log: every call and what became of it. Rows are only added. It lies in a schema of
-- its own: the payment service never looks into it.
CREATE SCHEMA sandbox;

CREATE TABLE sandbox.calls (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           BIGINT NOT NULL,
    key          UUID   NOT NULL,
    operation    TEXT   NOT NULL CHECK (operation IN ('charge', 'refund')),
    order_id     UUID   NOT NULL,
    payment_id   UUID   NOT NULL,
    -- The charge that a refund is of.
    charge       TEXT   CHECK ((operation = 'refund') = (charge IS NOT NULL)),
    amount_minor BIGINT NOT NULL,
    currency     TEXT   NOT NULL,
    -- Money moved if, and only if, this is 'succeeded'.
    result       TEXT   NOT NULL,
    reference    TEXT   CHECK (result <> 'succeeded' OR reference IS NOT NULL)
);

CREATE INDEX calls_of_key ON sandbox.calls (key);

CREATE INDEX calls_of_order ON sandbox.calls (order_id, seq);

CREATE INDEX refunds_of_charge ON sandbox.calls (charge) WHERE charge IS NOT NULL;

-- Money moves once under each key, whatever a program does.
CREATE UNIQUE INDEX once_for_each_key ON sandbox.calls (key) WHERE result = 'succeeded';

CREATE FUNCTION sandbox.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is only added to';
END
$$;

CREATE TRIGGER calls_do_not_change BEFORE UPDATE OR DELETE OR TRUNCATE ON sandbox.calls
FOR EACH STATEMENT EXECUTE FUNCTION sandbox.refuse_change();
