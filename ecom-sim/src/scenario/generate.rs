//! Shops drawn from a seed: the whole alphabet of commands, on few users and products, so that they meet.

use super::{Scenario, Shopper, Wares, Wish};
use crate::hash::Rng;
use crate::world::{Client, Command, Fleet, Settings};

const ADMIN: Shopper = Shopper(9);

const TOKENS: [&str; 5] = ["tok_visa", "tok_visa", "tok_visa", "tok_declined", "tok_insufficient_funds"];

pub(super) fn generate(seed: u64) -> Scenario {
    let mut rng = Rng::new(seed ^ 0x5309_1e55_0f5e_ed5e);
    let whole = rng.below(3) > 0;
    let fleet = if whole { Fleet::whole() } else { Fleet::minimal() };
    let products = 1 + rng.below(3) as u32;
    let shoppers = 1 + rng.below(4) as u32;
    let mut prepare = vec![];
    if whole {
        prepare.push(ADMIN.register_admin(90));
    }
    for product in 1..=products {
        prepare.push(ADMIN.add_product(100 + product, Wares(product), rng.below(6)));
    }
    let mut clients = vec![];
    for number in 1..=shoppers {
        let shopper = Shopper(number);
        if whole && rng.below(4) > 0 {
            prepare.push(shopper.register(90));
        }
        if rng.below(2) == 0 {
            prepare.push(shopper.add_card(91, 1, TOKENS[rng.below(5) as usize]));
        }
        let orders = 1 + rng.below(3) as u32;
        clients.push(shopping(&mut rng, shopper, orders, products, whole));
    }
    if rng.below(2) == 0 {
        clients.push(managing(&mut rng, products, shoppers, whole));
    }
    clients.extend(visiting(seed, products, whole, &mut prepare));
    let mut settings = Settings { small_faults: rng.below(4) == 0, ..Settings::default() };
    settings.consumer.batch_max = [1, 1, 2, 4, 256][rng.below(5) as usize];
    for skew in &mut settings.skews {
        *skew = [0, 0, 0, 1_000_000, -1_000_000, 30_000_000, -120_000_000][rng.below(7) as usize];
    }
    settings.copies = [1, 1, 1, 2, 2, 3][rng.below(6) as usize];
    Scenario::new(&format!("shop/{seed:x}"), &fleet, settings, vec![Client::new(true, prepare)], clients)
}

/// Orders, and for each perhaps a second click, a cancellation, a refund.
fn shopping(rng: &mut Rng, shopper: Shopper, orders: u32, products: u32, whole: bool) -> Client {
    let mut commands: Vec<Command> = vec![];
    for order in 1..=orders {
        let lines: Vec<_> = (0..=rng.below(2))
            .map(|_| (Wares(1 + rng.below(u64::from(products)) as u32), 1 + rng.below(2) as u32))
            .collect();
        let method = (rng.below(3) == 0).then_some(1);
        let placed = commands.len();
        commands.push(shopper.place(order, lines.clone(), method));
        if whole && rng.below(4) == 0 {
            commands.push(shopper.wish(order + 120, a_wish(rng)));
        }
        if rng.below(4) == 0 {
            commands.push(shopper.place_as("click again", order + 20, order, lines, method));
        }
        if rng.below(2) == 0 {
            commands.push(shopper.cancel(order + 40, placed));
        }
        if rng.below(4) == 0 {
            let minor = [0, 1, 500, 1_001][rng.below(4) as usize];
            commands.push(shopper.refund(order + 60, placed, minor));
        }
        match rng.below(10) {
            0 => commands.push(shopper.add_card(order + 80, order + 1, TOKENS[rng.below(5) as usize])),
            1 => commands.push(shopper.remove_card(order + 80, 1)),
            2 if whole => commands.push(shopper.register(order + 80)),
            3 if whole => commands.push(shopper.rename(order + 80)),
            4 if whole && order == orders => commands.push(shopper.leave(order + 80)),
            5 if whole => commands.push(shopper.wish(order + 80, a_wish(rng))),
            6 => commands.push(shopper.retry(order + 80, placed)),
            7 => commands.push(shopper.resolve(order + 80, placed)),
            _ => {}
        }
    }
    Client::new(rng.below(2) == 0, commands)
}

fn a_wish(rng: &mut Rng) -> Wish {
    Wish::ALL[rng.below(4) as usize]
}

/// One of three shops has a visitor who asks for what there is not, uses a key for something else, chooses between
/// cards, and looks at his order again and again. To half of them no letter can be sent. What he does is drawn by
/// itself: the others do what they would without him.
fn visiting(seed: u64, products: u32, whole: bool, prepare: &mut Vec<Command>) -> Option<Client> {
    let mut rng = Rng::new(seed ^ 0x0715_1707_0715_1707);
    if rng.below(3) > 0 {
        return None;
    }
    let visitor = if rng.below(2) == 0 { Shopper(5) } else { Shopper::UNREACHABLE };
    if whole && rng.below(4) > 0 {
        prepare.push(visitor.register(90));
    }
    let (mug, nothing) = (Wares(1 + rng.below(u64::from(products)) as u32), Wares(products + 1));
    let line = vec![(mug, 1)];
    let mut commands = vec![visitor.add_card(80, 1, TOKENS[rng.below(5) as usize])];
    if rng.below(2) == 0 {
        commands.push(visitor.add_card(81, 2, TOKENS[rng.below(5) as usize]));
        commands.push(visitor.choose_card(82, 1 + rng.below(2) as u32));
    }
    if rng.below(2) == 0 {
        commands.push(visitor.place(1, vec![(mug, 1), (nothing, 1)], None));
    }
    let placed = commands.len();
    commands.push(visitor.place(2, line, None));
    if rng.below(2) == 0 {
        commands.push(visitor.place_as("use the key again", 3, 2, vec![(mug, 2)], None));
    }
    commands.push(visitor.look(placed));
    commands.push(visitor.look(placed));
    match rng.below(4) {
        0 => commands.push(visitor.cancel(4, placed)),
        1 => commands.push(visitor.refund(5, placed, [0, 1, 500][rng.below(3) as usize])),
        _ => {}
    }
    commands.extend((0..3).map(|_| visitor.look(placed)));
    Some(Client::new(rng.below(4) == 0, commands))
}

fn managing(rng: &mut Rng, products: u32, shoppers: u32, whole: bool) -> Client {
    let mut commands = vec![];
    for which in 1..=1 + rng.below(4) as u32 {
        let wares = Wares(1 + rng.below(u64::from(products)) as u32);
        commands.push(match rng.below(6) {
            0 => ADMIN.change_product(which, wares, Some(1_000 + i64::from(which)), None),
            1 => ADMIN.change_product(which, wares, None, Some(rng.below(2) == 0)),
            2 if whole => ADMIN.retell_users(which, (1..=shoppers).map(Shopper).collect()),
            3 => ADMIN.retell_products(which, vec![wares]),
            _ => ADMIN.adjust(which, wares, rng.below(7).cast_signed() - 3),
        });
    }
    Client::new(rng.below(2) == 0, commands)
}
