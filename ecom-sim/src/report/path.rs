//! What followed from what: which publication brought a message, which transaction a call, and so the way to a failure.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::film::{Scene, Shape};
use crate::run::Failure;
use crate::world::{Action, Lane, Line};

/// What each line follows from.
#[derive(Default)]
pub(super) struct Links {
    /// The lines that it follows from.
    pub(super) from: Vec<Vec<usize>>,
    /// Which of them sent what arrives in it.
    pub(super) sent: Vec<Option<usize>>,
}

/// Who has done what last.
#[derive(Default)]
struct Last<'a> {
    /// A message was told of or sent, a call owed or tried.
    about: BTreeMap<Uuid, usize>,
    /// A message reached the broker.
    published: BTreeMap<Uuid, usize>,
    /// A row of a service was written.
    wrote: BTreeMap<(&'a str, Uuid), usize>,
    /// A lane went on.
    lane: BTreeMap<(u8, u8, Lane), usize>,
    /// A service committed.
    commit: BTreeMap<&'a str, usize>,
    /// A client sent or heard.
    client: BTreeMap<u8, usize>,
}

/// Looks for what each line follows from among those before it.
pub(super) fn links<'a>(lines: &'a [Line], scenes: &'a [Scene]) -> Links {
    let (mut links, mut last) = (Links::default(), Last::default());
    for (place, (line, scene)) in lines.iter().zip(scenes).enumerate() {
        let service = scene.service.as_deref().unwrap_or_default();
        let before = place.checked_sub(1).filter(|before| lines[*before].step == line.step);
        let lane = match line.action {
            Action::Run { node, copy, lane } => Some((node, copy, lane)),
            _ => None,
        };
        let in_lane = lane.and_then(|lane| last.lane.get(&lane).copied());
        let about = |known: &BTreeMap<Uuid, usize>| line.about.iter().filter_map(|id| known.get(id).copied()).max();
        let (mut from, mut sent) = (vec![], None);
        match scene.shape {
            Shape::Deliver | Shape::Again => {
                sent = about(&last.published);
                from.extend(sent);
            }
            Shape::Publish => from.extend(about(&last.about).or_else(|| last.commit.get(service).copied())),
            Shape::Call | Shape::Lost | Shape::Unheard | Shape::Late => {
                from.extend(about(&last.about).or_else(|| last.commit.get(service).copied()));
                from.extend(in_lane);
            }
            Shape::Arrive => {
                sent = about(&last.about);
                from.extend(sent);
            }
            Shape::Timer => {
                from.extend(line.about.iter().filter_map(|id| last.wrote.get(&(service, *id)).copied()));
            }
            Shape::Commit | Shape::Note | Shape::Told => from.extend(before.or(in_lane)),
            Shape::Hear | Shape::Crash => from.extend(before),
            Shape::Send => {
                if let Action::Client(client) = line.action {
                    from.extend(last.client.get(&client).copied());
                }
            }
            Shape::Cut(_) | Shape::Time => {}
        }
        from.extend(line.wrote.iter().filter_map(|id| last.wrote.get(&(service, *id)).copied()));
        last.note(place, line, scene, lane);
        links.from.push(from);
        links.sent.push(sent);
    }
    links
}

impl<'a> Last<'a> {
    fn note(&mut self, place: usize, line: &'a Line, scene: &'a Scene, lane: Option<(u8, u8, Lane)>) {
        let service = scene.service.as_deref().unwrap_or_default();
        match scene.shape {
            Shape::Publish | Shape::Unheard => {
                self.published.extend(line.about.iter().map(|id| (*id, place)));
            }
            Shape::Commit => {
                self.commit.insert(service, place);
            }
            Shape::Send | Shape::Hear => {
                if let Action::Client(client) = line.action {
                    self.client.insert(client, place);
                }
            }
            _ => {}
        }
        if matches!(scene.shape, Shape::Commit | Shape::Call | Shape::Unheard | Shape::Lost | Shape::Late) {
            self.about.extend(line.about.iter().map(|id| (*id, place)));
            self.wrote.extend(line.wrote.iter().map(|id| ((service, *id), place)));
        }
        if let Some(lane) = lane {
            self.lane.insert(lane, place);
        }
    }
}

/// Where the way to the failure ends: what broke it, and what each service did last to whom it is about.
pub(super) fn roots(lines: &[Line], failure: &Failure, about: Option<Uuid>, broken_by: u64) -> Vec<usize> {
    let mut roots: BTreeSet<usize> = (0..lines.len())
        .filter(|place| lines[*place].step == broken_by || lines[*place].step == failure.step)
        .collect();
    if let Some(id) = about {
        let word = id.to_string();
        let mut last: BTreeMap<u8, usize> = BTreeMap::new();
        for (place, line) in lines.iter().enumerate() {
            let node = match line.action {
                Action::Run { node, .. } | Action::Arrive { node, .. } => node,
                _ => u8::MAX,
            };
            if line.wrote.contains(&id) || line.text.contains(&word) {
                last.insert(node, place);
            }
        }
        roots.extend(last.into_values());
    }
    if roots.is_empty() {
        roots.extend(lines.len().checked_sub(1));
    }
    roots.into_iter().collect()
}

/// All that these follow from, and themselves.
pub(super) fn back(from: &[Vec<usize>], roots: Vec<usize>) -> BTreeSet<usize> {
    let (mut seen, mut open) = (BTreeSet::new(), roots);
    while let Some(place) = open.pop() {
        if seen.insert(place) {
            open.extend(&from[place]);
        }
    }
    seen
}
