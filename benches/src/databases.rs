//! Databases and queues that last as long as a bench.

use ecom_adapters::rabbitmq::{Options, RabbitBus};
use ecom_core::engine::record::Recorder;
use ecom_core::event::Service;
use ecom_core::policy::Policy;
use ecom_core::secret::Secret;
use ecom_services::compose::Materials;
use ecom_services::config::{BusConfig, BusUrl, DatabaseUrl};
use ecom_services::host::Settings;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::shop::Failed;

/// A database for each service on a server of which `TEST_DATABASE_URL` names one, else on this machine's usual port.
pub struct Databases {
    server: String,
    unique: String,
}

impl Databases {
    /// New and empty.
    pub async fn create(purpose: &str) -> Result<Self, Failed> {
        let server = std::env::var("TEST_DATABASE_URL")
            .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
        let databases = Self { server, unique: format!("{purpose}_{}", std::process::id()) };
        for service in Service::ALL {
            databases.administer(&format!("CREATE DATABASE {}", databases.name(service))).await?;
        }
        Ok(databases)
    }

    /// What a whole shop over them is made from.
    pub fn materials(&self, bus: BusConfig) -> Result<Materials, Failed> {
        let mut databases = std::collections::BTreeMap::new();
        for service in Service::ALL {
            databases.insert(service, DatabaseUrl::Postgres(Secret::new(self.url(service)?)));
        }
        let (policy, settings, recorder) = (Policy::default(), Settings::default(), Recorder::default());
        Ok(Materials { databases, bus, policy, settings, collector: None, recorder })
    }

    /// A connection to a service's database.
    pub async fn connect(&self, service: Service) -> Result<PgConnection, Failed> {
        Ok(PgConnection::connect(&self.url(service)?).await?)
    }

    /// Drops them.
    pub async fn delete(self) -> Result<(), Failed> {
        for service in Service::ALL {
            self.administer(&format!("DROP DATABASE {} WITH (FORCE)", self.name(service))).await?;
        }
        Ok(())
    }

    /// Writes everything out, so that what came before is not paid by what comes next.
    pub async fn checkpoint(&self) -> Result<(), Failed> {
        self.administer("CHECKPOINT").await
    }

    fn name(&self, service: Service) -> String {
        format!("ecom_bench_{}_{}", self.unique, service.short_name())
    }

    fn url(&self, service: Service) -> Result<String, Failed> {
        let (base, options) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let (base, _) = base.rsplit_once('/').ok_or("TEST_DATABASE_URL names no database")?;
        let options = if options.is_empty() { String::new() } else { format!("?{options}") };
        Ok(format!("{base}/{}{options}", self.name(service)))
    }

    async fn administer(&self, statement: &str) -> Result<(), Failed> {
        let mut server = PgConnection::connect(&self.server).await?;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut server).await?;
        Ok(())
    }
}

/// A namespace on a broker that `TEST_AMQP_URL` names, else on this machine's usual port.
pub struct Namespace {
    url: String,
    name: String,
}

impl Namespace {
    /// One that nobody has.
    pub fn fresh() -> Self {
        let url = std::env::var("TEST_AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned());
        Self { url, name: format!("bench.{}.", std::process::id()) }
    }

    /// The bus of a shop in it.
    pub fn bus(&self) -> BusConfig {
        BusConfig { url: BusUrl::Amqp(Secret::new(self.url.clone())), namespace: self.name.clone() }
    }

    /// Deletes its exchange and queues.
    pub async fn delete(self) -> Result<(), Failed> {
        let bus = RabbitBus::connect(&self.url, Options { namespace: self.name, ..Options::default() })?;
        bus.delete_topology().await?;
        bus.close().await;
        Ok(())
    }
}
