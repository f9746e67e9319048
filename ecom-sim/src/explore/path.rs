//! How a state was reached: a tree of actions, and from a leaf of it the deviations that replay it.

use std::collections::VecDeque;

use crate::choose::{Chooser, Counts, Deviation, Fate, Fork, Pick, Site, Wanted};
use crate::scenario::Scenario;
use crate::world::{Action, Trace, World};

/// One action, and the way to it.
#[derive(Clone, Debug)]
pub(super) struct Path {
    parent: u32,
    action: Action,
    /// How many steps it took.
    steps: u16,
    /// What was chosen otherwise: the number of the choice, and what.
    picks: Box<[(u16, Pick)]>,
}

impl Path {
    /// The beginning; paths are counted from 1.
    pub(super) const ROOT: u32 = 0;

    pub(super) fn new(parent: u32, action: Action, steps: u64, forks: &[Fork]) -> Self {
        let picks = (0..).zip(forks).filter_map(|(number, fork)| Some((number, fork.pick()?)));
        Self { parent, action, steps: steps as u16, picks: picks.collect() }
    }
}

/// The deviations that lead to the end of a path.
pub(super) fn deviations(scenario: &Scenario, paths: &[Path], end: u32) -> Vec<Deviation> {
    let mut way = vec![];
    let mut at = end;
    while at != Path::ROOT {
        let Some(path) = paths.get(at as usize - 1) else { break };
        way.push(path);
        at = path.parent;
    }
    let (mut world, mut recorder) = (scenario.world(), Recorder::default());
    for path in way.iter().rev() {
        recorder.follow(path);
        walk(&mut world, path, &mut recorder);
    }
    recorder.deviations
}

fn walk(world: &mut World, path: &Path, recorder: &mut Recorder) {
    let mut trace = Trace::default();
    for _ in 0..path.steps {
        let at = recorder.counts.next(Site::SCHEDULE);
        if world.default_action() != Some(path.action) {
            recorder.deviations.push(Deviation { site: Site::SCHEDULE, at, pick: Pick::Action(path.action) });
        }
        world.step(path.action, recorder, &mut trace);
    }
}

/// Chooses what a path chose, and writes down what was not the first option.
#[derive(Default)]
struct Recorder {
    counts: Counts,
    number: u16,
    picks: VecDeque<(u16, Pick)>,
    deviations: Vec<Deviation>,
}

impl Recorder {
    fn follow(&mut self, path: &Path) {
        self.number = 0;
        self.picks = path.picks.iter().copied().collect();
    }

    fn next(&mut self, site: Site) -> Option<Pick> {
        let at = self.counts.next(site);
        let number = self.number;
        self.number += 1;
        let pick = self.picks.pop_front_if(|(place, _)| *place == number).map(|(_, pick)| pick)?;
        self.deviations.push(Deviation { site, at, pick });
        Some(pick)
    }
}

impl Chooser for Recorder {
    fn fate(&mut self, site: Site, _options: &[Fate]) -> Fate {
        match self.next(site) {
            Some(Pick::Fate(fate)) => fate,
            Some(Pick::Message(_) | Pick::Action(_)) | None => Fate::Fine,
        }
    }

    fn message(&mut self, site: Site, _count: usize) -> usize {
        match self.next(site) {
            Some(Pick::Message(place)) => usize::from(place),
            Some(Pick::Fate(_) | Pick::Action(_)) | None => 0,
        }
    }

    fn action(&mut self, _list: &mut dyn FnMut(&mut Vec<Action>, Wanted)) -> Option<Action> {
        None
    }

    fn deviated(&self) -> usize {
        self.deviations.len()
    }
}
