//! What the payment context loads and writes, and the doors that HTTP reads through.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::Serialize;
use uuid::Uuid;

use super::error::Rejection;
use super::ledger::{Posting, Transaction};
use super::message::{Answered, Effect, Input, Notice, Price, ProviderAnswer, Reply};
use super::model::{Barrier, Card, End, Payment, PaymentMethod, Record, Refund, charge_key, payment_id};
use super::rules;
use super::view::{PaymentMethodView, RefundView};
use crate::body::Body;
use crate::decide::{Answer, BoundedContext, Context, Decision, Row, Timer};
use crate::engine::Fault;
use crate::event::{Event, Service};
use crate::id::{MessageId, OrderId, PaymentId, PaymentMethodId, RefundId, UserId};
use crate::money::Money;
use crate::port::{Page, PageRequest};
use crate::time::Timestamp;

/// The payment context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PaymentContext;

/// The keys of the rows that inputs need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentScope {
    /// Payments or barriers.
    pub payments: BTreeSet<PaymentId>,
    /// Refunds.
    pub refunds: BTreeSet<RefundId>,
    /// Payment methods, removed ones too.
    pub methods: BTreeSet<PaymentMethodId>,
    /// Users whose default method is needed.
    pub defaults: BTreeSet<UserId>,
    /// Users all of whose methods are needed, but for removed ones.
    pub wallets: BTreeSet<UserId>,
}

/// Those rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PaymentSnapshot {
    /// Payments and barriers.
    pub records: BTreeMap<PaymentId, Record>,
    /// Refunds.
    pub refunds: BTreeMap<RefundId, Refund>,
    methods: BTreeMap<PaymentMethodId, PaymentMethod>,
    defaults: BTreeMap<UserId, PaymentMethodId>,
}

impl PaymentSnapshot {
    /// Adds or replaces a method.
    pub fn put_method(&mut self, method: PaymentMethod) {
        if method.is_default && !method.deleted {
            self.defaults.insert(method.user_id, method.id);
        } else if self.defaults.get(&method.user_id) == Some(&method.id) {
            self.defaults.remove(&method.user_id);
        }
        self.methods.insert(method.id, method);
    }

    /// A method.
    pub fn method(&self, id: PaymentMethodId) -> Option<&PaymentMethod> {
        self.methods.get(&id)
    }

    /// All loaded methods of a user, but for removed ones.
    pub fn wallet(&self, user: UserId) -> impl Iterator<Item = &PaymentMethod> {
        self.methods.values().filter(move |method| method.user_id == user && !method.deleted)
    }

    /// A user's default method.
    pub fn default_method(&self, user: UserId) -> Option<&PaymentMethod> {
        self.methods.get(self.defaults.get(&user)?)
    }
}

/// A change of one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The method as it now is.
    PutMethod(PaymentMethod),
    /// The payment as it now is.
    PutPayment(Payment),
    /// The refund as it now is.
    PutRefund(Refund),
    /// A new barrier.
    AddBarrier(Barrier),
    /// A new line of what happened between us and the provider.
    AddTransaction(Transaction),
    /// A new line of the ledger.
    AddPosting(Posting),
}

impl BoundedContext for PaymentContext {
    const SERVICE: Service = Service::Payment;
    type Input = Input;
    type Scope = PaymentScope;
    type Snapshot = PaymentSnapshot;
    type Change = Change;
    type Effect = Effect;
    type EffectAnswer = ProviderAnswer;
    type Reply = Reply;
    type Rejection = Rejection;

    fn scope(input: &Input, scope: &mut PaymentScope) {
        match input {
            Input::AddMethod(command) => {
                scope.methods.insert(command.id);
                scope.wallets.insert(command.user_id);
            }
            Input::RemoveMethod { id, .. } => {
                scope.methods.insert(*id);
            }
            Input::SetDefaultMethod { id, user_id } => {
                scope.methods.insert(*id);
                scope.defaults.insert(*user_id);
            }
            Input::Refund(command) => {
                scope.payments.insert(command.payment_id);
                scope.refunds.insert(command.id);
            }
            Input::Reserved(price) => {
                scope.payments.insert(payment_id(price.order_id));
                match price.payment_method_id {
                    Some(id) => scope.methods.insert(id),
                    None => scope.defaults.insert(price.user_id),
                };
            }
            Input::Ended { order_id, .. } => {
                scope.payments.insert(payment_id(*order_id));
            }
            Input::ChargeAnswered(answered) => {
                scope.payments.insert(answered.request.payment_id);
            }
            Input::RefundAnswered(answered) => {
                scope.payments.insert(answered.request.payment_id);
                scope.refunds.insert(answered.request.refund_id);
            }
            Input::Noticed(notice) => {
                scope.payments.insert(notice.payment_id);
                scope.refunds.extend(notice.refund_id);
            }
        }
    }

