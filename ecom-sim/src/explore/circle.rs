//! Worlds that go round in circles although nothing goes otherwise any more.

use std::time::Duration;

use super::prints::Prints;
use crate::choose::Default0;
use crate::world::{Trace, World};

/// The worlds of which it is known that they come to rest when they are left alone.
#[derive(Debug, Default)]
pub(super) struct Calm(Prints);

impl Calm {
    /// Whether a world comes to rest within that time when it is left alone. One that comes back to where it was does not: a fingerprint
    /// stands for all that a world's future depends on.
    pub(super) fn comes_to_rest(&mut self, world: &World, within: Duration) -> bool {
        let (began, mut world, mut way) = (world.now(), world.clone(), Prints::default());
        loop {
            let print = world.fingerprint();
            if self.0.contains(&print) {
                break;
            }
            if !way.insert(print) || world.now().since(began) > within {
                return false;
            }
            let Some(action) = world.default_action() else { break };
            world.macro_step(action, &mut Default0, &mut Trace::default());
        }
        self.0.extend(way);
        true
    }
}
