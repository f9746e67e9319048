//! `cargo xtask repeat`: the suites of stores and buses, many times, some beside each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::servers::Servers;
use crate::step::{Outcome, cargo, output, run};

/// The tests of all adapters: stores on SQLite and PostgreSQL, buses in the process and on RabbitMQ.
const SUITES: &[&str] = &["test", "--quiet", "-p", "ecom-adapters", "--all-features", "--lib", "--tests"];

/// Runs them so often, on servers of their own; every run that fails is shown.
pub(crate) fn suites(times: usize, at_once: usize, only: &[String], yes: bool) -> Outcome {
    run(cargo(SUITES).arg("--no-run"))?;
    let servers = Servers::own(yes)?;
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    let runs: Vec<Vec<Outcome>> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..at_once.max(1)).map(|_| scope.spawn(|| lane(&servers, &next, times, only))).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|_| vec![Err("a lane panicked".to_owned())])).collect()
    });
    let failed = runs.iter().flatten().filter(|run| run.is_err()).count();
    println!("{times} runs, {at_once} at a time: {failed} failed ({:.0} s)", begun.elapsed().as_secs_f64());
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {times} runs failed")) }
}

/// Runs until all are done.
fn lane(servers: &Servers, next: &AtomicUsize, times: usize, only: &[String]) -> Vec<Outcome> {
    let mut runs = vec![];
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed) + 1;
        if number > times {
            return runs;
        }
        let begun = Instant::now();
        let run = output(servers.told(cargo(SUITES).arg("--").args(only)));
        let said = match &run {
            Ok(_) => "ok",
            Err(_) => "FAILED",
        };
        println!("run {number}: {said} ({:.0} s)", begun.elapsed().as_secs_f64());
        runs.push(run.map(drop));
    }
}
