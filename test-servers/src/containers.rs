//! A server in a container.

use std::time::Duration;

use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage, ImageExt as _};
use tokio::time::{Instant, sleep};

use test_servers::kind::Kind;

/// A running container.
pub(crate) type Container = ContainerAsync<GenericImage>;

/// How long a start may take, the pull of the image included.
const START_MAX: Duration = Duration::from_secs(300);

/// How long a server may take to answer once its container runs.
const READY_MAX: Duration = Duration::from_secs(60);

/// Image and tag, as in the compose file.
const fn image(kind: Kind) -> (&'static str, &'static str, u16) {
    match kind {
        Kind::Postgres => ("postgres", "15.14", 5432),
        Kind::RabbitMq => ("rabbitmq", "3.13.7-management", 5672),
    }
}

/// Starts one, if a Docker engine answers.
pub(crate) async fn start(kind: Kind) -> Result<(String, Container), String> {
    let (name, tag, port) = image(kind);
    let failed = |error: &dyn std::fmt::Display| format!("as a container: {error}");
    // The servers' words differ from version to version: whether one is ready is asked below.
    let image = GenericImage::new(name, tag).with_exposed_port(port.tcp()).with_wait_for(WaitFor::Nothing);
    let container = image
        .with_env_var("POSTGRES_PASSWORD", "postgres")
        .with_startup_timeout(START_MAX)
        .start()
        .await
        .map_err(|error| failed(&error))?;
    let address = async {
        let host = container.get_host().await.map_err(|error| failed(&error))?;
        let port = container.get_host_port_ipv4(port.tcp()).await.map_err(|error| failed(&error))?;
        Ok::<_, String>(match kind {
            Kind::Postgres => format!("postgres://postgres:postgres@{host}:{port}/postgres"),
            Kind::RabbitMq => format!("amqp://guest:guest@{host}:{port}/%2f"),
        })
    };
    let ready = async { answers(kind, &address.await?).await.map_err(|error| failed(&error)) };
    match ready.await {
        Ok(url) => Ok((url, container)),
        Err(error) => {
            stop(container).await;
            Err(error)
        }
    }
}

/// The address, once the server answers there.
async fn answers(kind: Kind, url: &str) -> Result<String, String> {
    let end = Instant::now() + READY_MAX;
    loop {
        match kind.check(url).await {
            Ok(()) => return Ok(url.to_owned()),
            Err(error) if Instant::now() >= end => return Err(error),
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Removes it with its data.
pub(crate) async fn stop(container: Container) {
    if let Err(error) = container.rm().await {
        eprintln!("test-servers: a container could not be removed: {error}");
    }
}
