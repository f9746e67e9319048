//! Any interleaving of events, calls, answers and refunds, through the fold, against a provider that keeps its word:
//! money moves at most once under each key.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::{Account, Change, Posting, Refusal, State, charge_key, refund_key, undo_refund_id};
use super::provider::{Provider, Way};
use super::*;
use crate::engine::{EffectRow, Loaded, Message, Origin, Outcome, fold};
use crate::event::Event;

/// What the order costs, in cents.
const TOTAL: i64 = 100;

/// Something that may happen next.
#[derive(Clone, Debug)]
enum Act {
    /// `inventory.reserved` comes, under one of two ids.
    Reserved(u8),
    /// The order's end comes, under one of four ids.
    Ended(u8),
    /// An administrator wants money back.
    Refund(u8, Option<i64>),
    /// One of the calls that are owed is made, and goes that way.
    Call(usize, Way),
    /// An answer that was given comes again.
    AnswerAgain(usize),
    /// The provider tells of its own accord what it did under one of the keys, for the first or the second time.
    Notice(usize, u8),
}

fn act() -> impl Strategy<Value = Act> {
    use Way::{Done, DoneAndKilled, DoneAndLost, Lost, Refused, RefusedAndKilled, Transient};
    let ways = vec![Done, Done, DoneAndLost, DoneAndKilled, Lost, Transient, Refused, RefusedAndKilled];
    let way = prop::sample::select(ways);
    prop_oneof![
        2 => (0..2_u8).prop_map(Act::Reserved),
        1 => (0..4_u8).prop_map(Act::Ended),
        2 => (0..6_u8, prop::option::of(1..60_i64)).prop_map(|(id, minor)| Act::Refund(id, minor)),
        6 => (0..8_usize, way).prop_map(|(index, way)| Act::Call(index, way)),
        2 => (0..16_usize).prop_map(Act::AnswerAgain),
        3 => (0..8_usize, 0..2_u8).prop_map(|(index, times)| Act::Notice(index, times)),
    ]
}

/// The database of the service, as the fold sees it.
#[derive(Default)]
struct World {
    snapshot: PaymentSnapshot,
    seen: BTreeSet<MessageId>,
    owed: BTreeMap<MessageId, EffectRow<Effect>>,
    answers: Vec<Message<PaymentContext>>,
    provider: Provider,
    postings: Vec<Posting>,
    lines: BTreeSet<Uuid>,
    events: Vec<Event>,
    event_ids: BTreeSet<MessageId>,
    versions: Vec<u64>,
    clock: i64,
}

fn message(id: u128, origin: Origin, input: Input) -> Message<PaymentContext> {
    Message {
        id: MessageId(Uuid::from_u128(id)),
        origin,
        correlation: CorrelationId(Uuid::from_u128(2)),
        causation: None,
        traceparent: None,
        input,
    }
}

impl World {
    fn act(&mut self, act: &Act) {
        match act {
            Act::Reserved(n) => self.transact(message(100 + u128::from(*n), Origin::Event, reserved(TOTAL, None))),
            Act::Ended(n) => self.transact(message(200 + u128::from(*n), Origin::Event, ended())),
            Act::Refund(n, minor) => {
                let command = Input::Refund(refund(u128::from(*n), *minor));
                self.transact(message(300 + u128::from(*n), Origin::Command(None), command));
            }
            Act::Call(index, way) => {
                let keys: Vec<_> = self.owed.keys().copied().collect();
                if let Some(key) = keys.get(index % keys.len().max(1)) {
                    self.call(*key, *way);
                }
            }
            Act::AnswerAgain(index) => {
                if let Some(answer) = self.answers.get(*index).cloned() {
                    self.transact(answer);
                }
            }
            Act::Notice(index, times) => {
                let done = self.provider.moved.keys().map(|key| (*key, false));
                let told: Vec<_> = done.chain(self.provider.refused.iter().map(|key| (*key, true))).collect();
                if let Some((key, refused)) = told.get(index % told.len().max(1)) {
                    self.notice(*key, *refused, u128::from(*times));
                }
            }
        }
    }

    /// Claims an effect, calls the provider and commits the answer.
    fn call(&mut self, key: MessageId, way: Way) {
        let Some(row) = self.owed.get_mut(&key) else { return };
        row.attempts += 1;
        let row = row.clone();
        let answer = self.provider.call(key, &row.effect, way);
        if matches!(way, Way::DoneAndKilled | Way::RefusedAndKilled) {
            return;
        }
        let answer = Message::from_answer(row, answer);
        self.answers.push(answer.clone());
        self.transact(answer);
    }

