//! The signal to stop, which whoever waits for something can hear.

use tokio::sync::watch;

/// Gives the signal. Dropping it gives it too.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Hears the signal. Clones hear the same one.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// A signal that is not given yet.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Gives the signal.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether the signal was given.
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits for the signal. Cancel-safe.
    pub async fn triggered(&self) {
        // The error means that nobody can give the signal any more, which is one.
        drop(self.0.clone().wait_for(|stopped| *stopped).await);
    }
}
