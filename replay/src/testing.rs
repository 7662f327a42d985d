//! A cell in memory whose log the tests look at, and ways to damage a log.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use serde_json::{Value, json};
use stele_core::command::{Incoming, Source};
use stele_core::fold::Folded;
use stele_core::id::{BackendName, CommandId, PoolName, VolumeId, WorkerName, WriterId};
use stele_core::port::memory::MemoryLog;
use stele_core::port::{AppendError, Log, LogEntry, LogReader, Unavailable};
use stele_core::record::Claim;
use stele_core::schedule::{Amount, Capability, PoolStats};
use stele_core::state::Config;
use stele_core::task::{
    BackendReport, Failure, FailureKind, PoolReport, Report, ReportBody, StepDone, TASK_VERSION, Task, TaskReport,
    Transition,
};
use stele_core::unit::{Position, Timestamp};
use stele_core::writer::{Append, Writer};
use uuid::Uuid;

/// Runs a future that never has to wait.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something that nobody will bring"),
    }
}

/// Rendered text.
pub(crate) fn text(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    render(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Compares with a file in `testdata`; with `STELE_BLESS=1` the file is written instead.
pub(crate) fn golden(name: &str, got: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    if std::env::var("STELE_BLESS").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, got).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(got, expected, "{name} differs; with STELE_BLESS=1 the new text is taken over");
}

/// The golden records of core: they hold every event and every command.
pub(crate) fn golden_log() -> MemoryLog {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/testdata/record-v1");
    let texts = (1..).map_while(|number| std::fs::read_to_string(folder.join(format!("{number:03}.json"))).ok());
    let log = MemoryLog::new();
    for text in texts {
        // The line end is the file's, not the record's.
        log.inject(Bytes::from(text.strip_suffix('\n').unwrap().to_owned()));
    }
    log
}

pub(crate) fn volume(number: u128) -> VolumeId {
    VolumeId(Uuid::from_u128(number))
}

/// A writer and its log. Every call is one record.
pub(crate) struct Cell {
    pub(crate) now: Timestamp,
    pub(crate) log: MemoryLog,
    /// Every dispatch of every task.
    pub(crate) tasks: Vec<Task>,
    writer: Writer<()>,
    asked: u128,
    inbox: u64,
}

impl Cell {
    pub(crate) fn new() -> Self {
        let log = MemoryLog::new();
        let now = Timestamp::from_millis(1_800_000_000_000);
        let (writer, append) = claim(Folded::default(), 1, Position(0), now);
        let mut cell = Self { now, log, tasks: Vec::new(), writer, asked: 0, inbox: 0 };
        cell.land(append);
        cell
    }

    /// A cell with two pools: n1 has more room than n2, and n3 has none.
    pub(crate) fn with_pools() -> Self {
        let mut cell = Self::new();
        cell.backend("n1@lvm#vg", 30.0);
        cell.backend("n2@lvm#vg", 20.0);
        cell.backend("n3@lvm#vg", 2.0);
        cell.wait(1_000);
        cell
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        self.now = self.now.plus_ms(millis);
    }

    pub(crate) fn folded(&self) -> &Folded {
        self.writer.acknowledged()
    }

    pub(crate) fn tail(&self) -> Position {
        run(self.log.tail()).unwrap()
    }

    /// A stray, and the claim of a new leader behind it: the old one's next append would have lost.
    pub(crate) fn stray(&mut self, payload: &[u8]) {
        self.log.inject(Bytes::copy_from_slice(payload));
        let (writer, append) = claim(self.folded().clone(), 2, self.tail(), self.now);
        self.writer = writer;
        self.land(append);
    }

    pub(crate) fn backend(&mut self, pool: &str, free_gib: f64) {
        self.backend_that(pool, free_gib, &[]);
    }

    /// One that says what it can do.
    pub(crate) fn backend_that(&mut self, pool: &str, free_gib: f64, can: &[&str]) {
        let pool = PoolName::new(pool).unwrap();
        let mut stats = PoolStats::new(Amount::Number(free_gib), Some(Amount::Number(free_gib)));
        stats.capabilities.extend(can.iter().map(|name| ((*name).to_owned(), Capability::Bool(true))));
        let report = BackendReport {
            backend: pool.backend(),
            at: self.now,
            availability_zone: "nova".to_owned(),
            driver: "lvm".to_owned(),
            as_of: self.tail(),
            pools: vec![PoolReport { pool, stats }],
        };
        let worker = worker(&report.backend);
        self.send_report(&Report { v: TASK_VERSION, worker, body: ReportBody::Backend(report) });
    }

    /// A command of alice's in project demo; in project admin for what concerns the cell.
    pub(crate) fn ask(&mut self, command: &str, content: &Value) {
        let resource = command.split('.').next().unwrap();
        let project = if resource == "volume" { "demo" } else { "admin" };
        self.ask_in(project, command, content);
    }

    pub(crate) fn ask_in(&mut self, project: &str, command: &str, content: &Value) {
        let resource = command.split('.').next().unwrap();
        let id = Uuid::from_u128(0xc0de_0000 + self.asked);
        let request = format!("req-{}", self.asked);
        let body = json!({ "id": id, resource: content, "actor": {
            "user": "alice", "roles": ["member"], "request_id": request } });
        self.offer(&format!("stele.ask.{project}.{command}"), body.to_string(), Source::Ask);
    }

    /// A command as somebody else put it together. Gives the record that it led to.
    pub(crate) fn send(&mut self, subject: &str, body: &Value) -> Value {
        self.offer(subject, body.to_string(), Source::Ask);
        serde_json::from_slice(&self.log.entries().last().unwrap().payload).unwrap()
    }

    /// A bare command in the inbox.
    pub(crate) fn publish(&mut self, command: &str, body: &str) {
        self.inbox += 1;
        self.offer(&format!("stele.cmd.demo.{command}"), body.to_owned(), Source::Inbox(self.inbox));
    }

    pub(crate) fn create(&mut self, number: u128, size_gib: u32) {
        self.ask("volume.create", &json!({ "id": volume(number), "size_gib": size_gib, "name": "db" }));
    }

    pub(crate) fn last_task(&self) -> Task {
        self.tasks.last().unwrap().clone()
    }

    /// The last task was done, by its backend's worker, in 250 ms.
    pub(crate) fn succeed(&mut self) {
        let task = self.last_task();
        let started_at = self.now;
        self.wait(250);
        let tool = task.operation.name().split('_').next().map(|verb| format!("lv{verb}")).unwrap();
        let steps = vec![
            StepDone { step: "observe".to_owned(), took_us: 900, exit_status: None },
            StepDone { step: tool, took_us: 180_000, exit_status: Some(0) },
        ];
        self.transition(
            &task,
            Transition::Succeeded { started_at, finished_at: self.now, steps, connection: None, size_bytes: None },
        );
        self.wait(750);
    }

    /// The last task failed.
    pub(crate) fn fail(&mut self, kind: FailureKind) {
        let task = self.last_task();
        let started_at = self.now;
        self.wait(1_500);
        let steps = vec![StepDone { step: "observe".to_owned(), took_us: 900, exit_status: None }];
        let failure = Failure {
            kind,
            step: "lvcreate".to_owned(),
            message: "the tool failed".to_owned(),
            exit_status: Some(5),
            stderr: "  Volume group \"vg\" has insufficient free space (100 extents): 1280 required.\n".to_owned(),
        };
        self.transition(&task, Transition::Failed { started_at, finished_at: self.now, steps, failure });
        self.wait(500);
    }

    pub(crate) fn transition(&mut self, task: &Task, transition: Transition) {
        let report = TaskReport::of(task, transition);
        let worker = worker(&task.pool.backend());
        self.send_report(&Report { v: TASK_VERSION, worker, body: ReportBody::Tasks(vec![report]) });
    }

    /// Control's clock gives up what is late.
    pub(crate) fn pass_deadlines(&mut self) {
        for late in self.writer.late(self.now, 100) {
            self.offer("stele.timer", late, Source::Timer);
        }
    }

    /// What happens in most tests: a volume is made, grown, refused one and removed; another one fails.
    pub(crate) fn busy_day() -> Self {
        let mut cell = Self::with_pools();
        cell.create(1, 5);
        cell.succeed();
        cell.ask("volume.extend", &json!({ "id": volume(1), "size_gib": 8 }));
        cell.succeed();
        cell.ask("quota.set", &json!({ "project": "demo", "volumes": 2 }));
        cell.create(2, 1);
        cell.fail(FailureKind::Other);
        cell.succeed();
        cell.succeed();
        cell.create(3, 1);
        cell.publish("volume.create", "this is no JSON");
        cell.ask("volume.delete", &json!({ "id": volume(1) }));
        cell.succeed();
        cell
    }

    pub(crate) fn send_report(&mut self, report: &Report) {
        self.offer("stele.report.test", serde_json::to_vec(report).unwrap(), Source::Report);
    }

    fn offer(&mut self, subject: &str, payload: impl Into<Bytes>, source: Source) {
        self.asked += 1;
        let incoming = Incoming {
            subject: subject.to_owned(),
            payload: payload.into(),
            source,
            fallback_id: CommandId(Uuid::from_u128(0xf00d_0000 + self.asked)),
        };
        self.writer.offer(&incoming, None, self.now).unwrap();
        if let Some(append) = self.writer.take_append(self.now) {
            self.land(append);
        }
    }

    fn land(&mut self, append: Append) {
        run(self.log.append(append.payload, append.expected)).unwrap();
        self.tasks.extend(self.writer.appended().unwrap().tasks);
    }
}

pub(crate) fn worker(backend: &BackendName) -> WorkerName {
    WorkerName::new(&format!("{}:w1", backend.host())).unwrap()
}

fn claim(folded: Folded, writer: u128, tail: Position, now: Timestamp) -> (Writer<()>, Append) {
    let claim = Claim { config: Config::default(), host: "test".to_owned() };
    Writer::claim(folded, WriterId(Uuid::from_u128(writer)), claim, tail, Timestamp::from_millis(1), now)
}

/// A log of given messages, which may have holes.
#[derive(Debug, Clone)]
pub(crate) struct FixedLog {
    pub(crate) entries: Vec<LogEntry>,
}

impl FixedLog {
    /// The messages at the positions at which they stand in the list.
    pub(crate) fn of(payloads: impl IntoIterator<Item = Bytes>) -> Self {
        let entry = |(position, payload)| LogEntry { position: Position(position), payload };
        Self { entries: (1..).zip(payloads).map(entry).collect() }
    }
}

impl Log for FixedLog {
    type Reader = FixedReader;

    async fn append(&self, _payload: Bytes, _expected: Position) -> Result<Position, AppendError> {
        Err(AppendError::Refused("nothing here writes".to_owned()))
    }

    async fn tail(&self) -> Result<Position, Unavailable> {
        Ok(self.entries.last().map_or(Position(0), |entry| entry.position))
    }

    async fn get(&self, position: Position) -> Result<Option<LogEntry>, Unavailable> {
        Ok(self.entries.iter().find(|entry| entry.position == position).cloned())
    }

    async fn read_from(&self, from: Position) -> Result<FixedReader, Unavailable> {
        let left = self.entries.iter().filter(|entry| entry.position >= from).cloned().collect();
        Ok(FixedReader { left })
    }
}

/// A place in a [`FixedLog`].
#[derive(Debug)]
pub(crate) struct FixedReader {
    left: Vec<LogEntry>,
}

impl LogReader for FixedReader {
    async fn next_batch(&mut self, max: usize) -> Result<Vec<LogEntry>, Unavailable> {
        Ok(self.left.drain(..max.min(self.left.len())).collect())
    }
}

/// A log that grows while it is read; its reader never waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct GrowingLog {
    entries: Arc<Mutex<Vec<LogEntry>>>,
}

