//! Stands between a process and a server, and does to their connections what networks do.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::{Outcome, during};

/// What is read at a time.
const CHUNK: usize = 64 * 1_024;

/// What happens to what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// It arrives.
    Fine,
    /// It arrives late: each part by so much.
    Slow(Duration),
    /// Nothing arrives, and nobody is told: a black hole.
    Silent,
    /// There are no connections: those that were are cut, new ones are cut at once.
    Down,
}

/// A proxy in front of one port of this machine.
pub(crate) struct Proxy {
    port: u16,
    network: watch::Sender<Network>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port, in front of `server`.
    pub(crate) async fn start(server: u16) -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(during("a proxy"))?;
        let port = listener.local_addr().map_err(during("a proxy"))?.port();
        let network = watch::Sender::new(Network::Fine);
        let accepting = tokio::spawn(accept(listener, server, network.clone()));
        Ok(Self { port, network, accepting })
    }

    /// Where it listens.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// From now on.
    pub(crate) fn becomes(&self, network: Network) {
        self.network.send_replace(network);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.becomes(Network::Down);
    }
}

async fn accept(listener: TcpListener, server: u16, network: watch::Sender<Network>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of file handles, perhaps; that passes.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let network = network.subscribe();
        tokio::spawn(async move {
            let mut cut = network.clone();
            tokio::select! {
                _ = cut.wait_for(|network| *network == Network::Down) => {}
                () = join(client, server, network) => {}
            }
        });
    }
}

async fn join(client: TcpStream, server: u16, network: watch::Receiver<Network>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { return };
    // Without it parts would wait for each other; with it failing they do.
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Whichever ends first ends both.
    tokio::select! {
        () = pass(from_client, to_server, network.clone()) => {}
        () = pass(from_server, to_client, network) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut network: watch::Receiver<Network>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = from.read(&mut buffer).await.unwrap_or(0);
        // In a black hole not even the end of a connection is noticed.
        let Ok(now) = network.wait_for(|network| *network != Network::Silent).await.map(|network| *network) else {
            return;
        };
        if let Network::Slow(delay) = now {
            tokio::time::sleep(delay).await;
        }
        if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says everything again, and a proxy in front of it.
    async fn echo() -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        Proxy::start(port).await.unwrap()
    }

    async fn says(stream: &mut TcpStream) -> Option<u8> {
        stream.write_all(b"a").await.ok()?;
        tokio::time::timeout(Duration::from_millis(500), stream.read_u8()).await.ok()?.ok()
    }

    #[tokio::test]
    async fn what_passes_arrives_and_after_a_silence_too() {
        let proxy = echo().await;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
        assert_eq!(says(&mut stream).await, Some(b'a'));
        proxy.becomes(Network::Silent);
        assert_eq!(says(&mut stream).await, None);
        proxy.becomes(Network::Slow(Duration::from_millis(20)));
        assert_eq!(stream.read_u8().await.unwrap(), b'a');
    }

    #[tokio::test]
    async fn a_cut_ends_connections_until_it_is_healed() {
        let proxy = echo().await;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
        assert_eq!(says(&mut stream).await, Some(b'a'));
        proxy.becomes(Network::Down);
        assert!(stream.read_u8().await.is_err());
        let mut second = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
        assert_eq!(says(&mut second).await, None);
        proxy.becomes(Network::Fine);
        let mut third = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
        assert_eq!(says(&mut third).await, Some(b'a'));
    }
}
