//! Money is asked for, or given back, more than once.

use ecom_core::payment::State;

use super::super::Scenario;
use super::super::named::{ADA, MUG, lazy, shop_with};
use super::{
    ORDER, PAYMENT, a_payment, calls, calls_first, calls_of, consumes, due, has_sent, is_refunded, is_refused,
    processes, tells,
};
use crate::world::{Action, Fleet, World};

pub(super) fn named(name: &str) -> Option<Scenario> {
    charged(name).or_else(|| refunded(name)).or_else(|| refused(name))
}

/// Money is asked for twice.
fn charged(name: &str) -> Option<Scenario> {
    let bought = |copies, card: Option<&'static str>| {
        let cards = card.map(|token| ADA.add_card(8, 1, token)).into_iter().collect();
        let commands = vec![ADA.place(1, vec![(MUG, 1)], card.map(|_| 1)), ADA.cancel(2, 0)];
        shop_with(name, &Fleet::minimal(), processes(copies), 3, cards, vec![lazy(commands)])
    };
    // The provider knows how the charge ended, nobody else does; it will tell, and is just being asked again.
    let told = |card| {
        let late = "payment.call.1=unknown-done,payment.webhook.1=late";
        let waits = |world: &World, action| has_sent(world, action, 1) || tells(action);
        bought(1, card).midway(late, waits, |world| calls_of(world, false) == 2)
    };
    // A process was slow with its call, and its lease has ended: another one calls as well.
    let twice = |card| {
        let waits = |world: &World, action| has_sent(world, action, 1) || calls(action, PAYMENT);
        let slow = bought(2, card).midway("", waits, |world| calls_of(world, false) == 1)?;
        slow.without_its_other(PAYMENT).midway("", waits, |world| calls_of(world, false) == 2)
    };
    let is_undone = |world: &World| a_payment(world, |it| matches!(it, State::Refunding { .. }));
    let is_harmless = |world: &World| a_payment(world, |it| matches!(it, State::Charging { harmless: 1, .. }));
    match name {
        "charge-told" => told(None),
        "decline-told" => told(Some("tok_declined")),
        // And the money goes back already.
        "charge-told-undone" => {
            told(None)?.midway("", |_, action| consumes(action, ORDER) || calls(action, PAYMENT), is_undone)
        }
        // It was answered at once, and told later, when the money goes back already.
        "charge-told-late" => bought(1, None).midway(
            "payment.webhook.1=late",
            |world, action| consumes(action, ORDER) || tells(action) || is_undone(world) && calls(action, PAYMENT),
            is_undone,
        ),
        "charge-called-twice" => twice(None),
        "decline-called-twice" => twice(Some("tok_declined")),
        "decline-called-late" => twice(Some("tok_declined"))?.midway(
            "",
            |world, action| has_sent(world, action, 1) || calls_first(action, PAYMENT),
            |world| a_payment(world, |it| matches!(it, State::Failed { .. })),
        ),
        "charge-called-twice-undone" => {
            twice(None)?.midway("", |_, action| consumes(action, ORDER) || calls_first(action, PAYMENT), is_undone)
        }
        // That a call took nothing is durable, and its process does not know that.
        "charge-withdrawn" => bought(1, None).midway(
            "payment.call.1=transient,payment.commit.2=unknown-done",
            |world, action| has_sent(world, action, 1),
            is_harmless,
        ),
        // What asked for the money will come again.
        "charge-voided" => {
            let twice = "payment.duplicate.1=twice,payment.call.1=transient";
            let waits = |world: &World, action| {
                has_sent(world, action, 1) || consumes(action, PAYMENT) && a_payment(world, |_| true)
            };
            let charging = bought(1, None).midway(twice, waits, is_harmless)?;
            let both = charging.midway("", |_, action| consumes(action, PAYMENT), due(PAYMENT, 2))?;
            both.midway(
                "payment.deliver.1=+1",
                |_, _| false,
                |world| a_payment(world, |it| matches!(it, State::Voided { .. })),
            )
        }
        _ => None,
    }
}

