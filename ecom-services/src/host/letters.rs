//! Dead letters: seen, handled after all, or thrown away, each with who did it and why.

use std::sync::Arc;

use async_trait::async_trait;
use ecom_core::decide::BoundedContext;
use ecom_core::engine::consumer::Verdict;
use ecom_core::engine::{Buried, DeadLetter, Fault, Message};
use ecom_core::event::Envelope;
use ecom_core::fleet;
use ecom_core::id::{MessageId, UserId};
use ecom_core::port::{Page, PageRequest, Store};
use tokio::sync::mpsc;

use super::committer::{Job, JobResult};
use super::consume::{submit, verdict};

/// Why a dead letter was not replayed; it stays open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayed {
    /// The database did not do it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It may have been handled or not; to try again is safe.
    #[error("the outcome is not known")]
    Unknown,
    /// This build cannot read it, or has no rule for it.
    #[error("the message cannot be read: {0}")]
    Unreadable(String),
    /// A rule refused it again.
    #[error("the message was refused again: {0}")]
    Refused(String),
}

/// The dead letters of one service.
#[async_trait]
pub trait DeadLetters: Send + Sync + 'static {
    /// The queue that they came from.
    fn queue(&self) -> &'static str;

    /// The open ones, the newest first; the cursor is the time of the letter and its id.
    async fn list(&self, request: PageRequest) -> Result<Page<Buried>, Fault>;

    /// Handles the message under its own id and closes the letter; `None` when there is no such open letter.
    ///
    /// It is handled first and closed after: whatever is interrupted between leaves an open letter whose message is
    /// known, so that a second replay closes it and does nothing else.
    async fn replay(&self, id: MessageId, actor: UserId, reason: &str) -> Result<Option<DeadLetter>, NotReplayed>;

    /// Closes the letter without handling it; `None` when there is no such open letter.
    async fn discard(&self, id: MessageId, actor: UserId, reason: &str) -> Result<Option<DeadLetter>, Fault>;
}

/// The dead letters of a service that runs in this process.
pub(super) struct Letters<C: BoundedContext> {
    pub(super) store: Arc<dyn Store<C>>,
    pub(super) jobs: mpsc::Sender<Job<C>>,
}

impl<C: BoundedContext> Letters<C> {
    async fn handle(&self, letter: &DeadLetter) -> Result<(), NotReplayed> {
        let unreadable = |detail: String| NotReplayed::Unreadable(detail);
        let envelope = Envelope::from_json(&letter.body).map_err(|error| unreadable(error.to_string()))?;
        let message = Message::<C>::from_event(&envelope)
            .ok_or_else(|| unreadable("no rule for this event in this service".to_owned()))?;
        match submit(&self.jobs, vec![message], true).await {
            JobResult::Committed(outcomes) => match outcomes.first().map(verdict) {
                Some(Verdict::Done | Verdict::Duplicate | Verdict::Stayed) => Ok(()),
                Some(Verdict::Refused { reason }) => Err(NotReplayed::Refused(reason)),
                Some(Verdict::NotConcerned) | None => Err(NotReplayed::Unknown),
            },
            JobResult::RolledBack(fault @ Fault::Broken(_)) => Err(NotReplayed::Refused(fault.to_string())),
            JobResult::RolledBack(fault) => Err(fault.into()),
            JobResult::Unknown => Err(NotReplayed::Unknown),
        }
    }

    async fn close(
        &self,
        action: &'static str,
        id: MessageId,
        actor: UserId,
        reason: &str,
    ) -> Result<Option<DeadLetter>, Fault> {
        let letter = self.store.exhume(id, &actor.to_string(), &format!("{action}: {reason}")).await?;
        if letter.is_some() {
            tracing::info!(service = %C::SERVICE, message.id = %id, %actor, reason, "a dead letter was {action}");
        }
        Ok(letter)
    }
}

#[async_trait]
impl<C: BoundedContext> DeadLetters for Letters<C> {
    fn queue(&self) -> &'static str {
        fleet::role(C::SERVICE).map_or("", |role| role.queue)
    }

    async fn list(&self, request: PageRequest) -> Result<Page<Buried>, Fault> {
        self.store.dead_letters(request).await
    }

    async fn replay(&self, id: MessageId, actor: UserId, reason: &str) -> Result<Option<DeadLetter>, NotReplayed> {
        let Some(letter) = self.store.dead_letter(id).await? else { return Ok(None) };
        self.handle(&letter).await?;
        // Somebody else may have closed it meanwhile: then his name is kept, and the message was handled all the same.
        self.close("replayed", id, actor, reason).await?;
        Ok(Some(letter))
    }

    async fn discard(&self, id: MessageId, actor: UserId, reason: &str) -> Result<Option<DeadLetter>, Fault> {
        self.close("discarded", id, actor, reason).await
    }
}
