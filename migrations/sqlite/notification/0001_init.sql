-- Contacts, preferences and notices.

CREATE TABLE contacts (
    user_id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('awaited', 'active', 'deactivated')),
    user_version INTEGER,
    email TEXT,
    first_name TEXT,
    is_admin INTEGER CHECK (is_admin IN (0, 1)),
    version INTEGER NOT NULL CHECK (version >= 1),
    CHECK ((state = 'awaited') = (user_version IS NULL)),
    -- What is known of a user is forgotten when he is deactivated.
    CHECK (CASE WHEN state = 'active' THEN email IS NOT NULL AND first_name IS NOT NULL AND is_admin IS NOT NULL
        ELSE coalesce(email, first_name, is_admin) IS NULL END)
) STRICT, WITHOUT ROWID;
CREATE INDEX contacts_administrators ON contacts (user_id) WHERE is_admin = 1;

CREATE TABLE preferences (
    user_id TEXT NOT NULL PRIMARY KEY,
    email_enabled INTEGER NOT NULL CHECK (email_enabled IN (0, 1)),
    email_address TEXT,
    sms_enabled INTEGER NOT NULL CHECK (sms_enabled IN (0, 1)),
    sms_number TEXT CHECK (sms_number IS NOT NULL OR sms_enabled = 0),
    push_enabled INTEGER NOT NULL CHECK (push_enabled IN (0, 1)),
    push_endpoint TEXT CHECK (push_endpoint IS NOT NULL OR push_enabled = 0),
    version INTEGER NOT NULL CHECK (version >= 1)
) STRICT, WITHOUT ROWID;

-- The id is derived from occasion, subject, user and channel, so the primary key keeps a notice unique for ever.
CREATE TABLE notices (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'sms', 'push', 'log')),
    template TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    order_id TEXT,
    subject TEXT NOT NULL CHECK (instr(subject, char(10)) = 0 AND instr(subject, char(13)) = 0),
    state TEXT NOT NULL CHECK (state IN ('deferred', 'queued', 'sent', 'failed', 'suppressed')),
    -- Only while it waits for its user's contact; after that the owed call has it.
    body TEXT,
    correlation TEXT,
    detail TEXT,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    created_at INTEGER NOT NULL,
    sent_at INTEGER,
    version INTEGER NOT NULL CHECK (version >= 1),
    CHECK ((state = 'deferred') = (body IS NOT NULL)),
    CHECK ((state = 'deferred') = (correlation IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CHECK ((state = 'failed') = (detail IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_of_user ON notices (user_id, created_at, id);
CREATE INDEX notices_newest ON notices (created_at, id);
CREATE INDEX notices_of_order ON notices (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX notices_deferred ON notices (user_id) WHERE state = 'deferred';

CREATE TRIGGER notices_end_once BEFORE UPDATE ON notices WHEN old.state IN ('sent', 'failed', 'suppressed')
BEGIN
    SELECT RAISE(ABORT, 'a notice that has ended stays as it is');
END;
CREATE TRIGGER notices_stay BEFORE DELETE ON notices
BEGIN
    SELECT RAISE(ABORT, 'notices are never deleted');
END;
