//! What should happen at least once in so many runs: a simulator that never does one of these is too kind.

use ecom_core::inventory::{InventoryContext, ReservationState};
use ecom_core::notification::{NoticeState, NotificationContext};
use ecom_core::order::{OrderContext, Status};
use ecom_core::payment::{
    Change, PaymentContext, Record, Refund, RefundCause, RefundStatus, State, TransactionKind, TransactionStatus,
};

use super::{Cell, Coverage, Step};
use crate::choose::{Fate, Op};
use crate::world::World;

/// How a probe is known to have been hit.
#[derive(Clone, Copy, Debug)]
enum Hit {
    /// The oracle chose that.
    Fate(Op, Fate),
    /// That happened beside the steps of processes.
    Happened(&'static str),
    /// A cell like that was reached.
    Cell(fn(&Cell) -> bool),
    /// A run ended like that.
    End(fn(&World) -> bool),
}

/// Something that should happen at least once.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// What it is about.
    pub area: &'static str,
    /// What should happen.
    pub name: &'static str,
    hit: Hit,
}

impl Probe {
    /// How often it was hit.
    pub fn hits(&self, coverage: &Coverage) -> u64 {
        match self.hit {
            Hit::Fate(op, fate) => coverage.fates.get(&(op, fate)).copied().unwrap_or_default(),
            Hit::Happened(what) => coverage.happened.get(what).copied().unwrap_or_default(),
            Hit::Cell(is_it) => coverage.cells.iter().filter(|(cell, _)| is_it(cell)).map(|(_, count)| count).sum(),
            Hit::End(_) => coverage.ends.get(self.name).copied().unwrap_or_default(),
        }
    }

    /// Whether a run that ended so hits it.
    pub(super) fn ended(&self, world: &World) -> bool {
        matches!(self.hit, Hit::End(is_it) if is_it(world))
    }
}

const fn fate(area: &'static str, name: &'static str, op: Op, fate: Fate) -> Probe {
    Probe { area, name, hit: Hit::Fate(op, fate) }
}

const fn happened(area: &'static str, name: &'static str, what: &'static str) -> Probe {
    Probe { area, name, hit: Hit::Happened(what) }
}

const fn cell(area: &'static str, name: &'static str, is_it: fn(&Cell) -> bool) -> Probe {
    Probe { area, name, hit: Hit::Cell(is_it) }
}

const fn end(area: &'static str, name: &'static str, is_it: fn(&World) -> bool) -> Probe {
    Probe { area, name, hit: Hit::End(is_it) }
}

fn applied(cell: &Cell, message: &str) -> bool {
    cell.step == Step::Decide && cell.outcome == "applied" && cell.message == message
}

fn settled(cell: &Cell, outcome: &str) -> bool {
    cell.step == Step::Settle && cell.outcome == outcome
}

fn order(world: &World, status: Status) -> bool {
    let orders = world.service::<OrderContext>().map(|service| &service.tables().snapshot().orders);
    orders.is_some_and(|orders| orders.values().any(|order| order.status() == status))
}

fn payment(world: &World, is_it: fn(&Record) -> bool) -> bool {
    let records = world.service::<PaymentContext>().map(|service| &service.tables().snapshot().records);
    records.is_some_and(|records| records.values().any(is_it))
}

fn refunds(world: &World, is_it: fn(&Refund, &[Change]) -> bool) -> bool {
    let Some(service) = world.service::<PaymentContext>() else { return false };
    let lines: Vec<Change> = service.tables().lines().cloned().collect();
    service.tables().snapshot().refunds.values().any(|refund| is_it(refund, &lines))
}

/// Whether that line of the books says that so much of that payment was not given back.
fn is_refusal(line: &Change, refund: &Refund) -> bool {
    let Change::AddTransaction(line) = line else { return false };
    (line.payment_id, line.amount) == (refund.payment_id, refund.amount)
        && (line.kind, line.status) == (TransactionKind::Refund, TransactionStatus::Failed)
}

fn hold(world: &World, is_it: fn(&ReservationState) -> bool) -> bool {
    let held = world.service::<InventoryContext>().map(|service| &service.tables().snapshot().reservations);
    held.is_some_and(|held| held.values().any(|reservation| is_it(&reservation.state)))
}

fn notice(world: &World, is_it: fn(&NoticeState) -> bool) -> bool {
    let notices = world.service::<NotificationContext>().map(|service| &service.tables().snapshot().notices);
    notices.is_some_and(|notices| notices.values().any(|notice| is_it(&notice.state)))
}