    /// The provider tells what became of a key. An event of its own may be told under two ids: the rules must not care.
    fn notice(&mut self, key: MessageId, refused: bool, id: u128) {
        let news = if refused {
            News::Refused { code: Refusal::Declined, detail: "no".to_owned() }
        } else {
            News::Succeeded { reference: format!("ref_{key}") }
        };
        let refund = self.snapshot.refunds.values().find(|refund| refund_key(payment(), refund.id) == key);
        let (refund_id, amount) = refund.map_or((None, euro(TOTAL)), |refund| (Some(refund.id), refund.amount));
        let notice = Notice { provider: "sandbox".to_owned(), key, payment_id: payment(), refund_id, amount, news };
        let id = id | u128::from(refused) << 8;
        self.transact(message(key.0.as_u128() ^ id, Origin::Event, Input::Noticed(notice)));
    }

    fn transact(&mut self, message: Message<PaymentContext>) {
        self.clock += 1;
        let loaded = Loaded {
            snapshot: self.snapshot.clone(),
            seen: self.seen.clone(),
            kept: BTreeMap::new(),
            armed: BTreeSet::new(),
            owed: self.owed.iter().map(|(id, row)| (*id, row.attempts)).collect(),
            now: Timestamp::from_micros(self.clock),
        };
        let is_command = matches!(message.origin, Origin::Command(_));
        // That a refund was refused may be told when a later attempt has succeeded: no rule can tell that from one that
        // was given and came back.
        let is_refusal = matches!(&message.input, Input::Noticed(notice)
            if notice.refund_id.is_some() && matches!(notice.news, News::Refused { .. }));
        let writes = fold(loaded, &[message], &Policy::default());
        for outcome in &writes.outcomes {
            assert!(is_command || !matches!(outcome, Outcome::Rejected(_)), "only commands are refused: {outcome:?}");
        }
        let contradicts = writes.history.iter().any(|row| row.entry.event == "provider.contradicts");
        assert!(!contradicts || is_refusal, "it keeps its word");
        for change in &writes.changes {
            PaymentContext::apply(&mut self.snapshot, change);
            match change {
                Change::PutPayment(payment) => self.versions.push(payment.version),
                Change::AddPosting(posting) => self.postings.push(posting.clone()),
                Change::AddTransaction(line) => assert!(self.lines.insert(line.id), "{line:?}"),
                Change::PutMethod(_) | Change::PutRefund(_) | Change::AddBarrier(_) => {}
            }
        }
        self.seen.extend(&writes.inbox);
        for (id, row) in writes.effects {
            match row {
                Some(row) => drop(self.owed.insert(id, row)),
                None => drop(self.owed.remove(&id)),
            }
        }
        for envelope in writes.outbox {
            assert!(self.event_ids.insert(envelope.event_id), "an event id repeats: {envelope:?}");
            self.events.push(envelope.event.clone());
        }
        self.check();
    }

    fn record(&self) -> Option<&Record> {
        self.snapshot.records.get(&payment())
    }

    /// What holds at every commit.
    fn check(&self) {
        assert!(self.versions.iter().copied().eq(1..=self.versions.len() as u64), "{:?}", self.versions);
        let charge = charge_key(payment());
        let refunds = self.snapshot.refunds.keys().map(|id| refund_key(payment(), *id));
        let keys: BTreeSet<_> = refunds.chain([charge]).collect();
        assert!(self.provider.moved.keys().chain(self.owed.keys()).all(|key| keys.contains(key)));
        let count = |known: fn(&Event) -> bool| self.events.iter().filter(|event| known(event)).count();
        assert!(count(|event| matches!(event, Event::PaymentProcessed(_))) <= 1);
        assert!(count(|event| matches!(event, Event::PaymentFailed(_))) <= 1);
        let Some(Record::Payment(payment)) = self.record() else {
            assert_eq!(self.provider.net(), 0, "no payment, no money");
            return;
        };
        let nothing = euro(0);
        assert!(payment.refunded >= nothing && payment.pending >= nothing && payment.left().unwrap() >= nothing);
        assert!(payment.captured == nothing || payment.captured == payment.amount);
        assert_eq!(self.balance(Account::ProviderReceivable), payment.captured.minor() - payment.refunded.minor());
        assert_eq!(self.balance(Account::CustomerFunds), -payment.captured.minor());
        assert_eq!(self.balance(Account::Refunds), payment.refunded.minor());
        let pending: i64 = self
            .snapshot
            .refunds
            .values()
            .filter(|refund| refund.status.word() == "pending")
            .map(|refund| refund.amount.minor())
            .sum();
        assert_eq!(payment.pending, euro(pending));
    }

    fn balance(&self, account: Account) -> i64 {
        let entries = self.postings.iter().flat_map(|posting| posting.entries().unwrap());
        entries.filter(|(of, _)| *of == account).map(|(_, amount)| amount.minor()).sum()
    }

    /// Faults stop: every call that is owed is made until none is.
    fn settle(&mut self) {
        for _ in 0..100 {
            let Some(key) = self.owed.keys().next().copied() else { return };
            self.call(key, Way::Done);
        }
        panic!("calls are owed for ever: {:?}", self.owed);
    }

