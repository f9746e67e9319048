//! The world: services with their rows and processes, the broker, the outside, clients and time, as one value.

mod client;
mod host;
mod node;
mod process;
pub(crate) mod schedule;
mod service;
mod timepiece;
mod told;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use ecom_core::event::Service as Name;
use ecom_core::inventory::InventoryContext;
use ecom_core::notification::NotificationContext;
use ecom_core::order::OrderContext;
use ecom_core::payment::PaymentContext;
use ecom_core::time::Timestamp;
use ecom_core::user::UserContext;

pub use client::{Client, Command, Keyed, Known, Reply, Request, Trail};
pub use node::{Answered, Env, Node, Said, Seen, Settings};
pub use service::Service;
pub use trace::{Line, Trace, Written};

use crate::hash::Hasher128;
use crate::port::{Broker, Simulated};

/// A loop of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Consumes the queue.
    Consumer,
    /// Publishes the outbox.
    Relay,
    /// Claims effects.
    Effector,
    /// Fires timers.
    Clock,
    /// Deletes what was published.
    Flush,
    /// Carries one effect out.
    Call(u8),
    /// Carries a client's command out.
    Command(u8),
}

/// What can happen to a service beside a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// Its clock jumps so many microseconds ahead.
    Clock(i64),
    /// Its clock goes on so many thousandths faster than it should.
    Drift(i16),
    /// It does not reach the broker for that time.
    Cut(Duration),
}

impl Trouble {
    /// All of them, each with its word.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Clock(-20_000_000), "clock-20s"),
        (Self::Clock(20_000_000), "clock+20s"),
        (Self::Clock(-3_600_000_000), "clock-1h"),
        (Self::Clock(3_600_000_000), "clock+1h"),
        (Self::Drift(-50), "drift-5%"),
        (Self::Drift(50), "drift+5%"),
        (Self::Cut(Duration::from_secs(3)), "cut3s"),
        (Self::Cut(Duration::from_secs(60)), "cut60s"),
    ];

    /// The word in a replay string.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(trouble, _)| *trouble == self).map_or("trouble", |(_, word)| word)
    }

    /// What happens to that service, in words.
    fn told(self, service: &str) -> String {
        match self {
            Self::Clock(micros) => {
                let way = if micros < 0 { "back" } else { "ahead" };
                format!("{service}'s clock jumps {} s {way}", micros.unsigned_abs() / 1_000_000)
            }
            Self::Drift(rate) => {
                let way = if rate < 0 { "slower" } else { "faster" };
                format!("{service}'s clock goes {} % {way} from now on", rate.unsigned_abs() / 10)
            }
            Self::Cut(time) => format!("{service} loses the broker for {} s", time.as_secs()),
        }
    }

    const fn code(self) -> u64 {
        match self {
            Self::Clock(micros) => micros.cast_unsigned(),
            Self::Drift(rate) => 1 << 60 | rate.cast_unsigned() as u64,
            Self::Cut(time) => time.as_micros() as u64,
        }
    }
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A lane goes on.
    Run {
        /// The service's number.
        node: u8,
        /// Which of its processes.
        copy: u8,
        /// Which lane.
        lane: Lane,
    },
    /// A process dies and starts again.
    Crash {
        /// The service's number.
        node: u8,
        /// Which of its processes.
        copy: u8,
    },
    /// A service is in trouble.
    Trouble {
        /// The service's number.
        node: u8,
        /// Which.
        trouble: Trouble,
    },
    /// A request arrives outside for which nobody waits any more.
    Arrive {
        /// The service's number.
        node: u8,
        /// Which request.
        which: u8,
    },
    /// A client sends its next command.
    Client(u8),
    /// Time passes until something is due: the next, or so many places behind it.
    Elapse(u8),
}

impl Action {
    /// Whether it is a fault when it comes before its turn.
    pub const fn is_fault(self) -> bool {
        match self {
            Self::Run { .. } | Self::Client(_) | Self::Arrive { .. } => false,
            Self::Crash { .. } | Self::Trouble { .. } | Self::Elapse(_) => true,
        }
    }

    /// As a number.
    pub const fn code(self) -> u64 {
        match self {
            Self::Run { node, copy, lane } => 1 << 32 | (node as u64) << 24 | (copy as u64) << 16 | lane.code(),
            Self::Crash { node, copy } => 2 << 32 | (node as u64) << 24 | (copy as u64) << 16,
            Self::Trouble { node, trouble } => 6 << 32 ^ (node as u64) << 40 ^ trouble.code(),
            Self::Arrive { node, which } => 3 << 32 | (node as u64) << 24 | which as u64,
            Self::Client(client) => 4 << 32 | client as u64,
            Self::Elapse(which) => 5 << 32 | which as u64,
        }
    }
}

impl Lane {
    const fn code(self) -> u64 {
        match self {
            Self::Consumer => 1,
            Self::Relay => 2,
            Self::Effector => 3,
            Self::Clock => 4,
            Self::Flush => 5,
            Self::Call(number) => 0x100 | number as u64,
            Self::Command(client) => 0x200 | client as u64,
        }
    }
}

/// Services in a world.
const NODES: usize = 6;

/// When every world begins.
const DAWN: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// The world.
#[derive(Clone, Debug)]
pub struct World {
    nodes: [Option<Arc<dyn Node>>; NODES],
    broker: Broker,
    clients: Vec<Client>,
    now: Timestamp,
    last: Option<Action>,
    settings: Arc<Settings>,
}

