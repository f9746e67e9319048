//! What searches find: the same ends reduced and unreduced, and a planted wish that the shop does not fulfil, shrunk to
//! what matters.

use std::collections::BTreeSet;

use ecom_core::event::Service;
use ecom_core::order::{OrderContext, Status};
use ecom_core::payment::PaymentContext;
use ecom_sim::explore::{Explored, Options, Proof, explore};
use ecom_sim::invariant::{Broken, Invariant, When};
use ecom_sim::run::{Rules, random, replay};
use ecom_sim::scenario::Scenario;
use ecom_sim::shrink::shrink;
use ecom_sim::world::{Trace, World};

fn scenario(name: &str) -> Scenario {
    let Some(scenario) = Scenario::named(name) else { panic!("no scenario is named {name}") };
    scenario
}

fn search(name: &str, faults: u32, reduced: bool) -> Explored {
    let options = Options { faults, reduced, elapse: false, ..Options::default() };
    let explored = explore(&scenario(name), &options, &Rules::default());
    assert!(explored.complete, "{name}: {:?}", explored.failure);
    explored
}

#[test]
fn reduced_and_unreduced_searches_reach_the_same_ends() {
    for (name, faults) in [("one-order", 1), ("declined", 0), ("order-cancel", 0), ("double-click", 0)] {
        let options = Options { faults, elapse: false, ..Options::default() };
        let proof = Proof::of(&scenario(name), &options, &Rules::default());
        assert_eq!(proof.shortfall(), None, "{name}");
        assert!(proof.reduced.states < proof.unreduced.states, "{name}");
        assert!(!proof.reduced.rests.is_empty() && !proof.reduced.ends.is_empty(), "{name}");
    }
}

#[test]
fn a_reduction_that_loses_an_end_is_told() {
    let options = Options { faults: 0, elapse: false, ..Options::default() };
    let proof = Proof::of(&scenario("order-cancel"), &options, &Rules::default());
    let told = |spoil: &dyn Fn(&mut Proof)| {
        let mut spoilt = proof.clone();
        spoil(&mut spoilt);
        spoilt.shortfall().unwrap_or_default()
    };
    assert_eq!(told(&|_| {}), "");
    let lost = told(&|proof| proof.reduced.rests = proof.reduced.rests.iter().skip(1).copied().collect());
    assert_eq!(lost, "1 terminal states are reached unreduced alone, 0 reduced alone");
    assert!(told(&|proof| drop(proof.reduced.ends.pop_first())).starts_with("only one of them ends so: "));
    assert!(told(&|proof| proof.unreduced.complete = false).starts_with("the unreduced search is not complete"));
}

#[test]
fn any_two_faults_of_an_order_are_exhausted() {
    let explored = search("one-order", 2, true);
    assert_eq!(explored.ends.len(), 1, "a fault that is survived changes the end: {:?}", explored.ends);
    assert!(explored.states > 10_000, "{}", explored.states);
}

#[test]
fn any_fault_of_an_order_that_is_cancelled_is_exhausted() {
    let ends = search("order-cancel", 1, true).ends;
    let states: BTreeSet<_> = ends.iter().filter_map(|end| end.split(' ').nth(1)).collect();
    assert_eq!(states, BTreeSet::from(["cancelled", "completed"]), "both may win");
}

#[test]
fn two_processes_of_each_service_sell_the_last_piece_once() {
    let scenario = scenario("two-orders-one-piece").with_settings(|settings| settings.copies = 2);
    for seed in 0..400 {
        let finished = random(&scenario, seed, false, Trace::default(), &Rules::default());
        assert!(finished.failure.is_none(), "seed {seed}: {:?}", finished.failure);
    }
}

/// Wishes that no money ever goes back: what breaks it needs a cancellation at the right time, or a fault.
const NO_REFUND: Invariant = Invariant {
    name: "money never goes back",
    when: When::Always,
    of: &[Service::Payment],
    near: None,
    check: |world| match world.service::<PaymentContext>() {
        Some(payment) if payment.outside().movements().iter().any(|it| it.amount < 0) => {
            Err(Broken::new("the provider", "nothing given back", "something was"))
        }
        _ => Ok(()),
    },
};

/// Wishes that an order is never given up.
const NO_FAILURE: Invariant = Invariant {
    name: "no order fails",
    when: When::Always,
    of: &[Service::Order],
    near: None,
    check: |world: &World| match world.service::<OrderContext>() {
        Some(orders) if orders.tables().snapshot().orders.values().any(|it| it.status() == Status::Failed) => {
            Err(Broken::new("an order", "not failed", "failed"))
        }
        _ => Ok(()),
    },
};

#[test]
fn what_breaks_a_wish_is_found_at_random_shrunk_and_replayed() {
    for (name, wish, most) in [("order-cancel", NO_REFUND, 2), ("one-order", NO_FAILURE, 2)] {
        let rules = Rules { invariants: [wish].into(), ..Rules::default() };
        let scenario = scenario(name);
        let found = (0..20_000).find_map(|seed| {
            let finished = random(&scenario, seed, false, Trace::default(), &rules);
            finished.failure.map(|_| finished.deviations)
        });
        let Some(deviations) = found else { panic!("{} was never broken", wish.name) };
        let Some(shrunk) = shrink(&scenario, &deviations, wish.name, &rules) else { panic!("it does not repeat") };
        assert!(shrunk.deviations.len() <= most, "{}: {:?}", wish.name, shrunk.deviations);
        let again = replay(&scenario, &shrunk.deviations, Trace::default(), &rules);
        assert_eq!(again.failure.map(|failure| failure.invariant.name), Some(wish.name));
    }
}

#[test]
fn the_first_counterexample_of_a_search_replays() {
    let rules = Rules { invariants: [NO_REFUND].into(), ..Rules::default() };
    let scenario = scenario("order-cancel");
    let explored = explore(&scenario, &Options { faults: 0, ..Options::default() }, &rules);
    let Some((_, _, deviations)) = explored.failure else { panic!("not found") };
    let again = replay(&scenario, &deviations, Trace::default(), &rules);
    assert!(again.failure.is_some(), "{deviations:?}");
    assert_eq!(again.deviations, deviations, "all of them were possible");
}
