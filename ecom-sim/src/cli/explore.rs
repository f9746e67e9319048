//! `ecom-sim explore`.

use super::{Ending, ExploreArgs, scenario, show};
use crate::explore::{Explored, Options};
use crate::report::Report;
use crate::run::{Failure, Rules};
use crate::world::World;

pub(super) fn explore(args: &ExploreArgs) -> Ending {
    let scenario = match scenario(&args.scenario, None) {
        Ok(scenario) => scenario.with_copies(args.copies.max(1)),
        Err(ending) => return ending,
    };
    let options = Options {
        faults: args.faults,
        reduced: !args.unreduced,
        elapse: !args.punctual,
        states_max: args.states,
        ..Options::default()
    };
    let (began, rules) = (crate::watch::now(), Rules::of(&args.scenario));
    let Explored { states, transitions, terminal, depth, ends, complete, failure, .. } =
        crate::explore::explore(&scenario, &options, &rules);
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{}, any {} faults, {}: {states} states, {transitions} transitions, {terminal} terminal states, {} different ends, depth {depth}, {seconds:.2} s{}",
        scenario.name(),
        args.faults,
        if options.reduced { "reduced" } else { "unreduced" },
        ends.len(),
        if complete { "" } else { ", NOT COMPLETE" }
    );
    if args.ends {
        for end in &ends {
            println!("  {end}");
        }
    }
    let Some((invariant, broken, deviations)) = failure else { return Ending::Clean };
    let failure = Failure { invariant, broken, stuck: false, step: u64::MAX, at: World::dawn() };
    show(Report::new(&scenario, &deviations, &failure, &rules), &rules, false)
}
