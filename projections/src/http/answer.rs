use std::str::FromStr;

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stele_core::unit::{Position, Timestamp};

use super::POSITION_HEADER;
use super::error::{ApiError, ErrorCode};
use super::state::ApiState;
use crate::reader::Snapshot;

/// An answer from one snapshot, with its position.
#[derive(Debug)]
pub(super) struct Answer<T> {
    position: Position,
    body: T,
}

impl<T> Answer<T> {
    /// What was asked for, without its position.
    pub(super) fn into_body(self) -> T {
        self.body
    }
}

/// What a route gives.
pub(super) type Answered<T> = Result<Answer<T>, ApiError>;

/// The parameter in a path, decoded; what does not decode is refused in JSON as everything else.
pub(super) type PathText = Result<Path<String>, PathRejection>;

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        ([(POSITION_HEADER, self.position.to_string())], Json(self.body)).into_response()
    }
}

/// Asks a snapshot where blocking hurts nobody.
pub(super) async fn ask<L, T: Send + 'static>(
    state: &ApiState<L>,
    query: impl FnOnce(&Snapshot, Timestamp) -> Result<T, ApiError> + Send + 'static,
) -> Answered<T> {
    let (reader, now) = (state.reader.clone(), (state.clock)());
    let work = move || {
        let snapshot = reader.snapshot()?;
        Ok(Answer { position: snapshot.position(), body: query(&snapshot, now)? })
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// Reads a path's parameter as an id or a name.
pub(super) fn parameter<T: FromStr>(path: PathText, what: &str, rule: &str) -> Result<T, ApiError>
where
    T::Err: std::fmt::Display,
{
    let text = text(path)?;
    let shown: String = text.chars().take(128).collect();
    text.parse().map_err(|error: T::Err| ApiError::invalid(format!("{shown:?} is no {what}: {error}"), rule))
}

/// A path's parameter as it is.
pub(super) fn text(path: PathText) -> Result<String, ApiError> {
    let decoded = path.map(|Path(text)| text);
    decoded.map_err(|error| ApiError::invalid(error.body_text(), "percent-encode UTF-8, as in host%40backend%23pool"))
}

pub(super) fn missing(code: ErrorCode, what: &str, name: impl std::fmt::Display) -> ApiError {
    ApiError::new(
        code,
        format!("there is no {what} {name}"),
        format!("list what there is, then ask for a {what} of it"),
    )
}
