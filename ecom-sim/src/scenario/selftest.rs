//! Worlds that are not deterministic on purpose, to see that it is noticed. They are no part of the search.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use ecom_core::inventory::{self, AdjustStock, InventoryContext};

use super::{Scenario, Shopper, Wares};
use crate::world::{Client, Command, Fleet, Settings};

/// Their names: what is sent depends on what was sent in other runs, or on the machine's clock.
pub const SELF_TESTS: [&str; 2] = ["self-test-counter", "self-test-clock"];

static SENT: AtomicU32 = AtomicU32::new(0);

fn counted() -> i64 {
    i64::from(SENT.fetch_add(1, Ordering::Relaxed)) + 1
}

/// Never the same in two runs, but for one pair in a million.
#[expect(clippy::disallowed_methods, reason = "that is what `run --twice` must notice")]
fn clocked() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::from(now.subsec_nanos() % 1_000_000) + 1
}

pub(super) fn named(name: &str) -> Option<Scenario> {
    let which = SELF_TESTS.iter().position(|known| *known == name)?;
    let (admin, wares, delta) = (Shopper(9), Wares(1), [counted, clocked][which]);
    let count = |which| {
        Command::new::<InventoryContext>("count stock", 0, move |known| {
            let (product_id, reason, actor) = (wares.id(), "counted".to_owned(), admin.user());
            let adjust = AdjustStock { product_id, delta: delta(), reason, actor };
            super::command::message(admin, which, known, None, inventory::Input::AdjustStock(adjust))
        })
    };
    let clients = vec![Client::new(false, vec![admin.adjust(1, wares, 1), count(2)])];
    let prepare = vec![Client::new(true, vec![admin.add_product(8, wares, 1)])];
    Some(Scenario::new(name, &Fleet::minimal(), Settings::default(), prepare, clients))
}
