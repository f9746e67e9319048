//! Asks the copies of all services whether they are ready.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Timeouts;
use super::pool::{Copy, Pool};
use crate::host::stopped;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// Asks until it is told to stop.
pub(super) async fn watch(
    http: reqwest::Client,
    pools: Vec<Arc<Pool>>,
    timeouts: Timeouts,
    stop: watch::Receiver<bool>,
) {
    let mut watchers = JoinSet::new();
    for copy in pools.iter().flat_map(|pool| &pool.copies) {
        let (http, copy) = (http.clone(), Arc::clone(copy));
        watchers.spawn(async move {
            loop {
                copy.set_ready(ask(&http, &copy).await);
                tokio::time::sleep(if copy.is_ready() { timeouts.check } else { timeouts.recheck }).await;
            }
        });
    }
    stopped(stop).await;
    watchers.shutdown().await;
}

async fn ask(http: &reqwest::Client, copy: &Copy) -> bool {
    let asked = http.get(format!("{}/readyz", copy.base)).timeout(ANSWER_MAX).send();
    asked.await.is_ok_and(|response| response.status() == reqwest::StatusCode::OK)
}
