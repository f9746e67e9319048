//! What is left out of a scenario, as text: `-1` is client 1, `-0.2` the second command of client 0, `-0.2.1` the first
//! line of that order, `-0.2.1x1` all but one piece of it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::world::{Client, Command, World};

/// Something that is left out. Clients are counted from 0, as in a trace; commands and lines from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Less {
    /// Whose.
    pub client: u8,
    /// Which command; all of them when there is none.
    pub command: Option<u8>,
    /// Which line of it, and how many pieces stay; the whole command when there is none.
    pub line: Option<(u8, u32)>,
}

impl Less {
    /// Whether whatever the other one leaves out is left out by this one.
    fn covers(&self, other: &Self) -> bool {
        let line = |it: &Self| it.line.map(|(line, _)| line);
        self.client == other.client
            && self.command.is_none_or(|command| other.command == Some(command))
            && line(self).is_none_or(|of| line(other) == Some(of))
    }

    /// Leaves it out of a world; `false` when there is nothing of it.
    pub(super) fn apply(&self, world: &mut World) -> bool {
        let (client, counted) = (usize::from(self.client), |number: u8| usize::from(number).checked_sub(1));
        match (self.command.map(counted), self.line.map(|(line, pieces)| (counted(line), pieces))) {
            (None, _) => {
                let commands = world.clients().get(client).map_or(0, |it| it.commands().len());
                (0..commands).filter(|command| world.leave_out(client, *command)).count() > 0
            }
            (Some(Some(command)), None) => world.leave_out(client, command),
            (Some(Some(command)), Some((Some(line), pieces))) => world.lessen(client, command, line, pieces),
            _ => false,
        }
    }

    /// All that could be left out of a world next: clients, then commands, the last first, then lines and pieces.
    pub(crate) fn of(world: &World) -> Vec<Self> {
        let is_left = |it: &Command| !it.is_left_out();
        let clients = || (0_u8..).zip(world.clients()).filter(|(_, it)| it.commands().iter().any(is_left));
        let commands = |client: &'_ Client| -> Vec<(u8, Vec<u32>)> {
            let left = (1..).zip(client.commands()).filter(|(_, it)| is_left(it));
            left.map(|(number, it)| (number, it.pieces().to_vec())).collect()
        };
        let mut all: Vec<Self> = clients().map(|(client, _)| Self { client, command: None, line: None }).collect();
        for (client, it) in clients() {
            let commands = commands(it).into_iter().rev();
            all.extend(commands.map(|(command, _)| Self { client, command: Some(command), line: None }));
        }
        for (client, it) in clients() {
            for (command, pieces) in commands(it) {
                let fewer = |pieces: u32| [0, 1].into_iter().filter(move |fewer| *fewer < pieces);
                let lines = (1..).zip(pieces).flat_map(|(line, pieces)| fewer(pieces).map(move |it| (line, it)));
                all.extend(lines.map(|line| Self { client, command: Some(command), line: Some(line) }));
            }
        }
        all
    }
}

impl fmt::Display for Less {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "-{}", self.client)?;
        let Some(command) = self.command else { return Ok(()) };
        write!(formatter, ".{command}")?;
        match self.line {
            None => Ok(()),
            Some((line, 0)) => write!(formatter, ".{line}"),
            Some((line, pieces)) => write!(formatter, ".{line}x{pieces}"),
        }
    }
}

impl FromStr for Less {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        parse(text).ok_or(())
    }
}

fn parse(text: &str) -> Option<Less> {
    let mut parts = text.strip_prefix('-')?.splitn(3, '.');
    let client = parts.next()?.parse().ok()?;
    let command = parts.next().map(str::parse).transpose().ok()?;
    let line = match parts.next().map(|line| line.split_once('x').unwrap_or((line, "0"))) {
        Some((line, pieces)) => Some((line.parse().ok()?, pieces.parse().ok()?)),
        None => None,
    };
    let is_counted = command.is_none_or(|it: u8| it > 0) && line.is_none_or(|(it, _): (u8, u32)| it > 0);
    is_counted.then_some(Less { client, command, line })
}

/// A set with one more in it, and without what that leaves out anyway.
pub(super) fn with(known: &BTreeSet<Less>, more: Less) -> BTreeSet<Less> {
    known.iter().copied().filter(|it| !more.covers(it)).chain([more]).collect()
}

/// A scenario's name apart: that of the whole one, and what is left out. `None` when there is something else.
pub(super) fn split(name: &str) -> Option<(&str, Vec<Less>)> {
    let is_less = |(at, _): &(usize, &str)| name[at + 1..].starts_with(|it: char| it.is_ascii_digit());
    let Some((at, _)) = name.match_indices('-').find(is_less) else { return Some((name, vec![])) };
    let (base, rest) = name.split_at(at);
    let rest: Result<Vec<Less>, ()> = rest[1..].split('-').map(|it| format!("-{it}").parse()).collect();
    Some((base, rest.ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::{MEASURED, MIDWAY, NAMES, Scenario};

    fn any_less() -> impl Strategy<Value = Less> {
        let line = proptest::option::of((1..9_u8, 0..9_u32));
        (0..20_u8, proptest::option::of((1..30_u8, line))).prop_map(|(client, command)| Less {
            client,
            command: command.map(|(command, _)| command),
            line: command.and_then(|(_, line)| line),
        })
    }

    proptest! {
        #[test]
        fn what_is_left_out_survives_the_text(less in any_less()) {
            prop_assert_eq!(less.to_string().parse(), Ok(less));
        }

        #[test]
        fn a_scenario_with_less_is_found_again_by_its_name(seed in 0..200_u64, picks in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
            let mut scenario = Scenario::generated(seed);
            for pick in picks {
                let parts = scenario.parts();
                if parts.is_empty() {
                    break;
                }
                // The only line of an order stays.
                scenario = scenario.without(parts[pick.index(parts.len())]).unwrap_or(scenario);
            }
            let again = Scenario::named(scenario.name()).expect("its name says what it is");
            prop_assert_eq!(again.name(), scenario.name());
            prop_assert_eq!(again.commands(), scenario.commands());
            prop_assert_eq!(again.world().fingerprint(), scenario.world().fingerprint());
        }
    }

    #[test]
    fn no_name_looks_as_if_something_were_left_out() {
        for name in [NAMES, MIDWAY, MEASURED, crate::upgrade::NAMES].concat() {
            assert_eq!(split(name), Some((name, vec![])));
            assert_eq!(crate::scenario::whole(name), name);
        }
        for (name, whole) in
            [("two-lines-0.1.1-1", "two-lines"), ("refund-0.1.1x1", "refund"), ("order-cancelx3-0.2", "order-cancel")]
        {
            assert_eq!(crate::scenario::whole(name), whole);
            assert_eq!(Scenario::named(name).expect("it is there").name(), name);
        }
    }

    #[test]
    fn what_is_not_there_is_not_left_out() {
        for name in [
            "one-order-1",
            "one-order-0.0",
            "one-order-0.2",
            "one-order-0.1.1",
            "one-order-0.1.1x1",
            "one-order-0.1x2",
            "one-order-0.1.2",
            "one-order-0.",
            "one-orderx0",
            "one-order-0.1-0.1",
        ] {
            assert!(Scenario::named(name).is_none(), "{name}");
        }
    }
}
