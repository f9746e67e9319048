//! The tables against a real server.

use sqlx::PgConnection as Connection;

use super::{PgUserReader as Reader, Tables, UserTables, signing_keys};
use crate::postgres::PgStore as Store;
use crate::postgres::tests::world::Home;

#[path = "../../sql/tests/user.rs"]
mod shared;

/// What must never be, once there is a user with a session.
const REFUSED: &[&str] = &[
    "UPDATE users SET email = 'User1@example.com'",
    "UPDATE users SET role = 'root'",
    "UPDATE users SET is_active = NULL",
    "UPDATE users SET first_name = ''",
    "UPDATE users SET password_hash = ''",
    "UPDATE sessions SET current_hash = 'short'",
    "UPDATE sessions SET state = 'ended'",
    "INSERT INTO sessions (id, user_id, epoch, state, created_at, expires_at, version)
        SELECT gen_random_uuid(), id, 0, 'open', now(), now() + interval '1 day', 1 FROM users",
    "DELETE FROM users WHERE id IN (SELECT user_id FROM sessions)",
];
