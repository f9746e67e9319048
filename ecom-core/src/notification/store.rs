//! What notices load and write, and the queries that HTTP asks.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::error::Rejection;
use super::message::{Effect, EffectAnswer, Input, Reply};
use super::model::{Channel, Contact, Notice, Preferences, Template, notice_id};
use super::rules;
use crate::decide::{Answer, BoundedContext, Context, Decision, Row, Timer};
use crate::engine::Fault;
use crate::event::{Event, Service};
use crate::id::{MessageId, NotificationId, OrderId, UserId};
use crate::port::{Page, PageRequest};

/// The notification context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotificationContext;

/// The keys of the rows that inputs need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotificationScope {
    /// Users, each with contact and preferences.
    pub users: BTreeSet<UserId>,
    /// Notices.
    pub notices: BTreeSet<NotificationId>,
    /// Users whose deferred notices are needed.
    pub deferred_of: BTreeSet<UserId>,
    /// Whether all active administrators are needed, each with contact and preferences.
    pub administrators: bool,
}

impl NotificationScope {
    /// The notices that there may be of an occasion, and who is to get them.
    fn occasion(&mut self, template: Template, subject_id: uuid::Uuid, user_id: UserId) {
        self.users.insert(user_id);
        self.notices.extend(Channel::ALL.map(|channel| notice_id(template, subject_id, user_id, channel)));
    }
}

/// Those rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NotificationSnapshot {
    /// Contacts.
    pub contacts: BTreeMap<UserId, Contact>,
    /// Preferences; a user without a row has chosen nothing.
    pub preferences: BTreeMap<UserId, Preferences>,
    /// Notices.
    pub notices: BTreeMap<NotificationId, Notice>,
}

/// A change of one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The contact as it now is.
    PutContact(Contact),
    /// The preferences as they now are.
    PutPreferences(Preferences),
    /// The notice as it now is.
    PutNotice(Notice),
}

impl BoundedContext for NotificationContext {
    const SERVICE: Service = Service::Notification;
    type Input = Input;
    type Scope = NotificationScope;
    type Snapshot = NotificationSnapshot;
    type Change = Change;
    type Effect = Effect;
    type EffectAnswer = EffectAnswer;
    type Reply = Reply;
    type Rejection = Rejection;

    fn scope(input: &Input, scope: &mut NotificationScope) {
        match input {
            Input::OrderCompleted(event) => {
                scope.occasion(Template::OrderCompleted, event.order_id.0, event.user_id);
            }
            Input::OrderFailed(event) => {
                if let Some(user_id) = event.user_id {
                    scope.occasion(Template::OrderFailed, event.order_id.0, user_id);
                }
            }
            Input::OrderCancelled(event) => {
                scope.occasion(Template::OrderCancelled, event.order_id.0, event.user_id);
            }
            Input::PaymentRefunded(event) => {
                if !event.undo {
                    scope.occasion(Template::PaymentRefunded, event.refund_id.0, event.user_id);
                }
            }
            Input::StockLow(_) => scope.administrators = true,
            Input::UserRegistered(event) => {
                scope.occasion(Template::UserRegistered, event.user_id.0, event.user_id);
                scope.deferred_of.insert(event.user_id);
            }
            Input::UserUpdated(event) => {
                scope.users.insert(event.user_id);
                scope.deferred_of.insert(event.user_id);
            }
            Input::UserDeactivated(event) => {
                scope.users.insert(event.user_id);
                scope.deferred_of.insert(event.user_id);
            }
            Input::PasswordResetRequested(event) => {
                scope.occasion(Template::PasswordReset, rules::password_reset_id(event), event.user_id);
            }
            Input::SetPreferences(command) => {
                scope.users.insert(command.user_id);
            }
            Input::Answered { letter, answer, .. } => {
                scope.notices.insert(letter.notice_id);
                match answer {
                    EffectAnswer::Sent => {}
                    // Before it is asked again: is the user still to be notified?
                    EffectAnswer::NotSent { .. } | EffectAnswer::Unknown { .. } => {
                        scope.users.insert(letter.user_id);
                    }
                }
            }
        }
    }

