//! `cargo xtask sim`: what the simulator must show of the shop, of the searches and of itself.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;
use std::{slice, thread};

use crate::step::{Outcome, cargo, output, run};

/// A search of everything: the world, how many faults, and how.
type Search = (&'static str, &'static str, How);

/// How everything is searched.
#[derive(Clone, Copy)]
enum How {
    /// The faults that most often matter.
    Usual,
    /// Every kind of fault.
    Every,
    /// Without the reduction too.
    Proved,
}

impl How {
    const fn option(self) -> &'static [&'static str] {
        match self {
            Self::Usual => &[],
            Self::Every => &["--every"],
            Self::Proved => &["--prove"],
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Usual => "",
            Self::Every => ", every kind",
            Self::Proved => ", reduction proved",
        }
    }
}

/// How much of each.
struct Size {
    seeds: &'static str,
    hashed: &'static str,
    searches: &'static str,
    explored: &'static [Search],
}

/// In less than two minutes on two processors.
const SHORT: Size = Size {
    seeds: "10000",
    hashed: "2000",
    searches: "1",
    explored: &[
        ("two-orders-one-piece", "0", How::Proved),
        ("one-order", "1", How::Proved),
        ("order-cancel", "0", How::Proved),
        ("one-order", "2", How::Usual),
        ("two-orders-one-piece", "1", How::Usual),
        ("order-cancel", "1", How::Usual),
        ("one-order", "1", How::Every),
        ("order-cancel", "1", How::Every),
    ],
};

/// In less than an hour, with some gigabytes.
const LONG: Size = Size {
    seeds: "1000000",
    hashed: "20000",
    searches: "9",
    explored: &[
        ("two-orders-one-piece", "0", How::Proved),
        ("one-order", "1", How::Proved),
        ("order-cancel", "0", How::Proved),
        ("one-order", "3", How::Usual),
        ("two-orders-one-piece", "1", How::Usual),
        ("order-cancel", "2", How::Usual),
        ("two-orders-one-piece", "1", How::Every),
        ("watched", "1", How::Every),
    ],
};

/// A line of the table.
struct Row {
    what: String,
    said: String,
    seconds: f64,
    failed: bool,
}

/// Builds the simulator, and lets it show everything; then tells it in a table. Random runs begin with that seed.
pub(crate) fn sim(seed: u64, long: bool) -> Outcome {
    run(&mut cargo(&["build", "--quiet", "--release", "-p", "ecom-sim"]))?;
    let (began, size, seed) = (Instant::now(), if long { LONG } else { SHORT }, seed.to_string());
    let mut rows = vec![];
    let twice = ["run", "--twice", "--from", &seed, "--seeds", size.seeds];
    rows.push(shown("each run twice, every step compared", &twice));
    rows.push(timed("the same in two processes", || two_processes(&seed, size.hashed)));
    rows.extend(explored(size.explored));
    rows.push(shown("planted bugs are found", &["mutants", "--searches", size.searches]));
    rows.push(shown("coverage", &["coverage"]));
    let wide = rows.iter().map(|row| row.what.chars().count()).max().unwrap_or_default();
    for Row { what, said, seconds, failed } in &rows {
        println!("{} {seconds:>6.1} s  {what:<wide$}  {said}", if *failed { "FAIL" } else { "ok  " });
    }
    println!("the simulator in {:.1} s", began.elapsed().as_secs_f64());
    let failed: Vec<&str> = rows.iter().filter(|row| row.failed).map(|row| row.what.as_str()).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join(", ")) }
}

fn ecom_sim(arguments: &[&str]) -> Command {
    let mut command = cargo(&["run", "--quiet", "--release", "-p", "ecom-sim", "--"]);
    command.args(arguments);
    command
}

/// What a command says last is what counts, or the line in which it says how much is reached.
fn shown(what: &str, arguments: &[&str]) -> Row {
    let told = |text: String| {
        let reached = text.lines().find(|line| line.starts_with("random runs reach "));
        reached.or_else(|| text.lines().last()).unwrap_or_default().to_owned()
    };
    timed(what, || output(&mut ecom_sim(arguments)).map(told))
}

fn timed(what: &str, work: impl FnOnce() -> Result<String, String>) -> Row {
    println!("{what} …");
    let (what, began, said) = (what.to_owned(), Instant::now(), work());
    let failed = said.is_err();
    Row { what, said: said.unwrap_or_else(|problem| problem), seconds: began.elapsed().as_secs_f64(), failed }
}

/// Two processes, one on one thread and one on two, print the same hash of each run.
fn two_processes(seed: &str, seeds: &str) -> Result<String, String> {
    let hashes = |threads| {
        let text = output(&mut ecom_sim(&["run", "--hashes", "--from", seed, "--seeds", seeds, "--threads", threads]))?;
        Ok::<BTreeSet<String>, String>(text.lines().map(str::to_owned).collect())
    };
    let (one, other) = (hashes("1")?, hashes("2")?);
    match one.symmetric_difference(&other).next() {
        Some(line) => Err(format!("only one of two processes has this run: {line}")),
        None => Ok(format!("the same hash of each of {seeds} runs")),
    }
}

/// The searches, two at a time: each has one thread.
fn explored(searches: &'static [Search]) -> Vec<Row> {
    let left: Mutex<slice::Iter<'_, Search>> = Mutex::new(searches.iter());
    let next = || left.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let lane = || {
        let mut rows = vec![];
        while let Some((world, faults, how)) = next() {
            let what = format!("{world}, any {faults} faults{}", how.words());
            let arguments = [&["explore", world, "--faults", faults, "--punctual"], how.option()].concat();
            rows.push(shown(&what, &arguments));
        }
        rows
    };
    thread::scope(|scope| {
        let lanes = [scope.spawn(lane), scope.spawn(lane)];
        let joined = lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.flatten().collect()
    })
}
