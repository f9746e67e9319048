//! The bus in the process for the suite that every bus must pass, and for those who compare another one with it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::port::Bus;
use ecom_core::testing::bus;

use super::LocalBus;

/// A fresh bus for each case; it has no delays of its own.
#[derive(Debug, Default)]
pub struct Local(Mutex<LocalBus>);

#[async_trait]
impl bus::Fixture for Local {
    async fn fresh(&self) -> Arc<dyn Bus> {
        let bus = LocalBus::default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bus.clone();
        Arc::new(bus)
    }

    async fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).close();
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
