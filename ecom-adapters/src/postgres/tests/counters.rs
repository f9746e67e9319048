//! The table of the context that the store suite uses.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use ecom_core::testing::counter::{Counter, Counters};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::postgres::Tables;
use crate::postgres::fault::expect_rows;
use crate::postgres::rows::{column, uuids};
use crate::sql::fields::Fields;
use crate::sql::latest::Latest;

pub(super) struct CounterTables;

#[async_trait]
impl Tables<Counters> for CounterTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] = &[(
        "counters/0001_init",
        "CREATE TABLE counters (
            id UUID NOT NULL PRIMARY KEY,
            version BIGINT NOT NULL,
            total BIGINT NOT NULL CHECK (total >= 0)
        )",
    )];

    async fn load(
        connection: &mut PgConnection,
        scope: &BTreeSet<Uuid>,
    ) -> Result<BTreeMap<Uuid, Counter>, sqlx::Error> {
        let query = "SELECT id, version, total FROM counters WHERE id = ANY ($1) ORDER BY id FOR UPDATE";
        let rows = sqlx::query(query).bind(uuids(scope.iter().copied())).fetch_all(connection).await?;
        let counter = |id| Counter { id, version: 0, total: 0 };
        rows.iter()
            .map(|row| {
                let id: Uuid = row.id("id")?;
                Ok((id, Counter { version: row.count("version")?, total: row.count("total")?, ..counter(id) }))
            })
            .collect()
    }

    async fn save(connection: &mut PgConnection, changes: &[Counter]) -> Result<(), sqlx::Error> {
        let mut counters = Latest::new();
        for counter in changes {
            counters.put(counter.id, counter.version, counter);
        }
        let (new, changed) = counters.split();
        let insert =
            "INSERT INTO counters (id, version, total) SELECT * FROM unnest($1::UUID[], $2::BIGINT[], $3::BIGINT[])";
        let update = "UPDATE counters SET version = new.version, total = new.total
            FROM unnest($1::UUID[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[]) AS new (id, version, total, base)
            WHERE counters.id = new.id AND counters.version = new.base";
        for (query, rows) in [(insert, new), (update, changed)] {
            if rows.is_empty() {
                continue;
            }
            let statement = sqlx::query(query)
                .bind(column(&rows, |written| written.row.id))
                .bind(column(&rows, |written| written.row.version.cast_signed()))
                .bind(column(&rows, |written| written.row.total));
            let statement = if query == update {
                statement.bind(column(&rows, |written| written.base.cast_signed()))
            } else {
                statement
            };
            expect_rows(&statement.execute(&mut *connection).await?, rows.len(), "counters")?;
        }
        Ok(())
    }
}
