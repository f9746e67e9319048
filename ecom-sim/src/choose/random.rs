//! Chooses at random, each run with weights of its own: what a uniform choice would never combine, some run favours.

use super::{Chooser, Counts, Deviation, Fate, Op, Pick, Site, Wanted};
use crate::hash::Rng;
use crate::world::{Action, Lane};

/// The weights of one run. Chances are in parts of 65,536.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// Faults that may happen in all.
    pub budget: u32,
    /// How likely a step of a port ends otherwise.
    pub fault: u32,
    /// The weight of each fate among those that are possible; 0: never in this run.
    pub fates: [u32; Fate::ALL.len()],
    /// How likely another one goes on than the next.
    pub preempt: u32,
    /// How likely a message overtakes others.
    pub overtake: u32,
    /// The weight of each kind of lane when another one goes on.
    pub lanes: [u32; 6],
    /// The weight of each service when another one goes on.
    pub nodes: [u32; 8],
    /// The weight of a client's next command.
    pub client: u32,
    /// The weight of time that passes early.
    pub elapse: u32,
    /// The weight of a process that dies between two steps.
    pub crash: u32,
    /// The weight of a clock that jumps, or a service that is cut off.
    pub trouble: u32,
    /// The sites at which steps of ports may end otherwise, one bit each.
    pub sites: u128,
    /// One fault at one place, whatever the weights.
    pub aimed: Option<(Site, u32)>,
}

impl Swarm {
    /// Draws the weights of a run.
    pub fn draw(rng: &mut Rng) -> Self {
        let mut weight = |off: u64| if rng.below(off) == 0 { 0 } else { 1 << rng.below(8) };
        let mut fates = [0; Fate::ALL.len()];
        let early = Fate::Early as usize;
        for fate in &mut fates[..early] {
            *fate = weight(3);
        }
        // Not drawn: a seed makes the run that it made before there were webhooks, returns and refusals, unless there are
        // some.
        fates[early] = fates[Fate::Late as usize];
        fates[Fate::Returned as usize] = fates[Fate::UnknownNotDone as usize];
        fates[Fate::Refused as usize] = fates[Fate::Transient as usize];
        let mut lanes = [0; 6];
        for lane in &mut lanes {
            *lane = weight(6);
        }
        let mut nodes = [0; 8];
        for node in &mut nodes {
            *node = weight(8);
        }
        let (client, elapse, crash) = (weight(4), weight(2), weight(3));
        let trouble = weight(2) / 8;
        let many = 5 + rng.below(60) as u32;
        let budget = [0, 1, 1, 2, 2, 2, 3, 3, 4, many][rng.below(10) as usize];
        let fault = [300, 1_000, 2_500, 6_000, 16_000][rng.below(5) as usize];
        let (sites, fault) = match rng.below(4) {
            0 | 1 => (u128::MAX, fault),
            few => (Self::few_sites(rng, few - 1), [4_000, 16_000, 32_000][rng.below(3) as usize]),
        };
        let preempt = [0, 700, 3_000, 12_000, 40_000][rng.below(5) as usize];
        let overtake = [0, 2_000, 30_000][rng.below(3) as usize];
        let aimed = (rng.below(8) == 0).then(|| (Self::a_site(rng), 1 + rng.below(6) as u32));
        Self { budget, fault, fates, preempt, overtake, lanes, nodes, client, elapse, crash, trouble, sites, aimed }
    }

    /// Everything as likely as everything else: the control that shows what the swarm is good for.
    pub fn uniform(rng: &mut Rng) -> Self {
        Self {
            budget: rng.below(4) as u32,
            fault: 2_000,
            fates: [1; Fate::ALL.len()],
            preempt: 6_000,
            overtake: 6_000,
            lanes: [1; 6],
            nodes: [1; 8],
            client: 1,
            elapse: 1,
            crash: 1,
            trouble: 1,
            sites: u128::MAX,
            aimed: None,
        }
    }

    /// One to six sites: faults that meet at one place are what a uniform choice hardly ever combines.
    fn few_sites(rng: &mut Rng, more: u64) -> u128 {
        (0..=rng.below(3 * more)).fold(0, |sites, _| {
            let site = Self::a_site(rng);
            // What a call does and what is told of it go together.
            let told = (site.op == Op::Call).then_some(Site { op: Op::Webhook, ..site });
            told.into_iter().chain([site]).fold(sites, |sites, site| sites | 1 << site.index())
        })
    }

    fn a_site(rng: &mut Rng) -> Site {
        const OPS: [Op; 6] = [Op::Commit, Op::Publish, Op::Settle, Op::Duplicate, Op::Call, Op::Call];
        let op = OPS[rng.below(OPS.len() as u64) as usize];
        // Money is called for more often than notices; users publish, and consume nothing.
        let node = if op == Op::Call { [3, 3, 3, 4][rng.below(4) as usize] } else { rng.below(5) as u8 };
        Site { node, op }
    }

