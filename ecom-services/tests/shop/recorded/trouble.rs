//! Doors that note what was done at them, and at which things go wrong as they are told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ecom_core::decide::{BoundedContext, Timer};
use ecom_core::engine::effector::Ticket;
use ecom_core::engine::{Batch, Buried, DeadLetter, EffectRow, Fault, Message, Origin, Retention, Transacted};
use ecom_core::event::{Envelope, EventType};
use ecom_core::id::MessageId;
use ecom_core::port::{
    Body, Bus, BusError, Claimed, Delivery, Outside, Page, PageRequest, Published, Publisher, Settlement, Store,
    Subscription,
};
use serde_json::{Value, json};
use tokio::sync::watch;

/// How something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Unavailable,
    Conflict,
    Broken,
    /// It is done, and nobody is told.
    Unknown,
}

impl Wrong {
    fn fault(self) -> Fault {
        match self {
            Self::Conflict => Fault::Conflict,
            Self::Broken => Fault::Broken("told to break".to_owned()),
            Self::Unavailable | Self::Unknown => Fault::Unavailable("told to be away".to_owned()),
        }
    }
}

/// What goes wrong at the doors of one service, and what was done there.
pub(crate) struct Trouble {
    /// By the name of what is done: how the next ones go wrong.
    plan: Mutex<BTreeMap<&'static str, VecDeque<Wrong>>>,
    /// Messages that break every transaction that they are in.
    poison: Mutex<BTreeSet<MessageId>>,
    did: Mutex<Vec<Value>>,
    handled: Mutex<BTreeSet<MessageId>>,
    calls: Mutex<Calls>,
    /// Whether calls of the outside are answered.
    answers: watch::Sender<bool>,
}

/// Whose answers meet trouble.
#[derive(Default)]
struct Calls {
    /// The one that was answered first.
    first: Option<MessageId>,
    /// The next one that was answered in a transaction without the first. Its troubles come before those of the first,
    /// one of which keeps what is in the same transaction.
    second: Option<MessageId>,
    /// Their answers are kept, and nobody was told: they are tried again, but not made again.
    kept: BTreeSet<MessageId>,
}

impl Default for Trouble {
    fn default() -> Self {
        Self {
            plan: Mutex::default(),
            poison: Mutex::default(),
            did: Mutex::default(),
            handled: Mutex::default(),
            calls: Mutex::default(),
            answers: watch::Sender::new(true),
        }
    }
}

impl Trouble {
    pub(crate) fn plan(&self, what: &'static str, wrong: &[Wrong]) {
        self.plan.lock().unwrap().entry(what).or_default().extend(wrong);
    }

    /// What was planned and has not happened.
    pub(crate) fn left(&self) -> Vec<&'static str> {
        let plan = self.plan.lock().unwrap();
        plan.iter().filter(|(_, wrong)| !wrong.is_empty()).map(|(what, _)| *what).collect()
    }

    /// Whether the outside answers from now on.
    pub(crate) fn answer(&self, answers: bool) {
        self.answers.send_replace(answers);
    }

    /// What was done, each in the form in which the machines ask for it.
    pub(crate) fn did(&self) -> Vec<Value> {
        self.did.lock().unwrap().clone()
    }

    /// The events that were in a transaction.
    pub(crate) fn handled(&self) -> BTreeSet<MessageId> {
        self.handled.lock().unwrap().clone()
    }

    fn note(&self, did: Value) {
        self.did.lock().unwrap().push(did);
    }

    fn next(&self, what: &'static str) -> Option<Wrong> {
        self.plan.lock().unwrap().get_mut(what).and_then(VecDeque::pop_front)
    }

    fn meets<C: BoundedContext>(&self, batch: &Batch<C>) -> Option<Wrong> {
        let poison = self.poison.lock().unwrap();
        if batch.messages.iter().any(|message| poison.contains(&message.id)) {
            return Some(Wrong::Broken);
        }
        drop(poison);
        let answered: Vec<MessageId> = batch.messages.iter().filter_map(answered).collect();
        let has = |is: fn(&Origin) -> bool| batch.messages.iter().any(|message| is(&message.origin));
        let wrong = self.answers(&answered).or_else(|| {
            if has(|origin| matches!(origin, Origin::Timer(_))) {
                self.next("transact a timer")
            } else if has(|origin| matches!(origin, Origin::Event)) {
                self.next("transact an event")
            } else {
                None
            }
        });
        if wrong == Some(Wrong::Unknown) {
            self.calls.lock().unwrap().kept.extend(answered);
        }
        wrong
    }

    /// What the answers of the first and of the second call meet.
    fn answers(&self, answered: &[MessageId]) -> Option<Wrong> {
        let mut calls = self.calls.lock().unwrap();
        let first = *calls.first.get_or_insert(*answered.first()?);
        let with_first = answered.contains(&first);
        if calls.second.is_none() && !with_first {
            calls.second = answered.iter().find(|call| !calls.kept.contains(call)).copied();
        }
        let with_second = answered.iter().any(|call| calls.second == Some(*call));
        let second = with_second.then(|| self.next("answers of the second call")).flatten();
        second.or_else(|| with_first.then(|| self.next("answers of the first call")).flatten())
    }

    fn claim(&self, what: &'static str) -> Result<(), Fault> {
        self.next(what).map_or(Ok(()), |wrong| Err(wrong.fault()))
    }
}

