-- Users, their sessions and password resets.

CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    -- In canonical form; stays taken when the account is deactivated.
    email TEXT NOT NULL UNIQUE CHECK (email = lower(trim(email)) AND email LIKE '_%@_%'),
    first_name TEXT NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
    last_name TEXT NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
    role TEXT NOT NULL CHECK (role IN ('customer', 'admin')),
    is_active BOOLEAN NOT NULL,
    password_hash TEXT NOT NULL CHECK (password_hash <> ''),
    -- Sessions and resets of an older epoch are dead.
    epoch BIGINT NOT NULL CHECK (epoch >= 0),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL CHECK (version >= 1)
) WITH (fillfactor = 80);
CREATE INDEX users_newest ON users (created_at, id);
CREATE INDEX users_active_admins ON users (id) WHERE role = 'admin' AND is_active;

CREATE TRIGGER users_times BEFORE UPDATE ON users FOR EACH ROW
    WHEN ((NEW.updated_at, NEW.version) = (OLD.updated_at, OLD.version) OR NEW.created_at <> OLD.created_at)
    EXECUTE FUNCTION keep_times();

-- One family of refresh tokens each. Tokens are kept as SHA-256 digests.
CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    epoch BIGINT NOT NULL CHECK (epoch >= 0),
    state TEXT NOT NULL CHECK (state IN ('open', 'ended')),
    current_hash TEXT CHECK (length(current_hash) = 64),
    previous_hash TEXT CHECK (length(previous_hash) = 64),
    rotated_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    ended_because TEXT CHECK (ended_because IN ('logged_out', 'token_reused')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK (expires_at > created_at),
    CHECK ((state = 'open') = (current_hash IS NOT NULL)),
    CHECK ((previous_hash IS NULL) = (rotated_at IS NULL)),
    CHECK (state = 'open' OR previous_hash IS NULL),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK ((state = 'ended') = (ended_because IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_expired ON sessions (expires_at);

CREATE TABLE password_resets (
    token_hash TEXT NOT NULL PRIMARY KEY CHECK (length(token_hash) = 64),
    user_id UUID NOT NULL REFERENCES users (id),
    epoch BIGINT NOT NULL CHECK (epoch >= 0),
    requested_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK (expires_at > requested_at)
);
CREATE INDEX password_resets_of_user ON password_resets (user_id, requested_at);
CREATE INDEX password_resets_expired ON password_resets (expires_at);

-- The keys that access tokens are signed with, in PKCS#8; the newest signs, the older ones are still good for checking.
CREATE TABLE signing_keys (
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pkcs8 BYTEA NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL
);
