//! The bus that a process uses: inside it, or a broker.

use std::sync::Arc;
use std::time::Duration;

use ecom_adapters::local::{self, LocalBus};
#[cfg(feature = "rabbitmq")]
use ecom_adapters::rabbitmq::{self, RabbitBus};
use ecom_core::port::Bus;

use super::StartError;
use crate::config::{BusConfig, BusUrl};
use crate::http::health::Condition;

/// The bus of a process.
#[derive(Clone, Debug)]
pub(super) enum EventBus {
    /// Joins the services of one process.
    Local(LocalBus),
    /// A RabbitMQ broker.
    #[cfg(feature = "rabbitmq")]
    Rabbit(RabbitBus),
}

impl EventBus {
    /// Opens the bus. A broker that is away is no error: the bus is degraded until it is there.
    pub(super) fn open(config: &BusConfig, process: &str, lease: Duration) -> Result<Self, StartError> {
        // A publication that is given up must not meet the sweeper, which comes when the lease ends.
        let patience = lease * 2 / 3;
        match &config.url {
            BusUrl::Local => Ok(Self::Local(LocalBus::new(local::Limits { patience, ..Default::default() }))),
            #[cfg(feature = "rabbitmq")]
            BusUrl::Amqp(url) => {
                let options = rabbitmq::Options {
                    name: process.to_owned(),
                    namespace: config.namespace.clone(),
                    confirm_timeout: patience,
                    ..Default::default()
                };
                RabbitBus::connect(url.reveal(), options).map(Self::Rabbit).map_err(StartError::Bus)
            }
            #[cfg(not(feature = "rabbitmq"))]
            BusUrl::Amqp(_) => Err(StartError::NotBuilt { process: process.to_owned(), feature: "rabbitmq" }),
        }
    }

    /// The port.
    pub(super) fn port(&self) -> Arc<dyn Bus> {
        match self {
            Self::Local(bus) => Arc::new(bus.clone()),
            #[cfg(feature = "rabbitmq")]
            Self::Rabbit(bus) => Arc::new(bus.clone()),
        }
    }

    /// Whether it can work at the moment.
    pub(super) fn condition(&self) -> Condition {
        match self {
            Self::Local(_) => Condition::Ok,
            #[cfg(feature = "rabbitmq")]
            Self::Rabbit(bus) => match bus.condition() {
                rabbitmq::Condition::Ok => Condition::Ok,
                rabbitmq::Condition::Degraded(_) => Condition::Degraded,
            },
        }
    }

    /// Ends what waits inside the process, so that the services can stop.
    pub(super) fn interrupt(&self) {
        match self {
            Self::Local(bus) => bus.close(),
            // Its deliveries are settled until the last moment.
            #[cfg(feature = "rabbitmq")]
            Self::Rabbit(_) => {}
        }
    }

    /// Ends it.
    pub(super) async fn close(&self) {
        match self {
            Self::Local(bus) => bus.close(),
            #[cfg(feature = "rabbitmq")]
            Self::Rabbit(bus) => bus.close().await,
        }
    }
}
