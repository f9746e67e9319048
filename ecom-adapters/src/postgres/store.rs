//! The store of one service: everything that a batch of messages changes, in one transaction.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::decide::{BoundedContext, Timer};
use ecom_core::engine::{Batch, Buried, Committed, DeadLetter, EffectRow, Fault, Retention, Transacted, Writes, fold};
use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::policy::Policy;
use ecom_core::port::{Claimed, Clock, Page, PageRequest, Store};
use ecom_core::time::Timestamp;
use sqlx::{PgPool, Postgres, Transaction};

use super::database::{Database, OpenError, Settings};
use super::fault::{fault, is_taken_key, is_undone};
use super::tables::Tables;
use super::{claims, kit, letters};
use crate::sql::commit::{Failure, committed};

const KIT_MIGRATIONS: &[(&str, &str)] = &[
    ("kit/0001_kit", include_str!("../../../migrations/kit/0001_kit.sql")),
    ("kit/0002_age", include_str!("../../../migrations/kit/0002_age.sql")),
    ("kit/0003_trace", include_str!("../../../migrations/kit/0003_trace.sql")),
];

/// How often a batch is decided anew when somebody else has changed its rows, or has taken its keys.
const TRIES: u32 = 3;

/// Whose clock a database goes by.
#[derive(Clone, Default)]
pub enum DatabaseClock {
    /// That of its server: the same for all copies of a service.
    #[default]
    Server,
    /// Another one, for tests.
    Given(Arc<dyn Clock>),
}

/// What a store needs beside its database.
#[derive(Clone)]
pub struct StoreOptions {
    /// The durations that rules need.
    pub policy: Policy,
    /// How long a claim of outbox rows or effects lasts.
    pub lease: Duration,
    /// Whose time it is.
    pub clock: DatabaseClock,
    /// Connections and time limits.
    pub settings: Settings,
    /// Hears the name of each migration that is applied when the database is opened, before any is committed.
    pub migrated: fn(&str),
}

/// The database of one service; any number of copies of the service may have it open.
///
/// Rows that a batch may change are locked in key order when they are read, and written only in the version that was
/// read; keys that are inserted are unique. So of two transactions that meet, one waits or is decided anew.
pub struct PgStore<C, T> {
    database: Database,
    options: StoreOptions,
    context: PhantomData<fn() -> (C, T)>,
}

impl<C: BoundedContext, T: Tables<C>> PgStore<C, T> {
    /// Connects, and brings the schema up to date.
    pub async fn open(url: &str, options: StoreOptions) -> Result<Self, OpenError> {
        let migrations = KIT_MIGRATIONS.iter().chain(T::MIGRATIONS).copied().collect();
        let database = Database::open_and_tell(url, migrations, options.settings, options.migrated).await?;
        Ok(Self { database, options, context: PhantomData })
    }

    /// The pool for queries.
    pub fn readers(&self) -> &PgPool {
        self.database.readers()
    }

