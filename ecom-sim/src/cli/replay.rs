//! `ecom-sim replay` and `ecom-sim shrink`.

use super::{Ending, ReplayArgs, scenario};
use crate::report::{Recipe, Report};
use crate::run::{self, Finished, Limits, Rules};
use crate::world::Trace;

pub(super) fn replay(args: &ReplayArgs) -> Ending {
    let recipe: Recipe = match args.recipe.parse() {
        Ok(recipe) => recipe,
        Err(error) => return usage(&error),
    };
    let scenario = match scenario(&recipe.scenario) {
        Ok(scenario) => scenario,
        Err(ending) => return ending,
    };
    let rules = Rules::of(&recipe.scenario);
    let trace = if args.dump { Trace::verbose() } else { Trace::default() };
    let mut rules_until = rules.clone();
    if let Some(until) = args.until {
        rules_until.limits = Limits { steps: until, ..rules.limits };
    }
    let Finished { world, trace, failure, deviations } =
        run::replay(&scenario, &recipe.deviations, trace, &rules_until);
    for line in trace.lines() {
        let mark = if line.is_fault { '!' } else { ' ' };
        let passed = line.at.since(crate::world::World::dawn()).as_secs_f64();
        println!("{:>5} {mark} {passed:>12.3}  {:<20} {}", line.step, line.action.to_string(), line.text);
    }
    if args.dump {
        world.nodes().for_each(|node| println!("{node:#?}"));
    }
    if deviations.len() < recipe.deviations.len() {
        println!("{} of {} deviations were possible", deviations.len(), recipe.deviations.len());
    }
    match failure {
        None => {
            println!("clean: {} steps, hash {:016x}", trace.steps, trace.digest() as u64);
            Ending::Clean
        }
        Some(failure) if args.until.is_some_and(|until| failure.step > until) => Ending::Clean,
        Some(failure) => {
            let mut report = Report::new(&scenario, &recipe.deviations, &failure, &rules);
            if let Err(error) = report.save(&scenario, &rules) {
                eprintln!("the report is not kept: {error}");
            }
            println!("{report}");
            if failure.stuck { Ending::Stuck } else { Ending::Violation }
        }
    }
}

pub(super) fn shrink(recipe: &str) -> Ending {
    replay(&ReplayArgs { recipe: recipe.to_owned(), until: None, dump: false })
}

fn usage(error: &dyn std::error::Error) -> Ending {
    eprintln!("{error}");
    Ending::Usage
}