/// Which services there are, and how to make them.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    nodes: Vec<(Name, Arc<dyn Node>)>,
}

impl Fleet {
    /// Adds a context's service.
    pub fn with<C: Simulated>(self) -> Self {
        self.with_service(Service::<C>::new())
    }

    /// Adds a service that is not as empty as a new one.
    pub fn with_service<C: Simulated>(mut self, service: Service<C>) -> Self {
        self.nodes.push((C::SERVICE, Arc::new(service)));
        self
    }

    /// Orders, stock and money: what an order needs.
    pub fn minimal() -> Self {
        Self::default().with::<OrderContext>().with::<InventoryContext>().with::<PaymentContext>()
    }

    /// All services.
    pub fn whole() -> Self {
        Self::minimal().with::<UserContext>().with::<NotificationContext>()
    }
}

impl World {
    /// A world at its dawn: empty tables, all processes started.
    pub fn new(fleet: &Fleet, settings: Settings) -> Self {
        let mut nodes: [Option<Arc<dyn Node>>; NODES] = [const { None }; NODES];
        for (name, node) in &fleet.nodes {
            nodes[*name as usize] = Some(Arc::clone(node));
        }
        let broker = Broker::new(|name| nodes[name as usize].is_some());
        let mut world = Self { nodes, broker, clients: vec![], now: DAWN, last: None, settings: Arc::new(settings) };
        let (mut trace, mut chooser) = (Trace::default(), crate::choose::Default0);
        for node in 0..NODES as u8 {
            world.visit(node, &mut chooser, &mut trace, |node, env| node.boot(env));
        }
        world
    }

    /// When every world begins.
    pub const fn dawn() -> Timestamp {
        DAWN
    }

    /// The time.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// What stays the same.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The broker.
    pub const fn broker(&self) -> &Broker {
        &self.broker
    }

    /// The clients.
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// Adds a client.
    pub fn add_client(&mut self, client: Client) {
        self.clients.push(client);
    }

    /// A client never sends that command; `false` when there is none that could be left out.
    pub fn leave_out(&mut self, client: usize, command: usize) -> bool {
        let now = self.now;
        self.clients.get_mut(client).is_some_and(|client| client.leave_out(command, now))
    }

    /// A client sends that command with fewer pieces in a line, or without it; `false` when that is not possible.
    pub fn lessen(&mut self, client: usize, command: usize, line: usize, pieces: u32) -> bool {
        self.clients.get_mut(client).is_some_and(|client| client.lessen(command, line, pieces))
    }

    /// Sends all clients away.
    pub fn dismiss_clients(&mut self) {
        self.clients.clear();
    }

    /// The same world under other settings, its processes started anew.
    #[must_use]
    pub fn with_settings(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut world = self.clone();
        change(Arc::make_mut(&mut world.settings));
        let (mut trace, mut chooser) = (Trace::default(), crate::choose::Default0);
        for node in 0..NODES as u8 {
            world.visit(node, &mut chooser, &mut trace, |node, env| node.boot(env));
        }
        world
    }

    /// The same with what leaves a process handed on in the form in which it is sent or stored, or as it is.
    #[must_use]
    pub fn with_wire(&self, wire: bool) -> Self {
        let mut world = self.clone();
        Arc::make_mut(&mut world.settings).wire = wire;
        world
    }

    /// The same with a planted bug. Nothing is started anew: who is in the middle of something stays there.
    #[must_use]
    pub fn with_mutant(&self, mutant: Option<crate::mutant::Mutant>) -> Self {
        let mut world = self.clone();
        Arc::make_mut(&mut world.settings).mutant = mutant;
        world
    }

    /// A context's service; `None` when it is not there.
    pub fn service<C: Simulated>(&self) -> Option<&Service<C>> {
        self.nodes[C::SERVICE as usize].as_ref()?.as_any().downcast_ref()
    }

    /// The service of that number; `None` when it is not there.
    pub fn node(&self, number: u8) -> Option<&dyn Node> {
        self.nodes.get(usize::from(number))?.as_deref()
    }

    /// The services that are there.
    pub fn nodes(&self) -> impl Iterator<Item = &dyn Node> {
        self.nodes.iter().flatten().map(AsRef::as_ref)
    }

    /// What two worlds with the same future share.
    pub fn fingerprint(&self) -> u128 {
        use std::hash::Hash;
        let mut hasher = Hasher128::default();
        for node in self.nodes.iter().flatten() {
            node.fingerprint().hash(&mut hasher);
        }
        self.broker.hash(&mut hasher);
        for client in &self.clients {
            client.hash(&mut hasher);
        }
        self.now.hash(&mut hasher);
        hasher.finish128()
    }

    fn visit(
        &mut self,
        node: u8,
        chooser: &mut dyn crate::choose::Chooser,
        trace: &mut Trace,
        work: impl FnOnce(&mut dyn Node, &mut Env<'_>),
    ) {
        let Some(shared) = self.nodes.get_mut(usize::from(node)).and_then(Option::as_mut) else { return };
        if Arc::get_mut(shared).is_none() {
            *shared = shared.boxed();
        }
        let Some(own) = Arc::get_mut(shared) else { return };
        let mut env = Env {
            now: self.now,
            time: self.now,
            settings: &self.settings,
            broker: &mut self.broker,
            chooser,
            trace,
            replies: vec![],
        };
        work(own, &mut env);
        for (client, answered) in env.replies {
            if let Some(client) = self.clients.get_mut(usize::from(client)) {
                client.hear(answered, self.now, trace);
            }
        }
    }
}
