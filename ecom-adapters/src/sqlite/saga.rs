//! The table of sagas that are a context of their own: `SqliteStore<SagaContext<YourSaga>, SagaTables>` is all that is
//! needed to keep yours.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use ecom_core::saga::{Hosted, Instance, Label, SagaContext};
use serde_json::json as value;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::rows::{json, text_list};
use super::script::Script;
use super::tables::Tables;
use crate::sql::latest::{Latest, Written};
use crate::sql::saga::instance;

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
        rows.iter().map(|row| instance(row).map(|instance| (instance.id, instance))).collect()
    }

    fn write(script: &mut Script, changes: &[Instance<S>]) -> Result<(), sqlx::Error> {
        let mut latest = Latest::new();
        for instance in changes {
            latest.put(instance.id, instance.version, instance);
        }
        let (new, changed) = latest.split();
        let rows = new
            .iter()
            .chain(&changed)
            .map(|Written { base, row: instance }| {
                Ok(value!({
                    "id": instance.id, "base": base, "version": instance.version,
                    "definition": instance.definition_version, "state": instance.state.label(),
                    "attention": instance.attention.as_ref().map(serde_json::to_string).transpose()?,
                    "settled": u8::from(instance.is_settled()), "instance": instance.to_stored()?,
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
use {super::SqliteStore as Store, crate::sqlite::testing::Home};

#[cfg(test)]
#[path = "../sql/tests/saga.rs"]
mod tests;
