//! `ecom-sim run`: many small worlds, on all processors.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use serde_json::json;

use super::{Ending, RunArgs, bug, print, scenario, show, tell, usage};
use crate::mutant::Switch;
use crate::report::Report;
use crate::run::{Finished, Rules, random};
use crate::scenario::{MIDWAY, NAMES, Scenario};
use crate::twice::{Difference, twice};
use crate::world::Trace;

/// Runs of one generated shop before the next one is drawn.
const RUNS_PER_SHOP: u64 = 16;

/// Processes of each service in the named worlds that `all` has once more.
const TWOFOLD: u8 = 2;

/// The most threads.
const THREADS_MAX: usize = 1_024;

/// Seeds that a thread takes at a time: a multiple of the runs of a shop, so that each is prepared once.
const CHUNK: u64 = 64;

#[expect(clippy::disallowed_methods, reason = "each run is a thread's own")]
pub(super) fn run(args: &RunArgs) -> Ending {
    let plan = match bug(args.bug.as_deref()).and_then(|bug| Plan::of(&args.scenario, bug)) {
        Ok(plan) => plan,
        Err(ending) => return ending,
    };
    if args.seeds == 0 {
        return usage("there is nothing to run: --seeds is 0");
    }
    if args.from.checked_add(args.seeds).is_none() {
        return usage(format_args!("there are no {} seeds from {} on", args.seeds, args.from));
    }
    let threads = match args.threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        // More would have nothing to do.
        threads => threads.min(THREADS_MAX).min(usize::try_from(args.seeds.div_ceil(CHUNK)).unwrap_or(usize::MAX)),
    };
    let (began, totals, rules) = (crate::watch::now(), Totals::new(), Rules::planted(&args.scenario, plan.bug));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| totals.work(&plan, args, &rules));
        }
    });
    let found = std::mem::take(&mut *totals.found());
    match found {
        None => {
            totals.tell(began.elapsed().as_secs_f64(), args.json);
            Ending::Clean
        }
        Some(Found::Failure(seed, run)) => {
            let Finished { deviations, failure: Some(failure), .. } = run.finished else { return Ending::Clean };
            let report = Report::new(&run.scenario, &deviations, &failure, &rules);
            show(report.of_bug(plan.bug.map(Switch::name)).of_seed(seed, args.seeds), &rules, args.json)
        }
        Some(Found::Differs(seed, name, difference)) => {
            let bug = plan.bug.map(|bug| format!(" --bug {}", bug.name())).unwrap_or_default();
            let uniform = if args.uniform { " --uniform" } else { "" };
            let again = format!("ecom-sim run '{name}' --from {seed} --seeds 1 --twice{uniform}{bug}");
            if args.json {
                let said = json!({ "verdict": "nondeterminism", "scenario": name, "seed": seed, "replay": again });
                print(&format!("{said}\n"));
            } else {
                print(&format!("seed {seed}, scenario {name}\n{difference}again     {again}\n"));
            }
            Ending::Nondeterminism
        }
    }
}

/// Which seed runs in which world.
pub(super) struct Plan {
    fixed: Vec<Scenario>,
    shops: bool,
    bug: Option<Switch>,
}

impl Plan {
    /// One world, or `shop` for generated ones, or `all`: those too, the named ones with one process of each service and
    /// with two, and those that begin in the middle.
    pub(super) fn of(name: &str, bug: Option<Switch>) -> Result<Self, Ending> {
        let fixed: Vec<Scenario> = match name {
            "all" => {
                let named = NAMES.iter().chain(MIDWAY).map(|name| scenario(name, bug));
                let mut fixed = named.collect::<Result<Vec<_>, _>>()?;
                let twofold: Vec<_> = fixed[..NAMES.len()].iter().map(|it| it.with_copies(TWOFOLD)).collect();
                fixed.extend(twofold);
                fixed
            }
            "shop" => scenario("shop/0", bug).map(|_| vec![])?,
            name => vec![scenario(name, bug)?],
        };
        Ok(Self { fixed, shops: matches!(name, "all" | "shop"), bug })
    }

    /// The scenario of a seed; `last` keeps the generated one.
    pub(super) fn scenario(&self, seed: u64, last: &mut Option<(u64, Scenario)>) -> Scenario {
        let fixed = !self.shops || (!self.fixed.is_empty() && seed.is_multiple_of(3));
        if fixed {
            return self.fixed[(seed / 3 % self.fixed.len() as u64) as usize].clone();
        }
        let number = seed / RUNS_PER_SHOP;
        match last {
            Some((known, scenario)) if *known == number => scenario.clone(),
            _ => last.insert((number, self.shop(number))).1.clone(),
        }
    }

    fn shop(&self, number: u64) -> Scenario {
        Scenario::planted(&format!("shop/{number:x}"), self.bug).unwrap_or_else(|| Scenario::generated(number))
    }
}

/// What ends a run of many.
enum Found {
    Failure(u64, Box<Failed>),
    Differs(u64, String, Box<Difference>),
}

struct Failed {
    scenario: Scenario,
    finished: Finished,
}

impl Found {
    const fn seed(&self) -> u64 {
        match self {
            Self::Failure(seed, _) | Self::Differs(seed, ..) => *seed,
        }
    }
}

