//! The HTTP side: Stele's own read API under `/v1`, live events, health and metrics.
//!
//! Every answer says in `Stele-Position` up to where the log is in it; a reader may demand a position with
//! `Stele-Min-Position`. Errors are JSON with a stable code, a message and a remedy.

mod access;
mod answer;
mod error;
mod events;
mod guard;
mod hanging;
mod health;
mod log;
mod metrics;
mod parameters;
mod pools;
mod projects;
mod serve;
mod services;
mod state;
#[cfg(test)]
mod tests;
mod types;
mod volumes;

use axum::Router;
use axum::http::Method;
use axum::middleware;
use axum::routing::get;
use stele_core::port::Log;

use crate::v3::{self, Asker, Gateway};

pub use error::{ApiError, ErrorCode};
pub use serve::serve;
pub use state::{ApiOptions, ApiState, Clock};

/// The header that says up to where the log is in an answer.
pub const POSITION_HEADER: &str = "stele-position";

/// The header by which a reader demands that an answer contains a position.
pub const MIN_POSITION_HEADER: &str = "stele-min-position";

/// All routes; what `/v3` is asked to change goes to `asker`.
pub fn router<L: Log>(state: ApiState<L>, asker: Asker) -> Router {
    let (reader, progress, clock) = (state.reader.clone(), state.progress.clone(), state.clock.clone());
    let gateway = Gateway::new(reader, progress, clock, state.authenticator.clone(), state.chap_key.clone(), asker);
    let v1 = Router::new()
        .route("/volumes", get(volumes::list::<L>))
        .route("/volumes/{id}", get(volumes::show::<L>))
        .route("/volumes/{id}/flows", get(volumes::flows::<L>))
        .route("/volumes/{id}/decisions", get(volumes::decisions::<L>))
        .route("/volumes/{id}/decision", get(volumes::decision::<L>))
        .route("/flows/{id}", get(volumes::flow::<L>))
        .route("/snapshots", get(hanging::snapshots::<L>))
        .route("/snapshots/{id}", get(hanging::snapshot::<L>))
        .route("/attachments", get(hanging::attachments::<L>))
        .route("/pools", get(pools::list::<L>))
        .route("/pools/{name}", get(pools::show::<L>))
        .route("/services", get(services::list::<L>))
        .route("/quotas/{project}", get(projects::quotas::<L>))
        .route("/types", get(types::list::<L>))
        .route("/types/{name_or_id}", get(types::show::<L>))
        .route("/log/head", get(log::head::<L>))
        .route("/log/digest", get(log::digest::<L>))
        .route("/events", get(events::events::<L>));
    Router::new()
        .nest("/v1", v1)
        .merge(v3::router(gateway))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz::<L>))
        .route("/metrics", get(metrics::metrics::<L>))
        .fallback(|| async { ApiError::no_such_path() })
        .method_not_allowed_fallback(|method: Method| async move { ApiError::method_not_allowed(&method) })
        .layer(middleware::from_fn_with_state(state.clone(), guard::guard::<L>))
        .with_state(state)
}
