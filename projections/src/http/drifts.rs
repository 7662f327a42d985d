use axum::extract::{RawQuery, State};
use stele_core::port::Log;

use super::answer::{Answered, ask};
use super::parameters;
use super::state::ApiState;
use crate::query;
use crate::view::DriftList;

pub(super) async fn list<L: Log>(State(state): State<ApiState<L>>, RawQuery(query): RawQuery) -> Answered<DriftList> {
    let moment = parameters::moment(query.as_deref())?;
    ask(&state, moment, |snapshot, _| Ok(query::drifts(snapshot)?)).await
}
