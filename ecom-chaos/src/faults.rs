//! What happens when: drawn from a seed, each fault healed after a bounded time, one at a time or some at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ecom_core::event::Service;
use ecom_services::crash::random::Random;
use ecom_services::demo::client::Call;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::error::{Outcome, during};
use crate::fleet::{Fleet, Member};
use crate::inject::Injector;
use crate::kind::{self, Kind, Seam};
use crate::load::Load;
use crate::proxy::{Network, Proxy};
use crate::servers::Servers;

/// The pause between two faults.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(2_500));
/// How long a fault lasts before it is healed; servers need their own time to come back.
const LASTS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// In one of so many cases the next fault does not wait for the healing of this one.
const OVERLAPS: u64 = 4;
/// How long a process may take to get to a seam.
const SEAM_MAX: Duration = Duration::from_secs(10);
/// What a slow connection adds to each part.
const SLOW: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(300));
/// Stock below this is low, and the shop says so.
const LOW_STOCK: u64 = 5;

/// What one kind of faults did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// How often.
    pub(crate) count: u64,
    /// From each healing to the completion of an order that was placed then.
    pub(crate) recoveries: Vec<Duration>,
    /// Healings after which no order completed in time.
    pub(crate) never: u64,
    /// Faults that could not do what they were to do: a seam that nobody came to.
    pub(crate) missed: u64,
}

/// Everything that can be broken, and by what.
pub(crate) struct World {
    pub(crate) servers: Arc<Servers>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) injector: Injector,
    pub(crate) load: Arc<Load>,
    /// What is broken now, so that no two faults break the same thing.
    broken: Mutex<BTreeSet<Part>>,
    figures: Mutex<BTreeMap<Kind, Figures>>,
    begun: Instant,
}

/// What a fault breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Process(Member),
    Connections(Member),
    Broker,
    Database,
}

/// A fault with all that was drawn for it.
struct Fault {
    kind: Kind,
    parts: Vec<Part>,
    lasts: Duration,
    slow: Duration,
    to_broker: bool,
    random: Random,
}

/// Starts all processes on empty databases; one copy of each service ends in the middle of its migration first.
pub(crate) async fn begin(fleet: &Fleet) -> Outcome<BTreeMap<Kind, Figures>> {
    let mut figures: BTreeMap<Kind, Figures> = BTreeMap::new();
    let migrating = |member: &Member| cfg!(debug_assertions) && fleet.databases.contains_key(member);
    for service in Service::ALL {
        for member in fleet.copies(service).into_iter().take(1).filter(migrating) {
            fleet.start(member, Some(("ECOM_CRASH_AT", kind::MIGRATING)))?;
            let ended = fleet.ends(member, SEAM_MAX).await?;
            let noted = figures.entry(Kind::CrashAt(Seam(kind::MIGRATING, service))).or_default();
            noted.count += 1;
            noted.missed += u64::from(!ended);
        }
    }
    for member in fleet.members() {
        fleet.start(member, None)?;
    }
    Ok(figures)
}

impl World {
    pub(crate) fn new(servers: Arc<Servers>, fleet: Arc<Fleet>, injector: Injector, load: Arc<Load>) -> Self {
        let (broken, figures) = (Mutex::default(), Mutex::default());
        Self { servers, fleet, injector, load, broken, figures, begun: Instant::now() }
    }

