//! Small worlds that begin in the middle: what takes several faults has happened already, so that what can come of it
//! needs one more, or none.

mod money;
mod news;
mod operator;

use ecom_core::event::Service;
use ecom_core::notification::{Contact, ContactState, NoticeState, NotificationContext, NotificationSnapshot};
use ecom_core::payment::{Effect, PaymentContext, PaymentSnapshot, Record, Refund, RefundStatus, State};

use super::{PREPARE_STEPS, Scenario};
use crate::choose::{Deviation, Replay, Wanted};
use crate::world::{Action, Lane, Settings, Trace, World};

/// The names of the worlds that begin in the middle.
pub const MIDWAY: &[&str] = &[
    "charge-told",
    "charge-told-undone",
    "charge-told-late",
    "decline-told",
    "charge-called-twice",
    "charge-called-twice-undone",
    "decline-called-twice",
    "decline-called-late",
    "charge-withdrawn",
    "charge-voided",
    "refund-told",
    "refund-told-undone",
    "refund-called-twice",
    "refund-called-twice-undone",
    "refund-unanswered",
    "refund-unanswered-undone",
    "refund-refused",
    "refund-refused-undone",
    "undo-refused",
    "undo-refused-late",
    "overdue-completed",
    "overdue-failed",
    "overdue-cancelled",
    "asked-early",
    "wish-deactivated",
    "refunds-unheard",
    "refunds-unpaid",
    "refund-noticed",
    "refund-noticed-unpaid",
    "refund-first",
    "refund-last",
    "failure-first",
    "alarm-first",
    "notice-called-twice",
    "notice-sent",
    "notice-given-up",
    "notice-suppressed",
    "unreachable-given-up",
    "unreachable-suppressed",
    "rename-first",
    "rename-awaited",
    "leaving-first",
    "leaving-awaited",
];

const ORDER: u8 = Service::Order as u8;
const INVENTORY: u8 = Service::Inventory as u8;
const PAYMENT: u8 = Service::Payment as u8;
const NOTIFICATION: u8 = Service::Notification as u8;

pub(super) fn named(name: &str) -> Option<Scenario> {
    money::named(name).or_else(|| news::named(name)).or_else(|| operator::named(name))
}

impl Scenario {
    /// The same as it is as soon as that holds, when until then it goes otherwise as that text says, and some wait;
    /// `None` when it never holds.
    fn midway(
        mut self,
        otherwise: &str,
        waits: impl Fn(&World, Action) -> bool,
        holds: impl Fn(&World) -> bool,
    ) -> Option<Self> {
        let deviations: Result<Vec<Deviation>, _> =
            otherwise.split(',').filter(|text| !text.is_empty()).map(str::parse).collect();
        let (mut chooser, mut trace) = (Replay::new(&deviations.ok()?), Trace::default());
        for _ in 0..PREPARE_STEPS {
            let world = &self.world;
            if holds(world) {
                return Some(self);
            }
            let mut actions = vec![];
            world.list(&mut actions, world.default_action(), Wanted::NONE);
            actions.retain(|action| !waits(world, *action));
            let default = world.default_action().filter(|action| actions.contains(action));
            let first = |is_it: fn(&Action) -> bool| actions.iter().copied().find(is_it);
            let next = default
                .or_else(|| first(|it| matches!(it, Action::Run { .. })))
                .or_else(|| first(|_| true))
                .unwrap_or(Action::Elapse(0));
            self.world.step(next, &mut chooser, &mut trace);
        }
        None
    }

    /// The same after the second process of a service has died and looked for what is owed.
    fn without_its_other(self, node: u8) -> Self {
        self.after(|_| true, Action::Crash { node, copy: 1 })
    }
}

fn processes(copies: u8) -> Settings {
    Settings { copies, ..Settings::default() }
}

/// Whether it is a client who has heard of so many commands.
fn has_sent(world: &World, action: Action, count: usize) -> bool {
    matches!(action, Action::Client(client) if world.clients()[usize::from(client)].replies().len() >= count)
}

