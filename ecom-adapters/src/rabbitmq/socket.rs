//! Connects, with a hand on the socket.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lapin::tcp::AsyncTcpStream;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties, Error};
use tokio::time::{error::Elapsed, timeout};

use super::link::Target;

/// A second handle on a connection's socket.
///
/// The client runs a thread for each connection, and that thread ends with the socket. A broker that accepts and then
/// says nothing, or that blocks a connection for hours, would keep it for ever; cutting the socket ends it.
#[derive(Clone, Debug, Default)]
pub(super) struct Socket(Arc<OnceLock<TcpStream>>);

impl Socket {
    /// Ends the connection at once.
    pub(super) fn cut(&self) {
        if let Some(socket) = self.0.get() {
            // It may be closed already, which is as good.
            drop(socket.shutdown(Shutdown::Both));
        }
    }

    fn hold(&self, socket: TcpStream) {
        // Only one attempt is made for each connection, so there is one socket.
        drop(self.0.set(socket));
    }
}

/// Connects within the target's time. Retries and recovery are not the client's business.
pub(super) async fn connect(target: &Target) -> lapin::Result<(Connection, Socket)> {
    let socket = Socket::default();
    let properties = ConnectionProperties::default().with_connection_name(target.name.as_str().into());
    let (held, tls, limit) = (socket.clone(), target.tls.clone(), target.timeout);
    let runtime = lapin::runtime::default_runtime()?;
    // The client's thread waits for this one, so it has its own limit.
    let connecting = Connection::connector(
        target.uri.clone(),
        runtime,
        async move |uri: AMQPUri, runtime| {
            let dialled = timeout(limit, async {
                let stream = AsyncTcpStream::connect(&runtime, addresses(&uri).await?).await?;
                if let AsyncTcpStream::Plain(plain) = &stream {
                    held.hold(second_handle(plain.get_ref())?);
                }
                match uri.scheme {
                    AMQPScheme::AMQP => Ok(stream),
                    AMQPScheme::AMQPS => stream.into_tls(&uri.authority.host, tls.as_ref()).await,
                }
            });
            in_time(dialled.await, limit)?.map_err(Error::from)
        },
        properties,
    );
    let result = in_time(timeout(target.timeout, connecting).await, target.timeout).and_then(|connected| connected);
    if result.is_err() {
        socket.cut();
    }
    Ok((result?, socket))
}

async fn addresses(uri: &AMQPUri) -> io::Result<Vec<SocketAddr>> {
    let host = uri.authority.host.trim_matches(['[', ']']).to_owned();
    Ok(tokio::net::lookup_host((host, uri.authority.port)).await?.collect())
}

fn in_time<T>(result: Result<T, Elapsed>, limit: Duration) -> lapin::Result<T> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("not connected within {limit:?}"));
    result.map_err(|elapsed| Error::from(late(elapsed)))
}

#[cfg(unix)]
fn second_handle(stream: &tokio::net::TcpStream) -> io::Result<TcpStream> {
    use std::os::fd::AsFd;
    stream.as_fd().try_clone_to_owned().map(TcpStream::from)
}

#[cfg(windows)]
fn second_handle(stream: &tokio::net::TcpStream) -> io::Result<TcpStream> {
    use std::os::windows::io::AsSocket;
    stream.as_socket().try_clone_to_owned().map(TcpStream::from)
}
