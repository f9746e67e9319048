use ecom_core::decide::Row;
use ecom_core::event::Service;

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "the version of a row rises with every change",
    when: When::Always,
    of: &Service::ALL,
    near: None,
    check,
};

/// The tables note the first change that did not raise a version.
fn check(world: &World) -> Result<(), Broken> {
    match world.nodes().find_map(crate::world::Node::unraised) {
        None => Ok(()),
        Some((Row { kind, key, version }, before)) => {
            let expected = format!("a version above {before}");
            Err(Broken::new(format!("{kind} {key}"), expected, format!("version {version}")))
        }
    }
}
