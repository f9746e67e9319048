//! Amounts and times as numbers, for rows that travel as JSON.

use ecom_core::money::Money;
use ecom_core::time::Timestamp;
use serde::{Serialize, Serializer};

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(crate) fn minor_if_any<S: Serializer>(money: &Option<Money>, serializer: S) -> Result<S::Ok, S::Error> {
    money.map(Money::minor).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
pub(crate) fn micros<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(time.as_micros())
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(crate) fn micros_if_any<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::as_micros).serialize(serializer)
}