struct Totals {
    next: AtomicU64,
    /// Seeds from here on need not be run: the first one that found something.
    until: AtomicU64,
    runs: AtomicU64,
    steps: AtomicU64,
    deliveries: AtomicU64,
    faults: AtomicU64,
    /// Of all runs, in whatever order they end.
    digest: AtomicU64,
    found: Mutex<Option<Found>>,
}

impl Totals {
    fn new() -> Self {
        let [next, runs, steps, deliveries, faults, digest] = [const { AtomicU64::new(0) }; 6];
        Self { next, until: AtomicU64::new(u64::MAX), runs, steps, deliveries, faults, digest, found: Mutex::new(None) }
    }

    fn work(&self, plan: &Plan, args: &RunArgs, rules: &Rules) {
        let mut last = None;
        loop {
            let first = self.next.fetch_add(CHUNK, Ordering::Relaxed);
            if first >= args.seeds {
                return;
            }
            for seed in first..args.seeds.min(first + CHUNK) {
                // Those before what was found still run: so the same seeds find the same, however many run at a time.
                if args.from + seed >= self.until.load(Ordering::Relaxed) {
                    return;
                }
                self.one(args.from + seed, plan, args, rules, &mut last);
            }
        }
    }

    fn one(&self, seed: u64, plan: &Plan, args: &RunArgs, rules: &Rules, last: &mut Option<(u64, Scenario)>) {
        let scenario = plan.scenario(seed, last).of_seed(seed);
        let run = |trace| random(&scenario, seed, args.uniform, trace, rules);
        let (finished, difference) = if args.twice { twice(run) } else { (run(Trace::default()), None) };
        let Finished { trace, deviations, .. } = &finished;
        if args.hashes {
            print(&format!("{scenario:?} {seed} {:032x}\n", trace.digest()));
        }
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.digest.fetch_xor((trace.digest() as u64).rotate_left(seed as u32), Ordering::Relaxed);
        self.steps.fetch_add(trace.steps, Ordering::Relaxed);
        self.deliveries.fetch_add(trace.deliveries, Ordering::Relaxed);
        self.faults.fetch_add(deviations.iter().filter(|it| it.is_fault()).count() as u64, Ordering::Relaxed);
        if let Some(difference) = difference {
            self.find(Found::Differs(seed, scenario.name().to_owned(), difference));
        } else if finished.failure.is_some() {
            self.find(Found::Failure(seed, Box::new(Failed { scenario, finished })));
        }
    }

    fn found(&self) -> MutexGuard<'_, Option<Found>> {
        self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn find(&self, found: Found) {
        self.until.fetch_min(found.seed(), Ordering::Relaxed);
        let mut place = self.found();
        if place.as_ref().is_none_or(|known| found.seed() < known.seed()) {
            *place = Some(found);
        }
    }

    /// What came of runs in which nothing was found.
    fn tell(&self, seconds: f64, json: bool) {
        let count = |total: &AtomicU64| total.load(Ordering::Relaxed);
        let (runs, steps, deliveries) = (count(&self.runs), count(&self.steps), count(&self.deliveries));
        let (faults, hash) = (count(&self.faults), format!("{:016x}", count(&self.digest)));
        if json {
            let said = json!({
                "verdict": "clean", "runs": runs, "steps": steps, "deliveries": deliveries, "faults": faults, "hash": hash
            });
            print(&format!("{said}\n"));
            return;
        }
        print(&format!("{runs} runs, {steps} steps, {deliveries} deliveries, {faults} faults, hash {hash}\n"));
        let (each, speed) = (runs as f64 / seconds, deliveries as f64 / seconds);
        tell(&format!("{seconds:.1} s, {each:.0} runs/s, {speed:.0} deliveries/s"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::replay;

    #[test]
    fn every_world_of_all_is_found_by_its_name_and_repeats_from_its_string() {
        let bugs = [None, Some(Switch::Settings(crate::mutant::Mutant::ChargeFreshKey))];
        for (bug, seeds) in bugs.into_iter().zip([3, 1]) {
            let plan = Plan::of("all", bug).unwrap();
            let names: std::collections::BTreeSet<&str> = plan.fixed.iter().map(Scenario::name).collect();
            assert_eq!(names.len(), 2 * NAMES.len() + MIDWAY.len());
            let rules = Rules::planted("all", bug);
            for (scenario, seed) in plan.fixed.iter().flat_map(|it| (0..seeds).map(move |seed| (it, seed))) {
                let scenario = scenario.of_seed(seed);
                let again = Scenario::planted(scenario.name(), bug).unwrap();
                let Finished { trace, deviations, .. } = random(&scenario, seed, false, Trace::default(), &rules);
                let repeated = replay(&again, &deviations, Trace::default(), &rules).trace;
                assert_eq!(repeated.digest(), trace.digest(), "{scenario:?}, seed {seed}, {bug:?}");
            }
        }
    }

    #[test]
    fn the_seeds_of_all_go_through_every_world_of_it() {
        let plan = Plan::of("all", None).unwrap();
        let (seeds, mut last) = (3 * plan.fixed.len() as u64, None);
        let ran: std::collections::BTreeSet<String> =
            (0..seeds).map(|seed| plan.scenario(seed, &mut last).name().to_owned()).collect();
        assert!(plan.fixed.iter().all(|it| ran.contains(it.name())));
        assert!(ran.iter().any(|name| name.starts_with("shop/")));
    }
}
