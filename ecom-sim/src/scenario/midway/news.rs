//! Something has happened of which somebody has heard nothing, or which he hears in another order.

use ecom_core::notification::NoticeState;
use ecom_core::payment::State;

use super::super::named::{ADA, MUG, eager, lazy, shop_with};
use super::super::{Scenario, Shopper};
use super::{
    INVENTORY, NOTIFICATION, ORDER, PAYMENT, a_notice, a_payment, attempts, calls, calls_first, consumes, due,
    has_left, has_refunds, has_sent, processes,
};
use crate::world::{Action, Client, Command, Fleet, Trouble, World};

/// Who handles two messages gives them back, and gets the third one first.
const TWO_GIVEN_BACK: &str = "order.commit.1=unknown-not-done,order.commit.2=unknown-not-done";

pub(super) fn named(name: &str) -> Option<Scenario> {
    unanswered(name).or_else(|| about_orders(name)).or_else(|| about_users(name)).or_else(|| noticed(name))
}

fn shop(name: &str, fleet: &Fleet, prepare: Vec<Command>, client: Client) -> Scenario {
    shop_with(name, fleet, processes(1), 3, prepare, vec![client])
}

/// An administrator has not heard that he has asked for a refund.
fn unanswered(name: &str) -> Option<Scenario> {
    let (place, minimal) = (ADA.place(1, vec![(MUG, 1)], None), Fleet::minimal());
    match name {
        // All of the money is back before that.
        "refund-unanswered" => {
            let client = lazy(vec![place, ADA.refund(2, 0, 0)]);
            shop(name, &minimal, vec![], client).midway(
                "payment.commit.3=unknown-done",
                |world, action| has_refunds(world) && matches!(action, Action::Client(_)),
                |world| a_payment(world, |it| matches!(it, State::Refunded { .. })),
            )
        }
        // And its order was cancelled meanwhile.
        "refund-unanswered-undone" => {
            let client = lazy(vec![place, ADA.cancel(2, 0), ADA.refund(3, 0, 500)]);
            let waits = |world: &World, action| {
                let too_early = consumes(action, PAYMENT) && a_payment(world, |_| true);
                consumes(action, ORDER)
                    || if has_refunds(world) { matches!(action, Action::Client(_)) } else { too_early }
            };
            shop(name, &minimal, vec![], client).midway("payment.commit.3=unknown-done", waits, |world| {
                a_payment(world, |it| matches!(it, State::Refunding { .. }))
            })
        }
        _ => None,
    }
}

fn about_orders(name: &str) -> Option<Scenario> {
    let place = |card| ADA.place(1, vec![(MUG, 1)], card);
    let (minimal, whole) = (Fleet::minimal(), Fleet::whole());
    let unheard = |scenario: Scenario, count| {
        scenario.midway("", |_, action| consumes(action, ORDER), move |world| due(ORDER, count)(world))
    };
    match name {
        // Money went back, before the order hears that it can be paid, and that it was.
        "refunds-unheard" => {
            let client = lazy(vec![place(None), ADA.refund(2, 0, 300), ADA.refund(3, 0, 300)]);
            let shop = unheard(shop(name, &minimal, vec![], client), 4)?;
            shop.midway(TWO_GIVEN_BACK, |_, _| false, due(ORDER, 2))
        }
        // It has heard that it can be paid.
        "refunds-unpaid" => {
            let client = lazy(vec![place(None), ADA.refund(2, 0, 300), ADA.refund(3, 0, 300)]);
            let shop = unheard(shop(name, &minimal, vec![], client), 4)?;
            shop.midway("order.commit.2=unknown-not-done", |_, _| false, due(ORDER, 2))
        }
        // And that its user was told so.
        "refund-noticed" => {
            let client = lazy(vec![place(None), ADA.refund(2, 0, 500)]);
            let shop = unheard(shop(name, &whole, vec![ADA.register(7)], client), 4)?;
            let given_back = format!("{TWO_GIVEN_BACK},order.commit.3=unknown-not-done");
            shop.midway(&given_back, |_, _| false, due(ORDER, 1))
        }
        "refund-noticed-unpaid" => {
            let client = lazy(vec![place(None), ADA.refund(2, 0, 500)]);
            let shop = unheard(shop(name, &whole, vec![ADA.register(7)], client), 4)?;
            let given_back = "order.commit.2=unknown-not-done,order.commit.3=unknown-not-done";
            shop.midway(given_back, |_, _| false, due(ORDER, 1))
        }
        // That the card was declined.
        "failure-first" => {
            let card = vec![ADA.add_card(8, 1, "tok_declined")];
            let shop = unheard(shop(name, &minimal, card, lazy(vec![place(Some(1))])), 2)?;
            shop.midway("order.commit.1=unknown-not-done", |_, _| false, due(ORDER, 1))
        }
        // That its stock is held for too long: by a clock that has jumped.
        "alarm-first" => {
            let waits = |_: &World, action| consumes(action, ORDER) || consumes(action, PAYMENT);
            let held = shop(name, &minimal, vec![], lazy(vec![place(None)])).midway("", waits, due(ORDER, 1))?;
            let jump = Action::Trouble { node: INVENTORY, trouble: Trouble::Clock(3_600_000_000) };
            let late = held.after(|_| true, jump).midway("", waits, due(ORDER, 2))?;
            let waits = |_: &World, action| consumes(action, PAYMENT);
            // Given back, and not only handed out: what is left is the alarm.
            let is_back = |world: &World| due(ORDER, 1)(world) && world.broker().handed(ORDER).next().is_none();
            late.midway("order.commit.1=unknown-not-done", waits, is_back)
        }
        // Its user hears of the money before he hears that it was cancelled.
        "refund-first" => {
            let client = lazy(vec![place(None), ADA.cancel(2, 0)]);
            let waits = |_: &World, action| consumes(action, ORDER) || consumes(action, NOTIFICATION);
            let both = shop(name, &whole, vec![], client).midway("", waits, due(NOTIFICATION, 2))?;
            both.midway("notification.commit.1=unknown-not-done", |_, _| false, due(NOTIFICATION, 1))
        }
        // He has left before he hears of it.
        "refund-last" => {
            let client = lazy(vec![place(None), ADA.refund(2, 0, 500), ADA.leave(3)]);
            let waits = |_: &World, action| consumes(action, NOTIFICATION);
            let all = shop(name, &whole, vec![ADA.register(7)], client).midway("", waits, due(NOTIFICATION, 3))?;
            let given_back = "notification.commit.1=unknown-not-done,notification.commit.2=unknown-not-done";
            all.midway(given_back, |_, _| false, due(NOTIFICATION, 1))
        }
        _ => None,
    }
}

