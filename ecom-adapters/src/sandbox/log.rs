//! The log's rows: what was asked under which key, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use ecom_core::engine::Fault;
use ecom_core::id::{MessageId, OrderId, PaymentId};
use ecom_core::money::{Currency, Money};
use ecom_core::payment::{Effect, Refusal, SandboxEntry, SandboxOperation};
use ecom_core::port::{Cursor, Page, PageRequest};
use ecom_core::time::Timestamp;
use serde::Serialize;
use uuid::Uuid;

#[cfg(feature = "postgres")]
use super::postgres;
use super::script::{self, Call, Charged, Past, Reply, SUCCEEDED, Settled, Verdict, charge_key, signed, word};
use super::sqlite;
use crate::sql::Inconsistent;

/// Where the log is kept.
#[derive(Debug)]
pub(super) enum Log {
    /// In a file.
    Sqlite(crate::sqlite::Database),
    /// In a schema of its own in a PostgreSQL database.
    #[cfg(feature = "postgres")]
    Postgres(crate::postgres::Database),
}

impl Log {
    /// Decides on all calls in one transaction and returns their answers, in order.
    pub(super) async fn carry_out(&self, at: Timestamp, calls: &[Call]) -> Result<Vec<Reply>, sqlx::Error> {
        match self {
            Self::Sqlite(database) => sqlite::carry_out(database, at, calls).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => postgres::carry_out(database, at, calls).await,
        }
    }

    /// The log, newest first.
    pub(super) async fn entries(&self, order: Option<OrderId>, page: PageRequest) -> Result<Page<SandboxEntry>, Fault> {
        // A cursor of this list carries the row's number as its id: several calls may bear one time.
        let before = i64::try_from(page.after().id.as_u128()).unwrap_or(i64::MAX);
        let entries = match self {
            Self::Sqlite(database) => sqlite::entries(database.readers(), order, before, page.probe())
                .await
                .map_err(|error| crate::sqlite::fault(&error))?,
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => postgres::entries(database.readers(), order, before, page.probe())
                .await
                .map_err(|error| crate::postgres::fault(&error))?,
        };
        let cursor = |(seq, entry): &(i64, SandboxEntry)| Cursor {
            created_at: entry.at,
            id: Uuid::from_u128(u128::from(seq.unsigned_abs())),
        };
        Ok(Page::of(entries, page, cursor).map(|(_, entry)| entry))
    }

    /// Closes it.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.close().await,
        }
    }
}

/// Decides on all calls with what is known of their past, and returns what is to be written and answered.
pub(super) fn decide(memory: &mut Memory, at: Timestamp, calls: &[Call]) -> (Vec<Line>, Vec<Reply>) {
    let (mut lines, mut replies) = (Vec::with_capacity(calls.len()), Vec::with_capacity(calls.len()));
    for call in calls {
        let charged = match &call.effect {
            Effect::Charge(_) => None,
            Effect::Refund(refund) => memory.charged(&refund.charge),
        };
        let verdict = script::decide(call, &memory.past(call.key), charged);
        let line = Line::new(at, call, &verdict);
        memory.learn(call, &line);
        lines.push(line);
        replies.push(verdict.reply);
    }
    (lines, replies)
}

/// The charges that calls refund.
pub(super) fn charges(calls: &[Call]) -> BTreeSet<&str> {
    let mut charges = BTreeSet::new();
    for call in calls {
        match &call.effect {
            Effect::Charge(_) => {}
            Effect::Refund(refund) => {
                charges.insert(refund.charge.as_str());
            }
        }
    }
    charges
}

/// The keys whose past decides: those of the calls, and those of the charges that they refund.
pub(super) fn keys(calls: &[Call]) -> BTreeSet<MessageId> {
    calls.iter().map(|call| call.key).chain(charges(calls).into_iter().filter_map(charge_key)).collect()
}

/// The operation of that name.
pub(super) fn operation(name: &str) -> Result<SandboxOperation, Inconsistent> {
    match name {
        "charge" => Ok(SandboxOperation::Charge),
        "refund" => Ok(SandboxOperation::Refund),
        other => Err(Inconsistent { column: "operation", value: other.to_owned() }),
    }
}