    fn decide(
        snapshot: &NotificationSnapshot,
        input: &Input,
        context: &Context<'_>,
    ) -> Result<Decision<Self>, Rejection> {
        rules::decide(snapshot, input, context)
    }

    fn apply(snapshot: &mut NotificationSnapshot, change: &Change) {
        match change {
            Change::PutContact(contact) => {
                snapshot.contacts.insert(contact.user_id, contact.clone());
            }
            Change::PutPreferences(preferences) => {
                snapshot.preferences.insert(preferences.user_id, preferences.clone());
            }
            Change::PutNotice(notice) => {
                snapshot.notices.insert(notice.id, notice.clone());
            }
        }
    }

    fn row(change: &Change) -> Option<Row> {
        Some(match change {
            Change::PutContact(contact) => Row { kind: "contact", key: contact.user_id.0, version: contact.version },
            Change::PutPreferences(chosen) => {
                Row { kind: "preferences", key: chosen.user_id.0, version: chosen.version }
            }
            Change::PutNotice(notice) => Row { kind: "notice", key: notice.id.0, version: notice.version },
        })
    }

    fn on_event(event: &Event) -> Option<Input> {
        match event {
            Event::OrderCompleted(event) => Some(Input::OrderCompleted(event.clone())),
            Event::OrderFailed(event) => Some(Input::OrderFailed(event.clone())),
            Event::OrderCancelled(event) => Some(Input::OrderCancelled(event.clone())),
            Event::PaymentRefunded(event) => Some(Input::PaymentRefunded(event.clone())),
            Event::StockLow(event) => Some(Input::StockLow(event.clone())),
            Event::UserRegistered(event) => Some(Input::UserRegistered(event.clone())),
            Event::UserUpdated(event) => Some(Input::UserUpdated(event.clone())),
            Event::UserDeactivated(event) => Some(Input::UserDeactivated(event.clone())),
            Event::PasswordResetRequested(event) => Some(Input::PasswordResetRequested(event.clone())),
            Event::OrderCreated(_)
            | Event::InventoryReserved(_)
            | Event::InventoryReservationFailed(_)
            | Event::InventoryReleased(_)
            | Event::InventoryCommitted(_)
            | Event::InventoryHoldOverdue(_)
            | Event::PaymentProcessed(_)
            | Event::PaymentFailed(_)
            | Event::PaymentVoided(_)
            | Event::ProductCreated(_)
            | Event::ProductUpdated(_)
            | Event::NotificationSent(_)
            | Event::NotificationFailed(_) => None,
        }
    }

    fn on_timer(_timer: &Timer) -> Option<Input> {
        None
    }

    fn on_answer(_id: MessageId, effect: Effect, attempts: u32, answer: EffectAnswer) -> Input {
        let Effect::Send(letter) = effect;
        Input::Answered { letter, attempts, answer }
    }

    fn answer(reply: &Reply) -> Answer {
        let Reply::Preferences(preferences) = reply;
        // It cannot fail: choices are made of strings and booleans.
        let body = serde_json::to_string(&preferences.choices).unwrap_or_default().into();
        Answer { status: 200, resource: preferences.user_id.0, body }
    }
}

/// Which notices to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NoticeFilter {
    /// To this user.
    pub user_id: Option<UserId>,
    /// About this order.
    pub order_id: Option<OrderId>,
}

/// The queries that HTTP asks. They see what is committed.
#[async_trait]
pub trait NotificationReader: Send + Sync + 'static {
    /// Notices, newest first.
    async fn list(&self, filter: &NoticeFilter, page: PageRequest) -> Result<Page<Notice>, Fault>;

    /// A user's preferences; those of one who has chosen nothing when there is no row.
    async fn preferences(&self, user_id: UserId) -> Result<Preferences, Fault>;
}
