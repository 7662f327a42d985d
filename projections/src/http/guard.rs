use std::str::FromStr as _;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use stele_core::port::Log;
use stele_core::unit::Position;

use super::access::operators_only;
use super::error::{ApiError, ErrorCode};
use super::state::ApiState;
use super::{MIN_POSITION_HEADER, POSITION_HEADER};
use crate::v3::RouteName;

/// The longest path with parameters, in bytes. Every parameter of every route fits several times over.
const URI_BYTES_MAX: usize = 16 * 1024;

/// No route but Cinder's reads a body; one of this size is a mistake that is better told than ignored.
const BODY_BYTES_MAX: u64 = 64 * 1024;

/// What holds for every request: limits, the demanded position, the answer's position, and counting.
pub(super) async fn guard<L: Log>(State(state): State<ApiState<L>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let admitted = match limits(&request, &route) {
        Ok(()) => admit(&state, &route, request.headers(), request.uri()).await,
        Err(refused) => Err(refused),
    };
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    if !response.headers().contains_key(POSITION_HEADER) {
        let position = state.progress.borrow().position;
        response.headers_mut().insert(POSITION_HEADER, HeaderValue::from(position.0));
    }
    let name = response.extensions().get::<RouteName>().map_or(route, |name| format!("/v3{}", name.0));
    state.counters.count(&name, response.status());
    response
}

fn limits(request: &Request, route: &str) -> Result<(), ApiError> {
    let uri = request.uri();
    let bytes = uri.path().len() + uri.query().map_or(0, str::len);
    if bytes > URI_BYTES_MAX {
        let message = format!("the path and its parameters have {bytes} bytes");
        return Err(ApiError::new(ErrorCode::UriTooLong, message, format!("use at most {URI_BYTES_MAX}")));
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    // Cinder's routes read bodies, and bound them by themselves.
    if !is_v3(route) && length.is_some_and(|bytes: u64| bytes > BODY_BYTES_MAX) {
        let message = "the request has a large body, and nothing here reads one";
        return Err(ApiError::new(ErrorCode::BodyTooLarge, message, "send no body"));
    }
    Ok(())
}

fn is_v3(route: &str) -> bool {
    route == "/" || route.starts_with("/v3")
}

/// Lets a request through once the projection has what it demands, unless nothing is served at all.
async fn admit<L>(state: &ApiState<L>, route: &str, headers: &HeaderMap, uri: &Uri) -> Result<(), ApiError> {
    if route.starts_with("/v1") {
        operators_only(state, headers, uri).await?;
        serving(state)?;
    }
    let Some(value) = headers.get(MIN_POSITION_HEADER) else { return Ok(()) };
    let wanted = value.to_str().ok().and_then(|text| Position::from_str(text.trim()).ok());
    if wanted.is_none() && is_v3(route) {
        return Ok(());
    }
    let wanted = wanted.ok_or_else(|| {
        ApiError::invalid("Stele-Min-Position is no position", "give the number that an outcome or an answer named")
    })?;
    match reach(state, wanted).await {
        // Cinder's clients know no such answer: what is there is better than that.
        Err(_) if is_v3(route) => Ok(()),
        reached => reached,
    }
}

/// Waits until the projection has a position.
pub(super) async fn reach<L>(state: &ApiState<L>, wanted: Position) -> Result<(), ApiError> {
    let mut progress = state.progress.clone();
    let arrived = progress.wait_for(|progress| progress.position >= wanted || progress.failure.is_some());
    match tokio::time::timeout(state.options.min_position_wait, arrived).await {
        Ok(Ok(_)) => serving(state),
        // Nobody follows any more, or not in time.
        _ => Err(ApiError::not_reached(wanted, state.progress.borrow().position)),
    }
}

fn serving<L>(state: &ApiState<L>) -> Result<(), ApiError> {
    match &state.progress.borrow().failure {
        None => Ok(()),
        Some(failure) => Err(ApiError::new(
            ErrorCode::NotServing,
            format!("the projection no longer follows the log: {failure}"),
            "run `stele replay verify` and see what it says",
        )),
    }
}
