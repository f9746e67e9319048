//! What all services share over HTTP: the server around warp, routing, problems, bodies, callers, paging, health.
//!
//! A request passes [`server`] (limits, panics, correlation, access log), becomes a [`request::Request`] in
//! [`router`], and ends in a handler as [`response::Answer`]: a response or a [`problem::Problem`].

pub mod answer;
pub mod auth;
pub mod body;
pub mod client;
pub mod door;
pub mod health;
pub mod idempotency;
pub mod limit;
pub mod metrics;
pub mod openapi;
pub mod operation;
pub mod page;
pub mod problem;
pub mod request;
pub mod response;
pub mod router;
pub mod server;
pub mod stream;
pub mod token_cache;
pub mod trust;
pub mod wait;

#[cfg(test)]
mod tests;