/// An amount of that currency.
pub(super) fn money(minor: i64, code: &str) -> Result<Money, Inconsistent> {
    let currency =
        Currency::from_code(code).ok_or_else(|| Inconsistent { column: "currency", value: code.to_owned() })?;
    Ok(Money::new(minor, currency))
}

/// A row that is about to be written.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) at: i64,
    pub(super) key: MessageId,
    pub(super) operation: SandboxOperation,
    pub(super) order_id: OrderId,
    pub(super) payment_id: PaymentId,
    pub(super) charge: Option<String>,
    pub(super) amount: i64,
    pub(super) currency: Currency,
    pub(super) result: &'static str,
    pub(super) reference: Option<String>,
}

impl Line {
    pub(super) fn new(at: Timestamp, call: &Call, verdict: &Verdict) -> Self {
        let (operation, order_id, payment_id, charge, amount) = match &call.effect {
            Effect::Charge(asked) => (SandboxOperation::Charge, asked.order_id, asked.payment_id, None, asked.amount),
            Effect::Refund(asked) => {
                let charge = Some(asked.charge.clone());
                (SandboxOperation::Refund, asked.order_id, asked.payment_id, charge, asked.amount)
            }
        };
        Self {
            at: at.as_micros(),
            key: call.key,
            operation,
            order_id,
            payment_id,
            charge,
            amount: amount.minor(),
            currency: amount.currency(),
            result: verdict.result,
            reference: verdict.reference.clone(),
        }
    }
}

/// What the log says about the calls of a batch and the charges that they refund; grows with the batch.
#[derive(Debug, Default)]
pub(super) struct Memory {
    keys: BTreeMap<MessageId, Past>,
    returned: BTreeMap<String, i64>,
}

impl Memory {
    /// What happened under a key.
    pub(super) fn past(&self, key: MessageId) -> Past {
        self.keys.get(&key).cloned().unwrap_or_default()
    }

    /// What is known of a charge; `None` when no money was taken under that name.
    pub(super) fn charged(&self, name: &str) -> Option<Charged> {
        let past = self.keys.get(&charge_key(name)?)?;
        let taken = past.asked.filter(|taken| matches!(past.settled, Some(Settled::Moved(_))) && taken.minor() > 0)?;
        let returned = Money::new(self.returned.get(name).copied().unwrap_or(0), taken.currency());
        Some(Charged { taken, returned })
    }

    /// Takes in a call of the same batch.
    pub(super) fn learn(&mut self, call: &Call, line: &Line) {
        self.note(call.key, signed(&call.effect), line.result, line.reference.as_deref());
        if let Some(charge) = line.charge.as_ref().filter(|_| line.result == SUCCEEDED) {
            *self.returned.entry(charge.clone()).or_default() += line.amount;
        }
    }

    /// Takes in a row of the log.
    pub(super) fn recall(
        &mut self,
        key: MessageId,
        operation: SandboxOperation,
        amount: Money,
        (result, reference): (&str, Option<&str>),
    ) {
        let asked = match operation {
            SandboxOperation::Charge => amount,
            SandboxOperation::Refund => Money::new(-amount.minor(), amount.currency()),
        };
        self.note(key, asked, result, reference);
    }

    /// Takes in how much of a charge went back.
    pub(super) fn recall_returned(&mut self, charge: String, minor: i64) {
        self.returned.insert(charge, minor);
    }

    fn note(&mut self, key: MessageId, asked: Money, result: &str, reference: Option<&str>) {
        let past = self.keys.entry(key).or_default();
        past.calls += 1;
        past.asked.get_or_insert(asked);
        if past.settled.is_none() {
            past.settled = settled(asked, result, reference);
        }
    }
}

/// Money that moved stays moved, a refused charge stays refused. A refused refund may be tried again.
fn settled(asked: Money, result: &str, reference: Option<&str>) -> Option<Settled> {
    if result == SUCCEEDED {
        return reference.map(|reference| Settled::Moved(reference.to_owned()));
    }
    let refusals = [Refusal::Declined, Refusal::InsufficientFunds, Refusal::Invalid];
    let refusal = refusals.into_iter().find(|refusal| word(*refusal) == result);
    refusal.filter(|_| !asked.is_negative()).map(Settled::Refused)
}