/// Money is given back twice, while the order has heard nothing of its payment.
fn refunded(name: &str) -> Option<Scenario> {
    let partly = || {
        let commands = vec![ADA.place(1, vec![(MUG, 1)], None), ADA.refund(2, 0, 500), ADA.cancel(3, 0)];
        shop_with(name, &Fleet::minimal(), processes(2), 3, vec![], vec![lazy(commands)])
    };
    let told = || {
        let late = "payment.call.2=unknown-done,payment.webhook.2=twice";
        let waits = |world: &World, action| consumes(action, ORDER) || has_sent(world, action, 2) || tells(action);
        partly().midway(late, waits, |world| calls_of(world, true) == 2)
    };
    let twice = || {
        let waits = |world: &World, action| {
            let called = calls_of(world, true) > 0 && calls(action, PAYMENT);
            called || consumes(action, ORDER) || has_sent(world, action, 2)
        };
        let slow = partly().midway("", waits, |world| calls_of(world, true) == 1)?;
        slow.without_its_other(PAYMENT).midway("", waits, |world| calls_of(world, true) == 2)
    };
    let undone = |world: &World| a_payment(world, |it| matches!(it, State::Refunding { refund: Some(_), .. }));
    match name {
        "refund-told" => told(),
        // The first of what is told is heard, and the rest of the money goes back as well.
        "refund-told-undone" => told()?.midway(
            "",
            |world, action| consumes(action, ORDER) || calls(action, PAYMENT) || is_refunded(world) && tells(action),
            undone,
        ),
        "refund-called-twice" => twice(),
        "refund-called-twice-undone" => twice()?.midway(
            "",
            |world, action| {
                consumes(action, ORDER)
                    || calls_first(action, PAYMENT)
                    || !is_refunded(world) && matches!(action, Action::Client(_))
            },
            undone,
        ),
        _ => None,
    }
}

/// The provider refuses to give money back, and will tell so; the process that asked has died of it. The refund is asked
/// for again when its lease ends.
fn refused(name: &str) -> Option<Scenario> {
    let died = |scenario: Scenario| scenario.after(|_| true, Action::Crash { node: PAYMENT, copy: 0 });
    let shop =
        |copies, commands| shop_with(name, &Fleet::minimal(), processes(copies), 3, vec![], vec![lazy(commands)]);
    let place = ADA.place(1, vec![(MUG, 1)], None);
    let unheard = |_: &World, action| consumes(action, ORDER) || tells(action);
    let undone = |world: &World| a_payment(world, |it| matches!(it, State::Refunding { refund: None, .. }));
    match name {
        "refund-refused" => {
            let waits = |world: &World, action| has_sent(world, action, 2) || tells(action);
            let late = "payment.call.2=refused,payment.webhook.2=late";
            shop(1, vec![place, ADA.refund(2, 0, 500), ADA.refund(3, 0, 0)]).midway(late, waits, is_refused).map(died)
        }
        // The order ends meanwhile: its undo waits for that refund.
        "refund-refused-undone" => {
            let twice = "payment.call.2=refused,payment.webhook.2=twice";
            let waits = |world: &World, action| unheard(world, action) || has_sent(world, action, 2);
            let shop = shop(1, vec![place, ADA.refund(2, 0, 500), ADA.cancel(3, 0)]);
            shop.midway(twice, waits, is_refused).map(died)?.midway("", unheard, undone)
        }
        "undo-refused" => {
            let twice = "payment.call.2=refused,payment.webhook.2=twice";
            shop(1, vec![place, ADA.cancel(2, 0)]).midway(twice, unheard, is_refused).map(died)
        }
        // A process was slow with the answer; another one asked again, and the money is back.
        "undo-refused-late" => {
            let slow = shop(2, vec![place, ADA.cancel(2, 0)]).midway("payment.call.2=refused", unheard, is_refused)?;
            slow.without_its_other(PAYMENT).midway(
                "",
                |world, action| unheard(world, action) || calls_first(action, PAYMENT),
                |world| a_payment(world, |it| matches!(it, State::Refunded { .. })),
            )
        }
        _ => None,
    }
}
