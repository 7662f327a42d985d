//! Command and outcome as request and reply.

use std::time::Duration;

use async_nats::{Request, RequestErrorKind};
use bytes::Bytes;
use stele_core::port::Unavailable;
use tokio::time::Instant;

use super::connect::Connection;
use super::patience::{Backoff, unavailable};

/// How long one request waits for its reply before it is sent again. Control answers in milliseconds; when it takes
/// longer the one that was asked is probably gone, and its successor answers the repeat.
const REPLY_WITHIN: Duration = Duration::from_secs(1);

/// Asks until a reply comes or `within` has passed.
///
/// The payload is sent again when no reply came, so it must carry a command id: control answers a command that it has
/// seen with the first outcome.
///
/// # Errors
/// [`Unavailable`] when no reply came in time. The command may be in the log, or get there still.
pub async fn ask(
    connection: &Connection,
    subject: &str,
    payload: Bytes,
    within: Duration,
) -> Result<Bytes, Unavailable> {
    let deadline = Instant::now() + within;
    let mut backoff = Backoff::new();
    loop {
        let patience = REPLY_WITHIN.min(deadline.saturating_duration_since(Instant::now()));
        let request = Request::new().payload(payload.clone()).timeout(Some(patience));
        let error = match connection.client().send_request(subject.to_owned(), request).await {
            Ok(reply) => return Ok(reply.payload),
            Err(error) => error,
        };
        let hopeless = matches!(error.kind(), RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded);
        if !hopeless {
            backoff.pause(deadline).await;
        }
        if hopeless || Instant::now() >= deadline {
            let why = match error.kind() {
                RequestErrorKind::NoResponders => "no control is listening".to_owned(),
                RequestErrorKind::TimedOut => format!("no reply within {:.1} s", within.as_secs_f32()),
                _ => error.to_string(),
            };
            return Err(unavailable(format!("control ({subject})"), why));
        }
    }
}
