//! `cargo xtask sim`: what the simulator must show of the shop, of the searches and of itself.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use crate::root;
use crate::step::{Outcome, cargo, output, run};

/// A search of everything that may happen in a world.
#[derive(Clone, Copy, Debug)]
struct Search {
    world: &'static str,
    faults: u8,
    how: How,
    /// Whether time passes early as well: a deadline fires although others could go on.
    early: bool,
}

/// How everything is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// The faults that most often matter.
    Usual,
    /// Every kind of fault.
    Every,
    /// Without the reduction too.
    Proved,
}

/// A search in which time passes only when nobody can go on.
const fn search(world: &'static str, faults: u8, how: How) -> Search {
    Search { world, faults, how, early: false }
}

impl Search {
    /// The same in which time passes early too.
    const fn early(self) -> Self {
        Self { early: true, ..self }
    }

    fn arguments(self) -> Vec<String> {
        let faults = self.faults.to_string();
        let mut arguments = ["explore", self.world, "--faults", &faults].map(str::to_owned).to_vec();
        arguments.extend((!self.early).then(|| "--punctual".to_owned()));
        arguments.extend(match self.how {
            How::Usual => None,
            How::Every => Some("--every".to_owned()),
            How::Proved => Some("--prove".to_owned()),
        });
        arguments
    }

    fn words(self) -> String {
        let early = if self.early { ", time passes early" } else { "" };
        let how = match self.how {
            How::Usual => "",
            How::Every => ", every kind",
            How::Proved => ", reduction proved",
        };
        format!("{}, any {} faults{early}{how}", self.world, self.faults)
    }
}

/// The searches of either set.
const EITHER: &[Search] = &[
    // Not proved: without the reduction these are more than six million states, with it 399 thousand.
    search("one-order", 1, How::Usual).early(),
    search("one-price", 1, How::Proved).early(),
    search("two-orders-one-piece", 0, How::Proved),
    search("one-order", 1, How::Proved),
    search("order-cancel", 0, How::Proved),
    search("two-orders-one-piece", 1, How::Usual),
    search("one-order", 1, How::Every),
    search("order-cancel", 1, How::Every),
];

/// How much of each.
struct Size {
    seeds: &'static str,
    hashed: &'static str,
    mutants: &'static [&'static str],
    coverage: &'static [&'static str],
    /// Beside those of either set.
    explored: &'static [Search],
}

/// In about two minutes on two processors.
const SHORT: Size = Size {
    seeds: "10000",
    hashed: "2000",
    mutants: &["--searches", "1", "--runs", "5000", "--states", "40000"],
    coverage: &["--runs", "95000", "--states", "4000"],
    explored: &[search("one-order", 2, How::Usual), search("order-cancel", 1, How::Usual)],
};

/// In less than an hour, with some gigabytes: all of the short set, or more of it, and more.
const LONG: Size = Size {
    seeds: "1000000",
    hashed: "20000",
    mutants: &["--searches", "9"],
    coverage: &[],
    explored: &[
        search("one-order", 3, How::Usual),
        search("order-cancel", 2, How::Usual),
        search("two-orders-one-piece", 1, How::Every),
        search("watched", 1, How::Every),
    ],
};

/// Digits of the commit that are the first seed.
const SEED_DIGITS: usize = 8;

/// A line of the table.
struct Row {
    what: String,
    said: String,
    seconds: f64,
    failed: bool,
}

/// Builds the simulator, and lets it show everything; then tells it in a table. Random runs begin with that seed, or with
/// one that each commit has its own of.
pub(crate) fn sim(seed: Option<u64>, long: bool) -> Outcome {
    run(&mut cargo(&["build", "--quiet", "--release", "-p", "ecom-sim"]))?;
    let (began, size) = (Instant::now(), if long { LONG } else { SHORT });
    let seed = seed.unwrap_or_else(seed_of_commit).to_string();
    let mut rows = vec![];
    let twice = ["run", "--twice", "--from", &seed, "--seeds", size.seeds];
    rows.push(shown(&format!("each run twice, every step compared, from seed {seed} on"), &twice));
    rows.push(timed("the same in two processes", || two_processes(&seed, size.hashed)));
    rows.extend(explored(size.explored));
    rows.push(shown("planted bugs are found", &[&["mutants"], size.mutants].concat()));
    rows.push(shown("coverage", &[&["coverage"], size.coverage].concat()));
    let wide = rows.iter().map(|row| row.what.chars().count()).max().unwrap_or_default();
    for Row { what, said, seconds, failed } in &rows {
        println!("{} {seconds:>6.1} s  {what:<wide$}  {said}", if *failed { "FAIL" } else { "ok  " });
    }
    println!("the simulator in {:.1} s", began.elapsed().as_secs_f64());
    let failed: Vec<&str> = rows.iter().filter(|row| row.failed).map(|row| row.what.as_str()).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join(", ")) }
}

/// The beginning of the commit's name as a number; 0 where there is none.
fn seed_of_commit() -> u64 {
    let mut git = Command::new("git");
    git.current_dir(root()).args(["rev-parse", "HEAD"]).stderr(Stdio::null());
    let named = git.output().ok().filter(|output| output.status.success());
    named.map_or(0, |output| seed_in(&String::from_utf8_lossy(&output.stdout)))
}

fn seed_in(commit: &str) -> u64 {
    commit.get(..SEED_DIGITS).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
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
    let left = Mutex::new(EITHER.iter().chain(searches));
    let next = || left.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let lane = || {
        let mut rows = vec![];
        while let Some(search) = next() {
            let arguments = search.arguments();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            rows.push(shown(&search.words(), &arguments));
        }
        rows
    };
    thread::scope(|scope| {
        let lanes = [scope.spawn(lane), scope.spawn(lane)];
        let joined = lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_set_has_all_that_the_short_one_has() {
        for short in SHORT.explored {
            let same = |long: &&Search| (long.world, long.how, long.early) == (short.world, short.how, short.early);
            let more = LONG.explored.iter().filter(same).any(|long| long.faults >= short.faults);
            assert!(more, "{}", short.words());
        }
    }

    #[test]
    fn some_searches_let_time_pass_early_and_the_others_do_not() {
        let early = EITHER.iter().filter(|it| it.early).map(|it| it.arguments().join(" "));
        assert_eq!(early.collect::<Vec<_>>(), ["explore one-order --faults 1", "explore one-price --faults 1 --prove"]);
        assert_eq!(
            search("one-order", 2, How::Every).arguments().join(" "),
            "explore one-order --faults 2 --punctual --every"
        );
    }

    #[test]
    fn each_commit_has_a_first_seed_of_its_own() {
        assert_eq!(seed_in("113abc9eaf3d25a7b1c5d6c1b16d0a5cb9d2a000\n"), 0x113a_bc9e);
        assert_eq!([seed_in(""), seed_in("HEAD\n")], [0, 0]);
    }
}
