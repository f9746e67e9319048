//! The hash of every trace stays what it was: a change of it is a change of what the shop or its world does, and belongs
//! into the commit that makes it.
//!
//! `ECOM_GOLDEN=write cargo test -p ecom-sim golden` writes the file anew; `git diff` shows which runs changed.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use ecom_sim::run::{Finished, Rules, random};
use ecom_sim::scenario::{NAMES, Scenario};
use ecom_sim::world::Trace;

/// Generated shops, each run with its own seed.
const SHOPS: u64 = 200;

/// Seeds of each world that has a name.
const SEEDS: u64 = 4;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/all/traces.txt")
}

/// Scenario, seed, steps and hash of each run.
fn traces() -> String {
    let named = NAMES.iter().chain(ecom_sim::upgrade::NAMES).map(|name| (*name).to_owned());
    let named = named.flat_map(|name| (0..SEEDS).map(move |seed| (name.clone(), seed)));
    let shops = (0..SHOPS).map(|seed| (format!("shop/{seed:x}"), seed));
    let mut text = String::new();
    for (name, seed) in named.chain(shops) {
        let Some(scenario) = Scenario::named(&name) else { panic!("no scenario is named {name}") };
        let Finished { trace, failure, .. } = random(&scenario, seed, false, Trace::default(), &Rules::of(&name));
        assert!(failure.is_none(), "{name}, seed {seed}: {failure:?}");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} {seed} {} {:032x}", trace.steps, trace.digest());
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "who writes the file anew says so by it")]
fn every_trace_has_the_hash_that_it_had() {
    let traces = traces();
    if std::env::var("ECOM_GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(path(), &traces).unwrap();
    }
    let golden = std::fs::read_to_string(path()).unwrap();
    let differs = traces.lines().zip(golden.lines()).find(|(found, known)| found != known);
    assert_eq!(differs, None, "(scenario, seed, steps, hash) now, and as it was");
    assert_eq!(traces.lines().count(), golden.lines().count());
}

#[test]
fn two_processes_print_the_same_hash_of_each_run() {
    let run = |threads: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecom-sim"));
        command.args(["run", "all", "--seeds", "300", "--hashes", "--threads", threads]);
        // Nothing of the surroundings may matter.
        command.env("TZ", if threads == "1" { "Pacific/Auckland" } else { "UTC" }).env("LANG", "C");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let (one, other) = (run("1"), run("2"));
    assert_eq!(one.len(), 301);
    let differs = one.iter().zip(&other).find(|(left, right)| left != right);
    assert_eq!(differs, None, "(scenario, seed, hash) in either process");
}
