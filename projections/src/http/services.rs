use axum::extract::{RawQuery, State};
use stele_core::port::Log;

use super::answer::{Answered, ask};
use super::parameters;
use super::state::ApiState;
use crate::query;
use crate::view::ServiceList;

pub(super) async fn list<L: Log>(State(state): State<ApiState<L>>, RawQuery(query): RawQuery) -> Answered<ServiceList> {
    let moment = parameters::moment(query.as_deref())?;
    ask(&state, moment, |snapshot, now| Ok(query::services(snapshot, now)?)).await
}
