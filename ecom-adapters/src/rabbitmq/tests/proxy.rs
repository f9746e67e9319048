//! Stands between the adapter and the broker, and does to their connections what networks and brokers do.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::world::url;

/// A proxy in front of the broker.
pub(super) struct Proxy {
    port: u16,
    wires: Arc<Mutex<Vec<Wire>>>,
    mute: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// One connection through the proxy.
struct Wire {
    /// What the client called itself.
    name: Arc<Mutex<String>>,
    inject: mpsc::UnboundedSender<Vec<u8>>,
    tasks: [JoinHandle<()>; 2],
}

impl Proxy {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (wires, mute) = (Arc::new(Mutex::new(vec![])), watch::Sender::new(false));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&wires), mute.clone()));
        Self { port, wires, mute, accepting }
    }

    /// The broker's URL by way of the proxy.
    pub(super) fn url(&self) -> String {
        let mut uri: lapin::uri::AMQPUri = url().parse().unwrap();
        (uri.authority.host, uri.authority.port) = ("127.0.0.1".to_owned(), self.port);
        uri.to_string()
    }

    /// Cuts all connections.
    pub(super) fn cut(&self) {
        for wire in self.wires.lock().unwrap().drain(..) {
            wire.tasks.iter().for_each(JoinHandle::abort);
        }
    }

    /// From now on nothing that the broker says arrives, or it does again.
    pub(super) fn mute(&self, mute: bool) {
        self.mute.send_replace(mute);
    }

    /// Tells the connections of that name that the broker blocks them.
    pub(super) fn block(&self, name: &str) {
        let mut arguments = vec![10];
        arguments.extend_from_slice(b"low on RAM");
        self.inject(name, 60, &arguments);
    }

    /// Takes that back.
    pub(super) fn unblock(&self, name: &str) {
        self.inject(name, 61, &[]);
    }

    /// A method of the class `connection`, between two frames of the broker.
    fn inject(&self, name: &str, method: u8, arguments: &[u8]) {
        let size = u32::try_from(4 + arguments.len()).unwrap();
        let mut frame = vec![1, 0, 0];
        frame.extend_from_slice(&size.to_be_bytes());
        frame.extend_from_slice(&[0, 10, 0, method]);
        frame.extend_from_slice(arguments);
        frame.push(0xce);
        let wires = self.wires.lock().unwrap();
        let named: Vec<&Wire> = wires.iter().filter(|wire| wire.name.lock().unwrap().contains(name)).collect();
        assert!(!named.is_empty(), "no connection is called {name}");
        for wire in named {
            drop(wire.inject.send(frame.clone()));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, wires: Arc<Mutex<Vec<Wire>>>, mute: watch::Sender<bool>) {
    let uri: lapin::uri::AMQPUri = url().parse().unwrap();
    while let Ok((client, _)) = listener.accept().await {
        let Ok(broker) = TcpStream::connect((uri.authority.host.as_str(), uri.authority.port)).await else { continue };
        client.set_nodelay(true).unwrap();
        broker.set_nodelay(true).unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_broker, to_broker) = broker.into_split();
        let (inject, injected) = mpsc::unbounded_channel();
        let name = Arc::new(Mutex::new(String::new()));
        let tasks = [
            tokio::spawn(upstream(from_client, to_broker, Arc::clone(&name))),
            tokio::spawn(downstream(from_broker, to_client, injected, mute.subscribe())),
        ];
        wires.lock().unwrap().push(Wire { name, inject, tasks });
    }
}

/// Bytes as they come; the first ones say who it is.
async fn upstream(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, name: Arc<Mutex<String>>) {
    let (mut buffer, mut seen) = (vec![0; 65_536], 0);
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if seen < 1_024 {
            name.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            seen += count;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// Frame by frame, so that another one fits between.
async fn downstream(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut injected: mpsc::UnboundedReceiver<Vec<u8>>,
    mut mute: watch::Receiver<bool>,
) {
    let (frames, mut framed) = mpsc::channel::<Vec<u8>>(64);
    let read = async move {
        loop {
            let mut frame = vec![0; 7];
            from.read_exact(&mut frame).await.ok()?;
            let size = u32::from_be_bytes([frame[3], frame[4], frame[5], frame[6]]) as usize;
            frame.resize(7 + size + 1, 0);
            from.read_exact(&mut frame[7..]).await.ok()?;
            frames.send(frame).await.ok()?;
        }
    };
    let write = async {
        loop {
            let frame = tokio::select! {
                frame = framed.recv() => frame?,
                frame = injected.recv() => frame?,
            };
            mute.wait_for(|mute| !mute).await.ok()?;
            to.write_all(&frame).await.ok()?;
        }
    };
    let (_, _): (Option<()>, Option<()>) = tokio::join!(read, write);
}
