-- Orders with their lines and sagas, and the prices that orders are placed at.

-- An order and its saga are one row: they have one id, one version and change together.
CREATE TABLE orders (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    failure_code TEXT,
    total_minor INTEGER NOT NULL CHECK (total_minor >= 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    payment_method_id TEXT,
    payment_status TEXT NOT NULL CHECK (payment_status IN
        ('pending', 'not_charged', 'failed', 'processed', 'voided', 'partially_refunded', 'refunded')),
    -- A JSON object as the caller gave it.
    metadata TEXT CHECK (length(metadata) <= 4096),
    correlation_id TEXT NOT NULL UNIQUE,
    request_correlation_id TEXT,
    saga_definition_version INTEGER NOT NULL CHECK (saga_definition_version >= 1),
    -- State with its data, what is owed, and the timer that is waited on: JSON.
    saga TEXT NOT NULL,
    -- Why an operator must look: JSON.
    attention TEXT,
    -- Whether it has ended and nothing is owed any more.
    settled INTEGER NOT NULL CHECK (settled IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    CHECK ((status = 'failed') = (failure_code IS NOT NULL)),
    CHECK (settled = 0 OR status IN ('completed', 'failed', 'cancelled'))
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_of_user ON orders (user_id, created_at, id);
CREATE INDEX orders_by_age ON orders (created_at, id);
-- These two hold only what operators look for, so they stay small however many orders there are.
CREATE INDEX orders_unsettled ON orders (created_at, id) WHERE settled = 0;
CREATE INDEX orders_attention ON orders (created_at, id) WHERE attention IS NOT NULL;

-- Written once, with the order. Amounts are in the order's currency.
CREATE TABLE order_items (
    order_id TEXT NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    product_id TEXT NOT NULL,
    position INTEGER NOT NULL CHECK (position BETWEEN 0 AND 99),
    id TEXT NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    unit_price_minor INTEGER NOT NULL CHECK (unit_price_minor >= 0),
    line_total_minor INTEGER NOT NULL,
    PRIMARY KEY (order_id, product_id),
    CHECK (line_total_minor = unit_price_minor * quantity)
) STRICT, WITHOUT ROWID;

-- What inventory last announced of each product.
CREATE TABLE catalogue (
    product_id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1))
) STRICT, WITHOUT ROWID;

-- The sagas as operators query them.
CREATE VIEW sagas AS
SELECT id, 'order' AS definition, saga_definition_version AS definition_version, version, status AS state,
       saga ->> '$.ledger' AS owed, attention, settled, created_at, updated_at
FROM orders;
