use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use stele_core::port::Log;

use super::state::ApiState;
use crate::view::Readiness;

/// The process answers; whether what it knows is current is another question.
pub(super) async fn healthz() -> impl IntoResponse {
    Json(serde_json::json!({ "status": "ok" }))
}

/// 200 once the projection has reached the tail that the log had when following began, else 503.
pub(super) async fn readyz<L: Log>(State(state): State<ApiState<L>>) -> impl IntoResponse {
    let progress = state.progress.borrow().clone();
    let status = if progress.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let readiness = Readiness { ready: progress.is_ready(), position: progress.position, target: progress.target };
    (status, Json(readiness))
}
