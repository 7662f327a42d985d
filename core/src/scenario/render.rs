//! Showing events as short lines, with the script's names instead of ids.

use serde_json::Value;
use uuid::Uuid;

use super::Cell;
use crate::event::{Event, QuotaDelta};
use crate::id::{PoolName, ProjectId, SnapshotId, VolumeId};
use crate::state::{Volume, VolumeType};
use crate::task::{CopySource, Operation, Task};
use crate::unit::Timestamp;

/// The id of what a script calls so: the name's bytes.
pub(crate) fn id_of(name: &str) -> Uuid {
    Uuid::from_u128(name.bytes().fold(0, |id, byte| id << 8 | u128::from(byte)))
}

/// The id of a volume that a script calls so.
pub(crate) fn volume_id(name: &str) -> VolumeId {
    VolumeId(id_of(name))
}

/// Whether a script may call something so.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What a script calls it; `?` when its id was derived.
pub(crate) fn name_of(id: Uuid) -> String {
    let bytes: Vec<u8> = id.into_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    String::from_utf8(bytes).ok().filter(|name| is_name(name)).unwrap_or_else(|| "?".to_owned())
}

/// What a script calls a volume; `?` when its id was derived.
pub(crate) fn volume_name(id: VolumeId) -> String {
    name_of(id.0)
}

/// Runs `before` and `given`, then `when`; every row whose events are not `then` is shown, with what came instead.
pub(crate) fn check(before: &str, rows: &[(&str, &str, &str)]) {
    check_in(Cell::new, before, rows);
}

