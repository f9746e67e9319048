//! What is asked about a failing run: what if one deviation were not, until when all was well, from when on it was lost,
//! and how many runs like it fail.

use crate::choose::{Chooser, Deviation, Fate, Random, Replay, Site, Swarm, Wanted};
use crate::hash::Rng;
use crate::invariant::Broken;
use crate::run::{Failure, Finished, Limits, Rules, random, replay, run, run_watched};
use crate::scenario::Scenario;
use crate::world::{Action, Line, Trace, World};

/// Variations of a run.
const VARIATIONS: u64 = 200;
/// Runs that lend their deviations to the variations.
const LENDERS: u64 = 8;
/// Continuations from each step that is looked at.
const CONTINUATIONS: u64 = 24;
/// Steps that are looked at.
const STEPS_MAX: usize = 48;
/// The same where each run is a long one.
const LONG_STEPS_MAX: usize = 6;
/// Steps of all variations, and of all continuations: with more, there are fewer of them.
const BUDGET: u64 = 300_000;
/// A world that is busy for so many steps is taken for stuck.
const PATIENCE_STEPS: u64 = 6_000;

/// What becomes of a run without one of its deviations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Without {
    /// Nothing is broken.
    Passes,
    /// Something else is broken.
    Breaks(&'static str),
    /// The same is broken.
    Fails,
}

/// How many variations of a run fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nearby {
    /// How many there were.
    pub runs: u64,
    /// How many of them break the same.
    pub failed: u64,
    /// The places of the deviations that all of those have.
    pub always: Vec<usize>,
    /// The variation that passes and parts last from the run.
    pub passing: Option<Vec<Deviation>>,
}

/// How often a run fails that goes on at random after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    /// After which step.
    pub step: u64,
    /// How many of them break the same.
    pub failed: u64,
    /// How many there were.
    pub runs: u64,
}

/// A run, step by step.
#[derive(Clone, Debug)]
pub(super) struct Course {
    pub(super) world: World,
    pub(super) lines: Vec<Line>,
    pub(super) failure: Option<Box<Failure>>,
    pub(super) digest: u128,
    pub(super) steps: u64,
    /// In which step each deviation was taken.
    pub(super) taken: Vec<(Deviation, u64)>,
    /// From which steps on what is broken in the end held, or did not.
    pub(super) held: Vec<(u64, bool)>,
}

impl Course {
    /// Replays and watches.
    pub(super) fn of(scenario: &Scenario, deviations: &[Deviation], invariant: &str, rules: &Rules) -> Self {
        let (mut world, mut trace) = (scenario.world(), Trace::verbose());
        let mut chooser = Noted { inner: Replay::new(deviations), step: 0, steps: vec![] };
        let check = check(rules, invariant);
        let mut held: Vec<(u64, bool)> = check.iter().map(|check| (0, check(&world).is_ok())).collect();
        let failure = run_watched(&mut world, &mut chooser, &mut trace, rules, &mut |world, trace| {
            if let Some(check) = check.as_ref().filter(|_| trace.changed != 0) {
                let holds = check(world).is_ok();
                if held.last().is_some_and(|(_, before)| *before != holds) {
                    held.push((trace.steps, holds));
                }
            }
        })
        .err();
        let taken = chooser.inner.taken().iter().copied().zip(chooser.steps).collect();
        let (lines, digest, steps) = (trace.lines().to_vec(), trace.digest(), trace.steps);
        Self { world, lines, failure, digest, steps, taken, held }
    }

    /// The last step after which all was well, and the one that broke it; `None` when it never held, or is of no state.
    pub(super) fn last_good(&self) -> Option<(u64, u64)> {
        let (broken, _) = self.held.last().filter(|(step, holds)| !holds && *step > 0)?;
        Some((broken - 1, *broken))
    }
}

/// Says how an invariant is broken in a world.
type Check<'a> = Box<dyn Fn(&World) -> Result<(), Broken> + 'a>;

