-- Contacts, preferences and notices.

CREATE TABLE contacts (
    user_id UUID NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('awaited', 'active', 'deactivated')),
    user_version BIGINT,
    email TEXT,
    first_name TEXT,
    is_admin BOOLEAN,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK ((state = 'awaited') = (user_version IS NULL)),
    -- What is known of a user is forgotten when he is deactivated.
    CHECK (num_nonnulls(email, first_name, is_admin) = CASE state WHEN 'active' THEN 3 ELSE 0 END)
);
CREATE INDEX contacts_administrators ON contacts (user_id) WHERE is_admin;

CREATE TRIGGER contacts_times BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION keep_times();

CREATE TABLE preferences (
    user_id UUID NOT NULL PRIMARY KEY,
    email_enabled BOOLEAN NOT NULL,
    email_address TEXT,
    sms_enabled BOOLEAN NOT NULL,
    sms_number TEXT CHECK (sms_number IS NOT NULL OR NOT sms_enabled),
    push_enabled BOOLEAN NOT NULL,
    push_endpoint TEXT CHECK (push_endpoint IS NOT NULL OR NOT push_enabled),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL CHECK (version >= 1)
);
CREATE TRIGGER preferences_times BEFORE UPDATE ON preferences FOR EACH ROW EXECUTE FUNCTION keep_times();

-- The id is derived from occasion, subject, user and channel, so the primary key keeps a notice unique for ever.
CREATE TABLE notices (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'sms', 'push', 'log')),
    template TEXT NOT NULL,
    subject_id UUID NOT NULL,
    order_id UUID,
    subject TEXT NOT NULL CHECK (subject !~ '[\r\n]'),
    state TEXT NOT NULL CHECK (state IN ('deferred', 'queued', 'sent', 'failed', 'suppressed')),
    -- Only while it waits for its user's contact; after that the owed call has it.
    body TEXT,
    correlation UUID,
    detail TEXT,
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    sent_at TIMESTAMPTZ,
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK ((state = 'deferred') = (body IS NOT NULL)),
    CHECK ((state = 'deferred') = (correlation IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CHECK ((state = 'failed') = (detail IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX notices_of_user ON notices (user_id, created_at, id);
CREATE INDEX notices_newest ON notices (created_at, id);
CREATE INDEX notices_of_order ON notices (order_id, created_at, id) WHERE order_id IS NOT NULL;
CREATE INDEX notices_deferred ON notices (user_id) WHERE state = 'deferred';

CREATE TRIGGER notices_end_once BEFORE UPDATE ON notices FOR EACH ROW
    WHEN (OLD.state IN ('sent', 'failed', 'suppressed')) EXECUTE FUNCTION refuse('a notice that has ended stays as it is');
CREATE TRIGGER notices_stay BEFORE DELETE ON notices FOR EACH ROW
    EXECUTE FUNCTION refuse('notices are never deleted');
