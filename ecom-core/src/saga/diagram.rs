//! The picture of a saga, and the proof that the picture is right.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::definition::{Label, Saga};
use super::instance::{Handled, Instance, OWED, Signal, event_name};
use crate::decide::Context;

/// The declared transitions as a Mermaid state diagram. The first transition leaves the first state; states that no
/// transition leaves are ends.
pub fn diagram<S: Saga>() -> String {
    let mut text = format!("---\ntitle: {} v{}\n---\nstateDiagram-v2\n", S::NAME, S::VERSION);
    let left: BTreeSet<&str> = S::TRANSITIONS.iter().map(|transition| transition.from).collect();
    let reached: BTreeSet<&str> = S::TRANSITIONS.iter().map(|transition| transition.to).collect();
    // Writing into a string cannot fail.
    if let Some(first) = S::TRANSITIONS.first() {
        let _ = writeln!(text, "    [*] --> {}", first.from);
    }
    for transition in S::TRANSITIONS {
        let _ = writeln!(text, "    {} --> {}: {}", transition.from, transition.to, transition.input);
    }
    for end in reached.difference(&left) {
        let _ = writeln!(text, "    {end} --> [*]");
    }
    text
}

/// The changes of state (from, input, to) that the rules make of these samples: to be compared with
/// [`Saga::TRANSITIONS`]. Each instance meets each input and the timer that it waits on.
pub fn observe<S: Saga>(
    instances: &[Instance<S>],
    inputs: &[S::Input],
    context: &Context<'_>,
) -> BTreeSet<(String, String, String)> {
    let mut seen = BTreeSet::new();
    for instance in instances {
        let timer = instance.armed.as_ref().filter(|armed| armed.kind != OWED);
        let timer = timer.map(|armed| Signal::Deadline { kind: armed.kind.clone(), epoch: armed.epoch });
        for signal in inputs.iter().cloned().map(Signal::Input).chain(timer) {
            if let Ok(Handled::Advanced(advance)) = instance.handle(&signal, context)
                && advance.instance.state != instance.state
            {
                let names = (instance.state.label(), event_name(&signal), advance.instance.state.label());
                seen.insert((names.0.to_owned(), names.1.into_owned(), names.2.to_owned()));
            }
        }
    }
    seen
}
