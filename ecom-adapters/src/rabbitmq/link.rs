//! One supervised connection: connected again whenever it ends, from scratch.
//!
//! Nothing is trusted across connections, so whoever uses one holds a [`Line`] and drops all it has of it when the
//! line is dead. The client's own recovery stays off.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::port::BusError;
use futures_util::{Stream, StreamExt};
use lapin::tcp::OwnedTLSConfig;
use lapin::uri::AMQPUri;
use lapin::{Connection, Event};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::socket::{self, Socket};

/// The first pause before connecting again; it doubles up to [`BACKOFF_MAX`].
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// How often a connection is looked at, beside what it tells by itself.
const LOOK: Duration = Duration::from_secs(2);

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where and how to connect.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) uri: AMQPUri,
    pub(super) tls: OwnedTLSConfig,
    /// Shown on the broker.
    pub(super) name: String,
    pub(super) timeout: Duration,
}

/// A supervised connection.
#[derive(Debug)]
pub(super) struct Link {
    state: watch::Receiver<State>,
    /// The number of a line that somebody takes for dead.
    doubts: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    supervisor: JoinHandle<()>,
}

#[derive(Clone, Debug)]
enum State {
    /// Not connected, and why.
    Down(Arc<str>),
    Up(Line),
    Closed,
}

/// A live connection.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) connection: Arc<Connection>,
    /// Counts connections.
    pub(super) number: u64,
    /// Why the broker takes nothing on it at the moment.
    pub(super) blocked: Option<Arc<str>>,
}

impl Link {
    /// Starts to connect, now and whenever the connection ends.
    pub(super) fn start(target: Target) -> Self {
        let (sender, state) = watch::channel(State::Down("not connected yet".into()));
        let (doubts, doubted) = watch::channel(0);
        let (stop, stopped) = watch::channel(false);
        let supervisor = Supervisor { target, state: sender, doubted, stopped, number: 0 };
        Self { state, doubts, stop, supervisor: tokio::spawn(supervisor.run()) }
    }

    /// Waits for a connection that the broker does not block.
    pub(super) async fn line(&self, deadline: Instant) -> Result<Line, BusError> {
        let mut state = self.state.clone();
        let usable = |state: &State| match state {
            State::Up(line) => line.blocked.is_none(),
            State::Down(_) => false,
            State::Closed => true,
        };
        let found = match timeout_at(deadline, state.wait_for(usable)).await {
            Ok(Ok(state)) => state.clone(),
            Ok(Err(_)) => State::Closed,
            Err(_) => self.state.borrow().clone(),
        };
        match found {
            State::Up(line) if line.blocked.is_none() => Ok(line),
            state => Err(BusError(state.fault().unwrap_or_default())),
        }
    }

    /// Why it cannot be used at the moment.
    pub(super) fn fault(&self) -> Option<String> {
        self.state.borrow().fault()
    }

    /// Tells that a connection does not answer: it is dropped and replaced.
    pub(super) fn doubt(&self, number: u64) {
        self.doubts.send_if_modified(|doubted| {
            let newer = number > *doubted;
            *doubted = number.max(*doubted);
            newer
        });
    }

    /// Says farewell and connects no more.
    pub(super) async fn close(&self) {
        self.stop.send_replace(true);
        let mut state = self.state.clone();
        drop(timeout(FAREWELL * 2, state.wait_for(|state| matches!(state, State::Closed))).await);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

impl State {
    fn fault(&self) -> Option<String> {
        match self {
            Self::Down(why) => Some(format!("no connection: {why}")),
            Self::Up(Line { blocked: Some(why), .. }) => Some(format!("the broker takes no publications: {why}")),
            Self::Up(Line { blocked: None, .. }) => None,
            Self::Closed => Some("the bus is closed".to_owned()),
        }
    }
}

struct Supervisor {
    target: Target,
    state: watch::Sender<State>,
    doubted: watch::Receiver<u64>,
    stopped: watch::Receiver<bool>,
    number: u64,
}

impl Supervisor {
    async fn run(mut self) {
        let mut failures = 0_u32;
        while !*self.stopped.borrow() {
            let why = match socket::connect(&self.target).await {
                Ok((connection, socket)) => {
                    let since = Instant::now();
                    let why = self.serve(connection, &socket).await;
                    // One that ends as soon as it begins is no better than none.
                    failures = if since.elapsed() > BACKOFF_MAX { 0 } else { failures.saturating_add(1) };
                    why
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    error.to_string()
                }
            };
            if *self.stopped.borrow() {
                break;
            }
            let pause = BACKOFF_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(BACKOFF_MAX);
            tracing::warn!(connection = self.target.name, error = why, ?pause, "the broker is not connected");
            self.state.send_replace(State::Down(why.into()));
            tokio::select! {
                () = sleep(pause) => {}
                _ = self.stopped.changed() => {}
            }
        }
        self.state.send_replace(State::Closed);
    }

    /// Keeps an eye on a connection until it ends, and returns why it did.
    async fn serve(&mut self, connection: Connection, socket: &Socket) -> String {
        self.number += 1;
        // Whatever the client leaves behind, the socket goes.
        let _plug = Plug(socket);
        let mut events = Box::pin(connection.events_listener());
        let connection = Arc::new(connection);
        let blocked = connection.status().blocked().then(|| Arc::from("reason unknown"));
        let line = Line { connection: Arc::clone(&connection), number: self.number, blocked };
        tracing::info!(connection = self.target.name, "connected to the broker");
        self.state.send_replace(State::Up(line));
        let mut last_error = None;
        loop {
            tokio::select! {
                event = events.next() => self.note(event, &mut last_error),
                _ = self.doubted.changed() => {
                    if *self.doubted.borrow_and_update() >= self.number {
                        return "it does not answer any more".to_owned();
                    }
                }
                _ = self.stopped.changed() => {
                    self.say_farewell(&connection, events.as_mut()).await;
                    return "closed".to_owned();
                }
                () = sleep(LOOK) => {}
            }
            if !connection.status().connected() {
                return last_error.unwrap_or_else(|| "the connection has ended".to_owned());
            }
        }
    }

    fn note(&self, event: Option<Event>, last_error: &mut Option<String>) {
        let set = |reason: Option<Arc<str>>| {
            self.state.send_if_modified(|state| match state {
                State::Up(line) => {
                    line.blocked = reason;
                    true
                }
                State::Down(_) | State::Closed => false,
            });
        };
        match event {
            Some(Event::ConnectionBlocked(reason)) => {
                tracing::warn!(connection = self.target.name, reason, "the broker blocks publications");
                set(Some(reason.into()));
            }
            Some(Event::ConnectionUnblocked) => {
                tracing::info!(connection = self.target.name, "the broker takes publications again");
                set(None);
            }
            Some(Event::Error(error)) => *last_error = Some(error.to_string()),
            // Connected, and whatever newer versions of the client may tell.
            Some(_) | None => {}
        }
    }

    async fn say_farewell(&self, connection: &Connection, mut events: impl Stream<Item = Event> + Unpin) {
        let farewell = timeout(FAREWELL, connection.close(200, "closed".into())).await;
        if !matches!(farewell, Ok(Ok(()))) {
            let last = events.next();
            let why = timeout(Duration::ZERO, last).await;
            tracing::debug!(connection = self.target.name, ?why, "the broker did not answer the farewell");
        }
    }
}

/// Cuts the connection when it is dropped.
struct Plug<'a>(&'a Socket);

impl Drop for Plug<'_> {
    fn drop(&mut self) {
        self.0.cut();
    }
}