    /// What happened so far.
    pub(crate) fn figures(&self) -> BTreeMap<Kind, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, kind: Kind, change: impl FnOnce(&mut Figures)) {
        change(self.figures.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default());
    }

    /// Breaks things of these kinds until `end`, and returns when all are healed.
    pub(crate) async fn torment(self: &Arc<Self>, kinds: &[Kind], mut random: Random, end: Instant) -> Outcome<()> {
        let (mut deck, mut running, mut probes) = (vec![], JoinSet::new(), JoinSet::new());
        while Instant::now() < end {
            if deck.is_empty() {
                // Each kind comes before any comes again.
                deck = kinds.to_vec();
                random.shuffle(&mut deck);
            }
            let Some(kind) = deck.pop() else { break };
            if let Some(fault) = self.draw(kind, &mut random) {
                let world = Arc::clone(self);
                running.spawn(async move { world.cause(fault).await });
            }
            let overlaps = random.one_in(OVERLAPS);
            while let Some(healed) = if overlaps { running.try_join_next() } else { running.join_next().await } {
                let kind = healed.map_err(during("a fault"))??;
                let world = Arc::clone(self);
                probes.spawn(async move { world.probe(kind).await });
            }
            tokio::time::sleep(random.between(PAUSE.0, PAUSE.1)).await;
        }
        while let Some(healed) = running.join_next().await {
            healed.map_err(during("a fault"))??;
        }
        while probes.join_next().await.is_some() {}
        Ok(())
    }

    /// The broker alone, for so long.
    pub(crate) async fn kill_broker(&self, dead: Duration) -> Outcome<()> {
        self.note(Kind::KillBroker, |figures| figures.count += 1);
        self.servers.kill_broker(dead).await
    }

    async fn probe(&self, kind: Kind) {
        match self.load.probe().await {
            Some(took) => self.note(kind, |figures| figures.recoveries.push(took)),
            None => self.note(kind, |figures| figures.never += 1),
        }
    }

    /// Draws what the fault breaks; nothing when that is broken already.
    fn draw(&self, kind: Kind, random: &mut Random) -> Option<Fault> {
        let members = self.fleet.members();
        let connected: Vec<Member> = self.fleet.brokers.keys().copied().collect();
        let copy = |random: &mut Random, service| random.pick(&self.fleet.copies(service)).map(Part::Process);
        let parts = match kind {
            Kind::Kill(service) | Kind::CrashAt(Seam(_, service)) => vec![copy(random, service)?],
            Kind::Pause => vec![Part::Process(random.pick(&members)?)],
            Kind::RollingRestart => {
                let service = random.pick(&Service::ALL)?;
                self.fleet.copies(service).into_iter().map(Part::Process).collect()
            }
            Kind::KillDatabase => vec![Part::Database],
            Kind::KillBroker | Kind::MemoryAlarm | Kind::Duplicates | Kind::Poison => vec![Part::Broker],
            Kind::Cut | Kind::BlackHole | Kind::Delay => {
                // One process's connections, or those of all.
                let all = random.one_in(3);
                let one = random.pick(&connected)?;
                connected.into_iter().filter(|member| all || *member == one).map(Part::Connections).collect()
            }
        };
        let lasts = random.between(LASTS.0, LASTS.1);
        let slow = random.between(SLOW.0, SLOW.1);
        let to_broker = random.one_in(2);
        let seed = random.between(Duration::ZERO, Duration::from_secs(1_000_000)).as_millis() as u64;
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if parts.iter().any(|part| broken.contains(part)) {
            return None;
        }
        broken.extend(parts.iter().copied());
        Some(Fault { kind, parts, lasts, slow, to_broker, random: Random::new(seed) })
    }

    async fn cause(&self, mut fault: Fault) -> Outcome<Kind> {
        let kind = fault.kind;
        println!("{:7.1} s  {kind} ({} ms)", self.begun.elapsed().as_secs_f64(), fault.lasts.as_millis());
        self.note(kind, |figures| figures.count += 1);
        let caused = self.perform(&mut fault).await;
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.retain(|part| !fault.parts.contains(part));
        caused.map(|()| kind)
    }

    async fn perform(&self, fault: &mut Fault) -> Outcome<()> {
        let Fault { kind, lasts, .. } = *fault;
        let processes: Vec<Member> = fault.parts.iter().filter_map(Part::process).collect();
        match kind {
            Kind::Kill(_) => {
                for member in processes {
                    self.fleet.kill(member).await?;
                    tokio::time::sleep(lasts / 4).await;
                    self.fleet.start(member, None)?;
                }
                Ok(())
            }
            Kind::CrashAt(Seam(point, _)) => {
                for member in processes {
                    self.fleet.kill(member).await?;
                    self.fleet.start(member, Some(("ECOM_CRASH_AT", point)))?;
                    if !self.fleet.ends(member, SEAM_MAX).await? {
                        self.note(kind, |figures| figures.missed += 1);
                    }
                    self.fleet.start(member, None)?;
                }
                Ok(())
            }
            Kind::Pause => {
                for member in processes {
                    self.fleet.pause(member, lasts).await?;
                }
                Ok(())
            }
            Kind::RollingRestart => {
                for member in processes {
                    self.fleet.terminate(member).await?;
                    self.fleet.start(member, None)?;
                    tokio::time::sleep(PAUSE.0).await;
                }
                Ok(())
            }
            Kind::KillBroker => self.servers.kill_broker(lasts).await,
            Kind::KillDatabase => self.servers.kill_database(lasts).await,
            Kind::MemoryAlarm => self.servers.alarm(lasts).await,
            Kind::Cut => self.trouble(fault, Network::Down).await,
            Kind::BlackHole => self.trouble(fault, Network::Silent).await,
            Kind::Delay => self.trouble(fault, Network::Slow(fault.slow)).await,
            Kind::Duplicates => {
                // While services are down there may be no product whose stock can run low.
                let low = self.run_low(&mut fault.random).await.is_ok();
                self.missed(kind, self.injector.duplicates(low).await);
                Ok(())
            }
            Kind::Poison => {
                self.missed(kind, self.injector.poison(&mut fault.random).await);
                Ok(())
            }
        }
    }

    /// An injection that the broker, which may be coming back just now, did not take.
    fn missed(&self, kind: Kind, injected: Outcome<()>) {
        if let Err(error) = injected {
            println!("{:7.1} s  {kind}: missed: {error}", self.begun.elapsed().as_secs_f64());
            self.note(kind, |figures| figures.missed += 1);
        }
    }

    async fn trouble(&self, fault: &Fault, network: Network) -> Outcome<()> {
        let proxies = if fault.to_broker { &self.fleet.brokers } else { &self.fleet.databases };
        let concerned = || fault.parts.iter().filter_map(|part| part.proxy(proxies));
        concerned().for_each(|proxy| proxy.becomes(network));
        tokio::time::sleep(fault.lasts).await;
        concerned().for_each(|proxy| proxy.becomes(Network::Fine));
        Ok(())
    }

    /// Lets the stock of a new product fall: an event whose duplicates only an inbox can tell from another fall.
    async fn run_low(&self, random: &mut Random) -> Outcome<()> {
        let scene = &self.load.scene;
        let number = random.between(Duration::ZERO, Duration::from_secs(1_000_000)).as_millis();
        let name = format!("low-{}-{number}", scene.run);
        let token = scene.admin.token().await.map_err(during("a token"))?;
        let price = json!({ "amount": "1.00", "currency": "EUR" });
        let body =
            json!({ "sku": name.to_uppercase(), "name": "Runs low", "price": price, "initial_stock": LOW_STOCK });
        let call = Call::post("/api/v1/products", body).token(&token).key(name.clone());
        let product: Value = scene.shop.expect(&call, 201).await.map_err(during("a product"))?;
        let path = format!("/api/v1/products/{}/stock", product["id"].as_str().unwrap_or_default());
        let call =
            Call::post(path, json!({ "delta": -1, "reason": "chaos" })).token(&token).key(format!("{name}-falls"));
        let _: Value = scene.shop.expect(&call, 200).await.map_err(during("an adjustment"))?;
        Ok(())
    }
}

impl Part {
    const fn process(&self) -> Option<Member> {
        match self {
            Self::Process(member) => Some(*member),
            Self::Connections(_) | Self::Broker | Self::Database => None,
        }
    }

    fn proxy<'a>(&self, proxies: &'a BTreeMap<Member, Proxy>) -> Option<&'a Proxy> {
        match self {
            Self::Connections(member) => proxies.get(member),
            Self::Process(_) | Self::Broker | Self::Database => None,
        }
    }
}
