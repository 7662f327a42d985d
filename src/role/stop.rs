//! Stopping in order: Ctrl-C and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// A token that is cancelled when the process is asked to end.
#[must_use]
pub fn on_signals() -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            error!("signals cannot be received; end this process with SIGKILL, nothing is lost by it");
            return;
        };
        tokio::select! {
            _ = interrupt.recv() => info!("interrupted; stopping"),
            _ = terminate.recv() => info!("asked to end; stopping"),
        }
        cancel.cancel();
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        error!("asked a second time; ending at once");
        std::process::exit(130);
    });
    token
}
