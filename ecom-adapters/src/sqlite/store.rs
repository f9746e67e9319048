//! The store of one service: everything that a batch of messages changes, in one transaction.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::decide::{BoundedContext, Timer};
use ecom_core::engine::{Batch, Buried, Committed, DeadLetter, EffectRow, Fault, Retention, Transacted, fold};
use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::policy::Policy;
use ecom_core::port::{Claimed, Clock, Page, PageRequest, Store};
use ecom_core::time::Timestamp;
use sqlx::SqlitePool;

use super::database::{Database, OpenError};
use super::script::Script;
use super::tables::Tables;
use super::{claims, kit, letters};
use crate::sql::commit::{Failure, committed};

const KIT_MIGRATIONS: &[(&str, &str)] = &[
    ("kit/0001_kit", include_str!("../../../migrations/sqlite/kit/0001_kit.sql")),
    ("kit/0002_age", include_str!("../../../migrations/sqlite/kit/0002_age.sql")),
    ("kit/0003_trace", include_str!("../../../migrations/sqlite/kit/0003_trace.sql")),
];

/// What a store needs beside its file.
#[derive(Clone)]
pub struct StoreOptions {
    /// The durations that rules need.
    pub policy: Policy,
    /// How long a claim of outbox rows or effects lasts.
    pub lease: Duration,
    /// The clock of the one process that owns the file: for an embedded database, the database's clock.
    pub clock: Arc<dyn Clock>,
}

/// The database of one service.
///
/// One connection writes, so transactions are serial and a version can never be lost; the reads of HTTP run beside it.
pub struct SqliteStore<C, T> {
    database: Database,
    options: StoreOptions,
    context: PhantomData<fn() -> (C, T)>,
}

impl<C: BoundedContext, T: Tables<C>> SqliteStore<C, T> {
    /// Opens or creates the database file.
    pub async fn open(path: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        let migrations: Vec<_> = KIT_MIGRATIONS.iter().chain(T::MIGRATIONS).copied().collect();
        Ok(Self { database: Database::open(path, &migrations).await?, options, context: PhantomData })
    }

    /// The pool for queries.
    pub fn readers(&self) -> &SqlitePool {
        self.database.readers()
    }

    /// The database, for what a context keeps beside its messages.
    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    async fn run(&self, batch: &Batch<C>) -> Result<Committed<C>, Failure> {
        let mut writer = self.database.writer().await?;
        let connection = writer.connection()?;
        let now = self.now();
        let opening = kit::open(connection, &batch.messages, &batch.delivered).await?;
        let loaded = kit::load::<C, T>(connection, opening, &batch.messages, now).await?;
        let policy = self.options.policy;
        // A panic in a rule must not poison the writer; it is the message's fault like a broken constraint.
        let writes = catch_unwind(AssertUnwindSafe(|| fold(loaded, &batch.messages, &policy)))
            .map_err(|_| Failure::Before(sqlx::Error::Protocol("a rule panicked".into())))?;
        if writes.is_empty() && batch.delivered.is_empty() {
            sqlx::query("ROLLBACK").execute(connection).await?;
            writer.done();
            return Ok(committed(writes, now, false));
        }
        let lease = if batch.leased { now.after(self.options.lease) } else { now };
        let mut script = Script::default();
        T::write(&mut script, &writes.changes)?;
        kit::save(&mut script, &writes, now, lease)?;
        script.run(connection).await?;
        // On its own: only when everything before it is known to be written.
        sqlx::query("COMMIT").execute(connection).await.map_err(Failure::Commit)?;
        writer.done();
        Ok(committed(writes, now, batch.leased))
    }
}

