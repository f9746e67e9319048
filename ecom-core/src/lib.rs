//! The core of Ecom: the domain, the saga kit and the engine. Pure: no clock, no randomness, no runtime, no I/O.
//!
//! - Values that cannot be wrong: [`money`], [`id`], [`quantity`], [`email`], [`time`], [`secret`].
//! - [`event`]: the published language, a closed catalogue with its envelope.
//! - [`decide`]: the shape of every rule: `decide(state, input, context)` gives a decision, which is a value.
//! - [`user`], [`order`], [`inventory`], [`payment`], [`notification`]: one bounded context each, all with the same
//!   files: `model` (state), `message` (inputs, replies), `rules`, `error`, `store` (scope, snapshot, changes), `tests`.
//! - [`saga`]: the kit under the order saga, for your own sagas too.
//! - [`port`]: the doors, as traits; [`engine`]: where rules meet doors, as machines without I/O.
//! - [`fleet`]: the services as values; [`policy`]: the durations that rules need.

pub mod body;
pub mod decide;
pub mod email;
pub mod engine;
pub mod event;
pub mod fleet;
pub mod id;
pub mod inventory;
pub mod money;
pub mod notification;
pub mod order;
pub mod payment;
pub mod policy;
pub mod port;
pub mod quantity;
pub mod saga;
pub mod secret;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod user;
