//! The client that processes call each other with.

use std::time::Duration;

/// How long it may take to connect: another service is near, and up or not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long an idle connection is kept: shorter than a server does, so that none is used that is just being closed.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// A client without proxies, redirections and a limit of time for whole calls: callers set their own.
///
/// # Errors
/// When the system gives no resources for it.
pub fn new() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .http1_only()
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_MAX)
        .build()
}
