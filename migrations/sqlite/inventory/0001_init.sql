-- Products, stock, reservations and the log of what is on hand.

CREATE TABLE products (
    id TEXT NOT NULL PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE CHECK (length(sku) BETWEEN 1 AND 64),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description TEXT NOT NULL,
    price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX products_newest ON products (created_at, id);

-- Apart from the product, because every order writes it.
CREATE TABLE stock (
    product_id TEXT NOT NULL PRIMARY KEY REFERENCES products (id),
    on_hand INTEGER NOT NULL CHECK (on_hand BETWEEN 0 AND 1000000000),
    reserved INTEGER NOT NULL,
    committed INTEGER NOT NULL CHECK (committed >= 0),
    version INTEGER NOT NULL CHECK (version >= 1),
    CHECK (reserved >= 0 AND reserved <= on_hand)
) STRICT, WITHOUT ROWID;

-- One for each order, for ever: an order that is asked for a second time finds what became of it.
CREATE TABLE reservations (
    order_id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('held', 'committed', 'released', 'refused', 'barred')),
    user_id TEXT,
    reservation_id TEXT,
    -- The order's lines as JSON: they are read back as a whole.
    lines TEXT,
    total_minor INTEGER,
    currency TEXT,
    payment_method_id TEXT,
    alarm_at INTEGER,
    correlation TEXT,
    reason TEXT,
    shortages TEXT,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    CHECK (CASE WHEN state IN ('held', 'committed', 'released')
        THEN reservation_id IS NOT NULL AND lines IS NOT NULL AND total_minor IS NOT NULL AND currency IS NOT NULL
            AND alarm_at IS NOT NULL AND correlation IS NOT NULL
        ELSE coalesce(reservation_id, lines, total_minor, currency, payment_method_id, alarm_at, correlation) IS NULL
        END),
    CHECK (CASE WHEN state = 'refused' THEN reason IS NOT NULL AND shortages IS NOT NULL
        ELSE coalesce(reason, shortages) IS NULL END),
    CHECK ((state = 'barred') = (user_id IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER reservations_end_once BEFORE UPDATE ON reservations WHEN old.state <> 'held'
BEGIN
    SELECT RAISE(ABORT, 'a reservation that has ended stays as it is');
END;
CREATE TRIGGER reservations_stay BEFORE DELETE ON reservations
BEGIN
    SELECT RAISE(ABORT, 'reservations are never deleted');
END;

-- Append-only. The deltas of a product add up to what is on hand. Clustered as it is listed: newest of a product first.
CREATE TABLE movements (
    product_id TEXT NOT NULL REFERENCES products (id),
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('initial', 'adjustment', 'commit')),
    delta INTEGER NOT NULL CHECK (delta <> 0),
    reason TEXT NOT NULL,
    actor TEXT,
    order_id TEXT,
    PRIMARY KEY (product_id, at, id),
    CHECK ((kind = 'commit') = (order_id IS NOT NULL)),
    CHECK (kind <> 'commit' OR delta < 0),
    CHECK (kind <> 'initial' OR delta > 0)
) STRICT, WITHOUT ROWID;
-- An order is sold once.
CREATE UNIQUE INDEX movements_commit ON movements (order_id, product_id) WHERE kind = 'commit';
-- A product begins once.
CREATE UNIQUE INDEX movements_initial ON movements (product_id) WHERE kind = 'initial';

CREATE TRIGGER movements_stay_as_they_are BEFORE UPDATE ON movements
BEGIN
    SELECT RAISE(ABORT, 'movements are never changed');
END;
CREATE TRIGGER movements_stay BEFORE DELETE ON movements
BEGIN
    SELECT RAISE(ABORT, 'movements are never deleted');
END;
