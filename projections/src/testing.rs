//! A cell for tests: the writer on a list of messages, with a story that has everything in it.

pub(crate) mod random;

use bytes::Bytes;
use stele_core::command::{Incoming, Source};
use stele_core::fold::Folded;
use stele_core::id::{
    AttachmentId, BackendName, CommandId, FlowId, GroupId, PoolName, SnapshotId, VolumeId, WorkerName, WriterId,
};
use stele_core::inventory::{Foreign, ForeignList, InventoryReport};
use stele_core::port::LogEntry;
use stele_core::port::memory::MemoryLog;
use stele_core::record::{Claim, Outcome, OutcomeResult};
use stele_core::schedule::{Amount, Capability, PoolStats};
use stele_core::state::Config;
use stele_core::task::{
    BackendReport, Connection, Failure, FailureKind, Operation, PoolReport, Report, ReportBody, StepDone, TASK_VERSION,
    Task, TaskReport, Transition,
};
use stele_core::unit::{Position, Timestamp};
use stele_core::writer::{Answer, Writer};
use uuid::Uuid;

/// When the story begins.
pub(crate) const START_MS: i64 = 1_800_000_000_000;

pub(crate) struct Cell {
    writer: Option<Writer<()>>,
    pub(crate) entries: Vec<LogEntry>,
    pub(crate) now: Timestamp,
    ids: u128,
    /// Tasks that were dispatched and not yet reported on.
    pub(crate) tasks: Vec<Task>,
    answers: Vec<Answer<()>>,
}

impl Cell {
    /// A log with a claim in it.
    pub(crate) fn new() -> Self {
        let now = Timestamp::from_millis(START_MS);
        let mut cell = Self { writer: None, entries: Vec::new(), now, ids: 0, tasks: Vec::new(), answers: Vec::new() };
        cell.claim(Folded::default());
        cell
    }

    /// The messages as a log.
    pub(crate) fn log(&self) -> MemoryLog {
        let log = MemoryLog::new();
        for entry in &self.entries {
            log.inject(entry.payload.clone());
        }
        log
    }

    pub(crate) fn tail(&self) -> Position {
        Position(self.entries.len() as u64)
    }

    /// Offers without appending: what is offered until [`Cell::append`] is one record.
    pub(crate) fn offer(&mut self, subject: &str, body: &str, source: Source) {
        self.now = self.now.plus_ms(10);
        self.ids += 1;
        let incoming = Incoming {
            subject: subject.to_owned(),
            payload: Bytes::copy_from_slice(body.as_bytes()),
            source,
            fallback_id: CommandId(Uuid::from_u128(self.ids)),
        };
        let now = self.now;
        self.writer().offer(&incoming, Some(()), now).unwrap();
    }

    /// Appends what was offered.
    pub(crate) fn append(&mut self) {
        let now = self.now;
        let Some(append) = self.writer().take_append(now) else { return };
        assert_eq!(append.expected, self.tail());
        self.push(append.payload);
        let acknowledged = self.writer().appended().unwrap();
        self.tasks.extend(acknowledged.tasks);
        self.answers = acknowledged.answers;
    }

    /// Asks for something and gives the outcome. `what` is `<project>.<resource>.<verb>`.
    pub(crate) fn ask(&mut self, what: &str, body: &str) -> Outcome {
        self.offer(&format!("stele.ask.{what}"), body, Source::Ask);
        self.append();
        match self.answers.pop() {
            Some(Answer::Outcome((), outcome)) => *outcome,
            other => panic!("{what}: {other:?}"),
        }
    }

    /// Asks for something that is accepted; gives the volume and the flow.
    pub(crate) fn accepted(&mut self, what: &str, body: &str) -> (VolumeId, FlowId) {
        match self.ask(what, body).result {
            OutcomeResult::Accepted(subjects) => {
                let nil = Uuid::nil();
                (subjects.volume.unwrap_or(VolumeId(nil)), subjects.flow.unwrap_or(FlowId(nil)))
            }
            OutcomeResult::Refused(refusal) => panic!("{what}: {refusal:?}"),
        }
    }

    pub(crate) fn refused(&mut self, what: &str, body: &str) {
        let outcome = self.ask(what, body);
        assert!(matches!(outcome.result, OutcomeResult::Refused(_)), "{outcome:?}");
    }