/// Sorts an error by what the caller does about it.
pub(crate) fn fault(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(database) => {
            // The primary result code is the low byte: 5 busy, 7 no memory, 6 locked, 8 read-only, 10 I/O, 11 corrupt, 13 full,
            // 14 cannot open, 26 not a database (https://www.sqlite.org/rescode.html).
            let code = database.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(1) & 0xff;
            match code {
                5 | 6 | 7 | 8 | 10 | 11 | 13 | 14 | 26 => Fault::Unavailable(error.to_string()),
                _ => Fault::Broken(error.to_string()),
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::InvalidSavePointStatement
        | sqlx::Error::BeginFailed => Fault::Unavailable(error.to_string()),
        _ => Fault::Broken(error.to_string()),
    }
}

/// Whether a failed commit certainly left nothing behind: without room its frames were never complete.
fn is_full(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database) if database.code().as_deref() == Some("13"))
}

#[async_trait]
impl<C: BoundedContext, T: Tables<C>> Store<C> for SqliteStore<C, T> {
    async fn transact(&self, batch: Batch<C>) -> Transacted<C> {
        match self.run(&batch).await {
            Ok(committed) => Transacted::Committed(committed),
            Err(Failure::Before(error)) => Transacted::RolledBack(fault(&error)),
            Err(Failure::Commit(error)) if is_full(&error) => Transacted::RolledBack(fault(&error)),
            Err(Failure::Commit(error)) => {
                tracing::error!(service = %C::SERVICE, %error, "a commit failed and its end is not known");
                Transacted::Unknown
            }
        }
    }

    async fn claim_outbox(&self, limit: usize) -> Result<Claimed<Arc<Envelope>>, Fault> {
        claims::outbox(&self.database, limit, self.now(), self.options.lease).await.map_err(|error| fault(&error))
    }

    async fn delivered(&self, ids: Vec<MessageId>) -> Result<(), Fault> {
        claims::delivered(&self.database, &ids).await.map_err(|error| fault(&error))
    }

    async fn claim_effects(&self, limit: usize) -> Result<Claimed<EffectRow<C::Effect>>, Fault> {
        claims::effects(&self.database, limit, self.now(), self.options.lease).await.map_err(|error| fault(&error))
    }

    async fn due_timers(&self, limit: usize) -> Result<Claimed<Timer>, Fault> {
        claims::timers(&self.database, limit, self.now()).await.map_err(|error| fault(&error))
    }

    async fn count_attempt(&self, queue: &str, id: MessageId) -> Result<u32, Fault> {
        claims::count_attempt(&self.database, queue, id, self.now()).await.map_err(|error| fault(&error))
    }

    async fn bury(&self, letter: DeadLetter) -> Result<(), Fault> {
        letters::bury(&self.database, &letter, self.now()).await.map_err(|error| fault(&error))
    }

    async fn dead_letters(&self, request: PageRequest) -> Result<Page<Buried>, Fault> {
        letters::page(self.readers(), request).await.map_err(|error| fault(&error))
    }

    async fn dead_letter(&self, id: MessageId) -> Result<Option<DeadLetter>, Fault> {
        letters::find(self.readers(), id).await.map_err(|error| fault(&error))
    }

    async fn exhume(&self, id: MessageId, actor: &str, reason: &str) -> Result<Option<DeadLetter>, Fault> {
        letters::exhume(&self.database, id, actor, reason, self.now()).await.map_err(|error| fault(&error))
    }

    async fn outbox_depth(&self) -> Result<u64, Fault> {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM outbox")
            .fetch_one(self.readers())
            .await
            .map(i64::cast_unsigned)
            .map_err(|error| fault(&error))
    }

    async fn purge(&self, keep: Retention, limit: usize) -> Result<u64, Fault> {
        claims::purge(&self.database, keep, limit, self.now()).await.map_err(|error| fault(&error))
    }

    async fn void_leases(&self) -> Result<(), Fault> {
        claims::void_leases(&self.database, self.now(), self.options.lease).await.map_err(|error| fault(&error))
    }

    async fn ready(&self) -> Result<(), Fault> {
        claims::ready(&self.database).await.map_err(|error| fault(&error))
    }
}
