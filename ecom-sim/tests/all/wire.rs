//! What leaves a process in the form in which it is sent or stored: the same runs, and what is lost on the way is found.

use ecom_sim::mutant::{Planted, Switch};
use ecom_sim::report::Recipe;
use ecom_sim::run::{Rules, random, replay};
use ecom_sim::scenario::{NAMES, Scenario};
use ecom_sim::shrink::shrink;
use ecom_sim::world::Trace;

/// Named worlds, those of upgrades, and generated shops, by turns.
fn world(seed: u64) -> Scenario {
    let named: Vec<&str> = NAMES.iter().chain(ecom_sim::upgrade::NAMES).copied().collect();
    let name = named[(seed / 2) as usize % named.len()];
    let scenario = if seed.is_multiple_of(2) { Scenario::generated(seed) } else { scenario(name, None) };
    assert!(!scenario.has_wire());
    scenario
}

fn scenario(name: &str, bug: Option<Switch>) -> Scenario {
    let Some(scenario) = Scenario::planted(name, bug) else { panic!("no scenario is named {name}") };
    scenario
}

#[test]
fn a_run_is_the_same_with_wire_and_without() {
    for seed in 0..300 {
        let plain = world(seed);
        let (name, wire) = (plain.name(), plain.with_wire(true));
        assert_eq!(wire.name(), format!("{name}+wire"));
        let [plain, wire] = [&plain, &wire].map(|it| random(it, seed, false, Trace::hashed(), &Rules::of(it.name())));
        assert!(wire.failure.is_none(), "{name}, seed {seed}: {:?}", wire.failure);
        assert_eq!(plain.trace.hashes(), wire.trace.hashes(), "{name}, seed {seed}");
        assert_eq!(plain.trace.digest(), wire.trace.digest(), "{name}, seed {seed}");
        assert_eq!(plain.world.fingerprint(), wire.world.fingerprint(), "{name}, seed {seed}");
    }
}

#[test]
fn one_seed_of_sixteen_has_wire() {
    let plain = scenario("one-order", None);
    let with_wire = (0..16_000).filter(|seed| plain.of_seed(*seed).has_wire()).count();
    assert!((900..1_100).contains(&with_wire), "{with_wire} of 16000");
    let wire = scenario("one-orderx2-0.1+wire", None);
    assert!(wire.has_wire() && wire.world().settings().copies == 2 && wire.commands() == 0);
    assert!((0..100).all(|seed| wire.of_seed(seed).has_wire()), "it stays");
    assert_eq!(wire.with_wire(false).name(), "one-orderx2-0.1");
}

#[test]
fn what_is_lost_on_the_wire_is_found_by_wire_alone() {
    let rules = Rules::default();
    let bug = Planted::named("version-not-sent").map(|planted| planted.switch);
    let (mut clean, mut found) = (0, None);
    for seed in 0..400 {
        let shop = scenario(&format!("shop/{:x}", seed / 8), bug);
        let (plain, drawn) = (shop.with_wire(false), shop.of_seed(seed));
        let failure = random(&plain, seed, false, Trace::default(), &rules).failure;
        assert!(failure.is_none(), "seed {seed}: {failure:?}");
        clean += 1;
        let finished = random(&drawn, seed, false, Trace::default(), &rules);
        found = found.or_else(|| finished.failure.map(|failure| (drawn, finished.deviations, failure.invariant.name)));
    }
    let Some((drawn, deviations, name)) = found else { panic!("it was never found in {clean} runs") };
    assert_eq!(name, "what is sent or stored is read as it was");
    let Some(shrunk) = shrink(&drawn, &deviations, name, &rules) else { panic!("it does not repeat") };
    let recipe = Recipe { scenario: shrunk.scenario.name().to_owned(), deviations: shrunk.deviations };
    assert!(recipe.to_string().ends_with("+wire"), "{recipe}");
    let again: Recipe = recipe.to_string().parse().unwrap();
    let failure = replay(&scenario(&again.scenario, bug), &again.deviations, Trace::default(), &rules).failure;
    assert_eq!(failure.map(|it| it.invariant.name), Some(name), "{recipe}");
}

#[test]
fn what_matters_without_wire_shrinks_to_a_world_without_it() {
    let rules = Rules::default();
    let bug = Planted::named("charge-fresh-key").map(|planted| planted.switch);
    let wire = scenario("one-order+wire", bug);
    let found = (0..2_000).find_map(|seed| {
        let finished = random(&wire, seed, false, Trace::default(), &rules);
        finished.failure.map(|failure| (finished.deviations, failure.invariant.name))
    });
    let Some((deviations, name)) = found else { panic!("it was never found") };
    let Some(shrunk) = shrink(&wire, &deviations, name, &rules) else { panic!("it does not repeat") };
    assert_eq!(shrunk.scenario.name(), "one-order");
}
