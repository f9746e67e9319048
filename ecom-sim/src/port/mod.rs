//! The simulated doors: the broker, the payment provider, the channels of notices. Each keeps what really happened.

mod broker;
mod bus;
mod locks;
mod notifier;
mod outside;
mod provider;
mod published;
mod saga;
mod store;
pub(crate) mod wire;

pub use broker::{Broker, Ready, Stored};
pub use bus::SimBus;
pub use locks::RowKey;
pub use notifier::Notifier;
pub use outside::{CALLS, NoOutside, OutsideWorld, REFUSABLE, Simulated, WEBHOOKS};
pub use provider::{Movement, Provider};
pub use published::Published;
pub use saga::{Calls, Desk};
pub use store::{Bells, SimStore, Way, begin, fault, is_done, lock};
