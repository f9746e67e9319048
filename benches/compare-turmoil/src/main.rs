//! The saga of an order on turmoil: order, inventory, payment and notification as hosts, a broker between them, ten
//! orders in a world, links that fail. The messages are those of the shop; the rules are a few lines each, no rows, no
//! transactions, no invariants: what is measured is turmoil, and it is flattered.
//!
//! `cargo run --release -- [runs] [rounds]` prints a line as `ecom-sim bench` does.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use turmoil::net::UdpSocket;

/// Orders in a world.
const ORDERS: u8 = 10;
/// After how long a message is sent again that nobody has acknowledged.
const AGAIN: Duration = Duration::from_millis(40);
const PORT: u16 = 9000;

type Error = Box<dyn std::error::Error>;

/// What happened, as the first byte of a message; the second is the order.
mod kind {
    pub const PLACE: u8 = 0;
    pub const CREATED: u8 = 1;
    pub const RESERVED: u8 = 2;
    pub const PROCESSED: u8 = 3;
    pub const COMPLETED: u8 = 4;
    pub const COMMITTED: u8 = 5;
    pub const NOTIFIED: u8 = 6;
    pub const DECLINED: u8 = 7;
    pub const FAILED: u8 = 8;
    pub const RELEASED: u8 = 9;
    pub const VOIDED: u8 = 10;
}

/// Who consumes what.
const fn consumers(kind: u8) -> &'static [&'static str] {
    match kind {
        kind::PLACE => &["order"],
        kind::CREATED => &["inventory"],
        kind::RESERVED => &["order", "payment"],
        kind::COMPLETED => &["inventory", "notification"],
        kind::FAILED => &["inventory", "payment", "notification"],
        _ => &["order"],
    }
}

/// A socket that sends until it is acknowledged, and handles each message once.
struct Peer {
    socket: UdpSocket,
    pending: BTreeMap<(&'static str, [u8; 2]), ()>,
    seen: BTreeSet<[u8; 2]>,
    deliveries: Rc<Cell<u64>>,
}

impl Peer {
    async fn new(deliveries: &Rc<Cell<u64>>) -> Result<Self, Error> {
        let socket = UdpSocket::bind(("0.0.0.0", PORT)).await?;
        Ok(Self { socket, pending: BTreeMap::new(), seen: BTreeSet::new(), deliveries: Rc::clone(deliveries) })
    }

    async fn send(&mut self, to: &'static str, message: [u8; 2]) -> Result<(), Error> {
        self.pending.insert((to, message), ());
        self.socket.send_to(&[0, message[0], message[1]], (to, PORT)).await?;
        Ok(())
    }

