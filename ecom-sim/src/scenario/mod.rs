//! What is simulated: which services, what they begin with, what clients do.

mod command;
mod generate;
mod less;
mod measured;
mod midway;
mod named;
mod selftest;
mod wishes;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

pub(crate) use command::REFUSED;
pub use command::{Shopper, Wares};
pub use less::Less;
pub use measured::MEASURED;
pub use midway::MIDWAY;
pub use named::NAMES;
pub use selftest::SELF_TESTS;
pub use wishes::Wish;

use crate::choose::Default0;
use crate::hash::Rng;
use crate::mutant::{Mutant, Switch};
use crate::world::{Action, Client, Fleet, Settings, Trace, World};

/// A world that is ready, and its name.
#[derive(Clone)]
pub struct Scenario {
    name: Arc<str>,
    /// The name of the whole of it.
    base: Arc<str>,
    less: BTreeSet<Less>,
    /// Whether its name says all of it, so that it still does when something is left out.
    known: bool,
    world: World,
}

impl fmt::Debug for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// The end of the name of a world with `wire`.
pub(crate) const WIRE: &str = "+wire";

/// Of so many seeds one runs with `wire`.
const WIRE_EACH: u64 = 16;

/// The name of the whole of a scenario: without what is left out, without the number of processes and `wire`.
pub(crate) fn whole(name: &str) -> &str {
    let name = name.strip_suffix(WIRE).unwrap_or(name);
    let base = less::split(name).map_or(name, |(base, _)| base);
    let is_number = |it: &str| it.parse::<u8>().is_ok();
    base.rsplit_once('x').filter(|(_, copies)| is_number(copies)).map_or(base, |(base, _)| base)
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
        Self { name: name.into(), base: name.into(), less: BTreeSet::new(), known: false, world }
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

    /// By its name: one of [`NAMES`], of [`MIDWAY`], of [`crate::upgrade::NAMES`] or of [`MEASURED`], or `shop/` and the
    /// hexadecimal seed of a generated one; then perhaps `x2` for two processes of each service, what is left out, like `-1-0.2` (see
    /// [`Less`]), and `+wire` (see [`Settings::wire`]).
    pub fn named(name: &str) -> Option<Self> {
        Self::planted(name, None)
    }

    /// The same with a planted bug; `None` too when that world cannot have it.
    pub fn planted(name: &str, bug: Option<Switch>) -> Option<Self> {
        if let Some(name) = name.strip_suffix(WIRE) {
            return Self::planted(name, bug).map(|scenario| scenario.with_wire(true));
        }
        let (base, less) = less::split(name)?;
        let whole = Self::whole(base, bug).or_else(|| {
            let (base, copies) = base.rsplit_once('x')?;
            Some(Self::whole(base, bug)?.with_copies(copies.parse().ok().filter(|copies| *copies > 0)?))
        })?;
        less.into_iter().try_fold(whole, |scenario, less| scenario.without(less))
    }

    fn whole(name: &str, bug: Option<Switch>) -> Option<Self> {
        let mutant = match bug {
            Some(Switch::Releases(bug)) => {
                let planted = crate::upgrade::planted(name, bug).map(|(scenario, _)| scenario);
                return planted.map(|scenario| Self { known: true, ..scenario });
            }
            Some(Switch::Settings(mutant)) => Some(mutant),
            None => None,
        };
        let whole = match name.strip_prefix("shop/") {
            Some(seed) => u64::from_str_radix(seed, 16).ok().map(Self::generated),
            None => named::named(name)
                .or_else(|| midway::named(name))
                .or_else(|| crate::upgrade::named(name).map(|(scenario, _)| scenario))
                .or_else(|| measured::named(name))
                .or_else(|| selftest::named(name)),
        };
        whole.map(|scenario| Self { known: true, ..scenario }.with_bug(mutant))
    }

    /// A shop with users, products and commands drawn from a seed.
    pub fn generated(seed: u64) -> Self {
        Self { known: true, ..generate::generate(seed) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A fresh world.
    pub fn world(&self) -> World {
        self.world.clone()
    }

    /// The same under other settings.
    pub fn with_settings(&self, change: impl FnOnce(&mut Settings)) -> Self {
        Self { world: self.world.with_settings(change), ..self.clone() }
    }

    /// The same with what leaves a process handed on in the form in which it is sent or stored, or as it is.
    pub fn with_wire(&self, wire: bool) -> Self {
        if wire == self.world.settings().wire {
            return self.clone();
        }
        Self { world: self.world.with_wire(wire), ..self.clone() }.renamed()
    }

    /// Whether it is.
    pub fn has_wire(&self) -> bool {
        self.world.settings().wire
    }

    /// The same as the run of that seed has it: one of 16 has `wire`, which costs more than it finds. Nothing else of
    /// the run depends on it.
    pub fn of_seed(&self, seed: u64) -> Self {
        let wire = Rng::new(seed ^ 0x3172_e000_f0f0_3172).below(WIRE_EACH) == 0;
        if wire { self.with_wire(true) } else { self.clone() }
    }

    /// The same with so many processes of each service.
    pub fn with_copies(&self, copies: u8) -> Self {
        if copies == self.world.settings().copies {
            return self.clone();
        }
        let plain = whole(&self.base);
        let its_own = Self::whole(plain, None).is_some_and(|it| it.world.settings().copies == copies);
        let base = if its_own { plain.into() } else { format!("{plain}x{copies}").into() };
        Self { base, ..self.with_settings(|settings| settings.copies = copies) }.renamed()
    }

    /// The same with as few processes of each service as there can be; `None` when there are no fewer, or nobody could
    /// tell from its name.
    pub(crate) fn with_one_copy(&self) -> Option<Self> {
        (self.known && self.world.settings().copies > 1).then(|| self.with_copies(1))
    }

    fn with_bug(self, mutant: Option<Mutant>) -> Self {
        if mutant.is_none() { self } else { Self { world: self.world.with_mutant(mutant), ..self } }
    }

    /// The same without that; `None` when there is nothing of it to leave out.
    pub fn without(&self, less: Less) -> Option<Self> {
        let mut world = self.world();
        less.apply(&mut world).then(|| Self { world, less: less::with(&self.less, less), ..self.clone() }.renamed())
    }

    /// What could be left out next: nothing of a scenario that cannot be found again by its name.
    pub(crate) fn parts(&self) -> Vec<Less> {
        if self.known { Less::of(&self.world) } else { vec![] }
    }

    /// How many commands its clients send.
    pub fn commands(&self) -> usize {
        self.world.clients().iter().flat_map(crate::world::Client::commands).filter(|it| !it.is_left_out()).count()
    }

    fn renamed(self) -> Self {
        let less: String = self.less.iter().map(ToString::to_string).collect();
        let wire = if self.has_wire() { WIRE } else { "" };
        Self { name: format!("{}{less}{wire}", self.base).into(), ..self }
    }
}
