//! The whole shop from the outside: real HTTP and real files, and the real command where the process itself matters.
//!
//! What each path answers is tested beside this; here it is what holds for the shop as a whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod command;
mod disk;
mod embedded;
mod flash_sale;
mod flows;
mod process;
mod recorded;
mod refusals;
mod shutdown;
mod tokens;
