//! The demo: real orders over HTTP in a shop that runs anywhere, some of which fail on purpose, and an audit from the
//! outside. It knows the API and nothing else.

pub mod audit;
pub mod client;
mod report;
pub mod scene;
pub mod session;
pub mod traffic;
pub mod wire;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use thiserror::Error;

use client::{Shop, ShopError};
use scene::{Fate, Scene, Size};
use session::{Credentials, Session};

pub use report::{Latency, Report, write_check};

/// How many customers share the orders; few, because registering hashes a password.
const CUSTOMERS: usize = 8;
/// How long the shop may take to settle after the last order's end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the demo does.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// The base URL of the gateway.
    pub url: String,
    /// An administrator.
    pub admin: Credentials,
    /// How many orders.
    pub orders: u32,
    /// How many clients, each with one order at a time.
    pub concurrency: u32,
}

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DemoError {
    /// Products, customers and payment methods could not be created.
    #[error("the demo could not be prepared: {0}")]
    Prepare(#[source] ShopError),
    /// The records could not be read.
    #[error("the audit could not be made: {0}")]
    Audit(#[source] ShopError),
    /// The machine gives no random numbers, so that names would not be new.
    #[error("no random numbers: {0}")]
    Random(String),
}

/// Places the orders, waits for their ends, audits, reports. [`Report::passed`] tells the exit code.
pub async fn run(options: DemoOptions) -> Result<Report, DemoError> {
    let run = fresh_name()?;
    let shop = Arc::new(Shop::new(&options.url).map_err(DemoError::Prepare)?);
    let admin = Arc::new(Session::new(Arc::clone(&shop), options.admin));
    let size = Size { customers: CUSTOMERS, orders: options.orders, tokens: TOKENS, mix };
    let scene = Scene::prepare(Arc::clone(&shop), admin, run, size).await.map_err(DemoError::Prepare)?;
    let scene = Arc::new(scene);
    let progress = progress_bar(options.orders);
    let traffic = traffic::place_all(&scene, options.orders, options.concurrency, &progress).await;
    progress.set_message("auditing");
    let audit = audit::settle(&scene, &traffic.accepted, PATIENCE).await.map_err(DemoError::Audit)?;
    progress.finish_and_clear();
    Ok(Report::new(options.orders, options.concurrency, traffic, audit, shop.retries()))
}

/// The tokens of [`mix`].
const TOKENS: &[&str] = &["tok_visa", "tok_flaky", "tok_declined", "tok_insufficient_funds"];

/// Of 20 orders 17 complete, one of a hundred over a flaky provider; one is declined, one finds no stock, one is
/// cancelled.
fn mix(index: u32) -> (&'static str, Fate) {
    match index % 20 {
        6 if (index / 20).is_multiple_of(2) => ("tok_declined", Fate::Fails("payment_declined")),
        6 => ("tok_insufficient_funds", Fate::Fails("insufficient_funds")),
        12 => ("tok_visa", Fate::Fails("out_of_stock")),
        18 => ("tok_visa", Fate::Cancelled),
        _ if index % 100 == 10 => ("tok_flaky", Fate::Completes),
        _ => ("tok_visa", Fate::Completes),
    }
}

/// A name that no other run has.
pub fn fresh_name() -> Result<String, DemoError> {
    let mut bytes = [0_u8; 5];
    getrandom::fill(&mut bytes).map_err(|error| DemoError::Random(error.to_string()))?;
    // Letters alone: digits in a row might look like a card number.
    Ok(bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(b'a' + half)).collect())
}

/// On a terminal alone: in a pipe there is no bar.
fn progress_bar(orders: u32) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(u64::from(orders)), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} orders  {per_sec}  {msg}");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_thousand_orders_at_least_sixteen_hundred_complete_and_some_end_in_every_other_way() {
        let count = |wanted: &dyn Fn(&(&str, Fate)) -> bool| (0..2_000).map(mix).filter(|sort| wanted(sort)).count();
        assert_eq!(count(&|(_, fate)| *fate == Fate::Completes), 1_700);
        assert_eq!(count(&|(_, fate)| *fate == Fate::Cancelled), 100);
        assert_eq!(count(&|(_, fate)| *fate == Fate::Fails("out_of_stock")), 100);
        assert_eq!(count(&|(_, fate)| *fate == Fate::Fails("payment_declined")), 50);
        assert_eq!(count(&|(_, fate)| *fate == Fate::Fails("insufficient_funds")), 50);
        assert_eq!(count(&|(token, _)| *token == "tok_flaky"), 20);
        assert!((0..2_000).all(|index| TOKENS.contains(&mix(index).0)));
    }
}