    /// What holds when everything has come to rest.
    fn judge(&mut self, ended: bool) {
        let net = self.provider.net();
        let closes = |event: &Event| match event {
            Event::PaymentVoided(_) => true,
            Event::PaymentRefunded(told) => told.undo && told.full,
            _ => false,
        };
        match self.record() {
            None => assert!(!ended),
            Some(Record::Barrier(_)) => assert!(ended),
            Some(Record::Payment(payment)) => {
                assert_eq!(net, payment.captured.minor() - payment.refunded.minor(), "the books agree");
                match &payment.state {
                    State::Captured { .. } => assert!(!ended),
                    State::Failed { .. } | State::Voided { .. } => assert_eq!(payment.captured, euro(0)),
                    State::Refunded { .. } => assert_eq!(net, 0),
                    other @ (State::Charging { .. } | State::NothingDue | State::Refunding { .. }) => {
                        panic!("not at rest: {other:?}")
                    }
                }
            }
        }
        self.judge_notices();
        assert_eq!(
            self.events.iter().any(closes),
            ended,
            "the end is answered, and nothing else is: {:?}",
            self.events
        );
        if ended {
            assert_eq!(net, 0, "an order that has ended costs nothing");
            let told = self.events.len();
            self.transact(message(999, Origin::Event, super::ended()));
            assert!(self.events[told..].iter().any(closes), "and it is answered again whenever it is asked again");
        }
    }
}

impl World {
    /// Every refund of an administrator that succeeded is told once as such.
    fn judge_notices(&self) {
        let told: Vec<_> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::PaymentRefunded(told) if !told.undo => Some(told.refund_id),
                _ => None,
            })
            .collect();
        let refunds = self.snapshot.refunds.values();
        let mut owed: Vec<_> = refunds
            .filter(|refund| matches!(refund.cause, super::super::RefundCause::Administrator { .. }))
            .filter(|refund| refund.status.word() == "succeeded")
            .map(|refund| refund.id)
            .collect();
        let mut sorted = told.clone();
        sorted.sort_unstable();
        owed.sort_unstable();
        assert_eq!(sorted, owed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_money_is_right_in_the_end(acts in prop::collection::vec(act(), 0..24)) {
        let mut world = World::default();
        for act in &acts {
            world.act(act);
        }
        world.settle();
        world.judge(acts.iter().any(|act| matches!(act, Act::Ended(_))));
    }

    #[test]
    fn an_undo_has_one_key_whatever_came_before(acts in prop::collection::vec(act(), 0..24)) {
        let mut world = World::default();
        world.act(&Act::Reserved(0));
        for act in &acts {
            world.act(act);
        }
        world.act(&Act::Ended(9));
        world.settle();
        let undos = world.snapshot.refunds.values().filter(|refund| matches!(refund.cause, super::super::RefundCause::Undo(_)));
        let ids: Vec<_> = undos.map(|refund| refund.id).collect();
        prop_assert!(ids.is_empty() || ids == [undo_refund_id(payment())]);
    }
}

#[test]
fn a_notice_alone_is_as_good_as_an_answer() {
    let mut world = World::default();
    for act in
        [Act::Reserved(0), Act::Call(0, Way::DoneAndKilled), Act::Notice(0, 0), Act::Notice(0, 0), Act::Notice(0, 1)]
    {
        world.act(&act);
    }
    assert!(matches!(world.events.as_slice(), [Event::PaymentProcessed(told)] if told.amount == euro(TOTAL)));
    assert_eq!((world.versions.as_slice(), world.owed.len()), ([1, 2].as_slice(), 1), "the call is still owed");
    world.call(charge_key(payment()), Way::Lost);
    assert!(world.owed.is_empty(), "and closed by whatever it ends with");
    assert_eq!((world.provider.net(), world.events.len()), (TOTAL, 1));
}

#[test]
fn a_refund_of_which_only_its_refusal_was_told_is_asked_on_and_booked_when_the_provider_gives_it() {
    let mut world = World::default();
    let acts = [
        Act::Reserved(0),
        Act::Call(0, Way::Done),
        Act::Refund(0, Some(30)),
        Act::Call(0, Way::RefusedAndKilled),
        Act::Notice(1, 0),
        Act::Call(0, Way::Done),
    ];
    for act in acts {
        world.act(&act);
    }
    assert_eq!(world.provider.net(), TOTAL - 30);
    world.judge(false);
}

#[test]
fn without_faults_an_order_is_charged_once_and_told_so_once() {
    let mut world = World::default();
    for act in [Act::Reserved(0), Act::Reserved(1), Act::Call(0, Way::Done), Act::AnswerAgain(0), Act::Reserved(0)] {
        world.act(&act);
    }
    assert_eq!(world.provider.net(), TOTAL);
    assert!(matches!(world.events.as_slice(), [Event::PaymentProcessed(told)] if told.amount == euro(TOTAL)));
    assert_eq!(world.versions, [1, 2]);
    assert!(world.owed.is_empty());
}
