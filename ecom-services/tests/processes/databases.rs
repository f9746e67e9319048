//! Databases of one's own on a real PostgreSQL: at `TEST_DATABASE_URL`, else on this machine's usual port.

use ecom_core::event::Service;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// A server that lets databases be created.
fn server() -> String {
    std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned())
}

/// One database for each service.
pub(crate) struct Databases {
    unique: String,
}

impl Databases {
    /// New and empty.
    pub(crate) async fn create() -> Self {
        let unique = tempfile::tempdir().unwrap().path().file_name().unwrap().to_string_lossy().replace(".tmp", "");
        let databases = Self { unique };
        let mut server = PgConnection::connect(&server()).await.unwrap_or_else(|error| {
            panic!("these tests need a PostgreSQL server; TEST_DATABASE_URL names none that answers: {error}")
        });
        for name in Service::ALL.map(|service| databases.name(service)) {
            sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE \"{name}\""))).execute(&mut server).await.unwrap();
        }
        databases
    }

    fn name(&self, service: Service) -> String {
        format!("ecom_fleet_{}_{}", self.unique, service.short_name())
    }

    /// The URL of a service's database.
    pub(crate) fn url(&self, service: Service) -> String {
        let server = server();
        let (base, options) = server.split_once('?').unwrap_or((&server, ""));
        let (base, _) = base.rsplit_once('/').unwrap();
        let options = if options.is_empty() { String::new() } else { format!("?{options}") };
        format!("{base}/{}{options}", self.name(service))
    }

    /// The tables in a service's database.
    pub(crate) async fn tables(&self, service: Service) -> Vec<String> {
        let mut connection = PgConnection::connect(&self.url(service)).await.unwrap();
        let tables = "SELECT schemaname || '.' || tablename FROM pg_tables
                      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
        sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap()
    }

    /// Drops them all.
    pub(crate) async fn delete(self) {
        let Ok(mut server) = PgConnection::connect(&server()).await else { return };
        for name in Service::ALL.map(|service| self.name(service)) {
            let drop_it = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
            drop(sqlx::raw_sql(AssertSqlSafe(drop_it)).execute(&mut server).await);
        }
    }
}
