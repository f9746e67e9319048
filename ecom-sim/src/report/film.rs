//! A run as it is shown: who did what to whom, on which way to the failure, and what every service held then.

use std::collections::BTreeMap;

use ecom_core::event::Service;

use super::{analysis, names, path, sides};
use crate::choose::{Deviation, Replay};
use crate::facts::Fact;
use crate::run::{Failure, Rules, run_watched};
use crate::scenario::Scenario;
use crate::world::{Action, Line, Trace, World};

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Film {
    /// Who holds something: first the broken invariant, then the services, in their order.
    pub groups: Vec<String>,
    /// What can be so.
    pub keys: Vec<Key>,
    /// What is so at first: the place of a key, and a value.
    pub start: Vec<(usize, String)>,
    /// What happened.
    pub scenes: Vec<Scene>,
}

/// Something that can be so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The place of the group.
    pub group: usize,
    /// Of what.
    pub subject: String,
    /// What of it.
    pub label: String,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// In which step.
    pub step: u64,
    /// When, after the beginning, in milliseconds.
    pub at: u64,
    /// In words.
    pub text: String,
    /// How it is drawn.
    pub shape: Shape,
    /// Whose it is; `None` for clients and time.
    pub service: Option<String>,
    /// Whether it went otherwise than it should.
    pub is_fault: bool,
    /// Whether the failure follows from it.
    pub is_on_path: bool,
    /// The number of the deviation that it shows.
    pub deviation: Option<usize>,
    /// The place of the scene that sent what arrives here.
    pub sent: Option<usize>,
    /// What is otherwise after it: the place of a key, and its value, if it has one still.
    pub changes: Vec<(usize, Option<String>)>,
}

/// How something is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A client sends to a service.
    Send,
    /// A client hears of it.
    Hear,
    /// A service publishes, and it arrives.
    Publish,
    /// A service is given a message.
    Deliver,
    /// The same once more.
    Again,
    /// A service calls the outside, and hears the answer.
    Call,
    /// What a service publishes, or a call, does not arrive.
    Lost,
    /// It arrives, but not what is said back.
    Unheard,
    /// A call without an answer, which arrives later.
    Late,
    /// It arrives.
    Arrive,
    /// The outside tells of its own accord.
    Told,
    /// A timer fires.
    Timer,
    /// A transaction.
    Commit,
    /// A process dies.
    Crash,
    /// A service does not reach the broker for so many milliseconds.
    Cut(u64),
    /// Time passes.
    Time,
    /// A service by itself.
    Note,
}

impl Film {
    /// Replays deviations and films it; every line of the trace is a scene. `failure` says what it is about.
    pub fn of(scenario: &Scenario, deviations: &[Deviation], failure: &Failure, rules: &Rules) -> Self {
        let (mut world, mut chooser, mut trace) = (scenario.world(), Replay::new(deviations), Trace::verbose());
        let services: Vec<String> = Service::ALL
            .iter()
            .map(|service| service.short_name().to_owned())
            .filter(|name| world.nodes().any(|node| format!("{node:?}").starts_with(&format!("{name} "))))
            .collect();
        let mut film = Self {
            groups: std::iter::once("the invariant".to_owned()).chain(services.iter().cloned()).collect(),
            ..Self::default()
        };
        let check = analysis::check(rules, failure.invariant.name);
        let about = names::id_in(&failure.broken.subject);
        let held = |world: &World| {
            let mut held = vec![sides::facts(world, about, check.as_deref())];
            held.extend(world.nodes().map(|node| node.facts(world.broker(), world.now())));
            held
        };
        let mut known = Known::default();
        film.start = known.changes(&held(&world)).into_iter().filter_map(|(key, now)| Some((key, now?))).collect();
        let (mut seen, mut broken_by) = (0, None);
        let result = run_watched(&mut world, &mut chooser, &mut trace, rules, &mut |world, trace| {
            let lines = &trace.lines()[seen..];
            film.scenes.extend(lines.iter().map(|line| scene(line, &services)));
            // Queues change in steps in which no table does.
            let changes = known.changes(&held(world));
            let first = seen;
            seen = trace.lines().len();
            if known.broke.take().is_some() {
                broken_by = Some(trace.steps);
            }
            film.changed(first, changes);
        });
        let rest = trace.lines()[seen..].iter().map(|line| scene(line, &services));
        film.scenes.extend(rest);
        film.keys = known.into_keys();
        film.lead();
        let links = path::links(trace.lines(), &film.scenes);
        for (scene, sent) in film.scenes.iter_mut().zip(links.sent) {
            scene.sent = sent;
        }
        if let Err(failure) = result {
            let roots = path::roots(trace.lines(), &failure, about, broken_by.unwrap_or(failure.step));
            for place in path::back(&links.from, roots) {
                film.scenes[place].is_on_path = film.scenes[place].shape != Shape::Time;
            }
        }
        film
    }