fn sent(world: &World, label: &str) -> bool {
    let heard = |client: &crate::world::Client| {
        client.commands().iter().take(client.replies().len()).any(|command| command.label == label)
    };
    world.clients().iter().any(heard)
}

/// All of them.
pub const PROBES: &[Probe] = &[
    fate("publish", "a publication is confirmed", Op::Publish, Fate::Fine),
    fate("publish", "a publication is lost", Op::Publish, Fate::UnknownNotDone),
    fate("publish", "an event is stored, but its confirm is lost", Op::Publish, Fate::UnknownDone),
    fate("publish", "an event is stored in one queue alone", Op::Publish, Fate::UnknownHalf),
    fate("publish", "the broker has no queue for an event and gives it back", Op::Publish, Fate::Returned),
    fate("publish", "a process dies before it publishes", Op::Publish, Fate::CrashBefore),
    fate("publish", "a process dies after it has published", Op::Publish, Fate::CrashAfter),
    cell("publish", "a publication does not reach the broker", |cell| {
        cell.step == Step::Publish && cell.outcome == "cut off"
    }),
    fate("deliver", "a message comes twice", Op::Duplicate, Fate::Twice),
    cell("deliver", "a message overtakes an older one", |cell| cell.outcome == "overtaking"),
    cell("deliver", "a message is delivered again", |cell| cell.outcome == "again"),
    cell("deliver", "the inbox recognises a duplicate", |cell| cell.outcome == "duplicate"),
    fate("settle", "an acknowledgement is lost", Op::Settle, Fate::UnknownNotDone),
    fate("settle", "a process dies before it acknowledges", Op::Settle, Fate::CrashBefore),
    fate("settle", "a process dies after it has acknowledged", Op::Settle, Fate::CrashAfter),
    cell("settle", "a message is given back to be tried again", |cell| settled(cell, "given back")),
    cell("settle", "an acknowledgement does not reach the broker", |cell| settled(cell, "cut off")),
    fate("commit", "the database is away", Op::Commit, Fate::Away),
    fate("commit", "a transaction conflicts as often as it is tried", Op::Commit, Fate::Conflict),
    cell("commit", "another process is quicker", |cell| cell.outcome == "beaten"),
    fate("commit", "the database refuses", Op::Commit, Fate::Broken),
    fate("commit", "a commit is unknown and durable", Op::Commit, Fate::UnknownDone),
    fate("commit", "a commit is unknown and not durable", Op::Commit, Fate::UnknownNotDone),
    fate("commit", "a process dies before its commit", Op::Commit, Fate::CrashBefore),
    fate("commit", "a process dies after its commit", Op::Commit, Fate::CrashAfter),
    fate("commit", "a claim does not reach the database", Op::Claim, Fate::Away),
    fate("commit", "a small write does not reach the database", Op::Write, Fate::Away),
    fate("call", "a call is answered", Op::Call, Fate::Fine),
    fate("call", "a call is carried out and its answer lost", Op::Call, Fate::UnknownDone),
    fate("call", "a call is lost", Op::Call, Fate::UnknownNotDone),
    fate("call", "a call is refused for now", Op::Call, Fate::Transient),
    fate("call", "a call without an answer arrives late", Op::Call, Fate::Late),
    fate("call", "a process dies before its call arrives", Op::Call, Fate::CrashBefore),
    fate("call", "a process dies after its call is carried out", Op::Call, Fate::CrashAfter),
    fate("call", "a process dies, and its call arrives later", Op::Call, Fate::CrashLate),
    happened("call", "something arrives that nobody waits for", "arrive"),
    cell("call", "a charge succeeds", |cell| applied(cell, "charge: succeeded")),
    cell("call", "a charge is declined", |cell| applied(cell, "charge: refused")),
    cell("call", "a refund succeeds", |cell| applied(cell, "refund: succeeded")),
    fate("call", "the provider refuses a refund", Op::Call, Fate::Refused),
    end("call", "the provider refuses an undo and gives it later", |world| {
        refunds(world, |it, lines| {
            let is_given = matches!((&it.cause, &it.status), (RefundCause::Undo(_), RefundStatus::Succeeded { .. }));
            is_given && lines.iter().any(|line| is_refusal(line, it))
        })
    }),
    end("call", "an administrator's refund is refused", |world| {
        refunds(world, |it, _| matches!(it.status, RefundStatus::Failed { .. }))
    }),
    fate("webhook", "a webhook comes before the answer", Op::Webhook, Fate::Early),
    fate("webhook", "a webhook comes late", Op::Webhook, Fate::Late),
    fate("webhook", "a webhook comes twice", Op::Webhook, Fate::Twice),
    cell("webhook", "a refusal of an undo is known by its webhook", |cell| applied(cell, "webhook: refund refused")),
    cell("webhook", "a payment is known by its webhook alone", |cell| applied(cell, "webhook: charged")),
    happened("trouble", "a process dies between two steps", "crash"),
    happened("trouble", "time passes early", "elapse"),
    happened("trouble", "a clock jumps ahead by seconds", "clock+20s"),
    happened("trouble", "a clock jumps back by seconds", "clock-20s"),
    happened("trouble", "a clock jumps ahead by an hour", "clock+1h"),
    happened("trouble", "a clock jumps back by an hour", "clock-1h"),
    happened("trouble", "a clock goes slow", "drift-5%"),
    happened("trouble", "a clock goes fast", "drift+5%"),
    happened("trouble", "a service loses the broker for seconds", "cut3s"),
    happened("trouble", "a service loses the broker for a minute", "cut60s"),
    happened("trouble", "a consumer loses its subscription", "the subscription ends"),
    happened("trouble", "a consumer finds no broker to subscribe at", "no subscription is to be had"),
    end("command", "somebody orders", |world| sent(world, "place an order")),
    end("command", "somebody clicks again", |world| sent(world, "click again")),
    end("command", "somebody uses a key again", |world| sent(world, "use the key again")),
    end("command", "somebody cancels", |world| sent(world, "cancel the order")),
    end("command", "somebody looks at his order", |world| sent(world, "look at the order")),
    end("command", "somebody asks for a refund", |world| sent(world, "refund")),
    end("command", "somebody adds a card", |world| sent(world, "add a card")),
    end("command", "somebody removes a card", |world| sent(world, "remove a card")),
    end("command", "somebody chooses a card", |world| sent(world, "choose a card")),
    end("command", "somebody registers", |world| sent(world, "register")),
    end("command", "an administrator registers", |world| sent(world, "register an administrator")),
    end("command", "somebody changes his name", |world| sent(world, "change the name")),
    end("command", "somebody leaves", |world| sent(world, "leave")),
    end("command", "an administrator adds a product", |world| sent(world, "add a product")),
    end("command", "an administrator changes a product", |world| sent(world, "change a product")),
    end("command", "an administrator counts stock", |world| sent(world, "adjust stock")),
    end("command", "somebody wants to be told otherwise", |world| sent(world, "set preferences")),
    end("command", "an operator has products told again", |world| sent(world, "tell of products again")),
    end("command", "an operator has users told again", |world| sent(world, "tell of users again")),
    end("command", "an operator has what is owed asked for again", |world| sent(world, "ask again for what is owed")),
    end("command", "an operator takes on what is owed", |world| sent(world, "take on what is owed")),
    end("end", "an order is completed", |world| order(world, Status::Completed)),
    end("end", "an order fails", |world| order(world, Status::Failed)),
    end("end", "an order is cancelled", |world| order(world, Status::Cancelled)),
    end("end", "stock is sold", |world| hold(world, |it| matches!(it, ReservationState::Committed(_)))),
    end("end", "stock is refused", |world| hold(world, |it| matches!(it, ReservationState::Refused { .. }))),
    end("end", "a notice is sent", |world| notice(world, |it| matches!(it, NoticeState::Sent { .. }))),
    end("end", "a notice waits for its user", |world| notice(world, |it| matches!(it, NoticeState::Deferred { .. }))),
    end("end", "a notice cannot be sent", |world| notice(world, |it| matches!(it, NoticeState::Failed { .. }))),
    end("end", "a notice is not to be sent", |world| notice(world, |it| matches!(it, NoticeState::Suppressed))),
    end("undo", "a hold is released", |world| hold(world, |it| matches!(it, ReservationState::Released(_)))),
    end("undo", "an order that ended bars its hold", |world| hold(world, |it| matches!(it, ReservationState::Barred))),
    end("undo", "an order that ended bars its payment", |world| payment(world, |it| matches!(it, Record::Barrier(_)))),
    end("undo", "a charge is voided", |world| {
        payment(world, |it| matches!(it, Record::Payment(it) if matches!(it.state, State::Voided { .. })))
    }),
    end("undo", "a charge is given back", |world| {
        payment(world, |it| matches!(it, Record::Payment(it) if matches!(it.state, State::Refunded { .. })))
    }),
];
