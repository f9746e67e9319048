//! `cargo xtask test` and `cargo xtask crash`: the steps, in order, stopping at the first failure.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::servers::Servers;
use crate::sim::sim;
use crate::step::{Outcome, cargo, output, run, run_within, step};
use crate::{root, tidy};

/// What the core must never depend on, directly or not: it is pure.
const BANNED_IN_CORE: &[&str] = &["tokio", "sqlx", "lapin", "warp", "hyper", "reqwest", "rand", "getrandom"];

/// The crates that may bring examples.
const CRATES: &[&str] = &["ecom-core", "ecom-adapters", "ecom-services", "ecom-sim"];

/// How long one example may run: they are short, and one that hangs must not hang the gate.
const EXAMPLE_LIMIT: Duration = Duration::from_secs(120);

/// Runs everything that must hold. The machine needs the Rust toolchain and a C compiler; servers are found or started.
pub(crate) fn test(yes: bool) -> Outcome {
    step("house rules", tidy::report)?;
    step("the core is pure", core_is_pure)?;
    step("all tests, with PostgreSQL and RabbitMQ", || {
        let servers = Servers::find(yes)?;
        servers.run(&mut cargo(&["test", "--workspace", "--all-features"]))
    })?;
    step("chaos: a minute, and its control", || {
        let told = Chaos { minutes: 1.0, rate: 20, yes, ..Chaos::default() };
        chaos(&told)?;
        chaos(&Chaos { minutes: 0.1, rate: 5, control: true, ..told })
    })?;
    step("the simulator shows what it must", || sim(None, false))?;
    step("examples", examples)?;
    step("release build", || run(&mut cargo(&["build", "--release", "-p", "ecom-services", "--bins"])))?;
    step("demo: 300 orders", || {
        let demo = ["demo", "--orders", "300", "--concurrency", "16"];
        run(cargo(&["run", "--quiet", "--release", "-p", "ecom-services", "--bin", "ecom", "--"]).args(demo))
    })?;
    step("crash: 3 rounds", || crash(true, 3, 16, None))?;
    println!("all steps passed");
    Ok(())
}

/// Builds the shop and the crash tool, which finds the shop's binary beside its own, and runs it.
pub(crate) fn crash(release: bool, rounds: u32, clients: u32, seed: Option<u64>) -> Outcome {
    let profile: &[&str] = if release { &["--release"] } else { &[] };
    run(cargo(&["build", "--quiet", "-p", "ecom-services", "--bins"]).args(profile))?;
    let mut command = cargo(&["run", "--quiet", "-p", "ecom-services", "--bin", "ecom-crash"]);
    command.args(profile).args(["--", "--rounds", &rounds.to_string(), "--clients", &clients.to_string()]);
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    run(&mut command)
}

/// What `cargo xtask chaos` is told.
#[derive(Clone, Copy, Default)]
pub(crate) struct Chaos {
    pub(crate) minutes: f64,
    pub(crate) rate: u32,
    pub(crate) seed: Option<u64>,
    pub(crate) control: bool,
    pub(crate) broker_down: Option<u32>,
    pub(crate) release: bool,
    pub(crate) yes: bool,
}

/// Builds the services and what breaks them, which finds their programs beside its own, and runs it.
pub(crate) fn chaos(told: &Chaos) -> Outcome {
    let profile: &[&str] = if told.release { &["--release"] } else { &[] };
    run(cargo(&["build", "--quiet", "-p", "ecom-services", "-p", "ecom-chaos", "--bins"]).args(profile))?;
    let mut command = cargo(&["run", "--quiet", "-p", "ecom-chaos"]);
    command.args(profile).args(["--", "--rate", &told.rate.to_string()]);
    match told.broker_down {
        Some(seconds) => command.args(["--broker-down", &seconds.to_string()]),
        None => command.args(["--minutes", &told.minutes.to_string()]),
    };
    if let Some(seed) = told.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    for (flag, given) in [("--control", told.control), ("--yes", told.yes)] {
        if given {
            command.arg(flag);
        }
    }
    run(&mut command)
}

/// Asks cargo for everything that the core is built from.
fn core_is_pure() -> Outcome {
    let tree = output(&mut cargo(&[
        "tree",
        "-p",
        "ecom-core",
        "--edges",
        "normal",
        "--all-features",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let found: Vec<&str> = BANNED_IN_CORE.iter().copied().filter(|name| names.contains(name)).collect();
    if found.is_empty() { Ok(()) } else { Err(format!("ecom-core depends on {}", found.join(", "))) }
}

/// Runs every example of every crate.
fn examples() -> Outcome {
    for package in CRATES {
        let Ok(folder) = std::fs::read_dir(root().join(package).join("examples")) else { continue };
        let files =
            folder.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|x| x == "rs"));
        let names: BTreeSet<String> =
            files.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
        for name in names {
            println!("{package}: {name}");
            run(&mut cargo(&["build", "--quiet", "-p", package, "--all-features", "--example", &name]))?;
            run_within(
                &mut cargo(&["run", "--quiet", "-p", package, "--all-features", "--example", &name]),
                EXAMPLE_LIMIT,
            )?;
        }
    }
    Ok(())
}
