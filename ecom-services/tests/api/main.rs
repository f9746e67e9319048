//! The whole shop in one process, over HTTP, from the outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod catalogue;
mod following;
mod gateway;
mod letters;
mod openapi;
mod operators;
mod orders;
mod payments;
mod schema;
mod shop;
mod users;
mod webhooks;
