//! A shop inside the test, with a data directory that goes with it.

use std::collections::BTreeMap;
use std::time::Duration;

use ecom_services::compose::{DataDir, Embedded, Server};
use ecom_services::config::{Config, Process};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::client::{Client, text};

/// A running shop.
pub(crate) struct Shop {
    pub(crate) client: Client,
    /// The administrator's access token.
    pub(crate) admin: String,
    embedded: Embedded,
    server: Server,
    _directory: TempDir,
}

impl Shop {
    /// Starts an empty shop.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts an empty shop with these settings beside those of all tests.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let defaults = [("BCRYPT_COST", "10"), ("PROVIDER_TIMEOUT", "1s"), ("RATE_LIMIT_USER", "1000000/s")];
        let variables: BTreeMap<String, String> =
            defaults.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let process = Process::AllInOne { data: directory.path().to_owned(), port: 0 };
        let config = Config::read(&process, &variables, &|path| std::fs::read_to_string(path)).unwrap();
        let data = DataDir::open(directory.path()).unwrap();
        let listener = TcpListener::bind(config.http_addr).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let embedded = Embedded::start(data, &config).await.unwrap();
        let server = embedded.serve(listener);
        let client = Client::new(&url);
        let made = embedded.generated_password().unwrap();
        let admin = text(&client.login(&made.email, &made.password).await.expect(200)["access_token"]);
        Self { client, admin, embedded, server, _directory: directory }
    }

    /// Stops the HTTP server, then the services.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
        self.embedded.stop(Duration::from_secs(2)).await;
    }
}
