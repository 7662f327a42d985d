use std::collections::BTreeMap;

use stele_core::event::Event;
use stele_core::id::FlowId;
use stele_core::record::Record;
use stele_core::state::{FlowKind, State};
use stele_core::task::FailureKind;
use stele_core::unit::Position;

use super::HistoryBatch;
use crate::projection::Projection;
use crate::query;
use crate::step::Known;
use crate::store::StoreError;
use crate::table::Rows;
use crate::table::sink::{Quick, Sink, Touched};
use crate::testing::{Story, story};
use crate::view::{FlowHistory, TaskHistory, TaskState};

fn applied(story: &Story) -> (tempfile::TempDir, Projection) {
    let directory = tempfile::tempdir().unwrap();
    let mut projection = Projection::open(&directory.path().join("p.redb")).unwrap();
    for batch in story.cell.entries.chunks(3) {
        projection.apply(batch).unwrap();
    }
    (directory, projection)
}

/// `name(detail) STATE STATE ...`
fn told(flow: &FlowHistory) -> Vec<String> {
    let line = |task: &TaskHistory| {
        let detail = task.detail.as_ref().filter(|_| !task.name.starts_with("Schedule"));
        let detail = detail.map_or_else(String::new, |detail| format!("({detail})"));
        let states: Vec<&str> = task.transitions.iter().map(|transition| transition.state.name()).collect();
        assert_eq!(states.last(), Some(&task.state.name()));
        format!("{}{detail} {}", task.name, states.join(" "))
    };
    flow.tasks.iter().map(line).collect()
}

#[test]
fn a_rescheduled_create_is_shown_whole() {
    let story = story();
    let (_directory, projection) = applied(&story);
    let snapshot = projection.reader().snapshot().unwrap();
    let flow = query::flow(&snapshot, story.rescheduled.1).unwrap().unwrap();
    assert_eq!(
        told(&flow),
        [
            "ExtractVolumeRequest SUCCESS",
            "QuotaReserve SUCCESS",
            "EntryCreate(creating) SUCCESS",
            "QuotaCommit SUCCESS",
            "ExtractSchedulerSpec SUCCESS",
            "ScheduleCreateVolume SUCCESS",
            "NotifyVolumeAction(create.start) SUCCESS",
            "CreateVolumeFromSpec PENDING RUNNING RUNNING FAILURE REVERTING REVERTING REVERTED",
            "OnFailureReschedule(the attempt on n1@lvm#a is void) SUCCESS",
            "ExtractSchedulerSpec SUCCESS",
            "ScheduleCreateVolume SUCCESS",
            "NotifyVolumeAction(create.start) SUCCESS",
            "CreateVolumeFromSpec PENDING RUNNING SUCCESS",
            "CreateVolumeOnFinish(create.end) SUCCESS",
        ]
    );
    assert_eq!((flow.actor.user.as_str(), flow.actor.request_id.as_deref()), ("ann", Some("req-1")));
    assert_eq!(flow.failure, None);
    assert!(flow.finished_position > Some(flow.started_position));
    let worker = &flow.tasks[7];
    assert_eq!(worker.pool.as_ref().unwrap().as_str(), "n1@lvm#a");
    let progress = &worker.transitions[2];
    assert_eq!((progress.step.as_deref(), progress.percent, progress.dispatch), (Some("wipe"), Some(60), Some(1)));
    let failure = worker.transitions[3].failure.as_ref().unwrap();
    assert_eq!((failure.kind, failure.exit_status), (FailureKind::NoSpace, Some(5)));
    assert!(failure.stderr.contains("insufficient free space"));
    let reverted = worker.transitions.last().unwrap();
    assert_eq!((reverted.dispatch, reverted.steps[0].exit_status), (Some(2), Some(0)));
    let positions: Vec<_> = worker.transitions.iter().map(|transition| transition.position).collect();
    assert!(positions.is_sorted());

    let decisions = query::decisions_of_volume(&snapshot, story.rescheduled.0).unwrap().decisions;
    let chosen: Vec<_> =
        decisions.iter().map(|d| (d.attempt, d.decision.chosen.clone().unwrap().to_string())).collect();
    assert_eq!(chosen, [(1, "n1@lvm#a".to_owned()), (2, "n2@lvm#b".to_owned())]);
    let newest = query::decision_of_volume(&snapshot, story.rescheduled.0).unwrap();
    assert_eq!(newest.as_ref(), decisions.last());
}