    /// A create whose task succeeds.
    pub(crate) fn volume(&mut self, project: &str, body: &str) -> VolumeId {
        let (volume, _) = self.accepted(&format!("{project}.volume.create"), body);
        self.succeed();
        volume
    }

    /// A heartbeat of a backend with pools of `(name, total, free)` GiB.
    pub(crate) fn heartbeat(&mut self, backend: &str, pools: &[(&str, f64, f64)]) {
        let backend: BackendName = backend.parse().unwrap();
        let pools = pools.iter().map(|(pool, total, free)| {
            let mut stats = PoolStats::new(Amount::Number(*total), Some(Amount::Number(*free)));
            stats.thick_provisioning_support = true;
            stats.capabilities.insert("multiattach".to_owned(), Capability::Bool(true));
            PoolReport { pool: backend.pool(pool).unwrap(), stats }
        });
        let body = ReportBody::Backend(BackendReport {
            at: self.now,
            availability_zone: "nova".to_owned(),
            driver: "lvm".to_owned(),
            as_of: self.tail(),
            pools: pools.collect(),
            backend,
        });
        self.report(body);
    }

    /// A worker has looked at a pool and found nothing but what others have there.
    pub(crate) fn inventory(&mut self, pool: &str, foreign: Vec<Foreign>) {
        let report = InventoryReport {
            pool: PoolName::new(pool).unwrap(),
            at: self.now,
            as_of: Position(0),
            after: None,
            through: None,
            exports: false,
            items: Vec::new(),
            foreign: Some(ForeignList::of(foreign)),
        };
        self.report(ReportBody::Inventory(report));
    }

    /// The oldest dispatched task succeeds.
    pub(crate) fn succeed(&mut self) {
        assert!(!self.tasks.is_empty(), "nothing was dispatched");
        let task = self.tasks.remove(0);
        let steps = vec![StepDone { step: "lvcreate".to_owned(), took_us: 1500, exit_status: Some(0) }];
        let (started_at, finished_at) = (self.now, self.now.plus_ms(5));
        let connects = matches!(task.operation, Operation::ConnectVolume { .. });
        let connection = connects
            .then(|| Connection { driver_volume_type: "local".to_owned(), data: std::collections::BTreeMap::new() });
        self.transition(&task, Transition::Succeeded { started_at, finished_at, steps, connection, size_bytes: None });
    }

    /// The oldest dispatched task fails.
    pub(crate) fn fail(&mut self, kind: FailureKind) {
        let task = self.tasks.remove(0);
        let failure = Failure {
            kind,
            step: "lvcreate".to_owned(),
            message: "it did not work".to_owned(),
            exit_status: Some(5),
            stderr: "  Volume group has insufficient free space".to_owned(),
        };
        let (started_at, finished_at) = (self.now, self.now.plus_ms(5));
        self.transition(&task, Transition::Failed { started_at, finished_at, steps: Vec::new(), failure });
    }

    pub(crate) fn transition(&mut self, task: &Task, transition: Transition) {
        self.report(ReportBody::Tasks(vec![TaskReport::of(task, transition)]));
    }

    /// A message that is no record gets in, and the next leader claims behind it.
    pub(crate) fn stray(&mut self, payload: &'static [u8]) {
        self.push(Bytes::from_static(payload));
        let mut folded = self.writer.take().unwrap().into_folded();
        folded.fold(self.entries.last().unwrap()).unwrap();
        self.claim(folded);
    }

    /// Time passes, and control's clock looks at what is late.
    pub(crate) fn late(&mut self, millis: u64) {
        self.now = self.now.plus_ms(millis);
        let now = self.now;
        for late in self.writer().late(now, 100) {
            let late = String::from_utf8(late.to_vec()).unwrap();
            self.offer("stele.timer", &late, Source::Timer);
        }
        self.append();
    }

    fn report(&mut self, body: ReportBody) {
        let worker = WorkerName::new("node:1").unwrap();
        let report = serde_json::to_string(&Report { v: TASK_VERSION, worker, body }).unwrap();
        self.offer("stele.report.x", &report, Source::Report);
        self.append();
    }