    /// What has a weight at all.
    const fn wanted(&self) -> Wanted {
        Wanted { elapse: self.elapse > 0, crash: self.crash > 0, trouble: self.trouble > 0 }
    }

    fn weight(&self, action: Action) -> u32 {
        match action {
            Action::Run { node, lane, .. } => self.nodes[usize::from(node) & 7] * self.lanes[lane_kind(lane)],
            Action::Arrive { node, .. } => self.nodes[usize::from(node) & 7] * 8,
            Action::Client(_) => self.client * 8,
            Action::Elapse(_) => self.elapse,
            Action::Crash { .. } => self.crash,
            Action::Trouble { .. } => self.trouble,
        }
    }
}

const fn lane_kind(lane: Lane) -> usize {
    match lane {
        Lane::Consumer => 0,
        Lane::Relay => 1,
        Lane::Effector => 2,
        Lane::Clock => 3,
        Lane::Flush | Lane::Command(_) => 4,
        Lane::Call(_) => 5,
    }
}

/// Chooses by a swarm's weights, and remembers what it chose.
#[derive(Clone, Debug)]
pub struct Random {
    rng: Rng,
    swarm: Swarm,
    left: u32,
    counts: Counts,
    deviations: Vec<Deviation>,
    actions: Vec<Action>,
}

impl Random {
    /// With these weights.
    pub fn new(rng: Rng, swarm: Swarm) -> Self {
        let left = swarm.budget;
        Self { rng, swarm, left, counts: Counts::default(), deviations: vec![], actions: vec![] }
    }

    /// What it chose instead of the first option, in order.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// What it chose instead of the first option, in order.
    pub fn into_deviations(self) -> Vec<Deviation> {
        self.deviations
    }

    fn note(&mut self, site: Site, at: u32, pick: Pick) {
        let deviation = Deviation { site, at, pick };
        if deviation.is_fault() {
            self.left = self.left.saturating_sub(1);
        }
        self.deviations.push(deviation);
    }
}

/// One of the items, as likely as its weight; `None` when all weights are 0.
fn weighted<T: Copy>(rng: &mut Rng, items: &[T], weight: impl Fn(T) -> u32) -> Option<T> {
    let total: u64 = items.iter().map(|item| u64::from(weight(*item))).sum();
    let mut drawn = rng.below(total);
    if total == 0 {
        return None;
    }
    items.iter().copied().find(|item| {
        let weight = u64::from(weight(*item));
        let found = drawn < weight;
        drawn = drawn.wrapping_sub(weight);
        found
    })
}

impl Chooser for Random {
    fn fate(&mut self, site: Site, options: &[Fate]) -> Fate {
        let at = self.counts.next(site);
        if self.left == 0 || options.len() < 2 {
            return Fate::Fine;
        }
        let aimed = self.swarm.aimed == Some((site, at));
        if self.swarm.sites >> site.index() & 1 == 0 && !aimed {
            return Fate::Fine;
        }
        if !aimed && !self.rng.chance(self.swarm.fault) {
            return Fate::Fine;
        }
        let weights = self.swarm.fates;
        let fate = weighted(&mut self.rng, &options[1..], |fate| if aimed { 1 } else { weights[fate as usize] });
        let Some(fate) = fate else { return Fate::Fine };
        self.note(site, at, Pick::Fate(fate));
        fate
    }

    fn message(&mut self, site: Site, count: usize) -> usize {
        let at = self.counts.next(site);
        if count < 2 || !self.rng.chance(self.swarm.overtake) {
            return 0;
        }
        let place = self.rng.below(count as u64) as usize;
        if place > 0 {
            self.note(site, at, Pick::Message(place as u16));
        }
        place
    }

    fn action(&mut self, list: &mut dyn FnMut(&mut Vec<Action>, Wanted)) -> Option<Action> {
        let at = self.counts.next(Site::SCHEDULE);
        if !self.rng.chance(self.swarm.preempt) {
            return None;
        }
        let mut actions = std::mem::take(&mut self.actions);
        actions.clear();
        let may_fail = self.left > 0;
        let swarm = &self.swarm;
        list(&mut actions, if may_fail { swarm.wanted() } else { Wanted::NONE });
        let weight = |action: Action| if action.is_fault() && !may_fail { 0 } else { swarm.weight(action) };
        let action = weighted(&mut self.rng, &actions, weight);
        let first = actions.first().copied();
        self.actions = actions;
        let action = action.filter(|action| Some(*action) != first)?;
        self.note(Site::SCHEDULE, at, Pick::Action(action));
        Some(action)
    }

    fn deviated(&self) -> usize {
        self.deviations.len()
    }
}