    fn decide(snapshot: &PaymentSnapshot, input: &Input, context: &Context<'_>) -> Result<Decision<Self>, Rejection> {
        rules::decide(snapshot, input, context)
    }

    fn apply(snapshot: &mut PaymentSnapshot, change: &Change) {
        match change {
            Change::PutMethod(method) => snapshot.put_method(method.clone()),
            Change::PutPayment(payment) => {
                snapshot.records.insert(payment.id, Record::Payment(payment.clone()));
            }
            Change::PutRefund(refund) => {
                snapshot.refunds.insert(refund.id, refund.clone());
            }
            Change::AddBarrier(barrier) => {
                snapshot.records.insert(barrier.payment_id, Record::Barrier(barrier.clone()));
            }
            // No rule reads the logs.
            Change::AddTransaction(_) | Change::AddPosting(_) => {}
        }
    }

    fn row(change: &Change) -> Option<Row> {
        Some(match change {
            Change::PutMethod(method) => Row { kind: "method", key: method.id.0, version: method.version },
            // A barrier stands in the place of the payment: the two meet on one row.
            Change::PutPayment(payment) => Row { kind: "payment", key: payment.id.0, version: payment.version },
            Change::AddBarrier(barrier) => {
                Row { kind: "payment", key: barrier.payment_id.0, version: Barrier::VERSION }
            }
            Change::PutRefund(refund) => Row { kind: "refund", key: refund.id.0, version: refund.version },
            Change::AddTransaction(_) | Change::AddPosting(_) => return None,
        })
    }

    fn watch(input: &Input) -> Option<MessageId> {
        match input {
            Input::Ended { order_id, .. } => Some(charge_key(payment_id(*order_id))),
            Input::AddMethod(_)
            | Input::RemoveMethod { .. }
            | Input::SetDefaultMethod { .. }
            | Input::Refund(_)
            | Input::Reserved(_)
            | Input::ChargeAnswered(_)
            | Input::RefundAnswered(_)
            | Input::Noticed(_) => None,
        }
    }

    fn on_event(event: &Event) -> Option<Input> {
        match event {
            Event::InventoryReserved(reserved) => Some(Input::Reserved(Price {
                order_id: reserved.order_id,
                user_id: reserved.user_id,
                total: reserved.total_amount,
                payment_method_id: reserved.payment_method_id,
            })),
            Event::OrderFailed(failed) => {
                Some(Input::Ended { order_id: failed.order_id, end: End::Failed(failed.reason) })
            }
            Event::OrderCancelled(cancelled) => {
                Some(Input::Ended { order_id: cancelled.order_id, end: End::Cancelled })
            }
            Event::OrderCreated(_)
            | Event::OrderCompleted(_)
            | Event::InventoryReservationFailed(_)
            | Event::InventoryReleased(_)
            | Event::InventoryCommitted(_)
            | Event::InventoryHoldOverdue(_)
            | Event::PaymentProcessed(_)
            | Event::PaymentFailed(_)
            | Event::PaymentVoided(_)
            | Event::PaymentRefunded(_)
            | Event::ProductCreated(_)
            | Event::ProductUpdated(_)
            | Event::StockLow(_)
            | Event::UserRegistered(_)
            | Event::UserUpdated(_)
            | Event::UserDeactivated(_)
            | Event::PasswordResetRequested(_)
            | Event::NotificationSent(_)
            | Event::NotificationFailed(_) => None,
        }
    }

    fn on_timer(_timer: &Timer) -> Option<Input> {
        // What waits here waits as an effect that is due later; no timer was ever armed.
        None
    }

