//! `ecom-sim mutants`: each planted bug is to be found, by the invariant that is there for it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::{Ending, MutantsArgs};
use crate::mutant::{ALL, Found, Hunt, Kill, Planted, hunt};
use crate::run::Rules;

pub(super) fn mutants(args: &MutantsArgs) -> Ending {
    let plan = Hunt { searches: args.searches.max(1), runs_max: args.runs, states_max: args.states };
    let wanted = |planted: &&Planted| args.only.as_ref().is_none_or(|only| planted.name.contains(only.as_str()));
    let all: Vec<&Planted> = ALL.iter().filter(wanted).collect();
    let (began, rules) = (Instant::now(), Rules::default());
    let (next, results) = (AtomicUsize::new(0), Mutex::new(vec![]));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(planted) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = hunt(Some(planted), plan, &rules);
                    show(planted, &found, plan, args.json);
                    results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((*planted, found));
                }
            });
        }
    });
    let control = hunt(None, Hunt { searches: 1, ..plan }, &rules);
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let killed = results.iter().filter(|(planted, found)| is_killed(planted, found, plan)).count();
    let searched = results.iter().filter(|(planted, _)| planted.lane.is_some()).count();
    let exhausted = results.iter().filter(|(_, found)| found.exhaustive.is_some()).count();
    let mut costs: Vec<u64> =
        results.iter().filter_map(|(_, it)| Found::median(&it.swarm, plan.searches)).map(|it| it.cost).collect();
    costs.sort_unstable();
    let clean = control.swarm.is_empty() && control.uniform.is_empty();
    if !args.json {
        println!(
            "{killed} of {} found as expected; {exhausted} of {searched} by exhaustive search; median {} runs; control {}; {:.1} s",
            results.len(),
            costs.get(costs.len() / 2).copied().unwrap_or(0),
            if clean { "clean" } else { "NOT CLEAN" },
            began.elapsed().as_secs_f64()
        );
    }
    if killed == results.len() && exhausted == searched && clean { Ending::Clean } else { Ending::Violation }
}

fn is_killed(planted: &Planted, found: &Found, plan: Hunt) -> bool {
    Found::median(&found.swarm, plan.searches).is_some()
        && found.invariants().iter().all(|name| planted.expected.iter().any(|expected| name.starts_with(expected)))
}

fn show(planted: &Planted, found: &Found, plan: Hunt, json: bool) {
    let (swarm, uniform) = (Found::median(&found.swarm, plan.searches), Found::median(&found.uniform, plan.searches));
    let runs = |kill: Option<&Kill>| kill.map_or_else(|| "null".to_owned(), |kill| kill.cost.to_string());
    let exhaustive = found.exhaustive.as_ref();
    let smallest = found.swarm.iter().chain(exhaustive).min_by_key(|kill| kill.shrunk);
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
        if planted.lane.is_none() { "-".to_owned() } else { runs(exhaustive) },
        smallest.map_or_else(|| "-".to_owned(), |kill| kill.shrunk.to_string()),
        names.join(" | ")
    );
}
