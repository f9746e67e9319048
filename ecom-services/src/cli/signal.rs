//! The signals to stop.

use super::Failure;

/// Waits for the signal to stop: an interrupt from the keyboard, or SIGTERM.
pub(super) async fn stop_asked() -> Result<(), Failure> {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(Failure::failed)?;
        tokio::select! {
            result = interrupt => result.map_err(Failure::failed),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    interrupt.await.map_err(Failure::failed)
}
