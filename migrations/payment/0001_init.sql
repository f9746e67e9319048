-- Payments, refunds, payment methods, what happened between us and the provider, and the ledger.

-- A payment, or (status 'barred') the barrier of an order that had ended before it was to be paid. One row for each
-- order, for ever: that is what keeps an order from being charged twice.
CREATE TABLE payments (
    id UUID NOT NULL PRIMARY KEY,
    order_id UUID NOT NULL UNIQUE,
    correlation_id UUID,
    user_id UUID,
    provider TEXT,
    currency TEXT CHECK (length(currency) = 3),
    amount amount,
    captured amount CHECK (captured IN (0, amount)),
    refunded amount,
    pending amount,
    status TEXT NOT NULL CHECK (status IN
        ('barred', 'charging', 'failed', 'nothing_due', 'captured', 'refunding', 'refunded', 'voided')),
    state JSON NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK (refunded + pending <= captured),
    CHECK (status NOT IN ('charging', 'failed', 'nothing_due', 'voided') OR captured = 0),
    CHECK (status NOT IN ('captured', 'refunding', 'refunded') OR captured > 0),
    CHECK (status <> 'refunded' OR refunded = captured),
    CHECK (num_nulls(amount, captured, refunded, pending, currency, user_id, provider, correlation_id)
        = CASE status WHEN 'barred' THEN 8 ELSE 0 END)
) WITH (fillfactor = 80);

-- Ids begin with the time of their order, so a user's payments lie here newest last.
CREATE INDEX payments_of_user ON payments (user_id, id) WHERE user_id IS NOT NULL;

CREATE TRIGGER payments_times BEFORE UPDATE ON payments FOR EACH ROW
    WHEN ((NEW.updated_at, NEW.version) = (OLD.updated_at, OLD.version) OR NEW.created_at <> OLD.created_at)
    EXECUTE FUNCTION keep_times();
CREATE TRIGGER barriers_stay_as_they_are BEFORE UPDATE ON payments FOR EACH ROW
    WHEN (OLD.status = 'barred') EXECUTE FUNCTION refuse('barriers are never changed');
CREATE TRIGGER payments_are_kept BEFORE DELETE ON payments FOR EACH ROW
    EXECUTE FUNCTION refuse('payments and barriers are never deleted');

CREATE TABLE refunds (
    id UUID NOT NULL PRIMARY KEY,
    payment_id UUID NOT NULL REFERENCES payments (id),
    amount amount NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    -- The provider's name for the refund, or its words when it refused.
    outcome TEXT CHECK ((status = 'pending') = (outcome IS NULL)),
    -- The administrator; none when the order's end asked for it.
    actor UUID,
    reason TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL CHECK (version >= 1)
);
CREATE INDEX refunds_of_payment ON refunds (payment_id);
-- A payment is undone by one refund at most.
CREATE UNIQUE INDEX one_undo_of_payment ON refunds (payment_id) WHERE actor IS NULL;

CREATE TRIGGER refunds_end_once BEFORE UPDATE ON refunds FOR EACH ROW
    WHEN (OLD.status <> 'pending') EXECUTE FUNCTION refuse('a refund that has ended stays as it is');
CREATE TRIGGER refunds_are_kept BEFORE DELETE ON refunds FOR EACH ROW
    EXECUTE FUNCTION refuse('refunds are never deleted');

CREATE TABLE payment_methods (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL,
    provider TEXT NOT NULL,
    token TEXT NOT NULL,
    brand TEXT NOT NULL,
    last4 TEXT NOT NULL CHECK (length(last4) = 4),
    exp_month BIGINT NOT NULL CHECK (exp_month BETWEEN 1 AND 12),
    exp_year BIGINT NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    deleted BOOLEAN NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK (NOT (is_default AND deleted))
);
CREATE INDEX payment_methods_of_user ON payment_methods (user_id, created_at, id) WHERE NOT deleted;
CREATE UNIQUE INDEX one_default_of_user ON payment_methods (user_id) WHERE is_default;

-- What was asked of the provider and how it ended; rows are only added.
CREATE TABLE transactions (
    payment_id UUID NOT NULL REFERENCES payments (id),
    id UUID NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('charge', 'refund')),
    status TEXT NOT NULL CHECK (status IN ('pending', 'unknown', 'succeeded', 'failed')),
    amount amount NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    detail TEXT,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (payment_id, id)
);
CREATE TRIGGER transactions_do_not_change BEFORE UPDATE OR DELETE ON transactions FOR EACH ROW
    EXECUTE FUNCTION refuse('transactions are only added');

-- The ledger: each row moves an amount from one account to another, so it cannot be out of balance; rows are only added.
CREATE TABLE postings (
    payment_id UUID NOT NULL,
    transaction_id UUID NOT NULL,
    debit TEXT NOT NULL CHECK (debit IN ('provider_receivable', 'customer_funds', 'refunds')),
    credit TEXT NOT NULL CHECK (credit IN ('provider_receivable', 'customer_funds', 'refunds')),
    amount amount NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (payment_id, transaction_id),
    FOREIGN KEY (payment_id, transaction_id) REFERENCES transactions (payment_id, id),
    CHECK (debit <> credit)
);
CREATE TRIGGER postings_do_not_change BEFORE UPDATE OR DELETE ON postings FOR EACH ROW
    EXECUTE FUNCTION refuse('postings are only added');

-- The ledger as entries: the sum over each posting, and so over everything, is zero for each currency.
CREATE VIEW ledger_entries AS
SELECT payment_id, transaction_id, debit AS account, amount::NUMERIC AS amount, currency, at FROM postings
UNION ALL
SELECT payment_id, transaction_id, credit AS account, -amount::NUMERIC AS amount, currency, at FROM postings;
