//! Stands between a store and its server, and does to their connections what networks do.

use std::sync::{Arc, Mutex};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::world::{at, server};

/// What happens to what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// It arrives.
    Fine,
    /// Nothing arrives, and nobody is told.
    Silent,
    /// A commit does not arrive: the connection is cut in front of it.
    LosesCommits,
    /// A commit arrives, its answer does not: the connection is cut behind it.
    LosesAnswersOfCommits,
}

/// A proxy in front of the server.
pub(super) struct Proxy {
    port: u16,
    network: watch::Sender<Network>,
    wires: Arc<Mutex<Vec<JoinHandle<()>>>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (network, wires) = (watch::Sender::new(Network::Fine), Arc::new(Mutex::new(vec![])));
        let accepting = tokio::spawn(accept(listener, network.clone(), Arc::clone(&wires)));
        Self { port, network, wires, accepting }
    }

    /// The URL of a database by way of the proxy.
    pub(super) fn url(&self, database: &str) -> String {
        at(database, Some(self.port))
    }

    pub(super) fn become_(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// Cuts all connections.
    pub(super) fn cut(&self) {
        self.wires.lock().unwrap().drain(..).for_each(|wire| wire.abort());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, network: watch::Sender<Network>, wires: Arc<Mutex<Vec<JoinHandle<()>>>>) {
    let options: PgConnectOptions = server().parse().unwrap();
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect((options.get_host(), options.get_port())).await else { continue };
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let (up, down) = (network.subscribe(), network.subscribe());
        let committing = watch::Sender::new(false);
        let wire = async move {
            // Whichever ends first ends both.
            tokio::select! {
                () = upstream(from_client, to_server, up, committing.clone()) => {}
                () = downstream(from_server, to_client, down, committing.subscribe()) => {}
            }
        };
        wires.lock().unwrap().push(tokio::spawn(wire));
    }
}

async fn pass(mut network: watch::Receiver<Network>) -> Option<Network> {
    network.wait_for(|network| *network != Network::Silent).await.ok().map(|network| *network)
}

async fn upstream(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    network: watch::Receiver<Network>,
    committing: watch::Sender<bool>,
) {
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..count];
        let Some(now) = pass(network.clone()).await else { return };
        if bytes.windows(7).any(|window| window == b"COMMIT\0") {
            match now {
                Network::LosesCommits => return,
                Network::LosesAnswersOfCommits => drop(committing.send_replace(true)),
                Network::Fine | Network::Silent => {}
            }
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

async fn downstream(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    network: watch::Receiver<Network>,
    committing: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        // The server has answered, so it has committed.
        if *committing.borrow() || pass(network.clone()).await.is_none() {
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