/// The call whose answer a message is.
fn answered<C: BoundedContext>(message: &Message<C>) -> Option<MessageId> {
    match &message.origin {
        Origin::Answer { effect, .. } => Some(*effect),
        _ => None,
    }
}

/// A store in trouble.
pub(crate) struct Troubled<T: ?Sized> {
    pub(crate) inner: Arc<T>,
    pub(crate) trouble: Arc<Trouble>,
}

#[async_trait]
impl<C: BoundedContext> Store<C> for Troubled<dyn Store<C>> {
    async fn transact(&self, batch: Batch<C>) -> Transacted<C> {
        let is_event = |message: &&Message<C>| message.origin == Origin::Event;
        let events = batch.messages.iter().filter(is_event).map(|message| message.id);
        self.trouble.handled.lock().unwrap().extend(events);
        match self.trouble.meets(&batch) {
            None => self.inner.transact(batch).await,
            Some(Wrong::Unknown) => {
                drop(self.inner.transact(batch).await);
                Transacted::Unknown
            }
            Some(wrong) => Transacted::RolledBack(wrong.fault()),
        }
    }

    async fn claim_outbox(&self, limit: usize) -> Result<Claimed<Arc<Envelope>>, Fault> {
        self.trouble.note(json!({ "sweep": { "limit": limit } }));
        self.trouble.claim("claim events")?;
        self.inner.claim_outbox(limit).await
    }

    async fn delivered(&self, ids: Vec<MessageId>) -> Result<(), Fault> {
        self.inner.delivered(ids).await
    }

    async fn claim_effects(&self, limit: usize) -> Result<Claimed<EffectRow<C::Effect>>, Fault> {
        self.trouble.note(json!({ "claim": { "limit": limit } }));
        self.trouble.claim("claim effects")?;
        self.inner.claim_effects(limit).await
    }

    async fn due_timers(&self, limit: usize) -> Result<Claimed<Timer>, Fault> {
        self.trouble.note(json!({ "find": { "limit": limit } }));
        self.trouble.claim("find timers")?;
        self.inner.due_timers(limit).await
    }

    async fn count_attempt(&self, queue: &str, id: MessageId) -> Result<u32, Fault> {
        self.trouble.note(json!({ "count_attempts": { "ids": [id] } }));
        self.trouble.claim("count")?;
        self.inner.count_attempt(queue, id).await
    }

    async fn bury(&self, letter: DeadLetter) -> Result<(), Fault> {
        self.trouble.note(json!({ "bury": { "letters": [letter] } }));
        self.trouble.claim("bury")?;
        self.inner.bury(letter).await
    }

    async fn dead_letters(&self, request: PageRequest) -> Result<Page<Buried>, Fault> {
        self.inner.dead_letters(request).await
    }

