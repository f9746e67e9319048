//! The table of sagas that are a context of their own: `SqliteStore<SagaContext<YourSaga>, SagaTables>` is all that is
//! needed to keep yours.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use ecom_core::saga::{Hosted, Instance, Label, SagaContext};
use serde_json::json as value;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::rows::{column, json, text_list};
use super::script::Script;
use super::tables::Tables;
use crate::sql::Inconsistent;

/// The table `saga_instances`.
#[derive(Clone, Copy, Debug)]
pub struct SagaTables;

#[async_trait]
impl<S: Hosted> Tables<SagaContext<S>> for SagaTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("saga/0001_init", include_str!("../../../migrations/sqlite/saga/0001_init.sql"))];

    async fn load(
        connection: &mut SqliteConnection,
        scope: &BTreeSet<Uuid>,
    ) -> Result<BTreeMap<Uuid, Instance<S>>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT definition_version, instance FROM saga_instances
             WHERE definition = ?1 AND id IN (SELECT value FROM json_each(?2))",
        )
        .bind(S::NAME)
        .bind(text_list(scope))
        .fetch_all(connection)
        .await?;
        let mut snapshot = BTreeMap::new();
        for row in &rows {
            let version: u32 = column(row, "definition_version")?;
            if version != S::VERSION {
                // Written by another version of the definition: to read it as this one would be to guess.
                return Err(Inconsistent { column: "definition_version", value: version.to_string() }.into());
            }
            let text: &str = column(row, "instance")?;
            let instance: Instance<S> = serde_json::from_str(text)
                .map_err(|_| Inconsistent { column: "instance", value: text.chars().take(80).collect() })?;
            snapshot.insert(instance.id, instance);
        }
        Ok(snapshot)
    }

    fn write(script: &mut Script, changes: &[Instance<S>]) -> Result<(), sqlx::Error> {
        // Several changes of one instance are written as the last one, on the version that the first was decided on.
        let mut latest: BTreeMap<Uuid, (u64, &Instance<S>)> = BTreeMap::new();
        for instance in changes {
            latest.entry(instance.id).or_insert((instance.version.saturating_sub(1), instance)).1 = instance;
        }
        let rows = latest
            .values()
            .map(|(base, instance)| {
                Ok(value!({
                    "id": instance.id, "base": base, "version": instance.version,
                    "definition": instance.definition_version, "state": instance.state.label(),
                    "attention": instance.attention.as_ref().map(serde_json::to_string).transpose()?,
                    "settled": u8::from(instance.is_settled()), "instance": serde_json::to_string(instance)?,
                }))
            })
            .collect::<Result<Vec<_>, serde_json::Error>>()
            .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        // A new row conflicts with nothing; a known one is replaced only in the version that was decided on.
        if rows.is_empty() {
            return Ok(());
        }
        script.push(
            "INSERT INTO saga_instances (definition, id, definition_version, version, state, attention, settled,
                                         instance)
             SELECT ?, new.value->>'id', new.value->>'definition', new.value->>'version', new.value->>'state',
                    new.value->>'attention', new.value->>'settled', new.value->>'instance'
             FROM jsonb_each(?) AS new
             WHERE new.value->>'base' = coalesce(
                 (SELECT version FROM saga_instances WHERE definition = ? AND id = new.value->>'id'), 0)
             ON CONFLICT (definition, id) DO UPDATE SET definition_version = excluded.definition_version,
                version = excluded.version, state = excluded.state, attention = excluded.attention,
                settled = excluded.settled, instance = excluded.instance",
        );
        script.bind(S::NAME)?.bind(json(&rows)?)?.bind(S::NAME)?;
        script.expect("saga_instances", rows.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use ecom_core::engine::{Batch, Message, Origin, Transacted};
    use ecom_core::id::{CorrelationId, MessageId};
    use ecom_core::policy::Policy;
    use ecom_core::port::Store;
    use ecom_core::saga::{Addressed, Signal};
    use ecom_core::testing::trip::{ID, Input, Part, Trip};
    use ecom_core::testing::{ManualClock, MemoryStore};

    use super::*;
    use crate::sqlite::{SqliteStore, StoreOptions};

    fn batch(first: u128, inputs: &[Input]) -> Batch<SagaContext<Trip>> {
        let message = |(number, input): (u128, &Input)| Message {
            id: MessageId(Uuid::from_u128(number)),
            origin: Origin::Event,
            correlation: CorrelationId(ID),
            causation: None,
            traceparent: None,
            input: Addressed { saga: ID, signal: Signal::Input(*input) },
        };
        Batch { messages: (first..).zip(inputs).map(message).collect(), delivered: vec![], leased: true }
    }

    #[tokio::test]
    async fn your_own_saga_is_kept_with_its_timers_and_calls() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let (policy, lease) = (Policy::default(), Duration::from_secs(15));
        let options = StoreOptions { policy, lease, clock: clock.clone() };
        let store: SqliteStore<SagaContext<Trip>, SagaTables> =
            SqliteStore::open(&folder.path().join("trips.db"), options).await.unwrap();
        let model = MemoryStore::<SagaContext<Trip>>::new(clock.clone(), lease, policy);
        let batches: [&[Input]; 3] = [
            &[Input::Wish, Input::Booked(Part::Room)],
            &[Input::Full(Part::Car), Input::Strange],
            &[Input::LetGo(Part::Room), Input::NeverHad(Part::Car)],
        ];
        for (number, inputs) in (1..).zip(batches) {
            let batch = batch(number * 10, inputs);
            let (Transacted::Committed(file), Transacted::Committed(expected)) =
                (store.transact(batch.clone()).await, model.transact(batch).await)
            else {
                panic!("a store did not commit");
            };
            assert_eq!((file.outcomes, file.effects), (expected.outcomes, expected.effects));
            let mut connection = store.readers().acquire().await.unwrap();
            let loaded = <SagaTables as Tables<SagaContext<Trip>>>::load(&mut connection, &[ID].into()).await.unwrap();
            assert_eq!(loaded, model.snapshot());
            clock.advance(Duration::from_secs(40));
            let due = store.due_timers(9).await.unwrap().items;
            assert_eq!(due, model.due_timers(9).await.unwrap().items);
        }
    }

    #[tokio::test]
    async fn an_instance_in_another_version_than_was_decided_on_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trips.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
        for (_, sql) in <SagaTables as Tables<SagaContext<Trip>>>::MIGRATIONS {
            sqlx::raw_sql(*sql).execute(&mut connection).await.unwrap();
        }
        let model =
            MemoryStore::<SagaContext<Trip>>::new(Arc::new(ManualClock::default()), Duration::ZERO, Policy::default());
        model.transact(batch(1, &[Input::Wish])).await;
        let first = model.snapshot()[&ID].clone();
        let third = Instance { version: 3, ..first.clone() };
        assert!(SagaTables::save(&mut connection, std::slice::from_ref(&third)).await.is_err(), "it is not there");
        assert!(SagaTables::save(&mut connection, std::slice::from_ref(&first)).await.is_ok());
        for stale in [first, third] {
            assert!(SagaTables::save(&mut connection, &[stale]).await.is_err());
        }
    }
}
