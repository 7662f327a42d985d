use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use stele_core::id::{FlowId, VolumeId};
use stele_core::moment::Moment;
use stele_core::port::Log;
use stele_core::state::Volume;

use super::answer::{Answered, PathText, ask, missing, parameter};
use super::error::{ApiError, ErrorCode};
use super::parameters::{self, Parameters};
use super::state::ApiState;
use crate::query::{self, LIMIT_DEFAULT, VolumeFilter, VolumePageRequest};
use crate::view::{DecisionList, DecisionView, FlowHistory, FlowList, VolumeList, VolumeView};

const ID_RULE: &str = "give a UUID";

pub(super) async fn list<L: Log>(State(state): State<ApiState<L>>, RawQuery(query): RawQuery) -> Answered<VolumeList> {
    let (request, moment) = page_request(query.as_deref())?;
    ask(&state, moment, move |snapshot, _| Ok(query::volumes(snapshot, &request)?)).await
}

pub(super) async fn show<L: Log>(
    State(state): State<ApiState<L>>,
    id: PathText,
    RawQuery(query): RawQuery,
) -> Answered<VolumeView> {
    let moment = parameters::moment(query.as_deref())?;
    let id: VolumeId = parameter(id, "volume id", ID_RULE)?;
    ask(&state, moment, move |snapshot, _| query::volume(snapshot, id)?.ok_or_else(|| no_volume(id))).await
}

pub(super) async fn flows<L: Log>(
    State(state): State<ApiState<L>>,
    id: PathText,
    RawQuery(query): RawQuery,
) -> Answered<FlowList> {
    let moment = parameters::moment(query.as_deref())?;
    let id: VolumeId = parameter(id, "volume id", ID_RULE)?;
    ask(&state, moment, move |snapshot, _| {
        let list = query::flows_of_volume(snapshot, id)?;
        if list.flows.is_empty() { Err(no_volume(id)) } else { Ok(list) }
    })
    .await
}

pub(super) async fn decisions<L: Log>(
    State(state): State<ApiState<L>>,
    id: PathText,
    RawQuery(query): RawQuery,
) -> Answered<DecisionList> {
    let moment = parameters::moment(query.as_deref())?;
    let id: VolumeId = parameter(id, "volume id", ID_RULE)?;
    ask(&state, moment, move |snapshot, _| {
        let list = query::decisions_of_volume(snapshot, id)?;
        // What was taken over was never placed.
        let is_known = || snapshot.find::<Volume>(&id).map(|found| found.is_some());
        if list.decisions.is_empty() && !is_known()? { Err(no_decision(id)) } else { Ok(list) }
    })
    .await
}

pub(super) async fn decision<L: Log>(
    State(state): State<ApiState<L>>,
    id: PathText,
    RawQuery(query): RawQuery,
) -> Answered<DecisionView> {
    let moment = parameters::moment(query.as_deref())?;
    let id: VolumeId = parameter(id, "volume id", ID_RULE)?;
    ask(&state, moment, move |snapshot, _| query::decision_of_volume(snapshot, id)?.ok_or_else(|| no_decision(id)))
        .await
}

pub(super) async fn flow<L: Log>(
    State(state): State<ApiState<L>>,
    id: PathText,
    RawQuery(query): RawQuery,
) -> Answered<FlowHistory> {
    let moment = parameters::moment(query.as_deref())?;
    let id: FlowId = parameter(id, "flow id", ID_RULE)?;
    ask(&state, moment, move |snapshot, _| {
        query::flow(snapshot, id)?.ok_or_else(|| missing(ErrorCode::FlowNotFound, "flow", id))
    })
    .await
}

fn page_request(query: Option<&str>) -> Result<(VolumePageRequest, Moment), ApiError> {
    let mut given = Parameters::parse(query)?;
    let filter = VolumeFilter {
        project: given.value("project", "give the project's id")?,
        status: given.text("status")?,
        name: given.text("name")?,
        pool: given.value("pool", "give host@backend#pool, percent-encoded: the # is %23")?,
        volume_type: given.text("type")?,
        availability_zone: given.text("availability_zone")?,
        metadata: metadata(given.texts("metadata"))?,
    };
    let request = VolumePageRequest {
        filter,
        sort: given.value("sort", "give a key, or key:asc")?.unwrap_or_default(),
        limit: given.value("limit", "give a number from 1 to 1000")?.unwrap_or(LIMIT_DEFAULT),
        marker: given.value("marker", "give the next_marker of the page before")?,
    };
    let moment = given.moment()?;
    given.finish()?;
    Ok((request, moment))
}

fn metadata(pairs: Vec<String>) -> Result<BTreeMap<String, String>, ApiError> {
    let pairs = pairs.into_iter().map(|pair| match pair.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => {
            let shown: String = pair.chars().take(64).collect();
            let remedy = "give metadata=key=value, once for each key";
            Err(ApiError::invalid(format!("metadata={shown} has no key and value"), remedy))
        }
    });
    pairs.collect()
}

fn no_volume(id: VolumeId) -> ApiError {
    missing(ErrorCode::VolumeNotFound, "volume", id)
}

fn no_decision(id: VolumeId) -> ApiError {
    ApiError::new(
        ErrorCode::DecisionNotFound,
        format!("no placement was ever decided for a volume {id}"),
        "list the volumes; every volume that there is or was has a decision, unless it was taken over",
    )
}
