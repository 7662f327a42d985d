use std::str::FromStr;

use axum::extract::{RawQuery, State};
use stele_core::port::Log;

use super::answer::{Answered, ask};
use super::error::ApiError;
use super::parameters::Parameters;
use super::state::ApiState;
use crate::query::{self, HangingPageRequest, LIMIT_DEFAULT};
use crate::view::{AttachmentList, SnapshotList};

pub(super) async fn snapshots<L: Log>(
    State(state): State<ApiState<L>>,
    RawQuery(query): RawQuery,
) -> Answered<SnapshotList> {
    let request = page_request(query.as_deref())?;
    ask(&state, move |snapshot, _| Ok(query::snapshots(snapshot, &request)?)).await
}

pub(super) async fn attachments<L: Log>(
    State(state): State<ApiState<L>>,
    RawQuery(query): RawQuery,
) -> Answered<AttachmentList> {
    let request = page_request(query.as_deref())?;
    ask(&state, move |snapshot, _| Ok(query::attachments(snapshot, &request)?)).await
}

fn page_request<Id: FromStr<Err: std::fmt::Display>>(query: Option<&str>) -> Result<HangingPageRequest<Id>, ApiError> {
    let mut given = Parameters::parse(query)?;
    let request = HangingPageRequest {
        project: given.value("project", "give the project's id")?,
        volume: given.value("volume", "give the volume's UUID")?,
        limit: given.value("limit", "give a number from 1 to 1000")?.unwrap_or(LIMIT_DEFAULT),
        marker: given.value("marker", "give the next_marker of the page before")?,
    };
    given.finish()?;
    Ok(request)
}