    /// Notes changes at what made them: of several scenes of one step, at what is durable.
    fn changed(&mut self, first: usize, changes: Vec<(usize, Option<String>)>) {
        if changes.is_empty() {
            return;
        }
        let new = self.scenes.len() > first;
        let durable =
            (first..self.scenes.len()).find(|place| matches!(self.scenes[*place].shape, Shape::Commit | Shape::Call));
        let place = durable.filter(|_| new).or_else(|| self.scenes.len().checked_sub(1));
        match place {
            Some(place) => {
                let scene = &mut self.scenes[place];
                for (key, now) in changes {
                    match scene.changes.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, before)) => *before = now,
                        None => scene.changes.push((key, now)),
                    }
                }
            }
            None => {
                for (key, now) in changes {
                    self.start.retain(|(known, _)| *known != key);
                    self.start.extend(now.map(|now| (key, now)));
                }
            }
        }
    }

    /// A client's command is drawn to the service that carries it out, and its answer from there.
    fn lead(&mut self) {
        for place in 0..self.scenes.len() {
            let step = self.scenes[place].step;
            if matches!(self.scenes[place].shape, Shape::Send | Shape::Hear) {
                let mut near = self.scenes.iter().filter(|it| it.step == step).filter_map(|it| it.service.clone());
                self.scenes[place].service = near.next();
            }
        }
    }

    /// Marks the scenes in which each deviation is seen: by its step, counted from the first deviation.
    pub fn number(&mut self, deviations: &[(Deviation, u64)]) {
        for (number, (deviation, step)) in (1..).zip(deviations) {
            let of_step = |scene: &&mut Scene| scene.step == *step && scene.deviation.is_none();
            let mut found = None;
            for (place, scene) in self.scenes.iter_mut().enumerate().filter(|(_, it)| of_step(it)) {
                if found.is_none() || (scene.is_fault && deviation.is_fault()) {
                    found = Some(place);
                    if scene.is_fault {
                        break;
                    }
                }
            }
            let place = found.or_else(|| self.scenes.iter().position(|scene| scene.step >= *step));
            if let Some(scene) = place.map(|place| &mut self.scenes[place]) {
                scene.deviation = Some(number);
                scene.is_on_path = true;
            }
        }
    }

    /// The same with other words for what is said.
    #[must_use]
    pub fn in_words(mut self, words: impl Fn(&str) -> String) -> Self {
        self.keys.iter_mut().for_each(|key| {
            key.subject = words(&key.subject);
            key.label = words(&key.label);
        });
        self.start.iter_mut().for_each(|(_, value)| *value = words(value));
        for scene in &mut self.scenes {
            scene.text = words(&scene.text);
            scene.changes.iter_mut().filter_map(|(_, value)| value.as_mut()).for_each(|value| *value = words(value));
        }
        self
    }

    /// The place of the first scene that is another one in the other film.
    pub fn first_difference(&self, other: &Self) -> usize {
        let same = |(left, right): &(&Scene, &Scene)| left.text == right.text && left.at == right.at;
        self.scenes.iter().zip(&other.scenes).take_while(same).count()
    }

    /// What is so before that scene, by the place of the key.
    pub fn before(&self, place: usize) -> BTreeMap<usize, String> {
        let mut held: BTreeMap<usize, String> = self.start.iter().cloned().collect();
        for (key, now) in self.scenes[..place.min(self.scenes.len())].iter().flat_map(|it| &it.changes) {
            match now {
                Some(now) => held.insert(*key, now.clone()),
                None => held.remove(key),
            };
        }
        held
    }
}

