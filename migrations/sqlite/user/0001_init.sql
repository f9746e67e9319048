-- Users, their sessions and password resets. Times are microseconds since 1970.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    -- In canonical form; stays taken when the account is deactivated.
    email TEXT NOT NULL UNIQUE CHECK (email = lower(trim(email)) AND email LIKE '_%@_%'),
    first_name TEXT NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
    last_name TEXT NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
    role TEXT NOT NULL CHECK (role IN ('customer', 'admin')),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    password_hash TEXT NOT NULL CHECK (password_hash <> ''),
    -- Sessions and resets of an older epoch are dead.
    epoch INTEGER NOT NULL CHECK (epoch >= 0),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1)
) STRICT, WITHOUT ROWID;

CREATE INDEX users_newest ON users (created_at DESC, id DESC);
CREATE INDEX users_active_admins ON users (id) WHERE role = 'admin' AND is_active = 1;

-- One family of refresh tokens each. Tokens are kept as SHA-256 digests.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    epoch INTEGER NOT NULL CHECK (epoch >= 0),
    state TEXT NOT NULL CHECK (state IN ('open', 'ended')),
    current_hash TEXT CHECK (length(current_hash) = 64),
    previous_hash TEXT CHECK (length(previous_hash) = 64),
    rotated_at INTEGER,
    ended_at INTEGER,
    ended_because TEXT CHECK (ended_because IN ('logged_out', 'token_reused')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at),
    version INTEGER NOT NULL CHECK (version >= 1),
    CHECK ((state = 'open') = (current_hash IS NOT NULL)),
    CHECK ((previous_hash IS NULL) = (rotated_at IS NULL)),
    CHECK (state = 'open' OR previous_hash IS NULL),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK ((state = 'ended') = (ended_because IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_expired ON sessions (expires_at);

CREATE TABLE password_resets (
    token_hash TEXT NOT NULL PRIMARY KEY CHECK (length(token_hash) = 64),
    user_id TEXT NOT NULL REFERENCES users (id),
    epoch INTEGER NOT NULL CHECK (epoch >= 0),
    requested_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > requested_at),
    used_at INTEGER,
    version INTEGER NOT NULL CHECK (version >= 1)
) STRICT, WITHOUT ROWID;

CREATE INDEX password_resets_of_user ON password_resets (user_id, requested_at DESC);
CREATE INDEX password_resets_expired ON password_resets (expires_at);

-- The keys that access tokens are signed with, in PKCS#8; the newest signs, the older ones are still good for checking.
CREATE TABLE signing_keys (
    id INTEGER NOT NULL PRIMARY KEY,
    pkcs8 BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
