//! The table of sagas that are a context of their own: `PgStore<SagaContext<YourSaga>, SagaTables>` is all that is needed
//! to keep yours.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use ecom_core::saga::{Hosted, Instance, Label, SagaContext};
use sqlx::PgConnection;
use uuid::Uuid;

use super::fault::expect_rows;
use super::rows::{column, statements, uuids};
use super::tables::Tables;
use crate::sql::latest::{Latest, Written};
use crate::sql::saga::instance;

statements! {
    LOAD = "SELECT definition_version, instance FROM saga_instances WHERE definition = $1 AND id = ANY ($2)
        ORDER BY id FOR UPDATE";
    INSERT = "
        INSERT INTO saga_instances (definition, id, definition_version, version, state, attention, settled, instance)
        SELECT $1, id, definition_version, version, state, attention::JSON, settled, instance::JSON
        FROM unnest($2::UUID[], $3::BIGINT[], $4::BIGINT[], $5::TEXT[], $6::TEXT[], $7::BOOLEAN[], $8::TEXT[])
            AS new (id, definition_version, version, state, attention, settled, instance)";
    UPDATE = "
        UPDATE saga_instances SET definition_version = new.definition_version, version = new.version,
               state = new.state, attention = new.attention::JSON, settled = new.settled, instance = new.instance::JSON
        FROM unnest($2::UUID[], $3::BIGINT[], $4::BIGINT[], $5::TEXT[], $6::TEXT[], $7::BOOLEAN[], $8::TEXT[],
                    $9::BIGINT[])
            AS new (id, definition_version, version, state, attention, settled, instance, base)
        WHERE saga_instances.definition = $1 AND saga_instances.id = new.id AND saga_instances.version = new.base";
}

/// The table `saga_instances`.
#[derive(Clone, Copy, Debug)]
pub struct SagaTables;

#[async_trait]
impl<S: Hosted> Tables<SagaContext<S>> for SagaTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("saga/0001_init", include_str!("../../../migrations/saga/0001_init.sql"))];

    async fn load(
        connection: &mut PgConnection,
        scope: &BTreeSet<Uuid>,
    ) -> Result<BTreeMap<Uuid, Instance<S>>, sqlx::Error> {
        let ids = uuids(scope.iter().copied());
        let rows = sqlx::query(LOAD).bind(S::NAME).bind(ids).fetch_all(connection).await?;
        rows.iter().map(|row| instance(row).map(|instance| (instance.id, instance))).collect()
    }

    async fn save(connection: &mut PgConnection, changes: &[Instance<S>]) -> Result<(), sqlx::Error> {
        let mut instances = Latest::new();
        for instance in changes {
            instances.put(instance.id, instance.version, instance);
        }
        let (new, changed) = instances.split();
        put(connection, INSERT, &new).await?;
        put(connection, UPDATE, &changed).await
    }
}

async fn put<S: Hosted>(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: &[Written<'_, Instance<S>>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let encode = |error| sqlx::Error::Encode(Box::new(error));
    let attention = |new: &Written<'_, Instance<S>>| new.row.attention.as_ref().map(serde_json::to_string).transpose();
    let attentions = rows.iter().map(attention).collect::<Result<Vec<_>, _>>().map_err(encode)?;
    let texts = rows.iter().map(|new| new.row.to_stored()).collect::<Result<Vec<_>, _>>().map_err(encode)?;
    let query = sqlx::query(statement)
        .bind(S::NAME)
        .bind(column(rows, |new| new.row.id))
        .bind(column(rows, |new| i64::from(new.row.definition_version)))
        .bind(column(rows, |new| new.row.version.cast_signed()))
        .bind(column(rows, |new| new.row.state.label()))
        .bind(attentions)
        .bind(column(rows, |new| new.row.is_settled()))
        .bind(texts);
    let query = if statement == UPDATE { query.bind(column(rows, |new| new.base.cast_signed())) } else { query };
    expect_rows(&query.execute(connection).await?, rows.len(), "saga_instances")
}

#[cfg(test)]
use {super::PgStore as Store, crate::postgres::tests::world::Home};

#[cfg(test)]
#[path = "../sql/tests/saga.rs"]
mod tests;