/// Whether the outside tells something of its own accord.
const fn tells(action: Action) -> bool {
    matches!(action, Action::Arrive { .. })
}

fn consumes(action: Action, service: u8) -> bool {
    matches!(action, Action::Run { node, lane: Lane::Consumer, .. } if node == service)
}

fn calls(action: Action, service: u8) -> bool {
    matches!(action, Action::Run { node, lane: Lane::Call(_), .. } if node == service)
}

/// Whether the first process calls.
fn calls_first(action: Action, service: u8) -> bool {
    matches!(action, Action::Run { node, copy: 0, lane: Lane::Call(_) } if node == service)
}

/// Whether so many messages could be delivered to that service now.
fn due(node: u8, count: usize) -> impl Fn(&World) -> bool {
    move |world| world.broker().ready(node, world.now()) == count
}

fn payments(world: &World) -> Option<&PaymentSnapshot> {
    world.service::<PaymentContext>().map(|payment| payment.tables().snapshot())
}

fn a_payment(world: &World, is_it: impl Fn(&State) -> bool) -> bool {
    let is_it = |record: &Record| matches!(record, Record::Payment(payment) if is_it(&payment.state));
    payments(world).is_some_and(|it| it.records.values().any(is_it))
}

/// Whether the provider has refused a refund.
fn is_refused(world: &World) -> bool {
    world.service::<PaymentContext>().is_some_and(|payment| payment.outside().refusals() > 0)
}

fn has_refunds(world: &World) -> bool {
    payments(world).is_some_and(|it| !it.refunds.is_empty())
}

fn is_refunded(world: &World) -> bool {
    let is_back = |refund: &Refund| matches!(refund.status, RefundStatus::Succeeded { .. });
    payments(world).is_some_and(|it| it.refunds.values().any(is_back))
}

/// How often the provider was asked for the refund, or the charge, that is owed.
fn calls_of(world: &World, refund: bool) -> u32 {
    let Some(payment) = world.service::<PaymentContext>() else { return 0 };
    let owed = payment.tables().effects().filter(|row| matches!(row.item.effect, Effect::Refund(_)) == refund);
    owed.map(|row| row.item.attempts).max().unwrap_or(0)
}

fn notices(world: &World) -> Option<&NotificationSnapshot> {
    world.service::<NotificationContext>().map(|notification| notification.tables().snapshot())
}

/// Whether a notice of an order is that far.
fn a_notice(world: &World, is_it: impl Fn(&NoticeState) -> bool) -> bool {
    notices(world).is_some_and(|it| it.notices.values().any(|notice| notice.order_id.is_some() && is_it(&notice.state)))
}

fn has_left(world: &World) -> bool {
    let has_left = |contact: &Contact| matches!(contact.state, ContactState::Deactivated { .. });
    notices(world).is_some_and(|it| it.contacts.values().any(has_left))
}

/// How often it was tried to send the notice that is owed.
fn attempts(world: &World) -> u32 {
    let notification = world.service::<NotificationContext>();
    notification.and_then(|it| it.tables().effects().map(|row| row.item.attempts).max()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutant::{Mutant, Switch};

    #[test]
    fn each_of_them_gets_to_its_middle() {
        for name in MIDWAY {
            let scenario = Scenario::named(name).unwrap_or_else(|| panic!("{name} never begins"));
            assert_eq!(scenario.name(), *name);
            assert!(!scenario.world().clients().is_empty());
        }
    }

    #[test]
    fn a_planted_bug_leaves_each_of_them_in_its_middle() {
        let bug = Some(Switch::Settings(Mutant::ChargeFreshKey));
        for name in MIDWAY {
            let (sound, planted) = (Scenario::named(name).unwrap(), Scenario::planted(name, bug).unwrap());
            assert_eq!(planted.world().settings().mutant, Some(Mutant::ChargeFreshKey));
            assert_eq!(planted.world().fingerprint(), sound.world().fingerprint(), "{name}");
        }
    }
}
