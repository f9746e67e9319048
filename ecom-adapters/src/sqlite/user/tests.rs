//! The tables against a real file.

use sqlx::SqliteConnection as Connection;

use super::{SqliteUserReader as Reader, Tables, UserTables, signing_keys};
use crate::sqlite::SqliteStore as Store;
use crate::sqlite::testing::Home;

#[path = "../../sql/tests/user.rs"]
mod shared;

/// What must never be, once there is a user with a session.
const REFUSED: &[&str] = &[
    "UPDATE users SET email = 'User1@example.com'",
    "UPDATE users SET role = 'root'",
    "UPDATE users SET is_active = 2",
    "UPDATE users SET first_name = ''",
    "INSERT INTO sessions (id, user_id, epoch, state, created_at, expires_at, version)
            SELECT 'x', id, 0, 'open', 0, 1, 1 FROM users",
    "DELETE FROM users WHERE id IN (SELECT user_id FROM sessions)",
];
