-- Payments, refunds, payment methods, what happened between us and the provider, and the ledger.

-- A payment, or (status 'barred') the barrier of an order that had ended before it was to be paid. One row for each
-- order, for ever: that is what keeps an order from being charged twice.
CREATE TABLE payments (
    id             TEXT    NOT NULL PRIMARY KEY,
    order_id       TEXT    NOT NULL UNIQUE,
    correlation_id TEXT,
    user_id        TEXT,
    provider       TEXT,
    currency       TEXT,
    amount_minor   INTEGER CHECK (amount_minor >= 0),
    captured_minor INTEGER CHECK (captured_minor IN (0, amount_minor)),
    refunded_minor INTEGER CHECK (refunded_minor >= 0),
    pending_minor  INTEGER CHECK (pending_minor >= 0),
    status         TEXT    NOT NULL CHECK (status IN
        ('barred', 'charging', 'failed', 'nothing_due', 'captured', 'refunding', 'refunded', 'voided')),
    state          TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL CHECK (version >= 1),
    CHECK (refunded_minor + pending_minor <= captured_minor),
    CHECK (status NOT IN ('charging', 'failed', 'nothing_due', 'voided') OR captured_minor = 0),
    CHECK (status NOT IN ('captured', 'refunding', 'refunded') OR captured_minor > 0),
    CHECK (status <> 'refunded' OR refunded_minor = captured_minor),
    CHECK ((status = 'barred') = (amount_minor IS NULL)),
    CHECK ((amount_minor IS NULL) = (captured_minor IS NULL) AND (amount_minor IS NULL) = (refunded_minor IS NULL)
        AND (amount_minor IS NULL) = (pending_minor IS NULL) AND (amount_minor IS NULL) = (currency IS NULL)
        AND (amount_minor IS NULL) = (user_id IS NULL) AND (amount_minor IS NULL) = (provider IS NULL)
        AND (amount_minor IS NULL) = (correlation_id IS NULL))
) STRICT, WITHOUT ROWID;

-- Holds (user_id, id): ids begin with the time of their order, so a user's payments lie here newest last.
CREATE INDEX payments_of_user ON payments (user_id) WHERE user_id IS NOT NULL;

CREATE TRIGGER payments_are_kept BEFORE DELETE ON payments
BEGIN
    SELECT RAISE(ABORT, 'payments and barriers are never deleted');
END;

CREATE TABLE refunds (
    id           TEXT    NOT NULL PRIMARY KEY,
    payment_id   TEXT    NOT NULL REFERENCES payments (id),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency     TEXT    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    -- The provider's name for the refund, or its words when it refused.
    outcome      TEXT    CHECK ((status = 'pending') = (outcome IS NULL)),
    -- The administrator; none when the order's end asked for it.
    actor        TEXT,
    reason       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL CHECK (version >= 1)
) STRICT, WITHOUT ROWID;

CREATE INDEX refunds_of_payment ON refunds (payment_id);

-- A payment is undone by one refund at most.
CREATE UNIQUE INDEX one_undo_of_payment ON refunds (payment_id) WHERE actor IS NULL;

CREATE TABLE payment_methods (
    id         TEXT    NOT NULL PRIMARY KEY,
    user_id    TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    token      TEXT    NOT NULL,
    brand      TEXT    NOT NULL,
    last4      TEXT    NOT NULL CHECK (length(last4) = 4),
    exp_month  INTEGER NOT NULL CHECK (exp_month BETWEEN 1 AND 12),
    exp_year   INTEGER NOT NULL,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    created_at INTEGER NOT NULL,
    deleted    INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    version    INTEGER NOT NULL CHECK (version >= 1),
    CHECK (NOT (is_default = 1 AND deleted = 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX payment_methods_of_user ON payment_methods (user_id, created_at, id) WHERE deleted = 0;

CREATE UNIQUE INDEX one_default_of_user ON payment_methods (user_id) WHERE is_default = 1;

-- What was asked of the provider and how it ended; rows are only added.
CREATE TABLE transactions (
    payment_id   TEXT    NOT NULL REFERENCES payments (id),
    id           TEXT    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('charge', 'refund')),
    status       TEXT    NOT NULL CHECK (status IN ('pending', 'unknown', 'succeeded', 'failed')),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency     TEXT    NOT NULL,
    detail       TEXT,
    at           INTEGER NOT NULL,
    PRIMARY KEY (payment_id, id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER transactions_do_not_change BEFORE UPDATE ON transactions
BEGIN
    SELECT RAISE(ABORT, 'transactions are only added');
END;

CREATE TRIGGER transactions_are_kept BEFORE DELETE ON transactions
BEGIN
    SELECT RAISE(ABORT, 'transactions are only added');
END;

-- The ledger: each row moves an amount from one account to another, so it cannot be out of balance; rows are only added.
CREATE TABLE postings (
    payment_id     TEXT    NOT NULL,
    transaction_id TEXT    NOT NULL,
    debit          TEXT    NOT NULL CHECK (debit IN ('provider_receivable', 'customer_funds', 'refunds')),
    credit         TEXT    NOT NULL CHECK (credit IN ('provider_receivable', 'customer_funds', 'refunds')),
    amount_minor   INTEGER NOT NULL CHECK (amount_minor > 0),
    currency       TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    PRIMARY KEY (payment_id, transaction_id),
    FOREIGN KEY (payment_id, transaction_id) REFERENCES transactions (payment_id, id),
    CHECK (debit <> credit)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER postings_do_not_change BEFORE UPDATE ON postings
BEGIN
    SELECT RAISE(ABORT, 'postings are only added');
END;

CREATE TRIGGER postings_are_kept BEFORE DELETE ON postings
BEGIN
    SELECT RAISE(ABORT, 'postings are only added');
END;

-- The ledger as entries: the sum over each posting, and so over everything, is zero for each currency.
CREATE VIEW ledger_entries AS
SELECT payment_id, transaction_id, debit AS account, amount_minor, currency, at FROM postings
UNION ALL
SELECT payment_id, transaction_id, credit AS account, -amount_minor, currency, at FROM postings;