    /// The next message that was not handled yet.
    async fn receive(&mut self, is_broker: bool) -> Result<[u8; 2], Error> {
        let mut buffer = [0; 8];
        loop {
            let received = tokio::time::timeout(AGAIN, self.socket.recv_from(&mut buffer)).await;
            let Ok(received) = received else {
                for (to, [kind, order]) in self.pending.keys() {
                    self.socket.send_to(&[0, *kind, *order], (*to, PORT)).await?;
                }
                continue;
            };
            let (_, from) = received?;
            let message = [buffer[1], buffer[2]];
            if buffer[0] == 1 {
                self.pending.retain(|(to, sent), ()| *sent != message || turmoil::lookup(*to) != from.ip());
                continue;
            }
            self.socket.send_to(&[1, message[0], message[1]], from).await?;
            // What a broker stores is no delivery yet.
            self.deliveries.set(self.deliveries.get() + u64::from(!is_broker));
            if self.seen.insert(message) {
                return Ok(message);
            }
        }
    }
}

async fn broker(deliveries: Rc<Cell<u64>>) -> Result<(), Error> {
    let mut peer = Peer::new(&deliveries).await?;
    loop {
        let message = peer.receive(true).await?;
        for to in consumers(message[0]) {
            peer.send(to, message).await?;
        }
    }
}

/// A service: for each message what it tells.
async fn service(
    deliveries: Rc<Cell<u64>>,
    ended: Rc<Cell<u8>>,
    mut rule: impl FnMut([u8; 2]) -> Option<u8>,
) -> Result<(), Error> {
    let mut peer = Peer::new(&deliveries).await?;
    loop {
        let [kind, order] = peer.receive(false).await?;
        ended.set(ended.get() + u8::from(kind == kind::NOTIFIED));
        if let Some(told) = rule([kind, order]) {
            peer.send("broker", [told, order]).await?;
        }
    }
}

fn order() -> impl FnMut([u8; 2]) -> Option<u8> {
    let mut open = BTreeSet::new();
    move |[kind, order]| match kind {
        kind::PLACE => open.insert(order).then_some(kind::CREATED),
        kind::PROCESSED => open.remove(&order).then_some(kind::COMPLETED),
        kind::DECLINED => open.remove(&order).then_some(kind::FAILED),
        _ => None,
    }
}

const fn inventory([kind, _]: [u8; 2]) -> Option<u8> {
    match kind {
        kind::CREATED => Some(kind::RESERVED),
        kind::COMPLETED => Some(kind::COMMITTED),
        kind::FAILED => Some(kind::RELEASED),
        _ => None,
    }
}

const fn payment([kind, order]: [u8; 2]) -> Option<u8> {
    match kind {
        kind::RESERVED if order % 5 == 3 => Some(kind::DECLINED),
        kind::RESERVED => Some(kind::PROCESSED),
        kind::FAILED => Some(kind::VOIDED),
        _ => None,
    }
}

const fn notification(_: [u8; 2]) -> Option<u8> {
    Some(kind::NOTIFIED)
}

/// Plays a world; how many messages were delivered to services.
fn world(seed: u64) -> Result<u64, Error> {
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(Duration::from_secs(600))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(10))
        .fail_rate(0.002)
        .repair_rate(0.5)
        .build();
    let (deliveries, ended) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let count = Rc::clone(&deliveries);
    sim.host("broker", move || broker(Rc::clone(&count)));
    macro_rules! host {
        ($name:literal, $rule:expr) => {
            let (count, end) = (Rc::clone(&deliveries), Rc::clone(&ended));
            sim.host($name, move || service(Rc::clone(&count), Rc::clone(&end), $rule));
        };
    }
    host!("order", order());
    host!("inventory", inventory);
    host!("payment", payment);
    host!("notification", notification);
    let (count, end) = (Rc::new(Cell::new(0)), Rc::clone(&ended));
    sim.client("shoppers", async move {
        let mut peer = Peer::new(&count).await?;
        for order in 0..ORDERS {
            peer.send("broker", [kind::PLACE, order]).await?;
        }
        while end.get() < ORDERS {
            // Nothing comes but acknowledgements; what is not acknowledged is sent again.
            let _ = tokio::time::timeout(AGAIN, peer.receive(false)).await;
        }
        Ok(())
    });
    sim.run()?;
    Ok(deliveries.get())
}

/// The time that the processor gave to this thread.
#[cfg(unix)]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let (runs, rounds) = (arguments.next().unwrap_or(300), arguments.next().unwrap_or(5));
    let mut measured = vec![];
    for _ in 0..rounds.max(1) {
        let (began, mut deliveries) = (processor_time(), 0);
        for seed in 0..runs {
            deliveries += world(seed)?;
        }
        measured.push((processor_time().saturating_sub(began).as_secs_f64(), deliveries));
    }
    measured.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (time, deliveries) = measured[measured.len() / 2];
    println!(
        "{:<28} {:>9.0} worlds/s {:>11.0} deliveries/s",
        "ten orders on turmoil",
        runs as f64 / time,
        deliveries as f64 / time
    );
    Ok(())
}
