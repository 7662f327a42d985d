use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::follow::Stop;

/// How long requests that are under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// Answers on `listener` until `stop`, then lets what is under way come to its end, for 5 seconds at most.
///
/// # Errors
/// What the listener says when it cannot go on.
pub async fn serve(listener: TcpListener, router: Router, stop: Stop) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Events are small and wanted at once. Where it does not work it is only slower.
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(stopped(stop.clone()));
    tokio::select! {
        result = server => result,
        () = async { stopped(stop).await; tokio::time::sleep(GRACE).await; } => Ok(()),
    }
}

async fn stopped(mut stop: Stop) {
    // A sender that is gone means the same.
    let _ = stop.wait_for(|stop| *stop).await;
}
