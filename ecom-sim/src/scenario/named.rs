//! Small worlds with a name: each is about one thing.

use std::time::Duration;

use ecom_core::event::Service;
use ecom_core::order::OrderContext;

use super::{Scenario, Shopper, Wares, Wish};
use crate::world::{Action, Client, Fleet, Settings, Trouble, World};

/// The names of the small worlds.
pub const NAMES: &[&str] = &[
    "one-order",
    "declined",
    "order-cancel",
    "two-orders-one-piece",
    "double-click",
    "refund",
    "stock-count",
    "two-lines",
    "notices",
    "card-removed",
    "key-reused",
    "price-change",
    "one-price",
    "refund-unheard",
    "refund-twice",
    "refunds-at-once",
    "watched",
    "wishes",
    "wishes-first",
    "told-again",
    "asked-again",
];

const ADMIN: Shopper = Shopper(9);
pub(super) const ADA: Shopper = Shopper(1);
const BOB: Shopper = Shopper(2);
pub(super) const MUG: Wares = Wares(1);
const LAMP: Wares = Wares(2);

pub(super) fn named(name: &str) -> Option<Scenario> {
    let minimal = |pieces, clients| shop(name, &Fleet::minimal(), pieces, vec![], clients);
    Some(match name {
        "one-order" => minimal(3, vec![lazy(vec![ADA.place(1, vec![(MUG, 1)], None)])]),
        "declined" => {
            let card = vec![ADA.add_card(8, 1, "tok_declined")];
            let orders = vec![lazy(vec![ADA.place(1, vec![(MUG, 1)], Some(1))])];
            shop(name, &Fleet::minimal(), 3, card, orders)
        }
        "order-cancel" => minimal(3, vec![lazy(vec![ADA.place(1, vec![(MUG, 1)], None), ADA.cancel(2, 0)])]),
        "two-orders-one-piece" => minimal(
            1,
            vec![eager(vec![ADA.place(1, vec![(MUG, 1)], None)]), eager(vec![BOB.place(1, vec![(MUG, 1)], None)])],
        ),
        "double-click" => minimal(
            3,
            vec![
                eager(vec![ADA.place(1, vec![(MUG, 1)], None)]),
                eager(vec![ADA.place_as("click again", 2, 1, vec![(MUG, 1)], None)]),
            ],
        ),
        "refund" => {
            let commands =
                vec![ADA.place(1, vec![(MUG, 2)], None), ADA.refund(2, 0, 500), ADA.refund(3, 0, 0), ADA.cancel(4, 0)];
            minimal(3, vec![lazy(commands)])
        }
        "stock-count" => minimal(
            2,
            vec![
                eager(vec![ADA.place(1, vec![(MUG, 2)], None)]),
                eager(vec![ADMIN.adjust(3, MUG, -1), ADMIN.adjust(4, MUG, 2)]),
            ],
        ),
        "two-lines" => minimal(
            2,
            vec![
                eager(vec![ADA.place(1, vec![(MUG, 1), (LAMP, 2)], None)]),
                eager(vec![BOB.place(1, vec![(LAMP, 1), (MUG, 1)], None)]),
            ],
        ),
        "notices" => {
            let fleet = Fleet::whole();
            let commands = vec![ADA.register(7), ADA.place(1, vec![(MUG, 1)], None), ADA.cancel(2, 1)];
            shop(name, &fleet, 3, vec![], vec![lazy(commands)])
        }
        "card-removed" => {
            let card = vec![ADA.add_card(8, 1, "tok_visa")];
            let clients = vec![
                eager(vec![ADA.place(1, vec![(MUG, 1)], Some(1))]),
                lazy(vec![ADA.remove_card(9, 1), ADA.place(2, vec![(MUG, 1)], Some(1))]),
            ];
            shop(name, &Fleet::minimal(), 3, card, clients)
        }
        "key-reused" => {
            let again = ADA.place_as("use the key again", 2, 1, vec![(LAMP, 1)], None);
            minimal(3, vec![eager(vec![ADA.place(1, vec![(MUG, 1)], None), again])])
        }
        "one-price" => minimal(3, vec![eager(vec![ADMIN.change_product(1, MUG, Some(1_100), None)])]),
        "price-change" => {
            let prices = [1_100, 1_200, 1_300].into_iter().zip(1..);
            let changes = prices.map(|(minor, which)| ADMIN.change_product(which, MUG, Some(minor), None)).collect();
            minimal(3, vec![eager(changes), lazy(vec![ADA.place(1, vec![(MUG, 1)], None)])])
        }
        // Whoever waits for his order looks at it again and again.
        "watched" => {
            let place = ADA.place(1, vec![(MUG, 1)], None);
            minimal(3, vec![lazy(vec![place, ADA.look(0), ADA.cancel(2, 0), ADA.look(0), ADA.look(0)])])
        }
        _ => return refunds(name).or_else(|| operated(name)),
    })
}

