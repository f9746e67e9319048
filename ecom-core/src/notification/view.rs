//! Notices over HTTP: the JSON body. Preferences are shown as [`Choices`](super::Choices).

use serde::Serialize;

use super::model::{Notice, NoticeState};
use crate::id::{NotificationId, OrderId, UserId};
use crate::time::Timestamp;

/// A notice as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct NoticeView {
    /// Its id.
    pub id: NotificationId,
    /// To whom.
    pub user_id: UserId,
    /// `email`, `sms`, `push` or `log`.
    pub channel: &'static str,
    /// Which text.
    pub template: &'static str,
    /// The subject line.
    pub subject: String,
    /// `queued`, `sent`, `failed` or `suppressed`.
    pub status: &'static str,
    /// How often the channel was asked.
    pub attempts: u32,
    /// The order it is about, if any.
    pub order_id: Option<OrderId>,
    /// When it was decided on.
    pub created_at: Timestamp,
    /// When the channel took it.
    pub sent_at: Option<Timestamp>,
}

impl From<&Notice> for NoticeView {
    fn from(notice: &Notice) -> Self {
        let sent_at = match notice.state {
            NoticeState::Sent { at } => Some(at),
            NoticeState::Deferred { .. }
            | NoticeState::Queued
            | NoticeState::Failed { .. }
            | NoticeState::Suppressed => None,
        };
        Self {
            id: notice.id,
            user_id: notice.user_id,
            channel: notice.channel.name(),
            template: notice.template.name(),
            subject: notice.subject.clone(),
            status: notice.state.status(),
            attempts: notice.attempts,
            order_id: notice.order_id,
            created_at: notice.created_at,
            sent_at,
        }
    }
}
