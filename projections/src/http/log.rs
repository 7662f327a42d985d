use axum::extract::{RawQuery, State};
use stele_core::port::Log;

use super::answer::{Answered, ask};
use super::parameters;
use super::state::ApiState;
use crate::view::{LogDigest, LogHead};

pub(super) async fn head<L: Log>(State(state): State<ApiState<L>>, RawQuery(query): RawQuery) -> Answered<LogHead> {
    let moment = parameters::moment(query.as_deref())?;
    ask(&state, moment, |snapshot, _| {
        let cursor = snapshot.cursor();
        Ok(LogHead {
            position: cursor.chain.position,
            hash: cursor.chain.hash,
            index: cursor.chain.index,
            epoch: cursor.chain.epoch,
            writer: cursor.chain.writer,
            at: cursor.chain.at,
            seen: cursor.seen,
            strays: cursor.strays,
        })
    })
    .await
}

pub(super) async fn digest<L: Log>(State(state): State<ApiState<L>>, RawQuery(query): RawQuery) -> Answered<LogDigest> {
    let moment = parameters::moment(query.as_deref())?;
    ask(&state, moment, |snapshot, _| {
        let (position, digest) = snapshot.digest()?;
        Ok(LogDigest { position, digest: digest.digest, tables: digest.tables })
    })
    .await
}