    async fn dead_letter(&self, id: MessageId) -> Result<Option<DeadLetter>, Fault> {
        self.inner.dead_letter(id).await
    }

    async fn exhume(&self, id: MessageId, actor: &str, reason: &str) -> Result<Option<DeadLetter>, Fault> {
        self.inner.exhume(id, actor, reason).await
    }

    async fn outbox_depth(&self) -> Result<u64, Fault> {
        self.inner.outbox_depth().await
    }

    async fn purge(&self, keep: Retention, limit: usize) -> Result<u64, Fault> {
        self.inner.purge(keep, limit).await
    }

    async fn void_leases(&self) -> Result<(), Fault> {
        self.inner.void_leases().await
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.inner.ready().await
    }
}

#[async_trait]
impl<C: BoundedContext> Outside<C> for Troubled<dyn Outside<C>> {
    async fn perform(&self, row: &EffectRow<C::Effect>) -> C::EffectAnswer {
        self.trouble.note(json!({ "perform": Ticket { effect: row.id, attempt: row.attempts } }));
        let mut answers = self.trouble.answers.subscribe();
        answers.wait_for(|answers| *answers).await.expect("the trouble outlives the shop");
        self.inner.perform(row).await
    }
}

#[async_trait]
impl Bus for Troubled<dyn Bus> {
    async fn declare(&self) -> Result<(), BusError> {
        self.inner.declare().await
    }

    async fn subscribe(&self, queue: &str) -> Result<Arc<dyn Subscription>, BusError> {
        if self.trouble.next("subscribe").is_some() {
            return Err(away());
        }
        let (inner, trouble) = (self.inner.subscribe(queue).await?, Arc::clone(&self.trouble));
        Ok(Arc::new(Troubled::<dyn Subscription> { inner, trouble }))
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        let (inner, trouble) = (self.inner.publisher(), Arc::clone(&self.trouble));
        Arc::new(Troubled::<dyn Publisher> { inner, trouble })
    }
}

#[async_trait]
impl Publisher for Troubled<dyn Publisher> {
    async fn publish(&self, batch: Vec<Arc<Envelope>>) -> Vec<Published> {
        let ids: Vec<MessageId> = batch.iter().map(|row| row.event_id).collect();
        self.trouble.note(json!({ "publish": ids }));
        let wrong = self.trouble.next("publish");
        let results = self.inner.publish(batch).await;
        match wrong {
            Some(_) => results.iter().map(|_| Published::Unknown("told so".to_owned())).collect(),
            None => results,
        }
    }
}

/// The tag of a delivery that nobody has published.
const STRANGE: u64 = u64::MAX;

#[async_trait]
impl Subscription for Troubled<dyn Subscription> {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, BusError> {
        match self.trouble.next("receive") {
            None => {}
            Some(Wrong::Broken) => return Ok(vec![strange()]),
            Some(_) => return Err(away()),
        }
        let deliveries = self.inner.receive(max).await?;
        for delivery in &deliveries {
            if matches!(&delivery.body, Body::Event(envelope) if envelope.event.event_type() == EventType::StockLow) {
                self.trouble.poison.lock().unwrap().insert(delivery.id());
            }
        }
        Ok(deliveries)
    }

    async fn settle(&self, settlements: Vec<(u64, Settlement)>) -> Result<(), BusError> {
        self.trouble.note(json!({ "settle": { "settlements": settlements } }));
        if self.trouble.next("settle").is_some() {
            return Err(away());
        }
        self.inner.settle(settlements.into_iter().filter(|(tag, _)| *tag != STRANGE).collect()).await
    }
}

/// An event of a release that is still to come.
fn strange() -> Delivery {
    let body = Body::Unreadable {
        id: MessageId(uuid::Uuid::from_u128(0xfeed)),
        event_type: "order.completed".to_owned(),
        raw: r#"{"event_type":"order.completed","event_version":2}"#.to_owned(),
        error: "unknown event order.completed version 2".to_owned(),
    };
    Delivery { tag: STRANGE, redelivered: false, body }
}

fn away() -> BusError {
    BusError("told to be away".to_owned())
}