    fn claim(&mut self, folded: Folded) {
        self.ids += 1;
        let id = WriterId(Uuid::from_u128(self.ids));
        let claim = Claim { config: Config::default(), host: "test".to_owned() };
        let (writer, append) = Writer::claim(folded, id, claim, self.tail(), Timestamp::default(), self.now);
        self.push(append.payload);
        self.writer = Some(writer);
        self.writer().appended().unwrap();
    }

    fn push(&mut self, payload: Bytes) {
        self.entries.push(LogEntry { position: self.tail().next(), payload });
    }

    fn writer(&mut self) -> &mut Writer<()> {
        self.writer.as_mut().unwrap()
    }
}

/// What [`story`] tells.
pub(crate) struct Story {
    pub(crate) cell: Cell,
    /// Made at the second attempt.
    pub(crate) rescheduled: (VolumeId, FlowId),
    /// Deleted.
    pub(crate) deleted: VolumeId,
    /// Extended once with success, once without.
    pub(crate) extended: VolumeId,
    /// Came to be, was deleted and came to be again within one record.
    pub(crate) reborn: VolumeId,
    /// On no pool.
    pub(crate) homeless: VolumeId,
    /// What else project `lab` has.
    pub(crate) lab: Lab,
}

impl Story {
    /// The state to which it leads.
    pub(crate) fn state(&self) -> stele_core::state::State {
        let mut folded = Folded::default();
        for entry in &self.cell.entries {
            folded.fold(entry).unwrap();
        }
        folded.state
    }
}

/// What hangs on the volumes of project `lab`.
pub(crate) struct Lab {
    /// With a snapshot, an attachment that is connected and one that is reserved, and a clone.
    pub(crate) volume: VolumeId,
    pub(crate) snapshot: SnapshotId,
    pub(crate) attachment: AttachmentId,
    pub(crate) group: GroupId,
    /// Deleted together with its two snapshots.
    pub(crate) cascaded: VolumeId,
}

