//! Applying facts: `state + event -> state`, the same in the writer, the standby, the projection and the replay.
//!
//! An event of a valid record is never refused. One that does not fit the state (a task that succeeds in a flow that
//! does not exist) means that the log or this code is broken: [`Corrupt`] stops the process that meets it.

mod attachment;
mod backend;
mod catalogue;
mod drift;
mod flow;
mod group;
mod message;
mod quota;
mod snapshot;
mod transfer;
mod volume;
mod volume_type;

#[cfg(test)]
mod tests;

use crate::event::Event;
use crate::record::RecordHead;
use crate::state::{Entity, State};
use crate::unit::{Position, Timestamp};

/// Where and when an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// The record that holds it.
    pub position: Position,
    /// When its commit was decided.
    pub at: Timestamp,
}

/// An event that does not fit the state that the log led to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log is inconsistent at position {position}: {event}: {what}. Stop, keep the log as it is, and run `stele replay verify`"
)]
pub struct Corrupt {
    /// The record that holds it.
    pub position: Position,
    /// The event's name.
    pub event: &'static str,
    /// What does not fit.
    pub what: String,
}

/// Applies one event; `touch` is told every entity that it changes.
///
/// # Errors
/// [`Corrupt`] when the event does not fit; the state is then not to be used any more.
pub fn evolve(state: &mut State, meta: Meta, event: &Event, touch: &mut dyn FnMut(Entity)) -> Result<(), Corrupt> {
    apply(state, meta, event, touch).map_err(|what| Corrupt { position: meta.position, event: event.name(), what })
}

/// Applies what a record's head says: a claim brings the configuration of its writer.
pub fn evolve_head(state: &mut State, head: &RecordHead, touch: &mut dyn FnMut(Entity)) {
    if let Some(claim) = &head.claim {
        state.config = std::sync::Arc::new(claim.config.clone());
        touch(Entity::Config);
    }
}

/// What does not fit, in words.
type Applied = Result<(), String>;

fn apply(state: &mut State, meta: Meta, event: &Event, touch: &mut dyn FnMut(Entity)) -> Applied {
    match event {
        Event::RequestRefused(_) => Ok(()),
        Event::FlowStarted { .. } => flow::started(state, meta, event, touch),
        Event::FlowFinished { flow, .. } => flow::finished(state, meta, *flow, touch),
        Event::QuotaReserved { reservation, flow, project, deltas } => {
            quota::reserved(state, *reservation, *flow, project, deltas, touch)
        }
        Event::QuotaCommitted { reservation } => quota::ended(state, *reservation, true, touch),
        Event::QuotaRolledBack { reservation } => quota::ended(state, *reservation, false, touch),
        Event::QuotaSet { project, limits } => quota::set(state, project, limits, touch),
        Event::VolumeEntryCreated { volume } => volume::entry_created(state, volume, touch),
        Event::PlacementDecided { flow, volume, decision } => {
            volume::placement_decided(state, meta, *flow, *volume, decision, touch)
        }
        Event::PlacementReleased { flow, volume, pool } => {
            volume::placement_released(state, meta, *flow, *volume, pool, touch)
        }
        Event::VolumeCreated { volume, flow, launched_at } => {
            volume::created(state, meta, *volume, *flow, *launched_at, touch)
        }
        Event::VolumeCreateFailed { volume, reason } => volume::create_failed(state, meta, *volume, reason, touch),
        Event::VolumeExtending { volume, flow, size_gib } => {
            volume::extending(state, meta, *volume, *flow, *size_gib, touch)
        }
        Event::VolumeExtended { volume, flow, size_gib } => {
            volume::extended(state, meta, *volume, *flow, *size_gib, touch)
        }
        Event::VolumeExtendFailed { volume, flow, reason } => {
            volume::extend_failed(state, meta, *volume, *flow, reason, touch)
        }
        Event::VolumeDeleting { volume, flow } => volume::deleting(state, meta, *volume, *flow, touch),
        Event::VolumeDeleted { volume } => volume::deleted(state, *volume, touch),
        Event::VolumeDeleteFailed { volume, busy, reason } => {
            volume::delete_failed(state, meta, *volume, *busy, reason, touch)
        }
        Event::TaskPending { task } => flow::task_pending(state, task, touch),
        Event::TaskRunning { flow, worker, deadline, .. } => flow::task_running(state, *flow, worker, *deadline, touch),
        Event::TaskProgressed { flow, deadline, .. } => flow::task_progressed(state, *flow, *deadline, touch),
        Event::TaskSucceeded { flow, task, .. } => flow::task_ended(state, *flow, *task, None, touch),
        Event::TaskFailed { flow, task, failure, .. } => flow::task_ended(state, *flow, *task, Some(failure), touch),
        Event::TaskPostponed { flow, task, until } => flow::task_postponed(state, *flow, *task, *until, touch),
        Event::TaskRetried { task } | Event::TaskReverting { task } => flow::task_again(state, task, touch),
        Event::TaskReverted { flow, task } => flow::task_reverted(state, *flow, *task, touch),
        Event::BackendReported { report, worker } => backend::reported(state, meta, report, worker, touch),
        Event::ServiceChanged { backend, change } => backend::changed(state, meta, backend, change, touch),
        Event::TypeCreated { volume_type } => volume_type::created(state, volume_type, touch),
        Event::TypeUpdated { volume_type } => volume_type::updated(state, volume_type, touch),
        Event::TypeDeleted { volume_type } => volume_type::deleted(state, *volume_type, touch),
        other => later(state, meta, other, touch),
    }
}

/// Each of these takes the events of its kind and says `None` to all others.
fn later(state: &mut State, meta: Meta, event: &Event, touch: &mut dyn FnMut(Entity)) -> Applied {
    volume::changed(state, meta, event, touch)
        .or_else(|| snapshot::apply(state, meta, event, touch))
        .or_else(|| attachment::apply(state, meta, event, touch))
        .or_else(|| transfer::apply(state, meta, event, touch))
        .or_else(|| group::apply(state, event, touch))
        .or_else(|| catalogue::apply(state, event, touch))
        .or_else(|| message::apply(state, meta, event, touch))
        .or_else(|| drift::apply(state, meta, event, touch))
        .unwrap_or_else(|| Err("nothing applies this event".to_owned()))
}
