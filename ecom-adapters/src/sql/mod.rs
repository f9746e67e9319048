//! What the SQL stores share: values out of rows of either database, and the last state of each row of a batch.

pub(crate) mod commit;
pub(crate) mod fields;
mod inconsistent;
pub(crate) mod inventory;
pub(crate) mod latest;
pub(crate) mod notification;
pub(crate) mod number;
pub(crate) mod order;
pub(crate) mod paging;
pub(crate) mod payment;
pub(crate) mod saga;
pub(crate) mod user;

pub use inconsistent::Inconsistent;
