//! Every statement against the migrated schema: it can be prepared, and it scans no table that grows.

use std::sync::Arc;

use ecom_core::decide::BoundedContext;
use ecom_core::saga::SagaContext;
use ecom_core::testing::ManualClock;
use ecom_core::testing::trip::Trip;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::world::Home;
use crate::postgres::{
    Tables, claims, database, inventory, kit, letters, migrate, notification, order, payment, saga, user,
};

type Statements = &'static [(&'static str, &'static str)];

/// What every service runs.
const KIT: &[Statements] =
    &[claims::STATEMENTS, database::STATEMENTS, kit::STATEMENTS, letters::STATEMENTS, migrate::STATEMENTS];

/// Read as a whole, on purpose: there are never many rows.
const SMALL: &[&str] = &["OUTBOX_DEPTH", "READY", "DURABILITY", "HAS_ANY", "APPLIED", "SIGNING_KEYS"];

/// Prepares the statements of a context, and looks at their plans, made as the store has them made.
async fn check(home: &Home, context: &[Statements]) {
    let mut connection = home.connection().await;
    for (name, value) in database::PLANS {
        sqlx::raw_sql(AssertSqlSafe(format!("SET {name} = {value}"))).execute(&mut connection).await.unwrap();
    }
    for (name, sql) in KIT.iter().chain(context).flat_map(|statements| statements.iter()) {
        if *name == "CREATE" {
            continue;
        }
        let prepare = format!("PREPARE it AS {sql}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        let plan = plan(&mut connection).await;
        let whole = |step: &&String| ["Seq Scan on", "Hash Join", "Merge Join"].iter().any(|way| step.contains(way));
        let scans: Vec<&String> = plan.iter().filter(whole).filter(|_| !SMALL.contains(name)).collect();
        assert!(scans.is_empty(), "{name} reads whole tables: {plan:#?}");
        sqlx::raw_sql("DEALLOCATE it").execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

async fn plan(connection: &mut PgConnection) -> Vec<String> {
    let parameters = "SELECT cardinality(parameter_types) AS n FROM pg_prepared_statements WHERE name = 'it'";
    let count: i32 = sqlx::query(parameters).persistent(false).fetch_one(&mut *connection).await.unwrap().get("n");
    let nulls = vec!["NULL"; usize::try_from(count).unwrap()].join(", ");
    let explain = if count == 0 { "EXPLAIN EXECUTE it".to_owned() } else { format!("EXPLAIN EXECUTE it ({nulls})") };
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn fit<C: BoundedContext, T: Tables<C>>(statements: &[Statements]) {
    let home = Home::new().await;
    home.open::<C, T>(Arc::new(ManualClock::default())).await.close().await;
    check(&home, statements).await;
}

#[tokio::test]
async fn the_statements_fit_the_schema_of_the_order_service() {
    fit::<_, order::OrderTables>(order::STATEMENTS).await;
}

#[tokio::test]
async fn the_statements_fit_the_schema_of_the_inventory_service() {
    fit::<_, inventory::InventoryTables>(inventory::STATEMENTS).await;
}

#[tokio::test]
async fn the_statements_fit_the_schema_of_the_payment_service() {
    fit::<_, payment::PaymentTables>(payment::STATEMENTS).await;
}

#[tokio::test]
async fn the_statements_fit_the_schema_of_the_user_service() {
    fit::<_, user::UserTables>(user::STATEMENTS).await;
}

#[tokio::test]
async fn the_statements_fit_the_schema_of_the_notification_service() {
    fit::<_, notification::NotificationTables>(notification::STATEMENTS).await;
}

#[tokio::test]
async fn the_statements_fit_the_schema_of_sagas_of_ones_own() {
    fit::<SagaContext<Trip>, saga::SagaTables>(&[saga::STATEMENTS]).await;
}

/// No statement hides outside of a `statements!` block.
#[test]
fn every_statement_is_declared() {
    fn look(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                look(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") && name != "tests.rs" {
                let text = std::fs::read_to_string(&path).unwrap();
                for call in ["sqlx::query(", "sqlx::query_as(", "sqlx::query_scalar(", "sqlx::query_scalar::<_, i64>("]
                {
                    found.extend(text.match_indices(call).map(|(at, _)| {
                        let rest: String = text[at + call.len()..].chars().take(30).collect();
                        format!("{}: {call}{rest}", path.display())
                    }));
                }
            }
        }
    }
    let mut found = vec![];
    look(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres"), &mut found);
    assert!(found.len() > 10, "{found:?}");
    let inline: Vec<_> = found.iter().filter(|call| call.contains("(\"") || call.contains("(\n")).collect();
    assert!(inline.is_empty(), "{inline:#?}");
}