/// What is so, as it was last seen.
#[derive(Default)]
struct Known {
    places: BTreeMap<Key, usize>,
    held: BTreeMap<usize, String>,
    broke: Option<()>,
}

impl Known {
    fn changes(&mut self, facts: &[Vec<Fact>]) -> Vec<(usize, Option<String>)> {
        let (mut changes, mut now) = (vec![], BTreeMap::new());
        for (group, facts) in facts.iter().enumerate() {
            for Fact { subject, label, value } in facts {
                let key = Key { group, subject: subject.clone(), label: label.clone() };
                let next = self.places.len();
                now.insert(*self.places.entry(key).or_insert(next), value.clone());
            }
        }
        for (key, value) in &now {
            if self.held.get(key) != Some(value) {
                changes.push((*key, Some(value.clone())));
            }
        }
        changes.extend(self.held.keys().filter(|key| !now.contains_key(key)).map(|key| (*key, None)));
        let broken = |held: &BTreeMap<usize, String>| held.iter().any(|(_, value)| value == sides::BROKEN);
        if broken(&now) && !broken(&self.held) {
            self.broke = Some(());
        }
        self.held = now;
        changes
    }

    fn into_keys(self) -> Vec<Key> {
        let mut keys: Vec<(usize, Key)> = self.places.into_iter().map(|(key, place)| (place, key)).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

fn scene(line: &Line, services: &[String]) -> Scene {
    let named = line.text.split([' ', ':', '\'']).next().unwrap_or_default();
    let by_action = match line.action {
        Action::Run { node, .. }
        | Action::Crash { node, .. }
        | Action::Arrive { node, .. }
        | Action::Trouble { node, .. } => Service::ALL.get(usize::from(node)).map(|service| service.short_name()),
        Action::Client(_) | Action::Elapse(_) => None,
    };
    let known = |name: &&str| services.iter().any(|service| service == name);
    let service = Some(named).filter(known).or(by_action).filter(known).map(str::to_owned);
    Scene {
        step: line.step,
        at: line.at.since(World::dawn()).as_millis() as u64,
        shape: shape(&line.text),
        text: line.text.clone(),
        service,
        is_fault: line.is_fault,
        is_on_path: false,
        deviation: None,
        sent: None,
        changes: vec![],
    }
}

fn shape(text: &str) -> Shape {
    let has = |word: &str| text.contains(word);
    let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(" publishes ") || has(" calls the ") {
        return if any(&["arrive later"]) {
            Shape::Late
        } else if any(&["not stored", "before it arrives", "not done, and no answer", "dies before", "gives it back"]) {
            Shape::Lost
        } else if any(&["is lost", "the process dies"]) {
            Shape::Unheard
        } else if has(" publishes ") {
            Shape::Publish
        } else {
            Shape::Call
        };
    }
    if has(" loses the broker for ") {
        let seconds = text.split(" for ").nth(1).and_then(|it| it.split(' ').next()?.parse::<u64>().ok());
        return Shape::Cut(seconds.unwrap_or(0) * 1_000);
    }
    match text {
        _ if has(" dies") => Shape::Crash,
        _ if has("'s late call reaches ") => Shape::Arrive,
        _ if has(" by webhook: ") => Shape::Told,
        _ if has(": the timer ") => Shape::Timer,
        _ if has(" gets ") && has(" again") => Shape::Again,
        _ if has(" gets ") => Shape::Deliver,
        _ if has("the client hears") => Shape::Hear,
        _ if text.starts_with("client ") && has(" sends ") => Shape::Send,
        _ if has(" commits: ") || has("its transaction") => Shape::Commit,
        _ if text.ends_with(" s pass") => Shape::Time,
        _ => Shape::Note,
    }
}
