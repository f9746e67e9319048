//! `ecom-sim mutants`: each planted bug is to be found, by the invariant that is there for it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::{Ending, MutantsArgs, print, tell, usage};
use crate::mutant::{ALL, Bars, Checked, Control, FORMER, Found, Hunt, Kill, Planted, Verdict, hunt};

/// Said of the former ones, which are too rare to be looked for.
const FOR_BUG_ALONE: &str = " (for --bug alone)";

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
    let wanted = |planted: &&Planted| args.only.as_ref().is_none_or(|only| planted.name.contains(only.as_str()));
    let only = args.only.as_deref().unwrap_or_default();
    let none = || usage(format_args!("no planted bug has {only:?} in its name"));
    if args.names {
        let all = ALL.iter().map(|it| (it, "")).chain(FORMER.iter().map(|it| (it, FOR_BUG_ALONE)));
        let lines: Vec<String> = all
            .filter(|(it, _)| wanted(it))
            .map(|(it, mark)| format!("{:<29} {}{mark}\n", it.name, it.about))
            .collect();
        print(&lines.concat());
        return if lines.is_empty() { none() } else { Ending::Clean };
    }
    let plan = Hunt { searches: args.searches.max(1), runs_max: args.runs, states_max: args.states, uniform: true };
    let mut jobs: Vec<Job> = ALL.iter().filter(wanted).map(Job::Hunt).collect();
    if jobs.is_empty() {
        return match FORMER.iter().find(wanted) {
            Some(former) => {
                usage(format_args!("{} is not looked for: it is too rare, and for --bug alone", former.name))
            }
            None => none(),
        };
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
        print(&format!("{HEAD}\n"));
        for (planted, found) in &hunts {
            print(&format!("{}\n", row(planted, found, plan)));
        }
        print("\n");
    }
    let verdict = Verdict::of(&hunts, &control, plan, Bars::PROOF);
    let summary = summary(&verdict, &control, began.elapsed().as_secs_f64());
    if args.json {
        tell(&summary);
    } else {
        print(&format!("{summary}\n"));
    }
    if !verdict.shortfalls.is_empty() {
        tell(&format!("the proof falls short: {}", verdict.shortfalls.join("; ")));
    }
    if control.found.is_some() {
        Ending::Violation
    } else if verdict.shortfalls.is_empty() {
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

/// The figures in a sentence.
fn summary(verdict: &Verdict, control: &Checked, seconds: f64) -> String {
    let Verdict { planted, by_both, as_expected, runs, few, shrunk, replays, slowest, in_a_second, .. } = verdict;
    let small = Bars::PROOF.few;
    format!(
        "{by_both} of {planted} found by swarm and exhaustively, {as_expected} of {planted} as expected; median {} runs, \
         most {}; {few} of {planted} shrunk to {small} deviations or fewer ({} of {} counterexamples, the largest has {}); a \
         shrinking takes {} runs, {} at most, {} ms of a processor at most, {in_a_second} of {} within 1 s; control: {} runs \
         and {} states {}; {seconds:.1} s",
        runs.0,
        runs.1,
        shrunk.1,
        shrunk.0,
        shrunk.2,
        replays.0,
        replays.1,
        slowest.as_millis(),
        shrunk.0,
        control.runs,
        control.states,
        control.found.as_ref().map_or("clean", |_| "NOT CLEAN"),
    )
}

const HEAD: &str = "| bug | in | swarm | uniform | states | shrunk | caught by |\n|---|---|---|---|---|---|---|";

/// A line of the README's table.
fn row(planted: &Planted, found: &Found, plan: Hunt) -> String {
    let cost = |kill: Option<&Kill>| kill.map_or_else(|| "not found".to_owned(), |kill| kill.cost.to_string());
    let best = found.smallest();
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

fn show(planted: &Planted, found: &Found, plan: Hunt, json: bool) {
    let runs = |kill: Option<&Kill>| kill.map(|kill| kill.cost);
    let (swarm, uniform) = (Found::median(&found.swarm, plan.searches), Found::median(&found.uniform, plan.searches));
    let (swarm, uniform, states) = (runs(swarm), runs(uniform), runs(found.exhaustive.as_ref()));
    let smallest = found.smallest();
    let replays = found.shrunk().map(|kill| kill.replays).max().unwrap_or(0);
    let slowest = found.shrunk().map(|kill| kill.time).max().unwrap_or_default().as_millis();
    let (names, right) = (found.invariants(), found.is_kill_of(planted, plan));
    if json {
        let line = json!({
            "name": planted.name, "area": planted.area, "about": planted.about, "as_expected": right,
            "swarm_runs": swarm, "uniform_runs": uniform, "states": states,
            "shrunk": smallest.map(|kill| kill.shrunk), "median_shrunk": found.deviations(),
            "shrink_runs": replays, "shrink_ms": u64::try_from(slowest).unwrap_or(u64::MAX),
            "invariants": names, "recipe": smallest.map(|kill| &kill.recipe),
        });
        print(&format!("{line}\n"));
        return;
    }
    let said = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    print(&format!(
        "{} {:<29} {:<13} swarm {:>6}  uniform {:>6}  states {:>7}  shrunk {} in {replays:>3} runs, {slowest:>3} ms  {}\n",
        if right { "ok  " } else { "LOOK" },
        planted.name,
        planted.area,
        said(swarm),
        said(uniform),
        said(states),
        smallest.map_or_else(|| "-".to_owned(), |kill| kill.shrunk.to_string()),
        names.join(" | ")
    ));
}
