//! Runs: clean where they should be, the same when repeated, and small when they fail.

use std::collections::BTreeSet;

use ecom_core::order::{OrderContext, Status};
use ecom_sim::choose::{Deviation, Pick, Replay};
use ecom_sim::mutant::Planted;
use ecom_sim::report::Recipe;
use ecom_sim::run::{Rules, random, replay, run_watched};
use ecom_sim::scenario::{MIDWAY, NAMES, Scenario};
use ecom_sim::world::{Action, Trace};

fn scenario(name: &str) -> Scenario {
    let Some(scenario) = Scenario::named(name) else { panic!("no scenario is named {name}") };
    scenario
}

#[test]
fn every_small_world_comes_to_rest_without_faults() {
    for name in NAMES.iter().chain(MIDWAY) {
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
        let scenario = scenario.of_seed(seed);
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
    let mut words = BTreeSet::new();
    for seed in 0..4_000 {
        let scenario = Scenario::generated(seed / 8).of_seed(seed);
        let finished = random(&scenario, seed, false, Trace::default(), &rules);
        assert!(finished.failure.is_none(), "seed {seed} of {scenario:?}: {:?}", finished.failure);
        words.extend(finished.deviations.iter().filter(|it| it.is_fault()).map(|it| match it.pick {
            Pick::Fate(fate) => format!("{} {}", it.site.op.word(), fate.word()),
            Pick::Action(Action::Trouble { trouble, .. }) => trouble.word().to_owned(),
            Pick::Action(Action::Crash { .. }) => "crash".to_owned(),
            Pick::Action(_) | Pick::Message(_) => "other".to_owned(),
        }));
    }
    // Every way in which anything can go wrong: 7 ends of a transaction, 6 of a publication, 3 of a settlement, 8 of a
    // call, a message that comes twice, claims and small writes that fail, a webhook that is early, late or comes twice, crashes,
    // time that passes early, 8 troubles.
    assert_eq!(words.len(), 7 + 6 + 3 + 8 + 1 + 2 + 3 + 1 + 1 + 8, "{words:?}");
}

#[test]
fn what_the_broker_gives_back_stays_in_the_outbox_and_is_published_again() {
    let Ok(recipe) = "one-order~order.publish.1=returned".parse::<Recipe>() else { panic!("no recipe") };
    let (mut world, mut chooser) = (scenario(&recipe.scenario).world(), Replay::new(&recipe.deviations));
    let (start, mut kept) = (world.now(), 0);
    let failure = run_watched(&mut world, &mut chooser, &mut Trace::default(), &Rules::default(), &mut |world, _| {
        let outbox = world.service::<OrderContext>().map(|order| order.tables().outbox().len());
        kept += u32::from(world.now() > start && world.broker().depth() == 0 && outbox == Some(1));
    });
    assert!(failure.is_ok() && kept > 0, "{failure:?}");
    assert_eq!(chooser.taken(), recipe.deviations);
    let orders = world.service::<OrderContext>().map(|order| order.tables().snapshot().orders.clone());
    let states: Vec<_> = orders.unwrap_or_default().values().map(|order| order.status()).collect();
    assert_eq!(states, [Status::Completed]);
}

/// Under a fresh key the provider does not find what its webhook is about, and tells it for ever.
#[test]
fn a_world_that_does_not_come_to_rest_says_what_keeps_it_busy() {
    let text = "one-order~payment.call.1=transient,payment.webhook.1=twice";
    let Ok(recipe) = text.parse::<Recipe>() else { panic!("no recipe") };
    let bug = Planted::named("charge-fresh-key").map(|planted| planted.switch);
    let Some(planted) = Scenario::planted(&recipe.scenario, bug) else { panic!("no world") };
    let rules = Rules::default();
    let failure = replay(&planted, &recipe.deviations, Trace::default(), &rules).failure;
    let Some(failure) = failure.filter(|failure| failure.stuck) else { panic!("it comes to rest") };
    assert_eq!(failure.broken.actual, "still busy: a call or a webhook that has not arrived");
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
