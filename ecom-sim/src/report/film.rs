//! A run as it is shown: who did what to whom, on which way to the failure, and what every service held then.

use std::collections::VecDeque;

use ecom_core::event::Service;

use crate::choose::{Deviation, Replay};
use crate::run::{Rules, run_watched};
use crate::scenario::Scenario;
use crate::world::{Action, Line, Trace, World};

/// States that a film keeps: the last ones.
const STATES_MAX: usize = 400;

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Film {
    /// The services, in their order.
    pub services: Vec<String>,
    /// What happened.
    pub scenes: Vec<Scene>,
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
    /// What each service holds after the step, line by line; empty where nothing changed since the scene before.
    pub held: Vec<Vec<String>>,
}

/// How something is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A client sends to a service.
    Send,
    /// A client hears of it.
    Hear,
    /// A service publishes.
    Publish,
    /// A publication or a call that does not arrive, or whose answer does not.
    Lost,
    /// A service is given a message.
    Deliver,
    /// The same once more.
    Again,
    /// A service calls the outside.
    Call,
    /// A process dies.
    Crash,
    /// Time passes.
    Time,
    /// A service by itself.
    Note,
}

impl Film {
    /// Replays deviations and films it; every trace line is a scene.
    pub fn of(scenario: &Scenario, deviations: &[Deviation], rules: &Rules) -> Self {
        let (mut world, mut chooser, mut trace) = (scenario.world(), Replay::new(deviations), Trace::verbose());
        let services: Vec<String> = world.nodes().map(|node| head(&format!("{node:?}"))).collect();
        let mut film = Self { services, scenes: vec![] };
        let (mut held, mut kept) = (vec![], VecDeque::new());
        let failed = run_watched(&mut world, &mut chooser, &mut trace, rules, &mut |world, trace| {
            let seen = film.scenes.len();
            if held.is_empty() || trace.changed != 0 {
                held = world.nodes().map(|node| format!("{node:#?}").lines().map(str::to_owned).collect()).collect();
            }
            let last: Option<&Vec<Vec<String>>> = film.scenes.iter().rev().map(|it| &it.held).find(|it| !it.is_empty());
            let shown = if last == Some(&held) { vec![] } else { held.clone() };
            film.scenes.extend(trace.lines()[seen..].iter().map(|line| scene(line, &film.services)));
            if let Some(scene) = film.scenes[seen..].last_mut().filter(|_| !shown.is_empty()) {
                scene.held = shown;
                kept.push_back(film.scenes.len() - 1);
            }
            if kept.len() > STATES_MAX
                && let Some(oldest) = kept.pop_front()
            {
                film.scenes[oldest].held.clear();
            }
        });
        let seen = film.scenes.len();
        film.scenes.extend(trace.lines()[seen..].iter().map(|line| scene(line, &film.services)));
        if failed.is_err() {
            film.mark_path();
        }
        film
    }

    /// Walks back from the end: what the last service did, what it was given, who had published that, and so on.
    fn mark_path(&mut self) {
        let mut owners: Vec<String> = self.scenes.iter().rev().find_map(|it| it.service.clone()).into_iter().collect();
        let mut wanted: Vec<String> = vec![];
        for scene in self.scenes.iter_mut().rev() {
            let words = || scene.text.split([' ', ',', ':']).filter(|word| word.contains('.')).map(str::to_owned);
            let published =
                matches!(scene.shape, Shape::Publish | Shape::Lost) && words().any(|it| wanted.contains(&it));
            if published {
                owners.extend(scene.service.clone());
            }
            let own = scene.service.as_ref().is_some_and(|service| owners.contains(service));
            scene.is_on_path = own || published || scene.is_fault || scene.shape == Shape::Send;
            if own && matches!(scene.shape, Shape::Deliver | Shape::Again) {
                wanted.extend(words());
            }
        }
    }

    /// The place of the first scene that is another one in the other film.
    pub fn first_difference(&self, other: &Self) -> usize {
        let same = |(left, right): &(&Scene, &Scene)| left.text == right.text && left.at == right.at;
        self.scenes.iter().zip(&other.scenes).take_while(same).count()
    }
}

fn head(debug: &str) -> String {
    debug.split([' ', '{']).next().unwrap_or_default().to_owned()
}

fn scene(line: &Line, services: &[String]) -> Scene {
    let named = line.text.split([' ', ':']).next().unwrap_or_default();
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
        held: vec![],
    }
}

fn shape(text: &str) -> Shape {
    let has = |word: &str| text.contains(word);
    if has(" dies") {
        return Shape::Crash;
    }
    if has(" publishes ") || has(" calls the outside") {
        let is_lost = ["not stored", "is lost", "not carried out", "no answer"].iter().any(|it| has(it));
        let arrives = if has(" publishes ") { Shape::Publish } else { Shape::Call };
        return if is_lost { Shape::Lost } else { arrives };
    }
    if has(" gets ") || has("will come to ") {
        return if has(" again") || has("twice") { Shape::Again } else { Shape::Deliver };
    }
    if has("the client hears") {
        return Shape::Hear;
    }
    if text.starts_with("client ") && has(" sends ") {
        return Shape::Send;
    }
    if text.ends_with(" s pass") { Shape::Time } else { Shape::Note }
}