/// The first that is heard of a user is not that he has registered: to publish that was not possible at first.
fn about_users(name: &str) -> Option<Scenario> {
    let order = vec![ADA.place(1, vec![(MUG, 1)], None), ADA.cancel(2, 0)];
    let user = vec![ADA.register(3), ADA.rename(4)];
    let left = [user.clone(), vec![ADA.leave(5)]].concat();
    let lost = "user.publish.1=unknown-not-done";
    let both_lost = "user.publish.1=unknown-not-done,user.publish.2=unknown-not-done";
    // With an order of his a notice waits for him.
    let (commands, lost, count) = match name {
        "rename-first" => (user, lost, 1),
        "rename-awaited" => ([order, user].concat(), lost, 2),
        "leaving-first" => (left, both_lost, 1),
        "leaving-awaited" => ([order, left].concat(), both_lost, 2),
        _ => return None,
    };
    let waits = |_: &World, action| consumes(action, NOTIFICATION);
    shop(name, &Fleet::whole(), vec![], eager(commands)).midway(lost, waits, due(NOTIFICATION, count))
}

/// A notice could not be sent four times; the process of the fifth time was slow, another one tries for the last.
fn noticed(name: &str) -> Option<Scenario> {
    // To one of them no letter can be sent: the slow process hears so when all is over.
    let (user, what) = match name.split_once('-')? {
        ("notice", what) => (ADA, what),
        ("unreachable", what @ ("given-up" | "suppressed")) => (Shopper::UNREACHABLE, what),
        _ => return None,
    };
    let twice = || {
        let client = lazy(vec![user.place(1, vec![(MUG, 1)], None), user.leave(2)]);
        let shop = shop_with(name, &Fleet::whole(), processes(2), 3, vec![user.register(7)], vec![client]);
        let failed = [1, 2, 3, 4].map(|call| format!("notification.call.{call}=transient")).join(",");
        let slow = shop.midway(&failed, |world, action| has_sent(world, action, 1), |world| attempts(world) == 5)?;
        let waits = |world: &World, action| has_sent(world, action, 1) || calls(action, NOTIFICATION);
        slow.without_its_other(NOTIFICATION).midway("", waits, |world| attempts(world) == 6)
    };
    let last = "notification.call.1=transient";
    match what {
        "called-twice" => twice(),
        "sent" => twice()?.midway(
            "",
            |world, action| has_sent(world, action, 1) || calls_first(action, NOTIFICATION),
            |world| a_notice(world, |it| matches!(it, NoticeState::Sent { .. })),
        ),
        "given-up" => twice()?.midway(
            last,
            |world, action| has_sent(world, action, 1) || calls_first(action, NOTIFICATION),
            |world| a_notice(world, |it| matches!(it, NoticeState::Failed { .. })),
        ),
        // He has left meanwhile.
        "suppressed" => {
            let waits = |_: &World, action| calls(action, NOTIFICATION);
            let left = twice()?.midway("", waits, has_left)?;
            left.midway(
                last,
                |_, action| calls_first(action, NOTIFICATION),
                |world| a_notice(world, |it| matches!(it, NoticeState::Suppressed)),
            )
        }
        _ => None,
    }
}
