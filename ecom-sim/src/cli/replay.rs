//! `ecom-sim replay` and `ecom-sim shrink`.

use std::fmt::Write;

use serde_json::json;

use super::run::Plan;
use super::{Ending, ReplayArgs, ShrinkArgs, bug, print, scenario, show, usage};
use crate::choose::Deviation;
use crate::mutant::Switch;
use crate::report::{Recipe, Report};
use crate::run::{self, Finished, Limits, Rules};
use crate::scenario::Scenario;
use crate::world::{Trace, World};

/// What is run again.
struct Again {
    scenario: Scenario,
    bug: Option<Switch>,
    what: What,
}

/// What goes otherwise in it.
enum What {
    Deviations(Vec<Deviation>),
    Seed(u64),
}

impl Again {
    /// From a string: of a report, a scenario beside a seed, or a seed alone, as `run` counts them.
    fn of(args: &ReplayArgs) -> Result<Self, Ending> {
        let bug = bug(args.bug.as_deref())?;
        let fixed = args.recipe.contains('~') || seed(&args.recipe).is_some();
        if fixed && args.seed.is_some() {
            return Err(usage(format_args!("{:?} already fixes what deviates; leave out --seed", args.recipe)));
        }
        if let Some(seed) = seed(&args.recipe) {
            let scenario = Plan::of("all", bug)?.scenario(seed, &mut None).of_seed(seed);
            return Ok(Self { scenario, bug, what: What::Seed(seed) });
        }
        let recipe: Recipe = args.recipe.parse().map_err(usage)?;
        let scenario = scenario(&recipe.scenario, bug)?;
        let Some(text) = &args.seed else {
            return Ok(Self { scenario, bug, what: What::Deviations(recipe.deviations) });
        };
        let Some(seed) = seed(text) else {
            return Err(usage(format_args!("{text:?} is no seed")));
        };
        Ok(Self { scenario: scenario.of_seed(seed), bug, what: What::Seed(seed) })
    }

    fn run(&self, trace: Trace, rules: &Rules) -> Finished {
        match &self.what {
            What::Deviations(deviations) => run::replay(&self.scenario, deviations, trace, rules),
            What::Seed(seed) => run::random(&self.scenario, *seed, false, trace, rules),
        }
    }
}

pub(super) fn replay(args: &ReplayArgs) -> Ending {
    let again = match Again::of(args) {
        Ok(again) => again,
        Err(ending) => return ending,
    };
    let rules = Rules::planted(again.scenario.name(), again.bug);
    let trace = if args.dump { Trace::verbose() } else { Trace::default() };
    let mut finished = match args.until {
        Some(0) => Finished { world: again.scenario.world(), trace, deviations: vec![], failure: None },
        Some(until) => {
            let limits = Limits { steps: rules.limits.steps.min(until - 1), ..rules.limits };
            again.run(trace, &Rules { limits, ..rules.clone() })
        }
        None => again.run(trace, &rules),
    };
    // It did not get stuck; it was stopped.
    let reached = |step| args.until.is_some_and(|until| step >= until && until <= rules.limits.steps);
    let stopped = args.until == Some(0) || reached(finished.trace.steps);
    finished.failure = finished.failure.filter(|failure| !(failure.stuck && stopped));
    let mut out = String::new();
    if args.dump {
        dump(&mut out, &finished);
    }
    if let What::Deviations(all) = &again.what
        && finished.deviations.len() < all.len()
    {
        let when = if stopped { " until then" } else { "" };
        let _ = writeln!(out, "{} of {} deviations were possible{when}", finished.deviations.len(), all.len());
    }
    let Finished { failure, deviations, .. } = &finished;
    let Some(failure) = failure else {
        clean(&mut out, &again, &finished, stopped, args.json);
        print(&out);
        return Ending::Clean;
    };
    print(if args.json { "" } else { &out });
    let report = Report::new(&again.scenario, deviations, failure, &rules).of_bug(again.bug.map(Switch::name));
    show(report, &rules, args.json)
}

fn clean(out: &mut String, again: &Again, finished: &Finished, stopped: bool, json: bool) {
    let Finished { trace, deviations, .. } = finished;
    let scenario = again.scenario.name().to_owned();
    let recipe = Recipe { scenario, deviations: deviations.clone() }.to_string();
    if json {
        let hash = format!("{:032x}", trace.digest());
        let said =
            json!({ "verdict": "clean", "steps": trace.steps, "hash": hash, "recipe": recipe, "stopped": stopped });
        *out = format!("{said}\n");
        return;
    }
    let how = if stopped { "no invariant is broken so far" } else { "clean" };
    // Writing into a string does not fail.
    let _ = writeln!(out, "{how}: {} steps, hash {:016x}", trace.steps, trace.digest() as u64);
    if let What::Seed(_) = again.what {
        let _ = writeln!(out, "replay    '{recipe}'");
    }
}

/// The steps, and the last state.
fn dump(out: &mut String, finished: &Finished) {
    for line in finished.trace.lines() {
        let mark = if line.is_fault { '!' } else { ' ' };
        let passed = line.at.since(World::dawn()).as_secs_f64();
        let action = line.action.to_string();
        let _ = writeln!(out, "{:>5} {mark} {passed:>12.3}  {action:<20} {}", line.step, line.text);
    }
    for node in finished.world.nodes() {
        let _ = writeln!(out, "{node:#?}");
    }
}

pub(super) fn shrink(args: ShrinkArgs) -> Ending {
    let ShrinkArgs { recipe, bug, json } = args;
    replay(&ReplayArgs { recipe, bug, seed: None, until: None, dump: false, json })
}

/// A seed, decimal or hexadecimal.
fn seed(text: &str) -> Option<u64> {
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |digits| u64::from_str_radix(digits, 16).ok())
}