/// A log with every kind of event in it.
pub(crate) fn story() -> Story {
    let mut cell = Cell::new();
    cell.heartbeat("n1@lvm", &[("a", 400.0, 400.0)]);
    cell.heartbeat("n2@lvm", &[("b", 200.0, 200.0)]);
    cell.accepted("admin.type.create", r#"{"type":{"name":"gold"}}"#);
    cell.accepted("admin.type.create", r#"{"type":{"name":"moon","extra_specs":{"where":"moon"}}}"#);
    cell.accepted("admin.type.update", r#"{"type":{"type":"moon","description":"far away"}}"#);
    cell.accepted("admin.type.create", r#"{"type":{"name":"brief"}}"#);
    cell.accepted("admin.type.delete", r#"{"type":{"type":"brief"}}"#);
    cell.accepted("admin.quota.set", r#"{"quota":{"project":"small","volumes":2,"gigabytes_gold":7}}"#);
    cell.accepted("admin.quota.set", r#"{"quota":{"project":"demo","volumes":-1}}"#);

    for (index, name) in ["web", "db", "web", "cache"].into_iter().enumerate() {
        let (size, tier) = (index + 1, if index % 2 == 0 { "hot" } else { "cold" });
        let body = format!(r#"{{"volume":{{"size_gib":{size},"name":"{name}","metadata":{{"tier":"{tier}"}}}}}}"#);
        cell.volume("demo", &body);
    }
    cell.volume("small", r#"{"volume":{"size_gib":3,"name":"one","type":"gold"}}"#);
    cell.volume("small", r#"{"volume":{"size_gib":1,"name":"two"}}"#);
    cell.refused("small.volume.create", r#"{"volume":{"size_gib":1}}"#);
    cell.refused("demo.volume.create", "garbage");
    let rescheduled = reschedule(&mut cell);
    cell.stray(b"hello");
    let extended = extend(&mut cell);
    let deleted = delete(&mut cell);
    let (homeless, _) = cell.accepted("demo.volume.create", r#"{"volume":{"size_gib":1,"type":"moon"}}"#);
    let reborn = rebirth(&mut cell);
    let update = format!(r#"{{"volume":{{"id":"{extended}","name":"new name","metadata":{{"a":"b"}}}}}}"#);
    cell.accepted("demo.volume.update", &update);
    cell.accepted("admin.service.disable", r#"{"service":{"backend":"n2@lvm","reason":"new disks"}}"#);
    cell.accepted("admin.service.freeze", r#"{"service":{"backend":"n2@lvm","reason":"failed over"}}"#);
    let lab = lab(&mut cell);
    cell.accepted("demo.volume.create", r#"{"volume":{"size_gib":2,"name":"under way"}}"#);
    Story { cell, rescheduled, deleted, extended, reborn, homeless, lab }
}

/// An id that the story gives.
pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(0xface_0000 + number)
}

fn lab(cell: &mut Cell) -> Lab {
    catalogue(cell);
    let volume = cell.volume("lab", r#"{"volume":{"size_gib":2,"name":"origin","type":"many"}}"#);
    let say = |cell: &mut Cell, what: &str, body: String| cell.accepted(what, &body);
    let take = |cell: &mut Cell, number: u128, of: VolumeId| {
        let body = format!(r#"{{"snapshot":{{"id":"{}","volume":"{of}","force":true}}}}"#, id(number));
        cell.accepted("lab.snapshot.create", &body);
        SnapshotId(id(number))
    };
    let snapshot = take(cell, 1, volume);
    cell.succeed();
    let brief = take(cell, 2, volume);
    cell.succeed();
    say(cell, "lab.snapshot.delete", format!(r#"{{"snapshot":{{"id":"{brief}"}}}}"#));
    cell.succeed();
    cell.volume("lab", &format!(r#"{{"volume":{{"snapshot":"{snapshot}","name":"clone"}}}}"#));
    let cascaded = cell.volume("lab", r#"{"volume":{"size_gib":1,"name":"cascaded"}}"#);
    for number in [3, 4] {
        take(cell, number, cascaded);
        cell.succeed();
    }
    say(cell, "lab.volume.delete", format!(r#"{{"volume":{{"id":"{cascaded}","cascade":true}}}}"#));
    (0..3).for_each(|_| cell.succeed());
    take(cell, 5, volume);
    cell.fail(FailureKind::NoSpace);
    cell.succeed();

    let attach = |cell: &mut Cell, number: u128, connector: &str| {
        let id = id(number);
        let body = format!(r#"{{"attachment":{{"id":"{id}","volume":"{volume}","instance":"vm"{connector}}}}}"#);
        cell.accepted("lab.attachment.create", &body);
        AttachmentId(id)
    };
    let attachment = attach(cell, 11, r#","connector":{"host":"h1"}"#);
    cell.succeed();
    say(cell, "lab.attachment.complete", format!(r#"{{"attachment":{{"id":"{attachment}"}}}}"#));
    attach(cell, 12, "");
    let ended = attach(cell, 13, r#","connector":{"host":"h2"}"#);
    cell.succeed();
    say(cell, "lab.attachment.delete", format!(r#"{{"attachment":{{"id":"{ended}"}}}}"#));
    cell.succeed();
    let group = groups(cell);
    transfers(cell);
    Lab { volume, snapshot, attachment, group, cascaded }
}

fn catalogue(cell: &mut Cell) {
    let commands = [
        ("type.create", r#"{"type":{"name":"many","is_public":false,"extra_specs":{"multiattach":"<is> True"}}}"#),
        ("type.grant", r#"{"type":{"type":"many","project":"lab"}}"#),
        ("type.create", r#"{"type":{"name":"secret"}}"#),
        (
            "type.set_encryption",
            r#"{"type":{"type":"secret","create":true,"provider":"luks","control_location":"front-end"}}"#,
        ),
        ("type.unset_encryption", r#"{"type":{"type":"secret"}}"#),
        ("type.set_default", r#"{"type":{"project":"away","type":"gold"}}"#),
        ("qos.create", r#"{"qos":{"id":"00000000-0000-0000-0000-00000000f00d","name":"slow","specs":{"iops":"5"}}}"#),
        ("qos.associate", r#"{"qos":{"id":"00000000-0000-0000-0000-00000000f00d","type":"gold"}}"#),
        ("group_type.create", r#"{"group_type":{"name":"set"}}"#),
        ("quota_class.set", r#"{"quota_class":{"class":"default","groups":8,"gigabytes":2000}}"#),
        ("quota.set", r#"{"quota":{"project":"away","volumes":1}}"#),
        ("quota.clear", r#"{"quota":{"project":"away"}}"#),
        ("log.set_level", r#"{"log":{"binary":"stele-api","prefix":"stele_core","level":"DEBUG"}}"#),
    ];
    for (what, body) in commands {
        cell.accepted(&format!("admin.{what}"), body);
    }
}

/// A group with one volume and a group snapshot of it.
fn groups(cell: &mut Cell) -> GroupId {
    let (group, snapshot) = (id(21), id(22));
    let body = format!(r#"{{"group":{{"id":"{group}","group_type":"set","volume_types":["__DEFAULT__"]}}}}"#);
    cell.accepted("lab.group.create", &body);
    cell.volume(
        "lab",
        &format!(r#"{{"volume":{{"size_gib":1,"name":"member","group":"{group}","type":"__DEFAULT__"}}}}"#),
    );
    let body = format!(r#"{{"group_snapshot":{{"id":"{snapshot}","group":"{group}"}}}}"#);
    cell.accepted("lab.group_snapshot.create", &body);
    cell.succeed();
    GroupId(group)
}

/// One volume goes to project `away`, another one is offered.
fn transfers(cell: &mut Cell) {
    let hash = "ab".repeat(32);
    for number in [31, 32] {
        let volume = cell.volume("lab", r#"{"volume":{"size_gib":1,"name":"given"}}"#);
        let id = id(number);
        let body = format!(
            r#"{{"transfer":{{"id":"{id}","volume":"{volume}","salt":"00112233445566778899","key_hash":"{hash}"}}}}"#
        );
        cell.accepted("lab.transfer.create", &body);
    }
    let body = format!(r#"{{"transfer":{{"id":"{}","key_hash":"{hash}"}}}}"#, id(31));
    cell.accepted("away.transfer.accept", &body);
}

fn reschedule(cell: &mut Cell) -> (VolumeId, FlowId) {
    let body = r#"{"actor":{"user":"ann","request_id":"req-1"},"volume":{"size_gib":5,"name":"moved"}}"#;
    let made = cell.accepted("demo.volume.create", body);
    let task = cell.tasks[0].clone();
    cell.transition(&task, Transition::Started { at: cell.now });
    for percent in [10, 60] {
        let step = "wipe".to_owned();
        cell.transition(&task, Transition::Progressed { at: cell.now, step, percent });
    }
    cell.fail(FailureKind::NoSpace);
    // The revert, then the second attempt.
    cell.succeed();
    cell.succeed();
    made
}

fn extend(cell: &mut Cell) -> VolumeId {
    let volume = cell.volume("demo", r#"{"volume":{"size_gib":2,"name":"grows"}}"#);
    let to = |size: u32| format!(r#"{{"volume":{{"id":"{volume}","size_gib":{size}}}}}"#);
    cell.accepted("demo.volume.extend", &to(4));
    cell.fail(FailureKind::Timeout);
    cell.late(2000);
    cell.succeed();
    cell.heartbeat("n1@lvm", &[("a", 400.0, 390.0)]);
    cell.accepted("demo.volume.extend", &to(9));
    cell.fail(FailureKind::NoSpace);
    volume
}

fn delete(cell: &mut Cell) -> VolumeId {
    let volume = cell.volume("demo", r#"{"volume":{"size_gib":2,"name":"goes"}}"#);
    let body = format!(r#"{{"volume":{{"id":"{volume}"}}}}"#);
    cell.accepted("demo.volume.delete", &body);
    cell.fail(FailureKind::Busy);
    cell.accepted("demo.volume.delete", &body);
    cell.succeed();
    volume
}

/// A create that finds no pool, the delete, and a create under the same id, all in one record.
fn rebirth(cell: &mut Cell) -> VolumeId {
    let volume = VolumeId(Uuid::from_u128(0xabcd));
    let create = |rest: &str| format!(r#"{{"volume":{{"id":"{volume}","size_gib":1{rest}}}}}"#);
    cell.offer("stele.cmd.demo.volume.create", &create(r#","type":"moon""#), Source::Inbox(1));
    cell.offer("stele.cmd.demo.volume.delete", &format!(r#"{{"volume":{{"id":"{volume}"}}}}"#), Source::Inbox(2));
    cell.offer("stele.cmd.demo.volume.create", &create(""), Source::Inbox(3));
    cell.append();
    cell.succeed();
    volume
}

/// The pool of the first backend.
pub(crate) fn pool_a() -> PoolName {
    PoolName::new("n1@lvm#a").unwrap()
}
