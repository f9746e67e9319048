//! What the SQL stores share: values out of rows of either database, and the last state of each row of a batch.

pub(crate) mod commit;
pub(crate) mod fields;
mod inconsistent;
pub(crate) mod latest;
pub(crate) mod order;
pub(crate) mod paging;

pub use inconsistent::Inconsistent;