impl GrowingLog {
    /// It holds these from now on.
    pub(crate) fn grow(&self, entries: &[LogEntry]) {
        *self.entries.lock().unwrap() = entries.to_vec();
    }

    pub(crate) fn lose_behind(&self, last: Position) {
        self.entries.lock().unwrap().retain(|entry| entry.position <= last);
    }

    fn fixed(&self) -> FixedLog {
        FixedLog { entries: self.entries.lock().unwrap().clone() }
    }
}

impl Log for GrowingLog {
    type Reader = GrowingReader;

    async fn append(&self, payload: Bytes, expected: Position) -> Result<Position, AppendError> {
        self.fixed().append(payload, expected).await
    }

    async fn tail(&self) -> Result<Position, Unavailable> {
        self.fixed().tail().await
    }

    async fn get(&self, position: Position) -> Result<Option<LogEntry>, Unavailable> {
        self.fixed().get(position).await
    }

    async fn read_from(&self, from: Position) -> Result<GrowingReader, Unavailable> {
        Ok(GrowingReader { log: self.clone(), next: from })
    }
}

/// A place in a [`GrowingLog`].
#[derive(Debug)]
pub(crate) struct GrowingReader {
    log: GrowingLog,
    next: Position,
}

impl LogReader for GrowingReader {
    async fn next_batch(&mut self, max: usize) -> Result<Vec<LogEntry>, Unavailable> {
        let entries = self.log.entries.lock().unwrap();
        let batch: Vec<LogEntry> =
            entries.iter().filter(|entry| entry.position >= self.next).take(max).cloned().collect();
        self.next = batch.last().map_or(self.next, |last| last.position.next());
        Ok(batch)
    }
}
