//! The signal to stop, which whoever waits for something can hear.

use tokio::sync::watch;

/// Hears the signal. Clones hear the same one.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl From<watch::Receiver<bool>> for Stop {
    /// The signal is `true`, or the end of the sender.
    fn from(signal: watch::Receiver<bool>) -> Self {
        Self(signal)
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
