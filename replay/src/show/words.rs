//! Events in words.

use std::collections::BTreeMap;

use stele_core::command::ServiceChange;
use stele_core::event::{Event, QuotaDelta};
use stele_core::id::{FlowId, ReservationId, TaskId};
use stele_core::record::Commit;
use stele_core::state::{QuotaResource, State};
use stele_core::task::BackendReport;
use stele_core::unit::Timestamp;

use super::worker::silence_ms;
use super::{catalogue, placement, resource, task};

/// What is told of one event.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// Who did it.
    pub(crate) actor: String,
    /// In one line.
    pub(crate) text: String,
    /// More about it.
    pub(crate) lines: Vec<String>,
}

impl Words {
    /// What control decided.
    pub(crate) fn control(text: impl Into<String>) -> Self {
        Self::by("control", text)
    }

    pub(crate) fn by(actor: &str, text: impl Into<String>) -> Self {
        Self { actor: actor.to_owned(), text: text.into(), lines: Vec::new() }
    }

    pub(crate) fn with(self, lines: Vec<String>) -> Self {
        Self { lines, ..self }
    }
}

/// Tells events, with what has to be remembered from the ones before.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    /// What open reservations hold.
    reservations: BTreeMap<ReservationId, Vec<QuotaDelta>>,
    /// Since when tasks run, by their workers' clocks.
    pub(crate) running: BTreeMap<TaskId, Timestamp>,
}

impl Teller {
    /// The words for an event; `state` is as it was before the event's record.
    pub(crate) fn tell(&mut self, state: &State, commit: &Commit, event: &Event, flow: Option<FlowId>) -> Words {
        match event {
            Event::RequestRefused(refusal) => {
                // Cinder's messages for quotas begin with the code.
                let code = refusal.code.as_str();
                let message = refusal
                    .message
                    .strip_prefix(code)
                    .map_or(refusal.message.as_str(), |rest| rest.trim_start_matches([':', ' ']));
                Words::control(format!("refused, {code}: {message}"))
                    .with(vec![format!("what would make it pass: {}", refusal.remedy)])
            }
            Event::FlowStarted { flow, kind, volume, .. } => {
                Words::control(format!("flow {} of volume {volume} begins", kind.name()))
                    .with(vec![format!("flow {flow}")])
            }
            Event::FlowFinished { failure, .. } => finished(state, commit, flow, failure.as_deref()),
            Event::QuotaReserved { reservation, deltas, .. } => {
                self.reservations.insert(*reservation, deltas.clone());
                Words::control(reserved(state, deltas))
            }
            Event::QuotaCommitted { reservation } => self.reservation_ended(state, *reservation, true),
            Event::QuotaRolledBack { reservation } => self.reservation_ended(state, *reservation, false),
            Event::PlacementDecided { decision, .. } => placement::words(decision),
            Event::PlacementReleased { pool, .. } => {
                Words::control(format!("{pool} is given up and not tried again by this flow"))
            }
            Event::BackendReported { report, worker } => {
                let before = state.backends.get(&report.backend);
                let silence_ms = before.and_then(|before| silence_ms(state, before, commit.at));
                let after = silence_ms.map(|ms| format!(", after {} s of silence", ms / 1000)).unwrap_or_default();
                Words::by(worker.as_str(), format!("{}{after}", reported(report)))
            }
            Event::ServiceChanged { backend, change } => Words::control(changed(backend.as_str(), change)),
            Event::TypeCreated { volume_type } => Words::control(format!("volume type {:?} exists", volume_type.name))
                .with(vec![format!("type {}", volume_type.id)]),
            other => volume(state, other)
                .or_else(|| resource::words(state, other))
                .or_else(|| catalogue::words(state, other))
                .unwrap_or_else(|| task::words(self, state, commit, other)),
        }
    }

    fn reservation_ended(&mut self, state: &State, id: ReservationId, committed: bool) -> Words {
        // One that began before the story's record is in the state.
        let known = || state.reservations.get(&id).map(|reservation| reservation.deltas.clone());
        let deltas = self.reservations.remove(&id).or_else(known).unwrap_or_default();
        let amounts = amounts(state, &deltas);
        let gives_back = deltas.iter().all(|delta| delta.delta < 0);
        Words::control(match (committed, gives_back) {
            (true, true) => format!("no longer in use: {amounts}"),
            (true, false) => format!("now in use: {amounts}"),
            (false, _) => format!("reservation given back: {amounts}"),
        })
    }
}

