//! The command line.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod coverage;
mod explore;
mod file;
mod mutants;
mod out;
mod replay;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, value_parser};

use out::{print, tell};

use crate::mutant::{Planted, Switch};
use crate::report::Report;
use crate::run::Rules;
use crate::scenario::{MIDWAY, NAMES, Scenario};

/// How a command ended, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    /// Nothing was found.
    Clean = 0,
    /// An invariant is broken.
    Violation = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A world does not come to rest.
    Stuck = 3,
    /// Two runs of the same differ.
    Nondeterminism = 4,
    /// What is to be shown is not: a planted bug survived or does not shrink, the reduction loses an end, the coverage is
    /// too small, or a search stopped before its end.
    Shortfall = 5,
    /// Nothing was found, but what came of it could not be written.
    Unwritten = 6,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending as u8)
    }
}

/// Deterministic simulation of the Ecom services.
///
/// Exit codes: 0 clean, 1 violation, 2 usage, 3 stuck, 4 nondeterminism, 5 a proof falls short or a search stopped before
/// its end, 6 clean, but what came of it could not be written.
#[derive(Debug, Parser)]
#[command(name = "ecom-sim", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs many small worlds at random.
    Run(RunArgs),
    /// Runs one world again, from the string of a report.
    #[command(after_help = RECIPE)]
    Replay(ReplayArgs),
    /// Leaves out of a failing run what does not matter.
    #[command(after_help = RECIPE)]
    Shrink(ShrinkArgs),
    /// Tries everything that can happen in a small world.
    Explore(ExploreArgs),
    /// Measures speed, without and with faults.
    Bench(BenchArgs),
    /// Looks for each of the planted bugs; all must be found.
    Mutants(MutantsArgs),
    /// Tells what runs reach, what they do not, and why.
    Coverage(CoverageArgs),
    /// Names the small worlds.
    Scenarios,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// A small world, or `shop` for generated ones, or `all`: those too, all small worlds but those of upgrades, and
    /// the named ones with two processes of each service.
    #[arg(default_value = "all")]
    scenario: String,
    /// How many runs.
    #[arg(long, default_value_t = 100_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many at a time; 0 for as many as there are processors.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Everything as likely as everything else, to compare.
    #[arg(long)]
    uniform: bool,
    /// Runs each world twice and compares every step.
    #[arg(long)]
    twice: bool,
    /// Prints the hash of each run.
    #[arg(long)]
    hashes: bool,
    /// With this planted bug; `mutants` names them.
    #[arg(long)]
    bug: Option<String>,
    /// What came of it as one line of JSON.
    #[arg(long, conflicts_with = "hashes")]
    json: bool,
}

/// The most processes of a service that a search begins with.
const COPIES_MAX: i64 = 8;

/// How a run is written.
const RECIPE: &str = "\
A run is written as SCENARIO~DEVIATIONS, as a report prints it, or as SCENARIO and --seed:
  one-order                     the small world, nothing goes otherwise
  shop/1580                     a shop drawn from the hexadecimal seed 1580
  one-orderx2                   two processes of each service
  one-order+wire                events, calls and rows in the form in which they are sent and stored
  shop/1580-1-0.2               without client 1, and without the second command of client 0
  shop/1580-0.3.2-0.4.1x1       without the second line of client 0's third command; of the first line of the fourth, one piece
  …~payment.call.1=unknown-done the first call of payment's provider is carried out, but the answer is lost
  …~inventory.deliver.2=+1      at inventory's second delivery the second message comes first
  …~@31=order.clock             in step 31 order's timers go on, and not whoever would have
  …~@9=order.crash,@12=time0    more than one, with commas; what is not possible there is passed over
Clients are counted from 0, commands, lines, choices and steps from 1.";

#[derive(Debug, Args)]
struct ShrinkArgs {
    /// The string of a report.
    recipe: String,
    /// With this planted bug.
    #[arg(long)]
    bug: Option<String>,
    /// The report as one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// The string of a report; a scenario, with --seed; or a seed of `run all`.
    recipe: String,
    /// What goes otherwise is drawn from this seed, as `run` does; 0x for hexadecimal.
    #[arg(long)]
    seed: Option<String>,
    /// With this planted bug.
    #[arg(long)]
    bug: Option<String>,
    /// Up to the end of this step.
    #[arg(long)]
    until: Option<u64>,
    /// Prints the steps and the last state.
    #[arg(long)]
    dump: bool,
    /// What came of it as one line of JSON.
    #[arg(long, conflicts_with = "dump")]
    json: bool,
}