#[test]
fn extends_and_deletes_are_shown_whole() {
    let story = story();
    let (_directory, projection) = applied(&story);
    let snapshot = projection.reader().snapshot().unwrap();
    let flows = query::flows_of_volume(&snapshot, story.extended).unwrap().flows;
    assert_eq!(flows.len(), 3);
    assert_eq!(
        told(&flows[1]),
        [
            "QuotaReserve SUCCESS",
            "EntryUpdate(extending to 4 GiB) SUCCESS",
            "ExtractSchedulerSpec SUCCESS",
            "ScheduleExtendVolume SUCCESS",
            "NotifyVolumeAction(resize.start) SUCCESS",
            "ExtendVolume PENDING RUNNING FAILURE PENDING RUNNING SUCCESS",
            "QuotaCommit SUCCESS",
            "ExtendVolumeOnFinish(resize.end) SUCCESS",
        ]
    );
    assert_eq!(told(&flows[2])[0], "QuotaReserve SUCCESS REVERTED");
    assert_eq!(told(&flows[2]).last().unwrap(), "EntryUpdate(error_extending) SUCCESS");
    assert!(flows[2].failure.as_ref().unwrap().starts_with("extend failed: no_space"));

    let flows = query::flows_of_volume(&snapshot, story.deleted).unwrap().flows;
    assert_eq!(told(&flows[1]).last().unwrap(), "EntryUpdate(available) SUCCESS");
    assert_eq!(
        told(&flows[2]),
        [
            "EntryUpdate(deleting) SUCCESS",
            "NotifyVolumeAction(delete.start) SUCCESS",
            "DeleteVolume PENDING RUNNING SUCCESS",
            "QuotaReserve SUCCESS",
            "QuotaCommit SUCCESS",
            "DeleteVolumeOnFinish(delete.end) SUCCESS",
        ]
    );
    assert_eq!(query::volume(&snapshot, story.deleted).unwrap(), None);
}

#[test]
fn what_happens_within_one_record_keeps_its_order() {
    let story = story();
    let (_directory, projection) = applied(&story);
    let snapshot = projection.reader().snapshot().unwrap();
    let flows = query::flows_of_volume(&snapshot, story.reborn).unwrap().flows;
    let kinds: Vec<&str> = flows.iter().map(|flow| flow.kind.name()).collect();
    assert_eq!(kinds, ["volume_create", "volume_delete", "volume_create"]);
    assert_eq!(flows[0].started_position, flows[2].started_position);
    assert_eq!(told(&flows[0])[5..], ["ScheduleCreateVolume FAILURE", "OnFailureReschedule(error) SUCCESS"]);
    assert_eq!(flows[0].tasks[5].state, TaskState::Failure);
    assert_eq!(told(&flows[2]).last().unwrap(), "CreateVolumeOnFinish(create.end) SUCCESS");
    let decisions = query::decisions_of_volume(&snapshot, story.reborn).unwrap().decisions;
    assert_eq!(decisions.iter().filter(|found| found.decision.chosen.is_some()).count(), 1);
    assert_eq!(decisions.len(), 2);
}

#[test]
fn flows_of_snapshots_and_attachments_are_shown_whole() {
    let story = story();
    let (_directory, projection) = applied(&story);
    let snapshot = projection.reader().snapshot().unwrap();
    let lab = &story.lab;
    let flows = query::flows_of_volume(&snapshot, lab.volume).unwrap().flows;
    let of_snapshot: Vec<_> = flows.iter().filter(|flow| flow.snapshot_id == Some(lab.snapshot)).map(told).collect();
    assert_eq!(
        of_snapshot,
        [[
            "QuotaReserve SUCCESS",
            "EntryCreate(creating) SUCCESS",
            "QuotaCommit SUCCESS",
            "ExtractSchedulerSpec SUCCESS",
            "ScheduleCreateSnapshot SUCCESS",
            "NotifyVolumeAction(snapshot.create.start) SUCCESS",
            "CreateSnapshot PENDING RUNNING SUCCESS",
            "CreateSnapshotOnFinish(snapshot.create.end) SUCCESS",
        ]]
    );
    let connected: Vec<_> = flows.iter().filter(|flow| flow.attachment_id == Some(lab.attachment)).map(told).collect();
    assert_eq!(
        connected,
        [[
            "EntryUpdate(attaching) SUCCESS",
            "NotifyVolumeAction(attach.start) SUCCESS",
            "ConnectVolume PENDING RUNNING SUCCESS",
            "ConnectVolumeOnFinish(attach.end) SUCCESS",
        ]]
    );
    let ended: Vec<_> = flows.iter().filter(|flow| flow.kind.name() == "attachment_disconnect").map(told).collect();
    assert_eq!(
        ended,
        [[
            "EntryUpdate(detaching) SUCCESS",
            "NotifyVolumeAction(detach.start) SUCCESS",
            "DisconnectVolume PENDING RUNNING SUCCESS",
            "DisconnectVolumeOnFinish(detach.end) SUCCESS",
        ]]
    );
}

