use axum::extract::{RawQuery, State};
use stele_core::id::ProjectId;
use stele_core::port::Log;

use super::answer::{Answered, PathText, ask, parameter};
use super::parameters;
use super::state::ApiState;
use crate::query;
use crate::view::QuotaSetView;

pub(super) async fn quotas<L: Log>(
    State(state): State<ApiState<L>>,
    project: PathText,
    RawQuery(query): RawQuery,
) -> Answered<QuotaSetView> {
    let moment = parameters::moment(query.as_deref())?;
    let project: ProjectId = parameter(project, "project", "give the project's id")?;
    ask(&state, moment, move |snapshot, _| Ok(query::quotas_of_project(snapshot, &project)?)).await
}
