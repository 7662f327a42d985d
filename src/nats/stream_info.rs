//! What a stream's leader says about the stream.

use async_nats::jetstream::Context;
use serde::Deserialize;
use serde_json::Value;
use stele_core::port::Unavailable;
use stele_core::unit::Timestamp;

use super::patience::unavailable;

/// A stream as its leader describes it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StreamInfo {
    /// The configuration as the server understood it; raw, because fields that the client library does not know may
    /// lose data as well.
    pub(super) config: Value,
    #[serde(default)]
    created: String,
    pub(super) state: StreamState,
}

/// What a stream holds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct StreamState {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
}

/// An answer of the JetStream API that is a refusal.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ApiError {
    pub(super) code: u64,
    #[serde(default)]
    pub(super) err_code: u64,
    #[serde(default)]
    description: String,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (code {}, error code {})", self.description, self.code, self.err_code)
    }
}

impl StreamInfo {
    /// When the stream was created; another value than before means that it is another stream.
    pub(super) fn created(&self) -> Result<Timestamp, Unavailable> {
        self.created.parse().map_err(|e| unavailable("the stream's creation time", format!("{:?}: {e}", self.created)))
    }
}

/// Asks the stream's leader. `None` when there is no such stream.
pub(super) async fn stream_info(context: &Context, stream: &str) -> Result<Option<StreamInfo>, Unavailable> {
    match api(context, &format!("STREAM.INFO.{stream}"), &()).await? {
        Ok(answer) => {
            let parsed = serde_json::from_value(answer);
            parsed.map(Some).map_err(|e| unavailable(format!("stream {stream}"), format!("answer not understood: {e}")))
        }
        Err(error) if error.code == 404 => Ok(None),
        Err(error) => Err(unavailable(format!("stream {stream}"), error)),
    }
}

/// The same for a stream that must exist.
pub(super) async fn existing_stream_info(context: &Context, stream: &str) -> Result<StreamInfo, Unavailable> {
    let missing = || unavailable(format!("stream {stream}"), "there is no such stream on this server");
    stream_info(context, stream).await?.ok_or_else(missing)
}

/// One request to the JetStream API; the inner error is what the server refused.
pub(super) async fn api<T: serde::Serialize + Sync>(
    context: &Context,
    request: &str,
    payload: &T,
) -> Result<Result<Value, ApiError>, Unavailable> {
    let answer: Value = context
        .request(request.to_owned(), payload)
        .await
        .map_err(|e| unavailable(format!("JetStream ({request})"), e))?;
    match answer.get("error") {
        None => Ok(Ok(answer)),
        Some(error) => match ApiError::deserialize(error) {
            Ok(error) => Ok(Err(error)),
            Err(e) => Err(unavailable(format!("JetStream ({request})"), format!("answer not understood: {e}"))),
        },
    }
}
