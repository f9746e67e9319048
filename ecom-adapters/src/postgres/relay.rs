//! The way to a server over TCP, with `TCP_NODELAY`.
//!
//! The driver leaves that option unset and lets nobody reach its sockets. Then the last part of a statement that is longer
//! than one segment waits until the server has acknowledged the part before, which a server that waits for the rest does
//! only after 40 ms. So the driver connects to a socket inside this process, and what it says there is passed on over
//! connections of our own. Encryption passes through: it is between the driver and the server.

use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener as Listener};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// What is taken from one side at once: a batch of rows, mostly.
const BUFFER: usize = 64 * 1024;

/// The rest after a connection that could not be taken: there are too many open files, and others will be closed.
const CROWDED: Duration = Duration::from_millis(50);

/// Passes connections on for as long as it lives.
#[derive(Debug)]
pub(super) struct Relay(AbortHandle);

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Leads connections over a relay, if they are to go over TCP. Where there can be none, they go as they are.
///
/// Whoever makes a connection waits for `patience` at most, so no attempt to reach the server takes longer.
pub(super) fn relayed(options: PgConnectOptions, patience: Duration) -> (PgConnectOptions, Option<Relay>) {
    if options.get_socket().is_some() || options.get_host().starts_with('/') {
        return (options, None);
    }
    match listen(options.get_port()) {
        Ok((directory, listener)) => {
            let (host, port) = (options.get_host().to_owned(), options.get_port());
            let relay = Relay(tokio::spawn(accept(listener, host, port, patience)).abort_handle());
            (options.socket(directory), Some(relay))
        }
        Err(error) => {
            tracing::warn!(%error, "large statements will be slow: no socket for a relay");
            (options, None)
        }
    }
}

/// A socket whose name is no file, so that nothing is left of it; and the directory that the driver takes it to be in.
fn listen(port: u16) -> io::Result<(String, UnixListener)> {
    let name = format!("ecom-{}", uuid::Uuid::from_u128(random()?).simple());
    let address = SocketAddr::from_abstract_name(format!("{name}/.s.PGSQL.{port}"))?;
    let listener = Listener::bind_addr(&address)?;
    listener.set_nonblocking(true)?;
    Ok((format!("\0{name}"), UnixListener::from_std(listener)?))
}

fn random() -> io::Result<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(u128::from_ne_bytes(bytes))
}

async fn accept(listener: UnixListener, host: String, port: u16, patience: Duration) {
    let mut wires = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => drop(wires.spawn(pass(client, host.clone(), port, patience))),
                Err(_) => sleep(CROWDED).await,
            },
            Some(_) = wires.join_next() => {}
        }
    }
}

/// Passes everything on until either side ends; then both do.
async fn pass(client: UnixStream, host: String, port: u16, patience: Duration) {
    let server = match timeout(patience, dial(&host, port)).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())) {
        Ok(server) => server,
        Err(error) => return tracing::debug!(%host, port, %error, "the database cannot be reached"),
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = copy(from_client, to_server) => {}
        () = copy(from_server, to_client) => {}
    }
}

async fn copy(from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    // That a side breaks off is told by its end, as it is where nobody stands between.
    drop(tokio::io::copy_buf(&mut BufReader::with_capacity(BUFFER, from), &mut to).await);
}

async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let server = TcpStream::connect((host, port)).await?;
    server.set_nodelay(true)?;
    Ok(server)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn server() -> (TcpListener, u16) {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        (server, port)
    }

    async fn connect(options: &PgConnectOptions) -> UnixStream {
        let directory = options.get_socket().unwrap().display().to_string();
        UnixStream::connect(format!("{directory}/.s.PGSQL.{}", options.get_port())).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_said_on_one_side_is_heard_on_the_other_until_either_ends() {
        let (server, port) = server().await;
        let (options, relay) = relayed(PgConnectOptions::new().host("127.0.0.1").port(port), PATIENCE);
        assert!(relay.is_some());
        for client_ends in [true, false] {
            let mut client = connect(&options).await;
            client.write_all(b"question").await.unwrap();
            let mut peer = server.accept().await.unwrap().0;
            let mut heard = [0; 8];
            peer.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"question");
            peer.write_all(b"answer").await.unwrap();
            let mut heard = [0; 6];
            client.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"answer");
            if client_ends {
                drop(client);
                assert_eq!(peer.read(&mut heard).await.unwrap(), 0);
            } else {
                drop(peer);
                assert_eq!(client.read(&mut heard).await.unwrap(), 0);
            }
        }
    }

    #[tokio::test]
    async fn connections_are_made_without_delay_and_end_where_there_is_no_server() {
        let (server, port) = server().await;
        assert!(dial("127.0.0.1", port).await.unwrap().nodelay().unwrap());
        let (options, relay) = relayed(PgConnectOptions::new().host("127.0.0.1").port(port), PATIENCE);
        drop(server);
        let mut client = connect(&options).await;
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        drop(relay);
    }

    #[tokio::test]
    async fn a_socket_of_the_server_itself_needs_no_relay() {
        let options = PgConnectOptions::new().socket("/run/postgresql");
        assert!(relayed(options, PATIENCE).1.is_none());
    }
}
