use std::str::FromStr;

use axum::extract::{RawQuery, State};
use stele_core::id::SnapshotId;
use stele_core::moment::Moment;
use stele_core::port::Log;

use super::answer::{Answered, PathText, ask, missing, parameter};
use super::error::{ApiError, ErrorCode};
use super::parameters::{self, Parameters};
use super::state::ApiState;
use crate::query::{self, HangingPageRequest, LIMIT_DEFAULT};
use crate::view::{AttachmentList, SnapshotList, SnapshotView};

pub(super) async fn snapshots<L: Log>(
    State(state): State<ApiState<L>>,
    RawQuery(query): RawQuery,
) -> Answered<SnapshotList> {
    let mut given = Parameters::parse(query.as_deref())?;
    let name = given.text("name")?;
    let (request, moment) = page_request(given)?;
    let request = HangingPageRequest { name, ..request };
    ask(&state, moment, move |snapshot, _| Ok(query::snapshots(snapshot, &request)?)).await
}

pub(super) async fn snapshot<L: Log>(
    State(state): State<ApiState<L>>,
    id: PathText,
    RawQuery(query): RawQuery,
) -> Answered<SnapshotView> {
    let moment = parameters::moment(query.as_deref())?;
    let id: SnapshotId = parameter(id, "snapshot id", "give a UUID")?;
    let no_snapshot = move || missing(ErrorCode::SnapshotNotFound, "snapshot", id);
    ask(&state, moment, move |snapshot, _| query::snapshot(snapshot, id)?.ok_or_else(no_snapshot)).await
}

pub(super) async fn attachments<L: Log>(
    State(state): State<ApiState<L>>,
    RawQuery(query): RawQuery,
) -> Answered<AttachmentList> {
    let (request, moment) = page_request(Parameters::parse(query.as_deref())?)?;
    ask(&state, moment, move |snapshot, _| Ok(query::attachments(snapshot, &request)?)).await
}

fn page_request<Id: FromStr<Err: std::fmt::Display>>(
    mut given: Parameters,
) -> Result<(HangingPageRequest<Id>, Moment), ApiError> {
    let request = HangingPageRequest {
        project: given.value("project", "give the project's id")?,
        volume: given.value("volume", "give the volume's UUID")?,
        name: None,
        limit: given.value("limit", "give a number from 1 to 1000")?.unwrap_or(LIMIT_DEFAULT),
        marker: given.value("marker", "give the next_marker of the page before")?,
    };
    let moment = given.moment()?;
    given.finish()?;
    Ok((request, moment))
}