fn finished(state: &State, commit: &Commit, flow: Option<FlowId>, failure: Option<&str>) -> Words {
    let found = flow.and_then(|flow| state.flows.get(&flow));
    let kind = found.map_or("", |flow| flow.kind.name());
    let took = found.map_or(0, |flow| commit.at.ms_since(flow.started_at));
    let name = if kind.is_empty() { "flow".to_owned() } else { format!("flow {kind}") };
    let took = took_words(took.saturating_mul(1000));
    Words::control(match failure {
        None => format!("{name} ended well after {took}"),
        Some(failure) if is_told(commit, failure) => format!("{name} failed after {took}"),
        Some(failure) => format!("{name} failed after {took}: {failure}"),
    })
}

/// Whether the volume's own event in this commit gives the same reason.
fn is_told(commit: &Commit, failure: &str) -> bool {
    commit.events.iter().any(|event| {
        matches!(event, Event::VolumeCreateFailed { reason, .. }
            | Event::VolumeExtendFailed { reason, .. }
            | Event::VolumeRevertFailed { reason, .. }
            | Event::VolumeManageFailed { reason, .. }
            | Event::VolumeUnmanageFailed { reason, .. }
            | Event::VolumeDeleteFailed { reason, .. } if reason == failure)
    })
}

fn volume(state: &State, event: &Event) -> Option<Words> {
    let text = match event {
        Event::VolumeEntryCreated { volume } => {
            let type_name = state.types.get(&volume.volume_type).map_or_else(String::new, |found| found.name.clone());
            let what = format!(
                "{}, type {type_name}, zone {}{}",
                volume.size_gib,
                volume.availability_zone,
                resource::source(volume)
            );
            format!("volume {} is {}: {what}", volume.id, volume.status.name())
        }
        Event::VolumeCreated { .. } => "volume is available".to_owned(),
        Event::VolumeCreateFailed { reason, .. } => format!("volume is in error: {reason}"),
        Event::VolumeExtending { size_gib, .. } => format!("volume is extending to {size_gib}"),
        Event::VolumeExtended { size_gib, .. } => format!("volume is available with {size_gib}"),
        Event::VolumeExtendFailed { reason, .. } => format!("volume is in error_extending: {reason}"),
        Event::VolumeReverting { snapshot, .. } => format!("volume is reverting to snapshot {snapshot}"),
        Event::VolumeReverted { snapshot, .. } => format!("volume is available with the data of snapshot {snapshot}"),
        Event::VolumeRevertFailed { reason, .. } => format!("volume is in error: {reason}"),
        Event::VolumeManaged { size_gib, .. } => format!("volume is available with {size_gib}, taken over as it was"),
        Event::VolumeManageFailed { reason, .. } => format!("volume is in error_managing and lies nowhere: {reason}"),
        Event::VolumeUnmanaging { .. } => "volume is unmanaging: its data stay".to_owned(),
        Event::VolumeUnmanageFailed { reason, .. } => format!("volume is in error_unmanaging: {reason}"),
        Event::VolumeDeleting { .. } => "volume is deleting".to_owned(),
        Event::VolumeDeleted { .. } => "volume is gone".to_owned(),
        Event::VolumeDeleteFailed { busy: true, reason, .. } => {
            format!("volume is in use and stays available: {reason}")
        }
        Event::VolumeDeleteFailed { busy: false, reason, .. } => format!("volume is in error_deleting: {reason}"),
        Event::VolumeUpdated { name, description, metadata, image_metadata, bootable, readonly, .. } => {
            let mut changes = Vec::new();
            changes.extend(name.as_ref().map(|name| format!("name {name:?}")));
            changes.extend(description.as_ref().map(|text| format!("description {text:?}")));
            changes.extend(metadata.as_ref().map(|pairs| format!("{} metadata keys", pairs.len())));
            changes.extend(image_metadata.as_ref().map(|pairs| format!("{} image metadata keys", pairs.len())));
            changes.extend(bootable.map(|bootable| format!("bootable {bootable}")));
            changes.extend(readonly.map(|readonly| format!("readonly {readonly}")));
            format!("volume has now {}", changes.join(", "))
        }
        _ => return None,
    };
    Some(Words::control(text))
}

