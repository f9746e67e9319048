//! What is simulated: which services, what they begin with, what clients do.

mod command;
mod generate;
mod measured;
mod named;

use std::fmt;
use std::sync::Arc;

pub use command::{Shopper, Wares};
pub use measured::MEASURED;
pub use named::NAMES;

use crate::choose::Default0;
use crate::world::{Action, Client, Fleet, Settings, Trace, World};

/// A world that is ready, and its name.
#[derive(Clone)]
pub struct Scenario {
    name: Arc<str>,
    world: World,
}

impl fmt::Debug for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// How many steps the preparation of a world may take.
const PREPARE_STEPS: usize = 100_000;

impl Scenario {
    /// From a world in which the preparations are carried out to the end before the clients come.
    pub fn new(name: &str, fleet: &Fleet, settings: Settings, prepare: Vec<Client>, clients: Vec<Client>) -> Self {
        let mut world = World::new(fleet, settings);
        for client in prepare {
            world.add_client(client);
        }
        let (mut trace, mut chooser) = (Trace::default(), Default0);
        for _ in 0..PREPARE_STEPS {
            if world.is_at_rest() && world.clients().iter().all(Client::is_done) {
                break;
            }
            let Some(action) = world.default_action() else { break };
            world.step(action, &mut chooser, &mut trace);
        }
        world.dismiss_clients();
        for client in clients {
            world.add_client(client);
        }
        Self { name: name.into(), world }
    }

    /// The same as it is as soon as that holds, and then `action` happens.
    fn after(mut self, holds: impl Fn(&World) -> bool, action: Action) -> Self {
        let mut trace = Trace::default();
        for _ in 0..PREPARE_STEPS {
            let next = if holds(&self.world) { None } else { self.world.default_action() };
            let Some(next) = next else { break };
            self.world.step(next, &mut Default0, &mut trace);
        }
        self.world.step(action, &mut Default0, &mut trace);
        self
    }

    /// By its name: one of [`NAMES`], of [`crate::upgrade::NAMES`] or of [`MEASURED`], or `shop/` and the hexadecimal seed of a generated one.
    pub fn named(name: &str) -> Option<Self> {
        match name.strip_prefix("shop/") {
            Some(seed) => u64::from_str_radix(seed, 16).ok().map(Self::generated),
            None => named::named(name)
                .or_else(|| crate::upgrade::named(name).map(|(scenario, _)| scenario))
                .or_else(|| measured::named(name)),
        }
    }

    /// A shop with users, products and commands drawn from a seed.
    pub fn generated(seed: u64) -> Self {
        generate::generate(seed)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A fresh world.
    pub fn world(&self) -> World {
        self.world.clone()
    }

    /// The same with several processes of each service.
    pub fn with_settings(&self, change: impl FnOnce(&mut Settings)) -> Self {
        Self { name: Arc::clone(&self.name), world: self.world.with_settings(change) }
    }
}