#[test]
fn a_volume_that_goes_with_its_snapshots_is_one_story() {
    let story = story();
    let (_directory, projection) = applied(&story);
    let snapshot = projection.reader().snapshot().unwrap();
    let flows = query::flows_of_volume(&snapshot, story.lab.cascaded).unwrap().flows;
    let (first, second) = (crate::testing::id(3), crate::testing::id(4));
    assert_eq!(
        told(flows.last().unwrap()),
        [
            "EntryUpdate(deleting) SUCCESS",
            &format!("EntryUpdate(snapshot {first}: deleting) SUCCESS"),
            &format!("EntryUpdate(snapshot {second}: deleting) SUCCESS"),
            "NotifyVolumeAction(snapshot.delete.start) SUCCESS",
            "DeleteSnapshot PENDING RUNNING SUCCESS",
            &format!("DeleteSnapshotOnFinish(snapshot {first}: snapshot.delete.end) SUCCESS"),
            "NotifyVolumeAction(snapshot.delete.start) SUCCESS",
            "DeleteSnapshot PENDING RUNNING SUCCESS",
            &format!("DeleteSnapshotOnFinish(snapshot {second}: snapshot.delete.end) SUCCESS"),
            "NotifyVolumeAction(delete.start) SUCCESS",
            "DeleteVolume PENDING RUNNING SUCCESS",
            "QuotaReserve SUCCESS",
            "QuotaCommit SUCCESS",
            "DeleteVolumeOnFinish(delete.end) SUCCESS",
        ]
    );
}

/// Remembers the stories, and what they were before.
#[derive(Default)]
struct Memory {
    stories: BTreeMap<FlowId, FlowHistory>,
    before: Vec<FlowHistory>,
    position: Position,
}

impl Memory {
    fn take(&mut self, record: &Record, position: Position) {
        self.position = position;
        let state = State::default();
        let mut batch = HistoryBatch::new(&state, Quick::default());
        batch.take_in(record, position, self).unwrap();
        batch.write(self).unwrap();
    }
}

impl Sink for Memory {
    fn keeping(&self) -> Option<Position> {
        Some(self.position)
    }

    fn follows_state(&self) -> bool {
        false
    }

    fn changed(&mut self, _before: Known, _after: &Known, _touched: Touched) -> Result<(), StoreError> {
        Ok(())
    }

    fn put(&mut self, _rows: Rows, _key: Vec<u8>, _value: Vec<u8>) -> Result<(), StoreError> {
        Ok(())
    }

    fn tell(&mut self, story: FlowHistory) -> Result<(), StoreError> {
        self.stories.insert(story.id, story);
        Ok(())
    }

    fn keep(&mut self, story: &FlowHistory) -> Result<(), StoreError> {
        self.before.push(story.clone());
        Ok(())
    }

    fn told(&mut self, flow: FlowId) -> Result<Option<FlowHistory>, StoreError> {
        Ok(self.stories.get(&flow).cloned())
    }
}

/// What takes a late export away has its id from the worker's task, and begins again when that is reported again.
#[test]
fn a_flow_that_begins_again_is_kept_as_it_was() {
    let (mut memory, entries) = (Memory::default(), story().cell.entries);
    let begins = |event: &Event| match event {
        Event::FlowStarted { flow, kind: FlowKind::AttachmentDisconnect, .. } => Some(*flow),
        _ => None,
    };
    let mut began = None;
    for entry in entries {
        let Ok(record) = serde_json::from_slice::<Record>(&entry.payload) else { continue };
        memory.take(&record, entry.position);
        let flow = record.commits.iter().flat_map(|commit| &commit.events).find_map(begins);
        began = began.or_else(|| flow.map(|flow| (flow, record)));
    }
    let (flow, record) = began.unwrap();
    let first = memory.stories[&flow].clone();
    assert!(first.finished_position.is_some());
    memory.before.clear();
    memory.take(&record, Position(1000));
    assert_eq!(memory.before, std::slice::from_ref(&first));
    assert_eq!(memory.stories[&flow].started_position, Position(1000));
    assert_eq!(super::until(first.clone(), Position(999)), Some(first));
    assert_eq!(super::until(memory.stories[&flow].clone(), Position(999)), None);
}
