//! Worlds by which speed is measured. They are no part of the search: their names are not among those that `run` goes
//! through.

use super::{Scenario, Shopper, Wares};
use crate::world::{Client, Fleet, Settings};

/// Their names: ten orders beside each other, without and with users and notices.
pub const MEASURED: &[&str] = &["ten-orders", "ten-orders-noticed"];

const ADMIN: Shopper = Shopper(90);

/// Pieces of each product: not all that is ordered.
const PIECES: u64 = 6;

pub(super) fn named(name: &str) -> Option<Scenario> {
    let (fleet, is_whole) = match name {
        "ten-orders" => (Fleet::minimal(), false),
        "ten-orders-noticed" => (Fleet::whole(), true),
        _ => return None,
    };
    let mut prepare: Vec<_> = (1..=3).map(|product| ADMIN.add_product(product, Wares(product), PIECES)).collect();
    if is_whole {
        prepare.extend((1..=10).map(|shopper| Shopper(shopper).register(8)));
    }
    prepare.push(Shopper(4).add_card(9, 1, "tok_declined"));
    let clients = (1..=10).map(|number| {
        let shopper = Shopper(number);
        let one = (Wares(1 + number % 3), 1);
        let lines = if number % 2 == 0 { vec![one, (Wares(1 + (number + 1) % 3), 1)] } else { vec![one] };
        let method = (number == 4).then_some(1);
        let mut commands = vec![shopper.place(1, lines, method)];
        commands.extend((number % 5 == 0).then(|| shopper.cancel(2, 0)));
        Client::new(number % 2 == 0, commands)
    });
    let prepare = vec![Client::new(true, prepare)];
    Some(Scenario::new(name, &fleet, Settings::default(), prepare, clients.collect()))
}