#[derive(Debug, Args)]
struct ExploreArgs {
    /// A small world.
    #[arg(default_value = "one-order")]
    scenario: String,
    /// How many faults may happen on the way.
    #[arg(long, default_value_t = 1)]
    faults: u32,
    /// Anybody may go on after every step.
    #[arg(long)]
    unreduced: bool,
    /// Searches reduced and unreduced, and compares the terminal states.
    #[arg(long, conflicts_with = "unreduced")]
    prove: bool,
    /// Time never passes early.
    #[arg(long)]
    punctual: bool,
    /// Every kind of fault: also conflicts, databases that refuse, events stored in one queue alone, processes that die
    /// between two steps, clocks that jump or drift, and services without a broker.
    #[arg(long)]
    every: bool,
    /// After so many states the search stops; a state takes some 1.5 KB of memory.
    #[arg(long, default_value_t = 5_000_000)]
    states: usize,
    /// Prints the ends.
    #[arg(long)]
    ends: bool,
    /// Processes of each service.
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u8).range(1..=COPIES_MAX))]
    copies: u8,
}

#[derive(Debug, Args)]
struct BenchArgs {
    /// Workloads whose name has this in it.
    only: Option<String>,
    /// How many runs of each kind in each round.
    #[arg(long, default_value_t = 2_000)]
    runs: u64,
    /// How many rounds; the median counts.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// One line of JSON for each.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct MutantsArgs {
    /// Only those whose name has this in it.
    only: Option<String>,
    /// Searches at random for each; the median counts.
    #[arg(long, default_value_t = 3)]
    searches: u64,
    /// The most runs of a search.
    #[arg(long, default_value_t = 20_000)]
    runs: u64,
    /// The most states of an exhaustive search.
    #[arg(long, default_value_t = 400_000)]
    states: usize,
    /// One line of JSON for each.
    #[arg(long)]
    json: bool,
    /// The table of the README.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Names them, and those that `--bug` alone takes, and looks for none.
    #[arg(long, conflicts_with_all = ["json", "markdown"])]
    names: bool,
}

#[derive(Debug, Args)]
struct CoverageArgs {
    /// Random runs.
    #[arg(long, default_value_t = 120_000)]
    runs: u64,
    /// The most states of each exhaustive search.
    #[arg(long, default_value_t = 20_000)]
    states: usize,
    /// Everything as JSON.
    #[arg(long)]
    json: bool,
    /// Writes a page there.
    #[arg(long)]
    html: Option<PathBuf>,
}

/// Carries a command line out.
pub fn main(cli: Cli) -> Ending {
    out::ended(carry_out(cli.command))
}

fn carry_out(command: Command) -> Ending {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Shrink(args) => replay::shrink(args),
        Command::Explore(args) => explore::explore(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Mutants(args) => mutants::mutants(&args),
        Command::Coverage(args) => coverage::coverage(&args),
        Command::Scenarios => {
            print(&format!("{}\nshop/<seed>\n", [NAMES, MIDWAY, crate::upgrade::NAMES].concat().join("\n")));
            Ending::Clean
        }
    }
}

/// One line about a command line that makes no sense.
fn usage(problem: impl std::fmt::Display) -> Ending {
    tell(&problem.to_string());
    Ending::Usage
}

/// Keeps a report, and prints it.
#[expect(clippy::disallowed_methods, reason = "who reads what is printed changes no run")]
fn show(mut report: Report, rules: &Rules, json: bool) -> Ending {
    if let Err(error) = report.save(rules) {
        tell(&format!("the report is not kept: {error}"));
    }
    if json {
        print(&format!("{}\n", report.json()));
    } else {
        print(&format!("{report}\n"));
        if std::env::var_os("GITHUB_ACTIONS").is_some() {
            print(&format!("{}\n", report.annotation()));
        }
    }
    if report.failure.stuck { Ending::Stuck } else { Ending::Violation }
}

fn bug(name: Option<&str>) -> Result<Option<Switch>, Ending> {
    let planted = |name| {
        let unknown = || usage(format_args!("no planted bug is named {name:?}; `ecom-sim mutants --names` names them"));
        Planted::named(name).map(|planted| planted.switch).ok_or_else(unknown)
    };
    name.map(planted).transpose()
}

fn scenario(name: &str, bug: Option<Switch>) -> Result<Scenario, Ending> {
    Scenario::planted(name, bug).ok_or_else(|| {
        let base = crate::scenario::whole(name);
        if let Some(bug) = bug.filter(|_| Scenario::named(name).is_some()) {
            let (bug, home) = (bug.name(), home(bug));
            usage(format_args!("{base} cannot have the bug {bug:?}: that is one of {home}"))
        } else if base != name && Scenario::named(base).is_some() {
            usage(format_args!("{base} has nothing that {:?} could leave out of it", &name[base.len()..]))
        } else {
            usage(format_args!("no scenario is named {name:?}; `ecom-sim scenarios` names them"))
        }
    })
}

/// The small world in which a bug is looked for.
fn home(bug: Switch) -> &'static str {
    Planted::named(bug.name()).map_or("", |planted| planted.lane.scenario)
}
