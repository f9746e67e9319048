//! SQLite as the durable store of every context: one file per service, WAL, `synchronous=FULL`.

pub mod inventory;
pub mod notification;
pub mod order;
pub mod payment;
mod rows;
mod tables;
pub mod user;

pub use rows::{Inconsistent, column, json, parse, text_list};
pub use tables::Tables;
