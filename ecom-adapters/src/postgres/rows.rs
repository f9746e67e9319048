//! Values on their way into a statement and out of a row.
//!
//! A list of rows travels as one array for each column and is unfolded by `unnest`: one statement for a whole batch.

use ecom_core::money::{Currency, Money};
use ecom_core::time::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgRow, PgTypeInfo, PgValueRef};
use sqlx::types::Decimal;
use sqlx::{Decode, Encode, Postgres, Row, Type, ValueRef};
use uuid::Uuid;

use crate::sql::Inconsistent;
use crate::sql::fields::Fields;

/// Declares the statements of a file. Each is a constant; all of them are listed for the test that prepares them.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* const $name: &str = $sql;)+

        /// All statements of this file.
        #[cfg(test)]
        pub(in crate::postgres) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}
pub(crate) use statements;

/// One column of a list of rows.
pub(super) fn column<'a, R, T>(rows: &'a [R], value: impl FnMut(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// Keys as PostgreSQL has them, in their order.
pub(super) fn uuids<T: Copy + Into<Uuid>>(keys: impl IntoIterator<Item = T>) -> Vec<Uuid> {
    let mut keys: Vec<Uuid> = keys.into_iter().map(Into::into).collect();
    keys.sort_unstable();
    keys
}

/// Text without the one character that PostgreSQL cannot keep.
pub(super) fn printable(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// A time as `timestamptz`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl Moment {
    /// 2000-01-01, where PostgreSQL begins to count, in microseconds since 1970.
    const BEGINNING: i64 = 946_684_800_000_000;

    /// The times that PostgreSQL has a name for, from 4713 BC to AD 294276, in its own count.
    const KNOWN: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;
}

impl Type<Postgres> for Moment {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("timestamptz")
    }
}

impl PgHasArrayType for Moment {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("_timestamptz")
    }
}

impl Encode<'_, Postgres> for Moment {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // What is beyond is `infinity`: a cursor before the newest row is later than every row.
        let micros = match self.0.as_micros().saturating_sub(Self::BEGINNING) {
            micros if micros < Self::KNOWN.start => i64::MIN,
            micros if micros >= Self::KNOWN.end => i64::MAX,
            micros => micros,
        };
        <i64 as Encode<Postgres>>::encode(micros, buffer)
    }
}

impl Decode<'_, Postgres> for Moment {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let micros = match <i64 as Decode<Postgres>>::decode(value)? {
            end @ (i64::MAX | i64::MIN) => end,
            micros => micros.saturating_add(Self::BEGINNING),
        };
        Ok(Self(Timestamp::from_micros(micros)))
    }
}

/// An amount as `numeric`, with its currency's digits.
pub(super) fn decimal(money: Money) -> Decimal {
    Decimal::new(money.minor(), money.currency().exponent())
}

fn money(decimal: Decimal, currency: Currency) -> Result<Money, sqlx::Error> {
    let mut scaled = decimal;
    scaled.rescale(currency.exponent());
    let minor = i64::try_from(scaled.mantissa()).ok().filter(|_| scaled == decimal);
    let minor = minor.ok_or_else(|| Inconsistent::new("amount", &decimal.to_string()))?;
    Ok(Money::new(minor, currency))
}

/// Ids are `uuid`, times `timestamptz`, amounts `numeric`, or text inside of JSON.
impl Fields for PgRow {
    type Amount = String;

    fn amount(amount: &String, currency: Currency) -> Result<Money, sqlx::Error> {
        let decimal = amount.parse().map_err(|_| Inconsistent::new("amount", amount))?;
        money(decimal, currency)
    }

    fn uuid(&self, name: &'static str) -> Result<Option<Uuid>, sqlx::Error> {
        self.try_get(name)
    }

    fn text(&self, name: &'static str) -> Result<Option<&str>, sqlx::Error> {
        // JSON comes as it was written, whatever its type is called.
        let value = self.try_get_raw(name)?;
        if value.is_null() {
            return Ok(None);
        }
        value.as_str().map(Some).map_err(sqlx::Error::Decode)
    }

    fn integer(&self, name: &'static str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(name)
    }

    fn flag(&self, name: &'static str) -> Result<Option<bool>, sqlx::Error> {
        self.try_get(name)
    }

    fn time(&self, name: &'static str) -> Result<Option<Timestamp>, sqlx::Error> {
        Ok(self.try_get::<Option<Moment>, _>(name)?.map(|moment| moment.0))
    }

    fn money(&self, name: &'static str, currency: Currency) -> Result<Option<Money>, sqlx::Error> {
        self.try_get::<Option<Decimal>, _>(name)?.map(|decimal| money(decimal, currency)).transpose()
    }
}
