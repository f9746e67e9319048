-- Orders with their lines and sagas, and the prices that orders are placed at.

-- An order and its saga are one row: they have one id, one version and change together. Some room is left in each page,
-- so that a step of a saga stays in it and touches no index.
CREATE TABLE orders (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    failure_code TEXT,
    total amount NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    payment_method_id UUID,
    payment_status TEXT NOT NULL CHECK (payment_status IN
        ('pending', 'not_charged', 'failed', 'processed', 'voided', 'partially_refunded', 'refunded')),
    -- A JSON object as the caller gave it.
    metadata JSON CHECK (length(metadata::TEXT) <= 4096),
    correlation_id UUID NOT NULL UNIQUE,
    request_correlation_id TEXT,
    saga_definition_version BIGINT NOT NULL CHECK (saga_definition_version >= 1),
    -- State with its data, what is owed, and the timer that is waited on.
    saga JSON NOT NULL,
    -- Why an operator must look.
    attention JSON,
    -- Whether it has ended and nothing is owed any more.
    settled BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK ((status = 'failed') = (failure_code IS NOT NULL)),
    CHECK (NOT settled OR status IN ('completed', 'failed', 'cancelled'))
) WITH (fillfactor = 70);
CREATE INDEX orders_of_user ON orders (user_id, created_at, id);
CREATE INDEX orders_by_age ON orders (created_at, id);
-- These two hold only what operators look for, so they stay small however many orders there are.
CREATE INDEX orders_unsettled ON orders (created_at, id) WHERE NOT settled;
CREATE INDEX orders_attention ON orders (created_at, id) WHERE attention IS NOT NULL;

CREATE TRIGGER orders_times BEFORE UPDATE ON orders FOR EACH ROW
    WHEN ((NEW.updated_at, NEW.version) = (OLD.updated_at, OLD.version) OR NEW.created_at <> OLD.created_at)
    EXECUTE FUNCTION keep_times();

-- Written once, with the order. Amounts are in the order's currency.
CREATE TABLE order_items (
    order_id UUID NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    product_id UUID NOT NULL,
    position BIGINT NOT NULL CHECK (position BETWEEN 0 AND 99),
    id UUID NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    unit_price amount NOT NULL,
    line_total amount NOT NULL,
    PRIMARY KEY (order_id, product_id),
    CHECK (line_total = unit_price * quantity)
);
CREATE TRIGGER order_items_stay_as_they_are BEFORE UPDATE ON order_items FOR EACH ROW
    EXECUTE FUNCTION refuse('the lines of an order are never changed');

-- What inventory last announced of each product.
CREATE TABLE catalogue (
    product_id UUID NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL CHECK (version >= 1),
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    price amount NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    is_active BOOLEAN NOT NULL
);

-- The sagas as operators query them.
CREATE VIEW sagas AS
SELECT id, 'order' AS definition, saga_definition_version AS definition_version, version, status AS state,
       saga -> 'ledger' AS owed, attention, settled, created_at, updated_at
FROM orders;