    /// The pool for what a context keeps beside its messages.
    pub(super) fn writers(&self) -> &PgPool {
        self.database.writers()
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// The time, unless the server says it.
    fn now(&self) -> Option<Timestamp> {
        match &self.options.clock {
            DatabaseClock::Server => None,
            DatabaseClock::Given(clock) => Some(clock.now()),
        }
    }

    /// Waits for the server, but not for ever.
    async fn answered<R>(&self, work: impl Future<Output = Result<R, sqlx::Error>>) -> Result<R, sqlx::Error> {
        let in_time = tokio::time::timeout(self.options.settings.timeouts.answer, work).await;
        in_time.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
    }

    async fn housekeep<R>(&self, work: impl Future<Output = Result<R, sqlx::Error>>) -> Result<R, Fault> {
        self.answered(work).await.map_err(|error| fault(&error))
    }

    async fn run(&self, batch: &Batch<C>) -> Result<Committed<C>, Failure> {
        let Written { transaction, writes, now, leased } = self.answered(self.write(batch)).await?;
        self.answered(transaction.commit()).await.map_err(Failure::Commit)?;
        Ok(committed(writes, now, leased))
    }

    /// Everything but the commit.
    async fn write(&self, batch: &Batch<C>) -> Result<Written<C>, sqlx::Error> {
        let mut transaction = self.writers().begin().await?;
        let loaded = kit::load::<C, T>(&mut transaction, &batch.messages, self.now()).await?;
        let (now, policy) = (loaded.now, self.options.policy);
        // A panic in a rule is the message's fault like a broken constraint.
        let writes = catch_unwind(AssertUnwindSafe(|| fold(loaded, &batch.messages, &policy)))
            .map_err(|_| sqlx::Error::Encode("a rule panicked".into()))?;
        let leased = batch.leased && !writes.is_empty();
        if !writes.is_empty() || !batch.delivered.is_empty() {
            let lease = if batch.leased { now.after(self.options.lease) } else { now };
            T::save(&mut transaction, &writes.changes).await?;
            kit::save(&mut transaction, &writes, &batch.delivered, now, lease).await?;
        }
        Ok(Written { transaction, writes, now, leased })
    }
}

/// A transaction that is to be committed.
struct Written<C: BoundedContext> {
    transaction: Transaction<'static, Postgres>,
    writes: Writes<C>,
    now: Timestamp,
    leased: bool,
}

#[async_trait]
impl<C: BoundedContext, T: Tables<C>> Store<C> for PgStore<C, T> {
    async fn transact(&self, batch: Batch<C>) -> Transacted<C> {
        let mut tries = 0;
        loop {
            tries += 1;
            let (error, ended) = match self.run(&batch).await {
                Ok(committed) => return Transacted::Committed(committed),
                Err(Failure::Commit(error)) if !is_undone(&error) => {
                    tracing::error!(service = %C::SERVICE, %error, "a commit failed and its end is not known");
                    return Transacted::Unknown;
                }
                Err(Failure::Before(error) | Failure::Commit(error)) => (fault(&error), error),
            };
            match error {
                Fault::Conflict if tries < TRIES => {}
                Fault::Conflict if is_taken_key(&ended) => {
                    return Transacted::RolledBack(Fault::Broken(ended.to_string()));
                }
                fault => return Transacted::RolledBack(fault),
            }
        }
    }

    async fn claim_outbox(&self, limit: usize) -> Result<Claimed<Arc<Envelope>>, Fault> {
        self.housekeep(claims::outbox(self.writers(), limit, self.now(), self.options.lease)).await
    }

    async fn delivered(&self, ids: Vec<MessageId>) -> Result<(), Fault> {
        self.housekeep(claims::delivered(self.writers(), ids)).await
    }

    async fn claim_effects(&self, limit: usize) -> Result<Claimed<EffectRow<C::Effect>>, Fault> {
        self.housekeep(claims::effects(self.writers(), limit, self.now(), self.options.lease)).await
    }

    async fn due_timers(&self, limit: usize) -> Result<Claimed<Timer>, Fault> {
        self.housekeep(claims::timers(self.writers(), limit, self.now())).await
    }

    async fn count_attempt(&self, queue: &str, id: MessageId) -> Result<u32, Fault> {
        self.housekeep(claims::count_attempt(self.writers(), queue, id, self.now())).await
    }

    async fn bury(&self, letter: DeadLetter) -> Result<(), Fault> {
        self.housekeep(letters::bury(self.writers(), &letter, self.now())).await
    }

    async fn dead_letters(&self, request: PageRequest) -> Result<Page<Buried>, Fault> {
        self.housekeep(letters::page(self.readers(), request)).await
    }

    async fn dead_letter(&self, id: MessageId) -> Result<Option<DeadLetter>, Fault> {
        self.housekeep(letters::find(self.readers(), id)).await
    }

    async fn exhume(&self, id: MessageId, actor: &str, reason: &str) -> Result<Option<DeadLetter>, Fault> {
        self.housekeep(letters::exhume(self.writers(), id, actor, reason, self.now())).await
    }

    async fn outbox_depth(&self) -> Result<u64, Fault> {
        self.housekeep(claims::outbox_depth(self.readers())).await
    }

    async fn purge(&self, keep: Retention, limit: usize) -> Result<u64, Fault> {
        self.housekeep(claims::purge(self.writers(), keep, limit, self.now())).await
    }

    async fn void_leases(&self) -> Result<(), Fault> {
        self.housekeep(claims::void_leases(self.writers(), self.now(), self.options.lease)).await
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.housekeep(self.database.ready()).await
    }
}