/// `reserved 1 volume (limit 10, 2 in use), 5 GiB (limit 1000, 12 in use)`.
fn reserved(state: &State, deltas: &[QuotaDelta]) -> String {
    let seen = |delta: &QuotaDelta| {
        let others = if delta.reserved > 0 { format!(", {} reserved", delta.reserved) } else { String::new() };
        let amount = amount(state, delta);
        format!("{amount} ({}, {} in use{others})", limit_words(delta.limit), delta.in_use)
    };
    let words: Vec<String> = shown(deltas).map(seen).collect();
    let verb = if deltas.iter().all(|delta| delta.delta < 0) { "to be given back:" } else { "reserved" };
    format!("{verb} {}", words.join(", "))
}

pub(super) fn amounts(state: &State, deltas: &[QuotaDelta]) -> String {
    shown(deltas).map(|delta| amount(state, delta)).collect::<Vec<_>>().join(", ")
}

/// Lines per type only count for people where the type has a limit.
fn shown(deltas: &[QuotaDelta]) -> impl Iterator<Item = &QuotaDelta> {
    deltas.iter().filter(|delta| {
        let per_type = matches!(
            delta.resource,
            QuotaResource::VolumesOf(_) | QuotaResource::GigabytesOf(_) | QuotaResource::SnapshotsOf(_)
        );
        !per_type || delta.limit >= 0
    })
}

fn amount(state: &State, delta: &QuotaDelta) -> String {
    let number = delta.delta.unsigned_abs();
    let type_name = |id| state.types.get(&id).map_or_else(String::new, |found| format!(" of type {}", found.name));
    match delta.resource {
        QuotaResource::Volumes if number == 1 => "1 volume".to_owned(),
        QuotaResource::Volumes => format!("{number} volumes"),
        QuotaResource::Gigabytes => format!("{number} GiB"),
        QuotaResource::VolumesOf(id) if number == 1 => format!("1 volume{}", type_name(id)),
        QuotaResource::VolumesOf(id) => format!("{number} volumes{}", type_name(id)),
        QuotaResource::GigabytesOf(id) => format!("{number} GiB{}", type_name(id)),
        other => format!("{number} {}", resource_name(state, other)),
    }
}

pub(super) fn limit_words(limit: i64) -> String {
    if limit < 0 { "unlimited".to_owned() } else { format!("limit {limit}") }
}

/// Cinder's name, with the type's name where there still is one.
pub(crate) fn resource_name(state: &State, resource: QuotaResource) -> String {
    resource.name(|id| state.types.get(&id).map_or_else(|| id.to_string(), |found| found.name.clone()))
}

fn reported(report: &BackendReport) -> String {
    let pools: Vec<String> = report
        .pools
        .iter()
        .map(|pool| {
            let free = pool.stats.free_capacity_gb.map(|free| free.to_capability().to_string());
            format!("{} with {} GiB free", pool.pool, free.unwrap_or_else(|| "unknown".to_owned()))
        })
        .collect();
    format!("backend {} ({}) is up: {}", report.backend, report.driver, pools.join(", "))
}

fn changed(backend: &str, change: &ServiceChange) -> String {
    match change {
        ServiceChange::Enable => format!("backend {backend} is enabled"),
        ServiceChange::Disable(reason) => format!("backend {backend} is disabled: {reason:?}"),
        ServiceChange::Freeze(reason) => format!("backend {backend} is frozen: {reason:?}"),
        ServiceChange::Thaw => format!("backend {backend} is no longer frozen"),
    }
}

/// A duration as people say it.
pub(super) fn took_words(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} us"),
        1_000..1_000_000 => format!("{} ms", micros / 1_000),
        1_000_000..120_000_000 => format!("{}.{:03} s", micros / 1_000_000, micros / 1_000 % 1_000),
        _ => format!("{} min {} s", micros / 60_000_000, micros / 1_000_000 % 60),
    }
}
