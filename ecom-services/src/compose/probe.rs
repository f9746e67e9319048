//! What readiness looks at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::decide::BoundedContext;
use ecom_core::engine::Fault;
use ecom_core::port::Store;

use super::bus::EventBus;
use crate::http::health::{Condition, Probe};

/// How long a database may take to say that it is there.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// Tells whether something works without which the process still answers.
type Aside = Box<dyn Fn() -> Condition + Send + Sync>;

/// Ready as long as every database answers; everything else is degraded at worst.
#[derive(Default)]
pub(super) struct Parts {
    databases: Vec<(&'static str, Box<dyn Ready>)>,
    asides: Vec<(&'static str, Aside)>,
}

#[async_trait]
trait Ready: Send + Sync + 'static {
    async fn ready(&self) -> Result<(), Fault>;
}

struct Of<C: BoundedContext>(Arc<dyn Store<C>>);

#[async_trait]
impl<C: BoundedContext> Ready for Of<C> {
    async fn ready(&self) -> Result<(), Fault> {
        self.0.ready().await
    }
}

impl Parts {
    /// Adds a database.
    pub(super) fn database<C: BoundedContext>(mut self, name: &'static str, store: &Arc<dyn Store<C>>) -> Self {
        self.databases.push((name, Box::new(Of(Arc::clone(store)))));
        self
    }

    /// Adds a broker; a bus inside the process is none.
    pub(super) fn broker(self, bus: &EventBus) -> Self {
        match bus {
            EventBus::Local(_) => self,
            #[cfg(feature = "rabbitmq")]
            EventBus::Rabbit(_) => {
                let bus = bus.clone();
                self.aside("broker", move || bus.condition())
            }
        }
    }

    /// Adds something without which the process still answers.
    pub(super) fn aside(mut self, name: &'static str, check: impl Fn() -> Condition + Send + Sync + 'static) -> Self {
        self.asides.push((name, Box::new(check)));
        self
    }
}

#[async_trait]
impl Probe for Parts {
    async fn check(&self) -> BTreeMap<&'static str, Condition> {
        let mut checks: BTreeMap<_, _> = self.asides.iter().map(|(name, check)| (*name, check())).collect();
        for (name, database) in &self.databases {
            let ready = tokio::time::timeout(ANSWER_MAX, database.ready()).await;
            checks.insert(*name, if matches!(ready, Ok(Ok(()))) { Condition::Ok } else { Condition::Unavailable });
        }
        checks
    }
}
