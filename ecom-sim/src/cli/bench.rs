//! `ecom-sim bench`: on one processor, so that figures compare.

use std::time::Instant;

use super::{BenchArgs, Ending};
use crate::run::{Finished, Rules, random, replay};
use crate::scenario::Scenario;
use crate::world::Trace;

pub(super) fn bench(args: &BenchArgs) -> Ending {
    let rules = Rules::default();
    for name in ["one-order", "order-cancel", "notices"] {
        let Some(scenario) = Scenario::named(name) else { return Ending::Usage };
        measure(&format!("{name}, no faults"), args.runs, |_| replay(&scenario, &[], Trace::default(), &rules));
        measure(&format!("{name}, swarm"), args.runs, |seed| random(&scenario, seed, false, Trace::default(), &rules));
    }
    let shops: Vec<Scenario> = (0..64).map(Scenario::generated).collect();
    measure("generated shops, swarm", args.runs, |seed| {
        random(&shops[(seed % 64) as usize], seed, false, Trace::default(), &rules)
    });
    Ending::Clean
}

fn measure(name: &str, runs: u64, run: impl Fn(u64) -> Finished) {
    let began = Instant::now();
    let (mut steps, mut deliveries) = (0, 0);
    for seed in 0..runs {
        let trace = run(seed).trace;
        steps += trace.steps;
        deliveries += trace.deliveries;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{name:<28} {:>9.0} worlds/s {:>11.0} deliveries/s {:>11.0} steps/s",
        runs as f64 / seconds,
        deliveries as f64 / seconds,
        steps as f64 / seconds
    );
}