/// How an invariant is asked; `None` for what is not seen in a state.
pub(super) fn check<'a>(rules: &'a Rules, name: &str) -> Option<Check<'a>> {
    if let Some(known) = rules.invariants.iter().find(|it| it.name == name) {
        return Some(Box::new(known.check));
    }
    let own = rules.own.iter().find(|it| it.invariant.name == name)?;
    Some(Box::new(|world| (own.check)(world)))
}

/// The rules, for runs of which there are many.
fn hasty(rules: &Rules) -> Rules {
    let limits = Limits { steps: rules.limits.steps.min(PATIENCE_STEPS), ..rules.limits };
    Rules { limits, ..rules.clone() }
}

fn breaks(failure: Option<&Failure>, invariant: &str) -> bool {
    failure.is_some_and(|failure| failure.invariant.name == invariant)
}

/// What becomes of a run without each of its deviations.
pub(super) fn without(scenario: &Scenario, all: &[Deviation], invariant: &str, rules: &Rules) -> Vec<Without> {
    let rules = hasty(rules);
    let one = |place: usize| {
        let fewer: Vec<_> = all.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, it)| *it).collect();
        match replay(scenario, &fewer, Trace::default(), &rules).failure {
            None => Without::Passes,
            Some(failure) if failure.invariant.name == invariant => Without::Fails,
            Some(failure) => Without::Breaks(failure.invariant.name),
        }
    };
    (0..all.len()).map(one).collect()
}

/// Runs variations: some deviations are left out, some come a little earlier or later, and others are added.
pub(super) fn nearby(scenario: &Scenario, all: &[Deviation], invariant: &str, rules: &Rules) -> Nearby {
    let rules = hasty(rules);
    let lent: Vec<Deviation> =
        (0..LENDERS).flat_map(|seed| random(scenario, seed, false, Trace::default(), &rules).deviations).collect();
    let whole = replay(scenario, all, Trace::hashed(), &rules).trace;
    let (mut rng, mut nearby) =
        (Rng::new(all.len() as u64), Nearby { always: (0..all.len()).collect(), ..Nearby::default() });
    let (mut steps, mut parts) = (0, 0);
    while nearby.runs < VARIATIONS && steps < BUDGET {
        let varied = vary(all, &lent, &mut rng);
        let Finished { trace, deviations, failure, .. } = replay(scenario, &varied, Trace::hashed(), &rules);
        (steps, nearby.runs) = (steps + trace.steps, nearby.runs + 1);
        if breaks(failure.as_deref(), invariant) {
            nearby.failed += 1;
            nearby.always.retain(|place| deviations.contains(&all[*place]));
        } else if failure.is_none() {
            let same = whole.hashes().iter().zip(trace.hashes()).take_while(|(left, right)| left == right).count();
            if same > parts || nearby.passing.is_none() {
                (parts, nearby.passing) = (same, Some(varied));
            }
        }
    }
    nearby
}

fn vary(all: &[Deviation], lent: &[Deviation], rng: &mut Rng) -> Vec<Deviation> {
    let mut varied = vec![];
    for deviation in all {
        let (kept, moved, by) = (rng.below(8), rng.below(4), 1 + rng.below(2) as u32);
        let at = match moved {
            0 => deviation.at + by,
            1 => deviation.at.saturating_sub(by).max(1),
            _ => deviation.at,
        };
        varied.extend((kept > 0).then_some(Deviation { at, ..*deviation }));
    }
    for _ in 0..rng.below(3) {
        varied.extend((!lent.is_empty()).then(|| lent[rng.below(lent.len() as u64) as usize]));
    }
    varied
}

