//! `ecom-sim bench`: on one processor, so that figures compare.

use super::{BenchArgs, Ending, print, usage};
use crate::run::{Finished, Rules, random, replay};
use crate::scenario::Scenario;
use crate::watch::processor;
use crate::world::Trace;

/// The last workload.
const SHOPS_LABEL: &str = "generated shops, swarm";

/// Its generated shops.
const SHOPS: u64 = 64;

pub(super) fn bench(args: &BenchArgs) -> Ending {
    let rules = Rules::default();
    let wanted = |label: &str| args.only.as_ref().is_none_or(|only| label.contains(only.as_str()));
    let worlds = [
        ("ten-orders, swarm", "ten-orders", true),
        ("ten-orders, no faults", "ten-orders", false),
        ("ten-orders-noticed, swarm", "ten-orders-noticed", true),
        ("one-order, swarm", "one-order", true),
        ("notices, swarm", "notices", true),
    ];
    if !worlds.iter().map(|(label, ..)| *label).chain([SHOPS_LABEL]).any(wanted) {
        return usage(format_args!("no workload has {:?} in its name", args.only.as_deref().unwrap_or_default()));
    }
    for (label, name, faults) in worlds.into_iter().filter(|(label, ..)| wanted(label)) {
        let Some(scenario) = Scenario::named(name) else { return Ending::Usage };
        measure(label, args, |seed| {
            if faults {
                random(&scenario, seed, false, Trace::default(), &rules)
            } else {
                replay(&scenario, &[], Trace::default(), &rules)
            }
        });
    }
    if !wanted(SHOPS_LABEL) {
        return Ending::Clean;
    }
    let shops: Vec<Scenario> = (0..SHOPS).map(Scenario::generated).collect();
    measure(SHOPS_LABEL, args, |seed| random(&shops[(seed % SHOPS) as usize], seed, false, Trace::default(), &rules));
    Ending::Clean
}

/// What a round did in how much time.
struct Round {
    time: f64,
    steps: u64,
    deliveries: u64,
}

fn measure(label: &str, args: &BenchArgs, run: impl Fn(u64) -> Finished) {
    // Each round has the same seeds: it does the same work.
    let round = || {
        let began = processor();
        let (mut steps, mut deliveries) = (0, 0);
        for seed in 0..args.runs {
            let trace = run(seed).trace;
            steps += trace.steps;
            deliveries += trace.deliveries;
        }
        Round { time: processor().saturating_sub(began).as_secs_f64(), steps, deliveries }
    };
    let mut rounds: Vec<Round> = (0..args.rounds.max(1)).map(|_| round()).collect();
    rounds.sort_by(|left, right| left.time.total_cmp(&right.time));
    let Round { time, steps, deliveries } = rounds[rounds.len() / 2];
    let [worlds, deliveries, steps] = [args.runs, deliveries, steps].map(|count| count as f64 / time);
    if args.json {
        let line = serde_json::json!({
            "workload": label,
            "worlds_per_s": worlds.round(),
            "deliveries_per_s": deliveries.round(),
            "steps_per_s": steps.round(),
            "runs": args.runs,
            "rounds": rounds.len(),
        });
        print(&format!("{line}\n"));
    } else {
        let speed = format!("{worlds:>9.0} worlds/s {deliveries:>11.0} deliveries/s {steps:>11.0} steps/s");
        print(&format!("{label:<28} {speed}\n"));
    }
}