fn refunds(name: &str) -> Option<Scenario> {
    let minimal = |commands| shop(name, &Fleet::minimal(), 3, vec![], vec![lazy(commands)]);
    let place = ADA.place(1, vec![(MUG, 1)], None);
    Some(match name {
        // More than half of a payment is given back, and then again.
        "refund-twice" => minimal(vec![place, ADA.refund(2, 0, 600), ADA.refund(3, 0, 600)]),
        // The second is asked for while the first is under way: together they are more than was paid.
        "refunds-at-once" => minimal(vec![place, ADA.refund(2, 0, 600), ADA.refund(3, 0, 600).at_once()]),
        // Money goes back while the order service, cut off, has not heard that it came; then the order is cancelled.
        "refund-unheard" => {
            let trouble = Trouble::Cut(Duration::from_secs(60));
            let cut = Action::Trouble { node: Service::Order as u8, trouble };
            minimal(vec![place, ADA.refund(2, 0, 500), ADA.cancel(3, 0)]).after(is_told, cut)
        }
        _ => return None,
    })
}

/// Users change their wishes, and an operator asks for what was told or is owed.
fn operated(name: &str) -> Option<Scenario> {
    let place = || ADA.place(1, vec![(MUG, 1)], None);
    let whole = |clients| shop(name, &Fleet::whole(), 3, vec![], clients);
    Some(match name {
        // Somebody wants to be told otherwise between an order and its end, and when he has left.
        "wishes" => {
            let (texts, nothing) = (ADA.wish(2, Wish::Texts), ADA.wish(4, Wish::Nothing));
            let ends = vec![place(), texts, ADA.cancel(3, 0), nothing];
            whole(vec![lazy(vec![ADA.register(7), ADA.leave(5), ADA.wish(6, Wish::Letters)]), lazy(ends)])
        }
        // The wishes of somebody are known before he is.
        "wishes-first" => {
            let wishes = vec![ADA.wish(2, Wish::Nothing), place(), ADA.refund(6, 1, 500), ADA.wish(3, Wish::Elsewhere)];
            whole(vec![eager(wishes), lazy(vec![ADA.register(7), ADA.wish(4, Wish::Nothing), ADA.rename(5)])])
        }
        // Products and users are told of again, there or not, while they change.
        "told-again" => {
            let changes = vec![ADMIN.change_product(3, MUG, Some(1_100), None), ADA.register(7), ADA.rename(8)];
            let again = vec![ADMIN.retell_products(4, vec![MUG, LAMP]), ADMIN.retell_users(5, vec![ADA])];
            let nothing = vec![ADMIN.retell_products(6, vec![]), ADMIN.retell_users(9, vec![])];
            whole(vec![eager(changes), lazy(again), lazy(nothing), lazy(vec![place()])])
        }
        // What is owed to an order is asked for again, before and after its end, and nobody needs to take it on himself.
        "asked-again" => {
            let ends = vec![place(), ADA.retry(2, 0), ADA.resolve(3, 0), ADA.cancel(4, 0), ADA.retry(5, 0)];
            let clients = vec![lazy([ends, vec![ADA.resolve(6, 0), ADA.retry(7, 0)]].concat())];
            shop(name, &Fleet::minimal(), 3, vec![], clients)
        }
        _ => return None,
    })
}

/// Whether an order is placed, and all that the order service tells of it is published.
fn is_told(world: &World) -> bool {
    world.service::<OrderContext>().is_some_and(|order| {
        let tables = order.tables();
        tables.outbox().is_empty() && !tables.snapshot().orders.is_empty()
    })
}

pub(super) fn eager(commands: Vec<crate::world::Command>) -> Client {
    Client::new(true, commands)
}

pub(super) fn lazy(commands: Vec<crate::world::Command>) -> Client {
    Client::new(false, commands)
}

/// A shop with two products of that many pieces.
fn shop(name: &str, fleet: &Fleet, pieces: u64, prepare: Vec<crate::world::Command>, clients: Vec<Client>) -> Scenario {
    shop_with(name, fleet, Settings::default(), pieces, prepare, clients)
}

/// The same under other settings.
pub(super) fn shop_with(
    name: &str,
    fleet: &Fleet,
    settings: Settings,
    pieces: u64,
    prepare: Vec<crate::world::Command>,
    clients: Vec<Client>,
) -> Scenario {
    let products = vec![ADMIN.add_product(1, MUG, pieces), ADMIN.add_product(2, LAMP, pieces)];
    Scenario::new(name, fleet, settings, vec![eager(products), eager(prepare)], clients)
}
