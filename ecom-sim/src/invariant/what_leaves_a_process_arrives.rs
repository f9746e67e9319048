//! Events over the wire, and calls and rows that are stored. Whoever hands them on compares, in worlds with `wire`.

use super::{Invariant, When};

pub(super) const INVARIANT: Invariant = Invariant {
    name: "what is sent or stored is read as it was",
    when: When::Always,
    of: &[],
    near: None,
    check: |_| Ok(()),
};