/// How often a run fails that goes on at random after this or that step.
pub(super) fn chances(
    scenario: &Scenario,
    deviations: &[Deviation],
    course: &Course,
    invariant: &str,
    rules: &Rules,
) -> Vec<Chance> {
    let rules = hasty(rules);
    let wanted = places(course);
    let mut starts: Vec<(Chance, World, Trace)> = vec![];
    let keep = |starts: &mut Vec<_>, world: &World, trace: &Trace| {
        if wanted.binary_search(&trace.steps).is_ok() {
            starts.push((Chance { step: trace.steps, failed: 0, runs: 0 }, world.clone(), trace.clone()));
        }
    };
    let (mut world, mut chooser, mut trace) = (scenario.world(), Replay::new(deviations), Trace::default());
    keep(&mut starts, &world, &trace);
    // How it ends is known.
    drop(run_watched(&mut world, &mut chooser, &mut trace, &rules, &mut |world, trace| {
        keep(&mut starts, world, trace);
    }));
    let mut steps = 0;
    for seed in 0..CONTINUATIONS {
        for (chance, world, trace) in &mut starts {
            let mut rng = Rng::new(seed);
            let swarm = Swarm::draw(&mut rng);
            let (mut world, mut trace) = (world.clone(), trace.clone());
            let failed = run(&mut world, &mut Random::new(rng, swarm), &mut trace, &rules).err();
            chance.runs += 1;
            chance.failed += u64::from(breaks(failed.as_deref(), invariant));
            steps += trace.steps - chance.step;
        }
        if steps > BUDGET {
            break;
        }
    }
    starts.into_iter().map(|(chance, ..)| chance).collect()
}

/// The steps after which it goes on at random: all of a short run; of a long one some, those at its deviations, and the
/// last ones.
fn places(course: &Course) -> Vec<u64> {
    let last = course.steps.saturating_sub(1).min(PATIENCE_STEPS - 1);
    let most = if last > PATIENCE_STEPS / 2 { LONG_STEPS_MAX } else { STEPS_MAX };
    if last < most as u64 {
        return (0..=last).collect();
    }
    let even = (0..most as u64 / 2).map(|number| number * last / (most as u64 / 2));
    let faults = course.taken.iter().take(most / 8).flat_map(|(_, step)| [step.saturating_sub(1), *step]);
    let mut places: Vec<u64> = even.chain(faults).chain(last.saturating_sub(most as u64 / 4)..=last).collect();
    places.retain(|step| *step <= last);
    places.sort_unstable();
    places.dedup();
    places
}

/// The first step after which every continuation failed, and the chance before it.
pub(super) fn no_return(chances: &[Chance]) -> Option<(Option<Chance>, Chance)> {
    let lost = chances.iter().rev().take_while(|chance| chance.failed == chance.runs).count();
    let place = chances.len() - lost;
    let first = chances.get(place)?;
    Some((place.checked_sub(1).map(|before| chances[before]), *first))
}

/// The two steps between which the chance rises most.
pub(super) fn turned(chances: &[Chance]) -> Option<(Chance, Chance)> {
    let rise = |(before, after): &(Chance, Chance)| after.failed.saturating_sub(before.failed);
    let pairs = chances.windows(2).map(|pair| (pair[0], pair[1])).filter(|pair| rise(pair) > 0);
    // The first of several.
    pairs.rev().max_by_key(rise)
}

/// Replays, and notes in which step.
struct Noted {
    inner: Replay,
    step: u64,
    steps: Vec<u64>,
}

impl Noted {
    fn note(&mut self) {
        self.steps.resize(self.inner.taken().len(), self.step);
    }
}

impl Chooser for Noted {
    fn fate(&mut self, site: Site, options: &[Fate]) -> Fate {
        let fate = self.inner.fate(site, options);
        self.note();
        fate
    }

    fn message(&mut self, site: Site, count: usize) -> usize {
        let place = self.inner.message(site, count);
        self.note();
        place
    }

    fn action(&mut self, list: &mut dyn FnMut(&mut Vec<Action>, Wanted)) -> Option<Action> {
        self.step += 1;
        let action = self.inner.action(list);
        self.note();
        action
    }

    fn deviated(&self) -> usize {
        self.inner.deviated()
    }
}
