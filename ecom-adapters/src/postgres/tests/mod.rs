//! Against a real server: `TEST_DATABASE_URL`, or the local one. Without a server these tests fail; whoever builds
//! without the feature `postgres` does not have them.

mod copies;
mod counters;
mod migrations;
mod outages;
mod proxy;
#[cfg(feature = "sandbox")]
mod sandbox;
mod statements;
mod suite;
pub(super) mod world;
