//! Showing events as short lines, with the script's names instead of ids.

use uuid::Uuid;

use super::Cell;
use crate::event::{Event, QuotaDelta};
use crate::id::VolumeId;
use crate::task::Task;
use crate::unit::Timestamp;

/// The id of a volume that a script calls so: the name's bytes.
pub(crate) fn volume_id(name: &str) -> VolumeId {
    VolumeId(Uuid::from_u128(name.bytes().fold(0, |id, byte| id << 8 | u128::from(byte))))
}

/// What a script calls a volume; `?` when its id was derived.
pub(crate) fn volume_name(id: VolumeId) -> String {
    let bytes: Vec<u8> = id.0.into_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let name = String::from_utf8(bytes).unwrap_or_default();
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()) { name } else { "?".to_owned() }
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

    /// Ids of volumes and types replaced by their names.
    fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for name in 'a'..='z' {
            text = text.replace(&volume_id(&name.to_string()).to_string(), &format!("<{name}>"));
        }
        for found in self.standby.state.types.values() {
            text = text.replace(&found.id.to_string(), &found.name);
        }
        text
    }

    fn line(&self, event: &Event) -> String {
        let name = event.name();
        match event {
            Event::RequestRefused(refusal) => format!("refused {}: {refusal}", refusal.code.as_str()),
            Event::FlowStarted { kind, volume, project, .. } => {
                format!("{name} {} {} {project}", kind.name(), volume_name(*volume))
            }
            Event::FlowFinished { failure: None, .. } => name.to_owned(),
            Event::FlowFinished { failure: Some(failure), .. } => format!("{name}: {failure}"),
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
                format!("{name} {} {:?}", volume_type.name, volume_type.extra_specs)
            }
            Event::TypeDeleted { volume_type } => format!("{name} {volume_type}"),
            other => self.volume_line(other).unwrap_or_else(|| self.task_line(other)),
        }
    }

    fn volume_line(&self, event: &Event) -> Option<String> {
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
            Event::VolumeDeleting { volume, .. } => format!("{name} {}", volume_name(*volume)),
            Event::VolumeDeleted { volume } => format!("{name} {}", volume_name(*volume)),
            Event::VolumeDeleteFailed { volume, busy, reason } => {
                format!("{name} {} busy={busy}: {reason}", volume_name(*volume))
            }
            Event::VolumeUpdated { volume, name: new, description, metadata } => {
                format!("{name} {} {new:?} {description:?} {metadata:?}", volume_name(*volume))
            }
            _ => return None,
        })
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
            _ => name.to_owned(),
        }
    }

    fn task_words(&self, task: &Task) -> String {
        let phase = format!("{:?}", task.phase).to_lowercase();
        let (operation, deadline) = (task.operation.name(), self.ahead(task.deadline));
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
