-- Products, stock, reservations and the log of what is on hand.

CREATE TABLE products (
    id UUID NOT NULL PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE CHECK (length(sku) BETWEEN 1 AND 64),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description TEXT NOT NULL,
    price amount NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    is_active BOOLEAN NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX products_newest ON products (created_at, id);

CREATE TRIGGER products_times BEFORE UPDATE ON products FOR EACH ROW
    WHEN ((NEW.updated_at, NEW.version) = (OLD.updated_at, OLD.version) OR NEW.created_at <> OLD.created_at)
    EXECUTE FUNCTION keep_times();

-- Apart from the product, because every order writes it. Half of each page is left free, so that a row stays in it.
CREATE TABLE stock (
    product_id UUID NOT NULL PRIMARY KEY REFERENCES products (id),
    on_hand BIGINT NOT NULL CHECK (on_hand BETWEEN 0 AND 1000000000),
    reserved BIGINT NOT NULL,
    committed BIGINT NOT NULL CHECK (committed >= 0),
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK (reserved >= 0 AND reserved <= on_hand)
) WITH (fillfactor = 50);

-- One for each order, for ever: an order that is asked for a second time finds what became of it.
CREATE TABLE reservations (
    order_id UUID NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('held', 'committed', 'released', 'refused', 'barred')),
    user_id UUID,
    reservation_id UUID,
    -- The order's lines: they are read back as a whole.
    lines JSON,
    total amount,
    currency TEXT,
    payment_method_id UUID,
    alarm_at TIMESTAMPTZ,
    correlation UUID,
    reason TEXT,
    shortages JSON,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK (CASE WHEN state IN ('held', 'committed', 'released')
        THEN num_nulls(reservation_id, lines, total, currency, alarm_at, correlation) = 0
        ELSE num_nonnulls(reservation_id, lines, total, currency, payment_method_id, alarm_at, correlation) = 0 END),
    CHECK (CASE WHEN state = 'refused' THEN num_nulls(reason, shortages) = 0
        ELSE num_nonnulls(reason, shortages) = 0 END),
    CHECK ((state = 'barred') = (user_id IS NULL))
) WITH (fillfactor = 80);

CREATE TRIGGER reservations_end_once BEFORE UPDATE ON reservations FOR EACH ROW
    WHEN (OLD.state <> 'held') EXECUTE FUNCTION refuse('a reservation that has ended stays as it is');
CREATE TRIGGER reservations_stay BEFORE DELETE ON reservations FOR EACH ROW
    EXECUTE FUNCTION refuse('reservations are never deleted');

-- Append-only. The deltas of a product add up to what is on hand. Read as it is keyed: newest of a product first.
CREATE TABLE movements (
    product_id UUID NOT NULL REFERENCES products (id),
    at TIMESTAMPTZ NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('initial', 'adjustment', 'commit')),
    delta BIGINT NOT NULL CHECK (delta <> 0),
    reason TEXT NOT NULL,
    actor UUID,
    order_id UUID,
    PRIMARY KEY (product_id, at, id),
    CHECK ((kind = 'commit') = (order_id IS NOT NULL)),
    CHECK (kind <> 'commit' OR delta < 0),
    CHECK (kind <> 'initial' OR delta > 0)
);
-- An order is sold once.
CREATE UNIQUE INDEX movements_commit ON movements (order_id, product_id) WHERE kind = 'commit';
-- A product begins once.
CREATE UNIQUE INDEX movements_initial ON movements (product_id) WHERE kind = 'initial';

CREATE TRIGGER movements_stay_as_they_are BEFORE UPDATE ON movements FOR EACH ROW
    EXECUTE FUNCTION refuse('movements are never changed');
CREATE TRIGGER movements_stay BEFORE DELETE ON movements FOR EACH ROW
    EXECUTE FUNCTION refuse('movements are never deleted');
