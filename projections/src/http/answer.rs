use std::str::FromStr;

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stele_core::moment::Moment;
use stele_core::port::Log;
use stele_core::unit::{Position, Timestamp};

use super::POSITION_HEADER;
use super::error::{ApiError, ErrorCode};
use super::guard::reach;
use super::state::ApiState;
use crate::reader::{PastError, Reader, Snapshot};

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

/// Asks a snapshot of a moment where blocking hurts nobody. What depends on the time (which backends are up) is told as
/// of that moment too.
pub(super) async fn ask<L: Log, T: Send + 'static>(
    state: &ApiState<L>,
    moment: Moment,
    query: impl FnOnce(&Snapshot, Timestamp) -> Result<T, ApiError> + Send + 'static,
) -> Answered<T> {
    past(state, moment).await?;
    let clock = (state.clock)();
    blocking(state, move |reader| {
        let snapshot = reader.snapshot_at(moment).map_err(|error| not_there(moment, error))?;
        let (position, now) = match moment {
            Moment::Head => (snapshot.position(), clock),
            Moment::Position(_) => (snapshot.position(), snapshot.moved_at()),
            Moment::Time(time) => (snapshot.position(), time),
        };
        let body = query(&snapshot, now).map_err(|error| error.at(position))?;
        Ok(Answer { position, body })
    })
    .await
}

/// Waits until a moment is past here: until everything is applied that can belong to it.
async fn past<L: Log>(state: &ApiState<L>, moment: Moment) -> Result<(), ApiError> {
    let time = match moment {
        Moment::Head => return Ok(()),
        Moment::Position(position) => return reach(state, position).await,
        Moment::Time(time) => time,
    };
    let last = blocking(state, |reader| Ok(reader.snapshot()?.moved_at())).await?;
    if time < last {
        return Ok(());
    }
    let now = (state.clock)();
    if time > now.max(last) {
        let message = format!("at={time} is in the future: it is {now} here");
        return Err(ApiError::invalid(message, "give a time that is past; times without a zone are not taken"));
    }
    // Whether a record was written since the last one that is applied, the log alone knows.
    let tail = state.log.tail().await.map_err(|trouble| {
        let message = format!("what was written up to {time} cannot be told: {trouble}");
        ApiError::new(ErrorCode::NotReached, message, "ask again in a moment, or for a time before the newest record")
    })?;
    reach(state, tail).await
}

fn not_there(moment: Moment, error: PastError) -> ApiError {
    match (moment, error) {
        (Moment::Position(wanted), PastError::NotApplied { applied }) => ApiError::not_reached(wanted, applied),
        (_, PastError::Store(source)) => source.into(),
        (_, error) => ApiError::new(
            ErrorCode::PositionNotKept,
            error.to_string(),
            "ask for that position or a later one; `stele replay at` tells every older one from the whole log. To keep more \
             from here on, give `stele api` a larger --history; `stele replay rebuild` makes it from the log at once",
        ),
    }
}

async fn blocking<L, T: Send + 'static>(
    state: &ApiState<L>,
    work: impl FnOnce(&Reader) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let reader = state.reader.clone();
    match tokio::task::spawn_blocking(move || work(&reader)).await {
        Ok(result) => result,
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
