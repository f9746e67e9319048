//! What every [`Store`](crate::port::Store) must do, checked with the context [`Counters`](super::counter::Counters).
//!
//! Implement [`Fixture`] and await [`run`]; or await the cases one by one, each makes a fresh database. [`stream`] compares
//! several stores with each other.

mod claims;
mod concurrency;
mod in_memory;
mod letters;
mod messages;
mod script;
pub mod stream;
mod time;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use claims::{
    a_call_is_withdrawn_only_while_nobody_makes_it, a_delivered_row_is_gone,
    an_outbox_row_is_claimed_once_until_its_lease_ends, effects_count_their_calls, later_effects_wait_for_their_time,
    outbox_rows_appear_with_their_commit, voided_leases_free_everything,
};
pub use concurrency::{
    a_batch_is_its_messages_one_after_the_other, concurrent_batches_lose_no_update,
    one_event_on_two_handles_counts_once, what_is_committed_is_there_for_others,
};
pub use in_memory::{InMemory, check};
pub use letters::{
    a_handled_message_leaves_no_count, attempts_are_counted_for_each_message,
    dead_letters_are_kept_until_they_are_taken_out, what_is_old_is_purged_and_nothing_else,
};
pub use messages::{
    a_broken_batch_leaves_nothing, a_refused_message_leaves_no_trace, a_second_delivery_changes_nothing,
    a_stayed_message_is_remembered, an_idempotency_key_replays_the_first_answer,
};
pub use time::{
    a_cancelled_timer_never_fires, a_timer_armed_anew_fences_the_old_one, a_timer_fires_once_when_it_is_due,
};

use super::counter::Counters;
use crate::port::Store;

/// What the suite needs beside the port.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// An empty database, independent of all earlier ones. Its leases last [`Fixture::lease`].
    async fn fresh(&self) -> Arc<dyn Store<Counters>>;

    /// Another handle on the database that [`Fixture::fresh`] made last, as another process would have one.
    async fn again(&self) -> Arc<dyn Store<Counters>>;

    /// A handle on a database that is away: whatever it is asked, it is unavailable.
    async fn away(&self) -> Arc<dyn Store<Counters>>;

    /// Lets that time pass, by the databases' clock.
    async fn sleep(&self, time: Duration);

    /// How long leases last. At least half a second, so that none ends between two steps of a case.
    fn lease(&self) -> Duration;
}

/// Runs all cases.
pub async fn run(fixture: &dyn Fixture) {
    a_second_delivery_changes_nothing(fixture).await;
    a_refused_message_leaves_no_trace(fixture).await;
    a_stayed_message_is_remembered(fixture).await;
    a_broken_batch_leaves_nothing(fixture).await;
    an_idempotency_key_replays_the_first_answer(fixture).await;
    outbox_rows_appear_with_their_commit(fixture).await;
    an_outbox_row_is_claimed_once_until_its_lease_ends(fixture).await;
    a_delivered_row_is_gone(fixture).await;
    voided_leases_free_everything(fixture).await;
    effects_count_their_calls(fixture).await;
    later_effects_wait_for_their_time(fixture).await;
    a_call_is_withdrawn_only_while_nobody_makes_it(fixture).await;
    a_timer_fires_once_when_it_is_due(fixture).await;
    a_timer_armed_anew_fences_the_old_one(fixture).await;
    a_cancelled_timer_never_fires(fixture).await;
    attempts_are_counted_for_each_message(fixture).await;
    a_handled_message_leaves_no_count(fixture).await;
    dead_letters_are_kept_until_they_are_taken_out(fixture).await;
    what_is_old_is_purged_and_nothing_else(fixture).await;
    a_batch_is_its_messages_one_after_the_other(fixture).await;
    what_is_committed_is_there_for_others(fixture).await;
    concurrent_batches_lose_no_update(fixture).await;
    one_event_on_two_handles_counts_once(fixture).await;
}

#[cfg(test)]
mod tests;
