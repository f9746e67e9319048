//! Runs: clean where they should be, the same when repeated, and small when they fail.

use ecom_sim::choose::Deviation;
use ecom_sim::explore::{Options, explore};
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
fn reduced_and_unreduced_searches_reach_the_same_ends() {
    for name in ["one-order", "declined", "order-cancel"] {
        let options = Options { faults: 0, elapse: false, ..Options::default() };
        let reduced = explore(&scenario(name), &options, &Rules::default());
        let unreduced = explore(&scenario(name), &Options { reduced: false, ..options }, &Rules::default());
        assert!(reduced.complete && unreduced.complete, "{name}: {reduced:?}");
        assert_eq!(reduced.ends, unreduced.ends, "{name}");
        assert!(reduced.states < unreduced.states, "{name}");
    }
}
