//! The whole shop from the outside: real HTTP and real files, and the real command where the process itself matters.

mod client;
mod embedded;
mod flash_sale;
mod flows;
mod refusals;
mod tokens;
