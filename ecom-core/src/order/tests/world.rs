//! A search through every order of events: an order between a correct inventory and a correct payment service, every
//! message delivered at any time and again at once, a user who may cancel and deadlines that may pass at any moment;
//! and, as often as [`DISTURBANCES`] says, a fact told again under another id or the order's end asked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::*;
use crate::engine::{Loaded, Message, Origin, fold};
use crate::id::derive;
use crate::saga::{OWED, Standing};

/// How often the participants are disturbed in one life of an order.
const DISTURBANCES: u8 = 1;

/// What inventory knows of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stock {
    Unasked,
    Held,
    Refused,
    Barred,
    Released,
    Sold,
}

/// What payment knows of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Money {
    Unasked,
    Charged,
    Declined,
    Barred,
    Refunded,
}

/// To whom a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum To {
    Order,
    Inventory,
    Payment,
}

/// What a participant hears of the order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Body {
    Fact(Fact),
    Event(EventType),
}

#[derive(Clone, Copy, Debug)]
struct Participants {
    in_stock: bool,
    pays: bool,
}

#[derive(Clone, Debug, Hash)]
struct World {
    snapshot: OrderSnapshot,
    timers: BTreeMap<String, u64>,
    seen: BTreeSet<MessageId>,
    sent: BTreeSet<(To, MessageId)>,
    flying: BTreeMap<(To, MessageId), Body>,
    stock: Stock,
    money: Money,
    may_cancel: bool,
    expired: bool,
    disturbances: u8,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            snapshot: OrderSnapshot::default(),
            timers: BTreeMap::new(),
            seen: BTreeSet::new(),
            sent: BTreeSet::new(),
            flying: BTreeMap::new(),
            stock: Stock::Unasked,
            money: Money::Unasked,
            may_cancel: true,
            expired: false,
            disturbances: DISTURBANCES,
        };
        world.snapshot.catalogue.insert(TEA, CatalogueEntry::from(&product(TEA, 1_250)));
        let input = Input::Place(Box::new(place(vec![line(TEA, 2)])));
        world.handle(MessageId(Uuid::from_u128(1)), Origin::Command(None), input);
        world
    }

    fn order(&self) -> &Order {
        &self.snapshot.orders[&ORDER]
    }

    fn send(&mut self, to: To, id: MessageId, body: Body) {
        if self.sent.insert((to, id)) {
            self.flying.insert((to, id), body);
        }
    }

    /// The order's rules, by the same path as in production; an end must never be changed by it.
    fn handle(&mut self, id: MessageId, origin: Origin, input: Input) {
        let loaded = Loaded {
            snapshot: self.snapshot.clone(),
            seen: self.seen.clone(),
            kept: BTreeMap::new(),
            armed: self
                .timers
                .iter()
                .map(|(kind, epoch)| Timer { subject: ORDER.0, kind: kind.clone().into(), epoch: *epoch })
                .collect(),
            owed: BTreeMap::new(),
            now: Timestamp::EPOCH,
        };
        let before = self.snapshot.orders.get(&ORDER).cloned();
        let message =
            Message { id, origin, correlation: CorrelationId(ORDER.0), causation: None, traceparent: None, input };
        let writes = fold::<OrderContext>(loaded, &[message], &Policy::default());
        writes.changes.iter().for_each(|change| OrderContext::apply(&mut self.snapshot, change));
        self.seen.extend(writes.inbox);
        for ((_, kind), armed) in writes.timers {
            match armed {
                Some((epoch, _)) => self.timers.insert(kind.into_owned(), epoch),
                None => self.timers.remove(&*kind),
            };
        }
        for event in writes.outbox {
            let kind = event.event.event_type();
            self.send(To::Inventory, event.event_id, Body::Event(kind));
            if matches!(kind, EventType::OrderFailed | EventType::OrderCancelled) {
                self.send(To::Payment, event.event_id, Body::Event(kind));
            }
        }
        if let Some(before) = before.filter(|order| order.status().is_terminal()) {
            assert_eq!(before.saga.state, self.order().saga.state, "an end was changed");
        }
    }

    fn answer(&mut self, cause: MessageId, kind: EventType, fact: Fact) {
        let id = MessageId(derive("participant", cause.0, kind.name(), ORDER.0, 0));
        if kind == EventType::InventoryReserved {
            self.send(To::Payment, id, Body::Event(kind));
        }
        self.send(To::Order, id, Body::Fact(fact));
    }

    fn inventory(&mut self, id: MessageId, event: EventType, who: Participants) {
        let (stock, answer) = match (event, self.stock) {
            (EventType::OrderCreated, Stock::Unasked) if who.in_stock => (Stock::Held, Some(Fact::InventoryReserved)),
            (EventType::OrderCreated, Stock::Unasked) => (Stock::Refused, Some(out_of_stock())),
            (EventType::OrderCompleted, Stock::Held | Stock::Sold) => (Stock::Sold, Some(Fact::InventoryCommitted)),
            (EventType::OrderFailed | EventType::OrderCancelled, Stock::Held | Stock::Released) => {
                (Stock::Released, Some(Fact::InventoryReleased { held: true }))
            }
            (EventType::OrderFailed | EventType::OrderCancelled, Stock::Unasked) => {
                (Stock::Barred, Some(Fact::InventoryReleased { held: false }))
            }
            (EventType::OrderFailed | EventType::OrderCancelled, known @ (Stock::Refused | Stock::Barred)) => {
                (known, Some(Fact::InventoryReleased { held: false }))
            }
            (EventType::OrderCreated, known) => (known, None),
            wrong => panic!("inventory hears {wrong:?}"),
        };
        self.stock = stock;
        if let Some(fact) = answer {
            self.answer(id, EventType::from_name(crate::saga::Label::label(&fact)).unwrap(), fact);
        }
    }

    fn payment(&mut self, id: MessageId, event: EventType, who: Participants) {
        let (money, answer) = match (event, self.money) {
            (EventType::InventoryReserved, Money::Unasked) if who.pays => (Money::Charged, Some(paid())),
            (EventType::InventoryReserved, Money::Unasked) => (Money::Declined, Some(declined())),
            (EventType::OrderFailed | EventType::OrderCancelled, Money::Charged | Money::Refunded) => {
                (Money::Refunded, Some(Fact::PaymentRefunded { full: true, undo: true }))
            }
            (EventType::OrderFailed | EventType::OrderCancelled, Money::Declined) => {
                (Money::Declined, Some(Fact::PaymentVoided { known: true, authorized: false }))
            }
            (EventType::OrderFailed | EventType::OrderCancelled, Money::Unasked | Money::Barred) => {
                (Money::Barred, Some(Fact::PaymentVoided { known: false, authorized: false }))
            }
            (_, known) => (known, None),
        };
        self.money = money;
        if let Some(fact) = answer {
            self.answer(id, EventType::from_name(crate::saga::Label::label(&fact)).unwrap(), fact);
        }
    }

    fn deliver(&mut self, to: To, id: MessageId, body: &Body, who: Participants) {
        match (to, body) {
            (_, Body::Fact(fact)) => self.handle(id, Origin::Event, Input::fact(ORDER, fact.clone())),
            (To::Inventory, Body::Event(event)) => self.inventory(id, *event, who),
            (To::Payment, Body::Event(event)) => self.payment(id, *event, who),
            (To::Order, Body::Event(event)) => panic!("{event:?} for the order service"),
        }
    }

    /// Every world that may follow.
    fn successors(&self, who: Participants) -> Vec<Self> {
        let mut successors = vec![];
        for ((to, id), body) in &self.flying {
            let mut next = self.clone();
            next.flying.remove(&(*to, *id));
            next.deliver(*to, *id, body, who);
            let mut again = next.clone();
            again.deliver(*to, *id, body, who);
            assert_eq!(digest(&again), digest(&next), "a second delivery of {body:?} changed something");
            if let (Body::Fact(_), 1..) = (body, self.disturbances) {
                let mut echoed = Self { disturbances: self.disturbances - 1, ..next.clone() };
                echoed.send(To::Order, MessageId(derive("echo", id.0, "", ORDER.0, 0)), body.clone());
                successors.push(echoed);
            }
            successors.push(next);
        }
        if self.may_cancel {
            let mut next = Self { may_cancel: false, ..self.clone() };
            next.handle(MessageId(Uuid::from_u128(2)), Origin::Command(None), Input::fact(ORDER, cancel()));
            successors.push(next);
        }
        for (kind, epoch) in &self.timers {
            let left = self.disturbances.checked_sub(u8::from(kind == OWED));
            let Some(disturbances) = left else { continue };
            let mut next = Self { disturbances, expired: self.expired || kind != OWED, ..self.clone() };
            let timer = Timer { subject: ORDER.0, kind: kind.clone().into(), epoch: *epoch };
            let id = MessageId(derive("timer", ORDER.0, kind, ORDER.0, *epoch as u32));
            let input = OrderContext::on_timer(&timer).unwrap();
            next.handle(id, Origin::Timer(timer), input);
            successors.push(next);
        }
        successors
    }

    /// Nothing is under way any more: everything must be as it should be.
    fn check_at_rest(&self, who: Participants) {
        let order = self.order();
        if self.may_cancel && !self.expired {
            let sold = who.in_stock && who.pays;
            let end = if sold { Status::Completed } else { Status::Failed };
            assert_eq!(order.status(), end, "nobody cancelled and everybody was in time: {self:?}");
        }
        assert!(order.saga.is_settled(), "something is owed: {self:?}");
        assert_eq!(order.saga.attention, None, "nobody did anything wrong: {self:?}");
        assert!(self.timers.is_empty(), "a timer is left: {self:?}");
        let right = match order.status() {
            Status::Completed => (self.stock, self.money) == (Stock::Sold, Money::Charged),
            Status::Failed | Status::Cancelled => {
                matches!(self.stock, Stock::Released | Stock::Barred | Stock::Refused)
                    && matches!(self.money, Money::Refunded | Money::Barred | Money::Declined)
            }
            Status::Pending | Status::Processing => false,
        };
        assert!(right, "stock or money is wrong: {self:?}");
        let answered = |done: bool| Some(if done { Standing::Done } else { Standing::Nothing });
        let standing = |debt| order.saga.ledger.get(debt).map(|entry| entry.standing);
        if order.status() == Status::Completed {
            assert_eq!(standing(Debt::StockCommit), answered(true), "{self:?}");
        } else {
            assert_eq!(standing(Debt::StockRelease), answered(self.stock == Stock::Released), "{self:?}");
            let paid = matches!(self.money, Money::Refunded | Money::Declined);
            assert_eq!(standing(Debt::PaymentUndo), answered(paid), "{self:?}");
        }
        let payment = match self.money {
            Money::Charged => PaymentStatus::Processed,
            Money::Declined => PaymentStatus::Failed,
            Money::Refunded => PaymentStatus::Refunded,
            Money::Barred | Money::Unasked => PaymentStatus::NotCharged,
        };
        assert_eq!(order.payment, payment, "{self:?}");
    }
}

