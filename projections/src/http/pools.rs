use axum::extract::{RawQuery, State};
use stele_core::id::PoolName;
use stele_core::port::Log;

use super::answer::{Answered, PathText, ask, missing, parameter};
use super::error::ErrorCode;
use super::parameters;
use super::state::ApiState;
use crate::query;
use crate::view::{PoolList, PoolView};

pub(super) async fn list<L: Log>(State(state): State<ApiState<L>>, RawQuery(query): RawQuery) -> Answered<PoolList> {
    let moment = parameters::moment(query.as_deref())?;
    ask(&state, moment, |snapshot, now| Ok(query::pools(snapshot, now)?)).await
}

pub(super) async fn show<L: Log>(
    State(state): State<ApiState<L>>,
    name: PathText,
    RawQuery(query): RawQuery,
) -> Answered<PoolView> {
    let moment = parameters::moment(query.as_deref())?;
    let name: PoolName = parameter(name, "pool", "give host@backend#pool, percent-encoded: the # is %23")?;
    ask(&state, moment, move |snapshot, now| {
        query::pool(snapshot, &name, now)?.ok_or_else(|| missing(ErrorCode::PoolNotFound, "pool", &name))
    })
    .await
}
