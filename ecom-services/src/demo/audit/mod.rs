//! The audit from the outside: what was promised, checked by HTTP alone, against the records of three parties that do
//! not share a database: the orders, the stock with its movements, and the payment provider's own log.

mod evidence;
mod judge;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use uuid::Uuid;

use super::client::ShopError;
use super::scene::{Plan, Scene};
use super::wire::{Status, Tally};

pub use evidence::Evidence;

/// How many offenders a check names.
const NAMED_MAX: usize = 5;
/// The longest pause between two audits while the shop is still settling.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// One promise and whether it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The promise, as a sentence.
    pub name: String,
    /// How often it was broken.
    pub broken: u64,
    /// The first offenders.
    pub first: Vec<String>,
}

impl Check {
    /// A promise with everything that breaks it.
    pub fn of(name: &str, offenders: impl IntoIterator<Item = String>) -> Self {
        let mut check = Self { name: name.to_owned(), broken: 0, first: vec![] };
        for offender in offenders {
            check.broken += 1;
            if check.first.len() < NAMED_MAX {
                check.first.push(offender);
            }
        }
        check
    }

    /// Whether it held.
    pub const fn holds(&self) -> bool {
        self.broken == 0
    }
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// The promises.
    pub checks: Vec<Check>,
    /// Accepted orders by where they stand.
    pub ended: Tally<Status>,
    /// Failed ones by code.
    pub failures: Tally<String>,
}

impl Audit {
    /// Whether every promise held.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(Check::holds)
    }
}

/// Reads everything that concerns the scene and judges it.
pub async fn audit(scene: &Scene, accepted: &BTreeMap<Uuid, Plan>) -> Result<Audit, ShopError> {
    let evidence = Evidence::collect(scene).await?;
    Ok(judge::judge(&scene.shelves, accepted, &evidence))
}

/// Those of the orders that have not come to their end.
pub async fn open_orders(scene: &Scene, orders: &BTreeMap<Uuid, Plan>) -> Result<Vec<String>, ShopError> {
    let mut evidence = Evidence::default();
    for customer in &scene.customers {
        evidence.read_orders(scene, customer.id).await?;
    }
    Ok(judge::unended(orders, &evidence))
}

/// Audits until everything holds or `patience` has passed, and returns the last audit. What follows an order's end (the
/// stock's commit, the refund, the notice) is owed soon, not at once.
pub async fn settle(scene: &Scene, accepted: &BTreeMap<Uuid, Plan>, patience: Duration) -> Result<Audit, ShopError> {
    let end = Instant::now() + patience;
    let mut pause = Duration::from_millis(100);
    loop {
        let audit = audit(scene, accepted).await?;
        if audit.holds() || Instant::now() + pause >= end {
            return Ok(audit);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}