/// [`check`] in cells of another kind.
pub(crate) fn check_in(cell: impl Fn() -> Cell, before: &str, rows: &[(&str, &str, &str)]) {
    let mut wrong = String::new();
    for (given, when, then) in rows {
        let mut cell = cell();
        cell.run(before);
        cell.run(given);
        let events = cell.run(when);
        let got = cell.render(&events);
        let then: Vec<&str> = then.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if got != then {
            wrong.push_str(&format!("\ngiven {given}\nwhen {when}\nthen {then:#?}\nbut\n{}\n", got.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

impl Cell {
    pub(crate) fn render(&self, events: &[Event]) -> Vec<String> {
        events.iter().map(|event| self.named(&self.line(event))).collect()
    }

    /// The status of a volume, or `gone`.
    pub(crate) fn status(&self, volume: &str) -> &'static str {
        self.state().volumes.get(&volume_id(volume)).map_or("gone", |volume| volume.status.name())
    }

    /// The status of a snapshot, or `gone`.
    pub(crate) fn snapshot_status(&self, snapshot: &str) -> &'static str {
        self.state().snapshots.get(&SnapshotId(id_of(snapshot))).map_or("gone", |snapshot| snapshot.status.name())
    }

    /// A volume that exists.
    pub(crate) fn volume(&self, volume: &str) -> &Volume {
        &self.state().volumes[&volume_id(volume)]
    }

    /// What was given away on a pool since its last report.
    pub(crate) fn claimed_gib(&self, pool: &str) -> u64 {
        self.state().claimed_gib(&PoolName::new(pool).unwrap())
    }

    /// Ids that a script gave, and those of types, replaced by their names.
    pub(crate) fn named(&self, text: &str) -> String {
        const UUID_CHARS: usize = 36;
        let (mut named, mut rest) = (String::new(), text);
        while let Some(next) = rest.chars().next() {
            let id = rest.get(..UUID_CHARS).and_then(|word| Uuid::try_parse(word).ok());
            if let Some(name) = id.and_then(|id| self.called(id)) {
                named.push_str(&name);
                rest = &rest[UUID_CHARS..];
            } else {
                named.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        named
    }

    fn called(&self, id: Uuid) -> Option<String> {
        let name = name_of(id);
        if name != "?" {
            return Some(format!("<{name}>"));
        }
        self.standby.state.types.get(&crate::id::TypeId(id)).map(|found| found.name.clone())
    }

    fn line(&self, event: &Event) -> String {
        let name = event.name();
        match event {
            Event::RequestRefused(refusal) => format!("refused {}: {refusal}", refusal.code.as_str()),
            Event::FlowStarted { kind, volume, project, snapshot, attachment, .. } => {
                let about = snapshot.map(|id| id.0).or(attachment.map(|id| id.0));
                let about = about.map_or_else(String::new, |id| format!("/{}", name_of(id)));
                format!("{name} {} {}{about} {project}", kind.name(), volume_name(*volume))
            }
            Event::FlowFinished { failure: None, .. } => name.to_owned(),
            Event::FlowFinished { failure: Some(failure), .. } => format!("{name}: {failure}"),
            Event::QuotaUsed { project, deltas } => {
                format!("{name} {project} {}", deltas.iter().map(delta).collect::<Vec<_>>().join(", "))
            }
            Event::QuotaReserved { deltas, .. } => {
                format!("{name} {}", deltas.iter().map(delta).collect::<Vec<_>>().join(", "))
            }
            Event::QuotaCommitted { .. } | Event::QuotaRolledBack { .. } => name.to_owned(),
            Event::QuotaSet { project, limits } => {
                let limits: Vec<String> =
                    limits.iter().map(|(resource, limit)| format!("{resource}={limit}")).collect();
                format!("{name} {project} {}", limits.join(" "))
            }
            Event::PlacementDecided { volume, decision, .. } => {
                let (volume, size_gib) = (volume_name(*volume), decision.request.size_gib);
                let attempt = decision.attempt;
                match &decision.chosen {
                    Some(pool) => format!("{name} {volume} {size_gib} GiB attempt {attempt} {pool}"),
                    None => format!("{name} {volume} {size_gib} GiB attempt {attempt} {}", decision.refusal_text()),
                }
            }
            Event::PlacementReleased { volume, pool, .. } => format!("{name} {} {pool}", volume_name(*volume)),
            Event::BackendReported { report, worker } => format!("{name} {} {worker}", report.backend),
            Event::ServiceChanged { backend, change } => format!("{name} {backend} {change:?}"),
            Event::TypeCreated { volume_type } | Event::TypeUpdated { volume_type } => {
                format!("{name} {} {:?}{}", volume_type.name, volume_type.extra_specs, type_words(volume_type))
            }
            Event::TypeQosSet { volume_type, qos } => {
                format!("{name} {volume_type} {}", qos.map_or_else(|| "none".to_owned(), |qos| qos.to_string()))
            }
            Event::MessageCreated { message } => format!("{name} {} {}", message.event_id, message.resource),
            Event::TypeDeleted { volume_type } => format!("{name} {volume_type}"),
            other => volume_line(other).or_else(|| snapshot_line(other)).unwrap_or_else(|| self.task_line(other)),
        }
    }

    fn task_line(&self, event: &Event) -> String {
        let name = event.name();
        match event {
            Event::TaskPending { task } | Event::TaskRetried { task } | Event::TaskReverting { task } => {
                format!("{name} {}", self.task_words(task))
            }
            Event::TaskPostponed { until, .. } => format!("{name} {}", self.ahead(*until)),
            Event::TaskRunning { worker, dispatch, deadline, .. } => {
                format!("{name} {worker} #{dispatch} {}", self.ahead(*deadline))
            }
            Event::TaskProgressed { step, percent, deadline, .. } => {
                format!("{name} {step} {percent}% {}", self.ahead(*deadline))
            }
            Event::TaskSucceeded { worker, dispatch, .. } => format!("{name} {worker} #{dispatch}"),
            Event::TaskFailed { worker, dispatch, failure, .. } => {
                let worker = worker.as_ref().map_or("nobody", |worker| worker.as_str());
                format!("{name} {worker} #{dispatch}: {failure}")
            }
            Event::TaskReverted { .. } => name.to_owned(),
            other => rest(other),
        }
    }

    fn task_words(&self, task: &Task) -> String {
        let phase = format!("{:?}", task.phase).to_lowercase();
        let (mut operation, deadline) = (task.operation.name().to_owned(), self.ahead(task.deadline));
        match &task.operation {
            Operation::CreateVolume { source: Some(CopySource::Snapshot { snapshot, .. }), .. } => {
                operation.push_str(&format!(" from {}", name_of(snapshot.0)));
            }
            Operation::CreateVolume { source: Some(CopySource::Volume(volume)), .. } => {
                operation.push_str(&format!(" from {}", volume_name(*volume)));
            }
            Operation::CreateSnapshot { snapshot, .. } | Operation::DeleteSnapshot { snapshot, .. } => {
                operation.push_str(&format!(" {}", name_of(snapshot.0)));
            }
            Operation::ConnectVolume { attachment, .. } | Operation::DisconnectVolume { attachment, .. } => {
                operation.push_str(&format!(" {}", name_of(attachment.0)));
            }
            _ => {}
        }
        format!("{operation} {} {phase} #{} {deadline}", task.pool, task.dispatch)
    }

    fn ahead(&self, moment: Timestamp) -> String {
        format!("+{}s", moment.ms_since(self.now) / 1000)
    }
}

fn delta(delta: &QuotaDelta) -> String {
    let QuotaDelta { resource, delta, limit, in_use, reserved } = delta;
    format!("{resource} {delta:+} on {in_use}+{reserved} of {limit}")
}

/// What of a type is not as in most.
fn type_words(volume_type: &VolumeType) -> String {
    let mut words = String::new();
    if !volume_type.is_public {
        let access: Vec<&str> = volume_type.access.iter().map(ProjectId::as_str).collect();
        words.push_str(&format!(" for [{}]", access.join(" ")));
    }
    if let Some(encryption) = &volume_type.encryption {
        let (cipher, key_size) = (encryption.cipher.as_deref().unwrap_or("-"), encryption.key_size.unwrap_or(0));
        let place = encryption.control_location.name();
        words.push_str(&format!(" encrypted {} {place} {cipher} {key_size}", encryption.provider));
    }
    words
}

fn volume_line(event: &Event) -> Option<String> {
    let name = event.name();
    Some(match event {
        Event::VolumeEntryCreated { volume } => format!(
            "{name} {} {} {} {} in {} by {}",
            volume_name(volume.id),
            volume.size_gib,
            volume.status.name(),
            volume.volume_type,
            volume.availability_zone,
            volume.user,
        ),
        Event::VolumeCreated { volume, .. } => format!("{name} {}", volume_name(*volume)),
        Event::VolumeCreateFailed { volume, reason } => format!("{name} {}: {reason}", volume_name(*volume)),
        Event::VolumeExtending { volume, size_gib, .. } => format!("{name} {} {size_gib}", volume_name(*volume)),
        Event::VolumeExtended { volume, size_gib, .. } => format!("{name} {} {size_gib}", volume_name(*volume)),
        Event::VolumeExtendFailed { volume, reason, .. } => format!("{name} {}: {reason}", volume_name(*volume)),
        Event::VolumeReverting { volume, snapshot, .. } | Event::VolumeReverted { volume, snapshot, .. } => {
            format!("{name} {} {}", volume_name(*volume), name_of(snapshot.0))
        }
        Event::VolumeRevertFailed { volume, reason, .. } => format!("{name} {}: {reason}", volume_name(*volume)),
        Event::VolumeManaged { volume, size_gib, .. } => format!("{name} {} {size_gib}", volume_name(*volume)),
        Event::VolumeManageFailed { volume, reason, .. } | Event::VolumeUnmanageFailed { volume, reason, .. } => {
            format!("{name} {}: {reason}", volume_name(*volume))
        }
        Event::VolumeDeleting { volume, .. } | Event::VolumeUnmanaging { volume, .. } => {
            format!("{name} {}", volume_name(*volume))
        }
        Event::VolumeDeleted { volume } => format!("{name} {}", volume_name(*volume)),
        Event::VolumeDeleteFailed { volume, busy, reason } => {
            format!("{name} {} busy={busy}: {reason}", volume_name(*volume))
        }
        Event::VolumeUpdated { volume, name: new, description, metadata, image_metadata, bootable, readonly } => {
            let image = image_metadata.as_ref().map_or_else(String::new, |image| format!(" image={image:?}"));
            let bootable = bootable.map_or_else(String::new, |bootable| format!(" bootable={bootable}"));
            let readonly = readonly.map_or_else(String::new, |readonly| format!(" readonly={readonly}"));
            let more = format!("{image}{bootable}{readonly}");
            format!("{name} {} {new:?} {description:?} {metadata:?}{more}", volume_name(*volume))
        }
        Event::VolumeStatusChanged { volume, status, by } => {
            format!("{name} {} {} by {by:?}", volume_name(*volume), status.name())
        }
        _ => return None,
    })
}

fn snapshot_line(event: &Event) -> Option<String> {
    let name = event.name();
    Some(match event {
        Event::SnapshotEntryCreated { snapshot } => format!(
            "{name} {} of {} {} {} on {} by {}",
            name_of(snapshot.id.0),
            volume_name(snapshot.volume),
            snapshot.size_gib,
            snapshot.status.name(),
            snapshot.pool,
            snapshot.user,
        ),
        Event::SnapshotCreated { snapshot, .. }
        | Event::SnapshotManaged { snapshot, .. }
        | Event::SnapshotUnmanaging { snapshot, .. }
        | Event::SnapshotDeleting { snapshot, .. }
        | Event::SnapshotDeleted { snapshot } => format!("{name} {}", name_of(snapshot.0)),
        Event::SnapshotCreateFailed { snapshot, reason, .. } => format!("{name} {}: {reason}", name_of(snapshot.0)),
        Event::SnapshotDeleteFailed { snapshot, busy, reason } => {
            format!("{name} {} busy={busy}: {reason}", name_of(snapshot.0))
        }
        Event::SnapshotStatusChanged { snapshot, status, progress } => {
            let progress = progress.map_or_else(String::new, |progress| format!(" {progress}%"));
            format!("{name} {} {}{progress}", name_of(snapshot.0), status.name())
        }
        Event::DriftFound { drift } => {
            let (what, pool, kind) = (&drift.what, &drift.pool, drift.kind.name());
            format!("{name} {what} on {pool} {kind}, {}: {}", drift.repair().name(), drift.reason)
        }
        Event::DriftGone { pool, what } => format!("{name} {what} on {pool}"),
        Event::DriftRepairing { pool, what, .. } => format!("{name} {what} on {pool}"),
        _ => return None,
    })
}

/// Any event: its name and its fields as JSON, without what is empty and without moments, positions and flows.
fn rest(event: &Event) -> String {
    const CHARS_MAX: usize = 600;
    let json = serde_json::to_value(event).unwrap_or_default();
    let fields = short(json.get(event.name()).cloned().unwrap_or_default());
    format!("{} {fields}", event.name()).chars().take(CHARS_MAX).collect()
}

fn short(value: Value) -> Value {
    const LEFT_OUT: &[&str] =
        &["flow", "created_at", "updated_at", "attached_at", "created_position", "expires_at", "user"];
    let empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(key, _)| !LEFT_OUT.contains(&key.as_str()));
            Value::Object(kept.map(|(key, value)| (key, short(value))).filter(|(_, value)| !empty(value)).collect())
        }
        Value::Array(values) => values.into_iter().map(short).collect(),
        other => other,
    }
}
