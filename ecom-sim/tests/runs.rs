//! Runs: clean where they should be, the same when repeated, and small when they fail.

use ecom_sim::choose::Deviation;
use ecom_sim::report::Recipe;
use ecom_sim::run::{Rules, random, replay};
use ecom_sim::scenario::{NAMES, Scenario};
use ecom_sim::world::Trace;

fn scenario(name: &str) -> Scenario {
    let Some(scenario) = Scenario::named(name) else { panic!("no scenario is named {name}") };
    scenario
}

#[test]
fn every_small_world_comes_to_rest_without_faults() {
    for name in NAMES {
        let finished = replay(&scenario(name), &[], Trace::default(), &Rules::default());
        assert!(finished.failure.is_none(), "{name}: {:?}", finished.failure);
    }
}

#[test]
fn a_seed_gives_the_same_run_step_by_step_and_its_deviations_give_it_too() {
    let rules = Rules::default();
    for seed in 0..120 {
        let scenario = match seed % 3 {
            0 => scenario(NAMES[(seed / 3) as usize % NAMES.len()]),
            _ => Scenario::generated(seed / 16),
        };
        let first = random(&scenario, seed, false, Trace::hashed(), &rules);
        let second = random(&scenario, seed, false, Trace::hashed(), &rules);
        assert_eq!(first.trace.hashes(), second.trace.hashes(), "seed {seed}");
        assert_eq!(first.trace.digest(), second.trace.digest(), "seed {seed}");
        let again = replay(&scenario, &first.deviations, Trace::default(), &rules);
        assert_eq!(first.trace.digest(), again.trace.digest(), "seed {seed}: its deviations make another run");
        assert!(first.failure.is_none(), "seed {seed}: {:?}", first.failure);
    }
}

#[test]
fn a_recipe_survives_its_text() {
    let text = "one-order~payment.call.1=unknown-done,inventory.deliver.2=+1,@31=order.clock";
    let recipe: Recipe = text.parse().unwrap();
    assert_eq!((recipe.to_string().as_str(), recipe.deviations.len()), (text, 3));
    assert_eq!("one-order".parse::<Recipe>().unwrap().deviations, Vec::<Deviation>::new());
}

#[test]
fn some_thousand_runs_at_random_are_clean() {
    let rules = Rules::default();
    for seed in 0..4_000 {
        let scenario = Scenario::generated(seed / 8);
        let finished = random(&scenario, seed, false, Trace::default(), &rules);
        assert!(finished.failure.is_none(), "seed {seed} of {scenario:?}: {:?}", finished.failure);
    }
}

#[test]
fn two_processes_make_the_same_runs() {
    let run = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ecom-sim"));
        let output = command.args(["run", "all", "--seeds", "600", "--twice"]).output();
        output.map(|output| (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let (Ok(first), Ok(second)) = (run(), run()) else { panic!("the command cannot be started") };
    assert_eq!(first, second);
    assert_eq!(first.0, Some(0), "{}", first.1);
    assert!(first.1.starts_with("600 runs"), "{}", first.1);
}
