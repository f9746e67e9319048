//! One run: chaos, then peace; everything must come to rest, and every invariant hold.

use std::sync::Arc;

use ecom_core::time::Timestamp;

use crate::choose::{Chooser, Default0, Deviation, Random, Replay, Swarm};
use crate::hash::Rng;
use crate::invariant::{self, Broken, Invariant, Own};
use crate::mutant::Switch;
use crate::scenario::Scenario;
use crate::upgrade;
use crate::world::{Trace, World};

/// What bounds a run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps in which things may go wrong.
    pub chaos: u64,
    /// Steps after which a world that has not come to rest is stuck.
    pub steps: u64,
    /// Virtual time after the last deviation by which it must be.
    pub time: std::time::Duration,
    /// How often an operator replays dead letters at rest.
    pub replays: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { chaos: 4_000, steps: 40_000, time: std::time::Duration::from_secs(30 * 24 * 3_600), replays: 3 }
    }
}

/// What must hold, and what bounds the runs.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What must hold.
    pub invariants: Arc<[Invariant]>,
    /// What must hold besides, as closures.
    pub own: Arc<[Own]>,
    /// What bounds a run.
    pub limits: Limits,
}

impl Rules {
    /// What must hold in the scenario of that name, whatever is left out of it.
    pub fn of(scenario: &str) -> Self {
        Self::planted(scenario, None)
    }

    /// The same in that scenario with a planted bug.
    pub fn planted(scenario: &str, bug: Option<Switch>) -> Self {
        let bug = match bug {
            Some(Switch::Releases(bug)) => bug,
            Some(Switch::Settings(_)) | None => upgrade::Bug::None,
        };
        upgrade::planted(crate::scenario::whole(scenario), bug).map_or_else(Self::default, |(_, rules)| rules)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { invariants: invariant::ALL.into(), own: Arc::default(), limits: Limits::default() }
    }
}

/// How a run failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What is broken.
    pub invariant: Invariant,
    /// How.
    pub broken: Broken,
    /// Whether the world never came to rest.
    pub stuck: bool,
    /// In which step.
    pub step: u64,
    /// When.
    pub at: Timestamp,
}

/// A world that goes on for ever breaks it.
pub(crate) const REST: Invariant = Invariant {
    name: "when faults stop, everything comes to rest",
    when: invariant::When::AtRest,
    of: &[],
    near: None,
    check: |_| Ok(()),
};

/// Runs a world to its end.
pub fn run(world: &mut World, chooser: &mut dyn Chooser, trace: &mut Trace, rules: &Rules) -> Result<(), Box<Failure>> {
    run_watched(world, chooser, trace, rules, &mut |_, _| {})
}

/// Runs a world to its end; somebody watches each step.
pub fn run_watched(
    world: &mut World,
    chooser: &mut dyn Chooser,
    trace: &mut Trace,
    rules: &Rules,
    watch: &mut dyn FnMut(&World, &Trace),
) -> Result<(), Box<Failure>> {
    let limits = rules.limits;
    let (mut since, mut deviated, mut calm, mut replays) = (world.now(), 0, Default0, 0);
    let failure = |invariant, broken, stuck, world: &World, trace: &Trace| {
        Box::new(Failure { invariant, broken, stuck, step: trace.steps, at: world.now() })
    };
    loop {
        let chaos = trace.steps < limits.chaos;
        let chooser: &mut dyn Chooser = if chaos { chooser } else { &mut calm };
        let Some(default) = world.default_action() else {
            if replays < limits.replays && world.replay_letters(&mut Default0, trace) > 0 {
                replays += 1;
                continue;
            }
            break;
        };
        let action =
            chooser.action(&mut |actions, wanted| world.list(actions, Some(default), wanted)).unwrap_or(default);
        world.step(action, chooser, trace);
        trace.holds(|| world.fingerprint());
        watch(world, trace);
        if chooser.deviated() > deviated {
            (since, deviated) = (world.now(), chooser.deviated());
        }
        if trace.changed != 0 {
            invariant::after_step(rules, world, trace, trace.changed)
                .map_err(|found| failure(found.0, found.1, false, world, trace))?;
            trace.looked();
        }
        if trace.steps > limits.steps || world.now().since(since) > limits.time {
            let broken = Broken::new("the world", "at rest", format!("still busy: {}", world.left()));
            return Err(failure(REST, broken, true, world, trace));
        }
    }
    invariant::at_rest(rules, world).map_err(|found| failure(found.0, found.1, false, world, trace))
}

/// A run that is over.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The world at its end.
    pub world: World,
    /// What happened.
    pub trace: Trace,
    /// What went otherwise.
    pub deviations: Vec<Deviation>,
    /// How it failed, if it did.
    pub failure: Option<Box<Failure>>,
}

/// Replays deviations.
pub fn replay(scenario: &Scenario, deviations: &[Deviation], mut trace: Trace, rules: &Rules) -> Finished {
    let (mut world, mut chooser) = (scenario.world(), Replay::new(deviations));
    let failure = run(&mut world, &mut chooser, &mut trace, rules).err();
    Finished { world, trace, deviations: chooser.into_taken(), failure }
}

/// A run at random, all of it drawn from the seed.
pub fn random(scenario: &Scenario, seed: u64, uniform: bool, mut trace: Trace, rules: &Rules) -> Finished {
    let mut rng = Rng::new(seed);
    let swarm = if uniform { Swarm::uniform(&mut rng) } else { Swarm::draw(&mut rng) };
    let (mut world, mut chooser) = (scenario.world(), Random::new(rng, swarm));
    let failure = run(&mut world, &mut chooser, &mut trace, rules).err();
    Finished { world, trace, deviations: chooser.into_deviations(), failure }
}
