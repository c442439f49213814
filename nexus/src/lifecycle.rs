//! From the first signal to the end: the first asks for a graceful stop, the second ends at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process ended by a second signal, as a shell would show it.
const INTERRUPTED: i32 = 130;

/// A token that SIGTERM or SIGINT cancels.
pub fn shutdown_on_signals() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if first {
                tracing::info!(
                    "stopping: running requests may finish; a second signal ends at once"
                );
                token.cancel();
            } else {
                std::process::exit(INTERRUPTED);
            }
        }
    });
    Ok(shutdown)
}
