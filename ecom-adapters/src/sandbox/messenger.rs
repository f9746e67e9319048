//! Sends the sandbox's webhooks to whoever is to hear them. They are a courtesy: what is not taken after some tries, or
//! does not fit in the queue, is never told, and whoever waits for it asks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::port::Clock;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;

use super::webhook::SandboxWebhook;

/// Letters that may wait.
const QUEUE_MAX: usize = 1_024;

/// How often a letter is sent.
const TRIES_MAX: u32 = 5;

/// The pause after the first try; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(2);

/// Where webhooks are sent.
#[async_trait]
pub trait Listener: Send + Sync + 'static {
    /// Hands over a signed body.
    ///
    /// # Errors
    /// Why it was not taken: it is sent again later.
    async fn post(&self, signature: String, body: Vec<u8>) -> Result<(), String>;
}

/// Who signs and where to.
#[derive(Clone)]
struct Desk {
    webhook: SandboxWebhook,
    listener: Arc<dyn Listener>,
    clock: Arc<dyn Clock>,
}

/// Sends letters: one at once, and more in turn behind the scenes.
pub(super) struct Messenger {
    desk: Desk,
    queue: mpsc::Sender<Vec<u8>>,
    task: JoinHandle<()>,
}

impl Messenger {
    pub(super) fn new(webhook: SandboxWebhook, listener: Arc<dyn Listener>, clock: Arc<dyn Clock>) -> Self {
        let (queue, letters) = mpsc::channel(QUEUE_MAX);
        let desk = Desk { webhook, listener, clock };
        let task = tokio::spawn(desk.clone().work(letters));
        Self { desk, queue, task }
    }

    /// A place to send letters from that outlives this value.
    pub(super) fn outlet(&self) -> Outlet {
        Outlet { desk: self.desk.clone(), queue: self.queue.clone() }
    }

    /// Sends nothing more, and lets go of the listener.
    pub(super) async fn stop(mut self) {
        self.task.abort();
        // Aborted is how it is meant to end.
        drop((&mut self.task).await);
    }
}

impl Drop for Messenger {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where letters go out.
pub(super) struct Outlet {
    desk: Desk,
    queue: mpsc::Sender<Vec<u8>>,
}

impl Outlet {
    /// Sends a letter and waits until it is taken or the try has failed.
    pub(super) async fn send(&self, letter: &[u8]) {
        if let Err(why) = self.desk.post(letter).await {
            tracing::warn!(why, "a webhook was not taken");
        }
    }

    /// Sends a letter when it is its turn.
    pub(super) fn send_later(&self, letter: Vec<u8>) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(letter) {
            tracing::warn!("too many webhooks wait: one is never sent");
        }
    }
}

impl Desk {
    async fn work(self, mut letters: mpsc::Receiver<Vec<u8>>) {
        while let Some(letter) = letters.recv().await {
            let mut pause = PAUSE;
            for left in (0..TRIES_MAX).rev() {
                match self.post(&letter).await {
                    Ok(()) => break,
                    Err(why) if left == 0 => tracing::warn!(why, "a webhook was never taken"),
                    Err(_) => {
                        tokio::time::sleep(pause).await;
                        pause *= 2;
                    }
                }
            }
        }
    }

    async fn post(&self, letter: &[u8]) -> Result<(), String> {
        let signature = self.webhook.sign(letter, self.clock.now());
        let post = self.listener.post(signature, letter.to_vec());
        tokio::time::timeout(TRY_MAX, post).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }
}
