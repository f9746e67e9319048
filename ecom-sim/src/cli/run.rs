//! `ecom-sim run`: many small worlds, on all processors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Ending, RunArgs, bug, scenario};
use crate::mutant::Switch;
use crate::report::Report;
use crate::run::{Finished, Rules, random};
use crate::scenario::{NAMES, Scenario};
use crate::twice::{Difference, twice};
use crate::world::Trace;

/// Runs of one generated shop before the next one is drawn.
const RUNS_PER_SHOP: u64 = 16;

/// Seeds that a thread takes at a time: a multiple of the runs of a shop, so that each is prepared once.
const CHUNK: u64 = 64;

#[expect(clippy::disallowed_methods, reason = "each run is a thread's own")]
pub(super) fn run(args: &RunArgs) -> Ending {
    let plan = match bug(args.bug.as_deref()).and_then(|bug| Plan::of(&args.scenario, bug)) {
        Ok(plan) => plan,
        Err(ending) => return ending,
    };
    if args.seeds == 0 {
        eprintln!("there is nothing to run: --seeds is 0");
        return Ending::Usage;
    }
    let threads = match args.threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads => threads,
    };
    let (began, totals, rules) = (crate::watch::now(), Totals::default(), Rules::planted(&args.scenario, plan.bug));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| totals.work(&plan, args, &rules));
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let count = |total: &AtomicU64| total.load(Ordering::Relaxed);
    let (runs, steps, deliveries) = (count(&totals.runs), count(&totals.steps), count(&totals.deliveries));
    println!(
        "{runs} runs, {steps} steps, {deliveries} deliveries, {} faults, hash {:016x}",
        count(&totals.faults),
        count(&totals.digest)
    );
    eprintln!("{seconds:.1} s, {:.0} runs/s, {:.0} deliveries/s", runs as f64 / seconds, deliveries as f64 / seconds);
    let found = totals.found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match found {
        None => Ending::Clean,
        Some(Found::Failure(seed, report)) => {
            println!("seed {seed}\n{report}");
            if report.failure.stuck { Ending::Stuck } else { Ending::Violation }
        }
        Some(Found::Differs(seed, name, difference)) => {
            let bug = plan.bug.map(|bug| format!(" --bug {}", bug.name())).unwrap_or_default();
            let uniform = if args.uniform { " --uniform" } else { "" };
            print!("seed {seed}, scenario {name}\n{difference}");
            println!("again     ecom-sim run '{name}' --from {seed} --seeds 1 --twice{uniform}{bug}");
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
    /// One world, or `shop` for generated ones, or `all`.
    pub(super) fn of(name: &str, bug: Option<Switch>) -> Result<Self, Ending> {
        let fixed = match name {
            "all" => NAMES.to_vec(),
            "shop" => vec![],
            name => vec![name],
        };
        if name == "shop" {
            scenario("shop/0", bug)?;
        }
        let fixed = fixed.into_iter().map(|name| scenario(name, bug)).collect::<Result<_, _>>()?;
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

enum Found {
    Failure(u64, Box<Report>),
    Differs(u64, String, Box<Difference>),
}

#[derive(Default)]
struct Totals {
    next: AtomicU64,
    stop: AtomicBool,
    runs: AtomicU64,
    steps: AtomicU64,
    deliveries: AtomicU64,
    faults: AtomicU64,
    /// Of all runs, in whatever order they end.
    digest: AtomicU64,
    found: Mutex<Option<Found>>,
}

impl Totals {
    fn work(&self, plan: &Plan, args: &RunArgs, rules: &Rules) {
        let mut last = None;
        while !self.stop.load(Ordering::Relaxed) {
            let first = self.next.fetch_add(CHUNK, Ordering::Relaxed);
            if first >= args.seeds {
                return;
            }
            for seed in first..args.seeds.min(first + CHUNK) {
                self.one(args.from + seed, plan, args, rules, &mut last);
            }
        }
    }

    fn one(&self, seed: u64, plan: &Plan, args: &RunArgs, rules: &Rules, last: &mut Option<(u64, Scenario)>) {
        let scenario = plan.scenario(seed, last).of_seed(seed);
        let run = |trace| random(&scenario, seed, args.uniform, trace, rules);
        let (finished, difference) = if args.twice { twice(run) } else { (run(Trace::default()), None) };
        let Finished { trace: first, deviations, failure, .. } = finished;
        if args.hashes {
            println!("{scenario:?} {seed} {:032x}", first.digest());
        }
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.digest.fetch_xor((first.digest() as u64).rotate_left(seed as u32), Ordering::Relaxed);
        self.steps.fetch_add(first.steps, Ordering::Relaxed);
        self.deliveries.fetch_add(first.deliveries, Ordering::Relaxed);
        self.faults.fetch_add(deviations.iter().filter(|it| it.is_fault()).count() as u64, Ordering::Relaxed);
        if let Some(difference) = difference {
            self.find(Found::Differs(seed, scenario.name().to_owned(), difference));
        }
        if let Some(failure) = failure {
            let mut report = Report::new(&scenario, &deviations, &failure, rules);
            if let Err(error) = report.save(rules) {
                eprintln!("the report is not kept: {error}");
            }
            self.find(Found::Failure(seed, Box::new(report)));
        }
    }

    fn find(&self, found: Found) {
        self.stop.store(true, Ordering::Relaxed);
        let mut place = self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        place.get_or_insert(found);
    }
}
