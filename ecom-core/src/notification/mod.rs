//! Notices to users about what happened to their orders, money and accounts.
//!
//! What it promises:
//! - A notice is unique for ever: one for each occasion, user and channel. An order has one end, so it has one notice of
//!   it, however often and by whichever event that end is told.
//! - No notice is dropped: as long as its user's contact is not known it waits for it.
//! - A deactivated user gets none, and one who turned all channels off gets none; a suppressed row says so.
//! - A channel that fails for a while is asked again, with the same id; then the notice is given up and that is told.
//! - What a notice says is kept only until it is handed to its channel; the history keeps its subject line.

mod error;
mod message;
mod model;
mod rules;
mod store;
mod template;
#[cfg(test)]
mod tests;
mod view;

pub use error::Rejection;
pub use message::{Effect, EffectAnswer, Input, Letter, Reply, SetPreferences};
pub use model::{
    Channel, Choices, Contact, ContactState, EmailChoice, Notice, NoticeState, Preferences, PushChoice, SmsChoice,
    Template, Text, notice_id,
};
pub use store::{
    Change, NoticeFilter, NotificationContext, NotificationReader, NotificationScope, NotificationSnapshot,
};
pub use view::NoticeView;
