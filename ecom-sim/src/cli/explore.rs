//! `ecom-sim explore`.

use super::{Ending, ExploreArgs, print, scenario, show, tell};
use crate::explore::{Explored, Options, Proof};
use crate::report::Report;
use crate::run::{Failure, Rules};
use crate::scenario::Scenario;
use crate::world::World;

pub(super) fn explore(args: &ExploreArgs) -> Ending {
    let scenario = match scenario(&args.scenario, None) {
        Ok(scenario) => scenario.with_copies(args.copies),
        Err(ending) => return ending,
    };
    let options = Options {
        faults: args.faults,
        reduced: !args.unreduced,
        elapse: !args.punctual,
        states_max: args.states,
        ..Options::default()
    };
    let options = if args.every { options.with_every_fault() } else { options };
    let (began, rules) = (crate::watch::now(), Rules::of(&args.scenario));
    let seconds = || began.elapsed().as_secs_f64();
    if !args.prove {
        let found = crate::explore::explore(&scenario, &options, &rules);
        print(&line(&options, &scenario, &found, options.reduced));
        print(&format!(", {:.2} s\n", seconds()));
        return end(args, &scenario, found, &rules);
    }
    let proof = Proof::of(&scenario, &options, &rules);
    let shortfall = proof.shortfall();
    let terminal = proof.reduced.rests.len();
    for (found, reduced) in [(proof.reduced, true), (proof.unreduced, false)] {
        print(&format!("{}\n", line(&options, &scenario, &found, reduced)));
        if found.failure.is_some() {
            return end(args, &scenario, found, &rules);
        }
        ends(args, &found);
    }
    match shortfall {
        None => {
            let (name, faults, seconds) = (scenario.name(), args.faults, seconds());
            print(&format!(
                "{name}, any {faults} faults: the same {terminal} terminal states either way, {seconds:.2} s\n"
            ));
            Ending::Clean
        }
        Some(shortfall) => {
            tell(&format!("the reduction is not proved: {shortfall}"));
            Ending::Shortfall
        }
    }
}

/// The figures of a search.
fn line(options: &Options, scenario: &Scenario, found: &Explored, reduced: bool) -> String {
    let Explored { states, transitions, terminal, depth, ends, complete, .. } = found;
    format!(
        "{}, any {} faults of {} kinds, {}: {states} states, {transitions} transitions, {terminal} terminal states, {} different ends, depth {depth}{}",
        scenario.name(),
        options.faults,
        options.kinds(),
        if reduced { "reduced" } else { "unreduced" },
        ends.len(),
        if *complete { "" } else { ", NOT COMPLETE" }
    )
}

/// The ends, if they are wanted.
fn ends(args: &ExploreArgs, found: &Explored) {
    for end in found.ends.iter().filter(|_| args.ends) {
        print(&format!("  {end}\n"));
    }
}

/// The ends, if they are wanted, and what was found.
fn end(args: &ExploreArgs, scenario: &Scenario, found: Explored, rules: &Rules) -> Ending {
    ends(args, &found);
    let Some((invariant, broken, deviations)) = found.failure else {
        if found.complete {
            return Ending::Clean;
        }
        tell(&format!("not everything was tried: the search stopped at {} states", found.states));
        return Ending::Shortfall;
    };
    let failure = Failure { invariant, broken, stuck: false, step: u64::MAX, at: World::dawn() };
    show(Report::new(scenario, &deviations, &failure, rules), rules, false)
}
