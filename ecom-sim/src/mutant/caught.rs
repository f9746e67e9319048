//! What may catch a planted bug: the beginnings of the names of invariants, each of one invariant alone.

// Of the shop, and of any world.
pub(super) const ANSWER: &str = "a client is answered for its own request";
pub(super) const ARRIVES: &str = "an event is written down before it is published";
pub(super) const BOOKS: &str = "payments and ledger say";
pub(super) const CHARGED_ONCE: &str = "an order is charged once";
pub(super) const CONTACTS: &str = "notices go to the users";
pub(super) const EARLY: &str = "no order fails of a deadline";
pub(super) const ENDS: &str = "when faults stop, every order ends";
pub(super) const HELD: &str = "an order that is complete is paid, and its stock is held";
pub(super) const KEEPS: &str = "an order that failed or was cancelled keeps";
pub(super) const KEY: &str = "one key makes one order";
pub(super) const KEYED_ONCE: &str = "what is asked for under a key happens once";
pub(super) const NOTICES: &str = "each order's end has one notice";
pub(super) const PRICES: &str = "the order service knows the products";
pub(super) const PROMISED: &str = "no more is promised back than was taken";
pub(super) const READ: &str = "what is sent or stored is read as it was";
pub(super) const RESTS: &str = "when faults stop, everything comes to rest";
pub(super) const SEEN: &str = "what a client sees of an order";
pub(super) const SHOWS: &str = "an order shows of its payment";
pub(super) const SOLD: &str = "an order that is complete is paid, and its stock is sold";
pub(super) const STOCK: &str = "stock adds up";
pub(super) const TIMERS: &str = "whoever waits has its timer";
pub(super) const TOLD: &str = "what a client was told holds";
pub(super) const TWICE: &str = "nobody is told the same twice";
pub(super) const VERSIONS: &str = "the version of a row rises";
pub(super) const WAYS: &str = "an order goes the ways of its saga";

// Of an upgrade.
pub(super) const FIELDS: &str = "what a release wrote in a state the other one keeps";
pub(super) const OVERWRITES: &str = "no release writes over what it cannot read";
pub(super) const WHOLE: &str = "every trip ends, as a whole or not at all";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ecom_core::testing::trip::Trip;

    use crate::invariant;
    use crate::mutant::{Mutant, Planted, Switch};
    use crate::run::{REST, Rules, replay};
    use crate::scenario::Scenario;
    use crate::upgrade;
    use crate::world::Trace;

    /// The names of all invariants: of the shop, of upgrades, of sagas, and what a trace tells by itself.
    fn names() -> BTreeSet<&'static str> {
        let mut names: BTreeSet<_> = invariant::ALL.iter().map(|it| it.name).collect();
        names.insert(REST.name);
        for world in upgrade::NAMES {
            let rules = Rules::of(world);
            names.extend(rules.invariants.iter().map(|it| it.name));
            names.extend(rules.own.iter().map(|it| it.invariant.name));
        }
        names.extend(crate::saga::defaults::<Trip>().iter().map(|it| it.name));
        names.insert(of_the_wire());
        names
    }

    /// The invariant of what leaves a process is in no list: here it is broken.
    fn of_the_wire() -> &'static str {
        let switch = Some(Switch::Settings(Mutant::VersionNotSent));
        let scenario = Scenario::planted("one-order+wire", switch).unwrap();
        let finished = replay(&scenario, &[], Trace::default(), &Rules::default());
        finished.failure.unwrap().invariant.name
    }

    #[test]
    fn what_may_catch_a_planted_bug_is_each_time_one_invariant_that_there_is() {
        let names = names();
        for planted in Planted::known() {
            assert!(!planted.expected.is_empty(), "nothing catches {}", planted.name);
            for expected in planted.expected {
                let found: Vec<_> = names.iter().filter(|name| name.starts_with(expected)).collect();
                assert_eq!(found.len(), 1, "{}: {expected:?} begins {found:?}", planted.name);
            }
        }
    }
}
