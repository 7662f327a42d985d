use axum::extract::{RawQuery, State};
use stele_core::port::Log;

use super::answer::{Answered, PathText, ask, missing, text};
use super::error::ErrorCode;
use super::parameters;
use super::state::ApiState;
use crate::query;
use crate::view::{TypeList, TypeView};

pub(super) async fn list<L: Log>(State(state): State<ApiState<L>>, RawQuery(query): RawQuery) -> Answered<TypeList> {
    let moment = parameters::moment(query.as_deref())?;
    ask(&state, moment, |snapshot, _| Ok(query::volume_types(snapshot)?)).await
}

pub(super) async fn show<L: Log>(
    State(state): State<ApiState<L>>,
    name_or_id: PathText,
    RawQuery(query): RawQuery,
) -> Answered<TypeView> {
    let moment = parameters::moment(query.as_deref())?;
    let name_or_id = text(name_or_id)?;
    ask(&state, moment, move |snapshot, _| {
        let shown = || name_or_id.chars().take(255).collect::<String>();
        query::volume_type(snapshot, &name_or_id)?
            .ok_or_else(|| missing(ErrorCode::VolumeTypeNotFound, "volume type", shown()))
    })
    .await
}
