//! Choosers that follow a list.

use std::collections::BTreeMap;

use super::{Chooser, Counts, Deviation, Fate, Pick, Site, Wanted};
use crate::world::Action;

/// Never deviates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Default0;

impl Chooser for Default0 {
    fn fate(&mut self, _site: Site, _options: &[Fate]) -> Fate {
        Fate::Fine
    }

    fn message(&mut self, _site: Site, _count: usize) -> usize {
        0
    }

    fn action(&mut self, _list: &mut dyn FnMut(&mut Vec<Action>, Wanted)) -> Option<Action> {
        None
    }

    fn deviated(&self) -> usize {
        0
    }
}

/// Deviates where a list says so. What is not possible there is passed over.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    script: BTreeMap<(Site, u32), Pick>,
    counts: Counts,
    taken: Vec<Deviation>,
}

impl Replay {
    /// Follows these deviations.
    pub fn new(deviations: &[Deviation]) -> Self {
        let script = deviations.iter().map(|it| ((it.site, it.at), it.pick)).collect();
        Self { script, ..Self::default() }
    }

    /// Those that were possible, in the order in which they happened.
    pub fn into_taken(self) -> Vec<Deviation> {
        self.taken
    }

    /// Those that were possible so far.
    pub fn taken(&self) -> &[Deviation] {
        &self.taken
    }

    fn next(&mut self, site: Site) -> (u32, Option<Pick>) {
        let at = self.counts.next(site);
        (at, if self.script.is_empty() { None } else { self.script.get(&(site, at)).copied() })
    }

    fn take(&mut self, site: Site, at: u32, pick: Pick) {
        self.taken.push(Deviation { site, at, pick });
    }
}

impl Chooser for Replay {
    fn fate(&mut self, site: Site, options: &[Fate]) -> Fate {
        let (at, pick) = self.next(site);
        match pick {
            Some(Pick::Fate(fate)) if options.contains(&fate) => {
                self.take(site, at, Pick::Fate(fate));
                fate
            }
            Some(Pick::Fate(_) | Pick::Message(_) | Pick::Action(_)) | None => Fate::Fine,
        }
    }

    fn message(&mut self, site: Site, count: usize) -> usize {
        let (at, pick) = self.next(site);
        match pick {
            Some(Pick::Message(place)) if usize::from(place) < count => {
                self.take(site, at, Pick::Message(place));
                usize::from(place)
            }
            Some(Pick::Fate(_) | Pick::Message(_) | Pick::Action(_)) | None => 0,
        }
    }

    fn action(&mut self, list: &mut dyn FnMut(&mut Vec<Action>, Wanted)) -> Option<Action> {
        let (at, pick) = self.next(Site::SCHEDULE);
        let Some(Pick::Action(action)) = pick else { return None };
        let mut actions = vec![];
        list(&mut actions, Wanted::ALL);
        if !actions.contains(&action) {
            return None;
        }
        self.take(Site::SCHEDULE, at, Pick::Action(action));
        Some(action)
    }

    fn deviated(&self) -> usize {
        self.taken.len()
    }
}
