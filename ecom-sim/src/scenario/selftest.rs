//! A world that is not deterministic on purpose, to see that it is noticed. It is no part of the search.

use std::sync::atomic::{AtomicU32, Ordering};

use ecom_core::inventory::{self, AdjustStock, InventoryContext};

use super::{Scenario, Shopper, Wares};
use crate::world::{Client, Command, Fleet, Settings};

/// Its name: what is sent depends on what was sent in other runs.
pub const SELF_TEST: &str = "self-test-counter";

static SENT: AtomicU32 = AtomicU32::new(0);

pub(super) fn named(name: &str) -> Option<Scenario> {
    let (admin, wares) = (Shopper(9), Wares(1));
    let count = |which| {
        Command::new::<InventoryContext>("count stock", 0, move |known| {
            let sent = SENT.fetch_add(1, Ordering::Relaxed);
            let (product_id, reason, actor) = (wares.id(), "counted".to_owned(), admin.user());
            let adjust = AdjustStock { product_id, delta: i64::from(sent) + 1, reason, actor };
            super::command::message(admin, which, known, None, inventory::Input::AdjustStock(adjust))
        })
    };
    let clients = vec![Client::new(false, vec![admin.adjust(1, wares, 1), count(2)])];
    let prepare = vec![Client::new(true, vec![admin.add_product(8, wares, 1)])];
    (name == SELF_TEST).then(|| Scenario::new(name, &Fleet::minimal(), Settings::default(), prepare, clients))
}
