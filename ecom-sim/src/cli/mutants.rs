//! `ecom-sim mutants`: each planted bug is to be found, by the invariant that is there for it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Ending, MutantsArgs};
use crate::mutant::{ALL, Checked, Control, Found, Hunt, Kill, Planted, hunt};

/// To so many deviations a counterexample is to shrink.
const FEW: usize = 3;

/// What a thread does next.
#[derive(Clone, Copy)]
enum Job {
    Hunt(&'static Planted),
    Control(Control),
}

/// What came of everything.
#[derive(Default)]
struct Results {
    hunts: Vec<(usize, &'static Planted, Found)>,
    control: Checked,
}

pub(super) fn mutants(args: &MutantsArgs) -> Ending {
    let plan = Hunt { searches: args.searches.max(1), runs_max: args.runs, states_max: args.states, uniform: true };
    let wanted = |planted: &&Planted| args.only.as_ref().is_none_or(|only| planted.name.contains(only.as_str()));
    let mut jobs: Vec<Job> = ALL.iter().filter(wanted).map(Job::Hunt).collect();
    if jobs.is_empty() {
        eprintln!("no planted bug has {:?} in its name", args.only.as_deref().unwrap_or_default());
        return Ending::Usage;
    }
    jobs.extend(Control::all().into_iter().map(Job::Control));
    let began = crate::watch::now();
    let Results { mut hunts, control } = all(&jobs, plan, |planted, found| {
        if !args.markdown {
            show(planted, found, plan, args.json);
        }
    });
    hunts.sort_by_key(|(place, ..)| *place);
    let hunts: Vec<_> = hunts.into_iter().map(|(_, planted, found)| (planted, found)).collect();
    if args.markdown {
        println!("{HEAD}");
        for (planted, found) in &hunts {
            println!("{}", row(planted, found, plan));
        }
        println!();
    }
    let (summary, proved) = summary(&hunts, plan, &control, began.elapsed().as_secs_f64());
    if args.json {
        eprintln!("{summary}");
    } else {
        println!("{summary}");
    }
    if control.found.is_some() {
        Ending::Violation
    } else if proved {
        Ending::Clean
    } else {
        Ending::Shortfall
    }
}

/// Does all of it, on all processors.
#[expect(clippy::disallowed_methods, reason = "each hunt is a thread's own")]
fn all(jobs: &[Job], plan: Hunt, tell: impl Fn(&Planted, &Found) + Sync) -> Results {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Results::default()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let held = || results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    match jobs.get(place).copied() {
                        None => break,
                        Some(Job::Hunt(planted)) => {
                            let found = hunt(planted, plan);
                            tell(planted, &found);
                            held().hunts.push((place, planted, found));
                        }
                        Some(Job::Control(part)) => {
                            let Checked { runs, states, found } = part.check(plan);
                            let control = &mut held().control;
                            (control.runs, control.states) = (control.runs + runs, control.states + states);
                            control.found = control.found.take().or(found);
                        }
                    }
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The figures in a sentence, and whether everything was found by both, and as expected.
fn summary(results: &[(&Planted, Found)], plan: Hunt, control: &Checked, seconds: f64) -> (String, bool) {
    let all = results.len();
    let swarm = |found: &Found| Found::median(&found.swarm, plan.searches).map(|kill| kill.cost);
    let both = results.iter().filter(|(_, it)| swarm(it).is_some() && it.exhaustive.is_some()).count();
    let right = results.iter().filter(|(planted, found)| is_killed(planted, found, plan)).count();
    let mut costs: Vec<u64> = results.iter().filter_map(|(_, it)| swarm(it)).collect();
    costs.sort_unstable();
    let few = results.iter().filter(|(_, it)| smallest(it).is_some_and(|kill| kill.shrunk <= FEW)).count();
    let kills = results.iter().flat_map(|(_, it)| it.swarm.iter().chain(&it.exhaustive));
    let slowest = kills.map(|kill| kill.millis).max().unwrap_or(0);
    let survivors: Vec<&str> = results
        .iter()
        .filter(|(planted, it)| !is_killed(planted, it, plan) || it.exhaustive.is_none())
        .map(|(planted, _)| planted.name)
        .collect();
    let mut text = format!(
        "{both} of {all} found by swarm and exhaustively, {right} of {all} as expected; median {} runs, most {}; \
         {few} of {all} shrunk to {FEW} deviations or fewer; slowest shrinking {slowest} ms; \
         control: {} runs and {} states {}; {seconds:.1} s",
        costs.get(costs.len() / 2).copied().unwrap_or(0),
        costs.last().copied().unwrap_or(0),
        control.runs,
        control.states,
        control.found.as_ref().map_or_else(|| "clean".to_owned(), |kill| format!("NOT CLEAN: {}", kill.recipe)),
    );
    if !survivors.is_empty() {
        text.push_str("; look at ");
        text.push_str(&survivors.join(", "));
    }
    (text, survivors.is_empty())
}

const HEAD: &str = "| bug | in | swarm | uniform | states | shrunk | caught by |\n|---|---|---|---|---|---|---|";

/// A line of the README's table.
fn row(planted: &Planted, found: &Found, plan: Hunt) -> String {
    let cost = |kill: Option<&Kill>| kill.map_or_else(|| "not found".to_owned(), |kill| kill.cost.to_string());
    let best = smallest(found);
    let invariant = best.map(|kill| kill.invariant.split([',', ':']).next().unwrap_or_default()).unwrap_or_default();
    format!(
        "| {} | {} | {} | {} | {} | {} | {invariant} |",
        planted.about,
        planted.area,
        cost(Found::median(&found.swarm, plan.searches)),
        cost(Found::median(&found.uniform, plan.searches)),
        cost(found.exhaustive.as_ref()),
        best.map_or_else(|| "-".to_owned(), |kill| kill.shrunk.to_string()),
    )
}

/// The kill of the fewest deviations.
fn smallest(found: &Found) -> Option<&Kill> {
    found.swarm.iter().chain(&found.exhaustive).min_by_key(|kill| kill.shrunk)
}

fn is_killed(planted: &Planted, found: &Found, plan: Hunt) -> bool {
    Found::median(&found.swarm, plan.searches).is_some()
        && found.invariants().iter().all(|name| planted.expected.iter().any(|expected| name.starts_with(expected)))
}

fn show(planted: &Planted, found: &Found, plan: Hunt, json: bool) {
    let (swarm, uniform) = (Found::median(&found.swarm, plan.searches), Found::median(&found.uniform, plan.searches));
    let runs = |kill: Option<&Kill>| kill.map_or_else(|| "null".to_owned(), |kill| kill.cost.to_string());
    let exhaustive = found.exhaustive.as_ref();
    let smallest = smallest(found);
    let slowest = found.swarm.iter().chain(exhaustive).map(|kill| kill.millis).max().unwrap_or(0);
    let names = found.invariants();
    let right = is_killed(planted, found, plan);
    if json {
        let invariants: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        println!(
            "{{\"name\":{:?},\"area\":{:?},\"about\":{:?},\"as_expected\":{right},\"swarm_runs\":{},\"uniform_runs\":{},\"states\":{},\"shrunk\":{},\"shrink_ms\":{slowest},\"invariants\":[{}],\"recipe\":{:?}}}",
            planted.name,
            planted.area,
            planted.about,
            runs(swarm),
            runs(uniform),
            runs(exhaustive),
            smallest.map_or_else(|| "null".to_owned(), |kill| kill.shrunk.to_string()),
            invariants.join(","),
            smallest.map(|kill| kill.recipe.as_str()).unwrap_or_default()
        );
        return;
    }
    println!(
        "{} {:<29} {:<13} swarm {:>6}  uniform {:>6}  states {:>7}  shrunk {}  {slowest} ms  {}",
        if right { "ok  " } else { "LOOK" },
        planted.name,
        planted.area,
        runs(swarm),
        runs(uniform),
        runs(exhaustive),
        smallest.map_or_else(|| "-".to_owned(), |kill| kill.shrunk.to_string()),
        names.join(" | ")
    );
}