fn digest(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

/// Visits every reachable world and returns the ends that were found at rest.
fn search(who: Participants) -> BTreeSet<Status> {
    let start = World::new();
    let mut known = BTreeSet::from([digest(&start)]);
    let (mut open, mut ends) = (vec![start], BTreeSet::new());
    while let Some(world) = open.pop() {
        if world.flying.is_empty() {
            world.check_at_rest(who);
            ends.insert(world.order().status());
        }
        open.extend(world.successors(who).into_iter().filter(|next| known.insert(digest(next))));
    }
    eprintln!("{who:?}: {} worlds", known.len());
    ends
}

#[test]
fn an_order_that_can_be_held_and_paid_ends_right_whatever_the_order_of_events() {
    let ends = search(Participants { in_stock: true, pays: true });
    assert_eq!(ends, BTreeSet::from([Status::Completed, Status::Failed, Status::Cancelled]));
}

#[test]
fn an_order_that_is_declined_ends_right_whatever_the_order_of_events() {
    let ends = search(Participants { in_stock: true, pays: false });
    assert_eq!(ends, BTreeSet::from([Status::Failed, Status::Cancelled]));
}

#[test]
fn an_order_that_is_out_of_stock_ends_right_whatever_the_order_of_events() {
    let ends = search(Participants { in_stock: false, pays: true });
    assert_eq!(ends, BTreeSet::from([Status::Failed, Status::Cancelled]));
}