    fn on_answer(key: MessageId, effect: Effect, attempts: u32, answer: ProviderAnswer) -> Input {
        match effect {
            Effect::Charge(request) => Input::ChargeAnswered(Answered { key, request, attempts, answer }),
            Effect::Refund(request) => Input::RefundAnswered(Answered { key, request, attempts, answer }),
        }
    }

    fn answer(reply: &Reply) -> Answer {
        match reply {
            Reply::MethodAdded(method) => answer(201, method.id.0, &PaymentMethodView::from(method)),
            Reply::MethodRemoved(id) => Answer { status: 204, resource: id.0, body: Body::default() },
            Reply::DefaultSet(method) => answer(200, method.id.0, &PaymentMethodView::from(method)),
            Reply::RefundRequested(refund) => answer(201, refund.id.0, &RefundView::from(refund)),
        }
    }
}

/// Serialising a view cannot fail: it is made of strings, numbers and lists.
fn answer<V: Serialize>(status: u16, resource: Uuid, view: &V) -> Answer {
    Answer { status, resource, body: serde_json::to_string(view).unwrap_or_default().into() }
}

/// Which payments to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PaymentFilter {
    /// That of this order.
    pub order_id: Option<OrderId>,
    /// Those of this user.
    pub user_id: Option<UserId>,
}

/// A payment with what happened between us and the provider, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentDetail {
    /// The payment.
    pub payment: Payment,
    /// Its transactions.
    pub transactions: Vec<Transaction>,
}

/// The queries that HTTP asks. They see what is committed; barriers and removed methods are never shown.
#[async_trait]
pub trait PaymentReader: Send + Sync + 'static {
    /// A payment.
    async fn payment(&self, id: PaymentId) -> Result<Option<PaymentDetail>, Fault>;

    /// Payments, newest first.
    async fn payments(&self, filter: PaymentFilter, page: PageRequest) -> Result<Page<PaymentDetail>, Fault>;

    /// A payment's refunds, oldest first.
    async fn refunds(&self, payment: PaymentId) -> Result<Vec<Refund>, Fault>;

    /// A method.
    async fn method(&self, id: PaymentMethodId) -> Result<Option<PaymentMethod>, Fault>;

    /// A user's methods, newest first.
    async fn methods(&self, user: UserId, page: PageRequest) -> Result<Page<PaymentMethod>, Fault>;
}

/// What a provider knows of its tokens.
pub trait MethodCatalogue: Send + Sync + 'static {
    /// The provider's name, as it is kept with methods and payments.
    fn provider(&self) -> &str;

    /// The card that a token names; `None` for a token that the provider does not know. It *must not* call out: a
    /// provider that has to be asked is asked before the command.
    fn describe(&self, token: &str) -> Option<Card>;
}

/// What a provider sends of its own accord, signed.
pub trait Webhook: Send + Sync + 'static {
    /// The provider's name.
    fn provider(&self) -> &str;

    /// The name of the header that carries the signature, in lower case.
    fn header(&self) -> &'static str;

    /// Checks the signature of the raw body, and only then reads it. The same event of the provider *must* give the same
    /// id: see [`notice_id`](super::notice_id).
    ///
    /// # Errors
    /// Why nothing of it is believed.
    fn open(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(MessageId, Notice), NotOpened>;
}

/// Why a webhook is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// It was not signed by the provider, or not now.
    #[error("{0}")]
    Signature(String),
    /// It is signed, but says nothing that is understood here.
    #[error("{0}")]
    Content(String),
}

/// What the sandbox was asked, and what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SandboxEntry {
    /// When.
    pub at: Timestamp,
    /// Under which idempotency key.
    pub key: MessageId,
    /// What was asked.
    pub operation: SandboxOperation,
    /// For which order.
    pub order_id: OrderId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// `succeeded`: money moved under this key, once; `repeated`: the first result was given again; else why not.
    pub result: String,
    /// The sandbox's name for it, when money moved.
    pub reference: Option<String>,
}

/// What can be asked of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxOperation {
    /// To take money.
    Charge,
    /// To give it back.
    Refund,
}

/// The sandbox's own log: what it says is what happened to the money, whatever our ledger says.
#[async_trait]
pub trait SandboxLog: Send + Sync + 'static {
    /// Its entries, newest first.
    async fn entries(&self, order: Option<OrderId>, page: PageRequest) -> Result<Page<SandboxEntry>, Fault>;
}
