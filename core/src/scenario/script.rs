//! Driving a cell by short lines.
//!
//! ```text
//! backend n1@lvm#vg total=10 free=10 [zone=z] [as_of=3] [worker=w1] [capability=true]    a heartbeat
//! inventory n1@lvm#vg [as_of=3] [after=volume:a] [through=..] volume:a:5 snapshot:a:s:5 still:a target:a host:a:t1:iqn.h1
//!     foreign=lv1/5,lv2/5/lv1                                         of others: name, GiB, what it was taken from
//! create a 5 [project=p] [type=t] [zone=z] [name=n] [cmd=7]            volume a of 5 GiB
//! delete a [force]  |  extend a 7  |  update a name=n
//! service disable n1@lvm [reason]  |  quota demo volumes=1  |  type create gold k=v
//! report a ok|started|progressed|fail:<kind> [task=2] [worker=w2]      for the 2nd dispatch of a, else the last
//! deadline a [task=2]  |  late  |  wait 120  |  noise text  |  crash  |  inbox create a 5
//! do[@project] snapshot.create [cmd=7] [user=u] [request=req-1] {"id":"<s>","volume":"<a>"}    any command
//! ```
//!
//! Volumes, snapshots, attachments and so on have names of letters and digits; their ids are the names' bytes. In the
//! JSON of `do` the id of the thing that is called a is written `<a>`. What only operators may do goes to the project
//! `admin` by itself; all else is of the project `demo`, or of the one behind `@`.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Cell;
use super::render::{id_of, is_name, volume_id};
use crate::command::{DeadlinePassed, Source, is_admin_only};
use crate::event::Event;
use crate::id::{AttachmentId, BackendName, PoolName, SnapshotId, SourceName, WorkerName};
use crate::inventory::{Foreign, ForeignList, InventoryReport, Stored, StoredItem};
use crate::record::Record;
use crate::schedule::{Amount, Capability, PoolStats};
use crate::task::{
    BackendReport, Connection, ConnectionValue, Failure, Operation, Phase, PoolReport, Report, ReportBody, StepDone,
    TASK_VERSION, Task, TaskReport, Transition,
};
use crate::unit::{Position, Timestamp};

/// A line's words: plain ones in order, and `key=value` ones.
struct Words<'a> {
    plain: Vec<&'a str>,
    named: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    fn of(line: &'a str) -> Self {
        let (mut plain, mut named) = (Vec::new(), Vec::new());
        for word in line.split_whitespace() {
            match word.split_once('=') {
                Some(pair) => named.push(pair),
                None => plain.push(word),
            }
        }
        Self { plain, named }
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.named.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.get(key).map(|text| text.parse().unwrap())
    }

    fn at(&self, index: usize) -> &'a str {
        self.plain.get(index).copied().unwrap_or_default()
    }
}

impl Cell {
    /// Runs lines, separated by `;` or line ends, each as a record of its own; gives the last one's events.
    pub(crate) fn run(&mut self, script: &str) -> Vec<Event> {
        let mut events = Vec::new();
        for line in script.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()) {
            self.say(line);
            let records: Vec<Record> = self.flush();
            events = records.into_iter().flat_map(|record| record.commits).flat_map(|commit| commit.events).collect();
        }
        events
    }

    /// Offers what a line says; nothing is appended.
    pub(crate) fn say(&mut self, line: &str) {
        let words = Words::of(line.split('{').next().unwrap_or_default());
        match words.at(0) {
            "backend" => self.heartbeat(&words),
            "inventory" => self.inventory(&words),
            "report" => {
                let message = self.report(&words);
                self.send_report(&message);
            }
            "deadline" => {
                let task = self.task(words.at(1), words.number("task"));
                self.pass_deadline(&DeadlinePassed { flow: task.flow, dispatch: task.dispatch });
            }
            "late" => self.offer_late(),
            "wait" => self.now = self.now.plus_ms(words.at(1).parse::<u64>().unwrap() * 1000),
            "noise" => {
                self.offer_inbox("stele.cmd.demo.volume.create", line.trim_start_matches("noise ").to_owned());
            }
            "crash" => self.crash(false),
            "inbox" => {
                let (subject, body) = command(line.trim_start_matches("inbox "));
                self.offer_inbox(&subject.replace(".ask.", ".cmd."), body.to_string());
            }
            _ => {
                let (subject, body) = command(line);
                self.offer(&subject, body.to_string(), Source::Ask);
            }
        }
    }

    /// The n-th dispatch of any task that names the volume, snapshot or attachment, from 1. Without a number the last
    /// one; those that are open come before those that are done, and those that are about it before those that are
    /// about a snapshot or an attachment of it.
    pub(crate) fn task(&self, name: &str, number: Option<u64>) -> Task {
        let id = id_of(name);
        let mut of_it =
            self.dispatched.iter().filter(|task| task.operation.volume().0 == id || about(&task.operation) == id);
        let open = |task: &Task| {
            let open = self.state().flows.get(&task.flow).and_then(|flow| flow.task.as_ref());
            open.is_some_and(|open| open.task.id == task.id && open.task.dispatch == task.dispatch)
        };
        let task = match number {
            Some(number) => of_it.nth(usize::try_from(number).unwrap() - 1),
            None => of_it
                .enumerate()
                .max_by_key(|(at, task)| (open(task), about(&task.operation) == id, *at))
                .map(|(_, task)| task),
        };
        task.unwrap_or_else(|| panic!("{name} has no task {number:?}")).clone()
    }

    pub(crate) fn send_report(&mut self, report: &Report) {
        self.offer("stele.report.test", serde_json::to_vec(report).unwrap(), Source::Report);
    }

    pub(crate) fn pass_deadline(&mut self, passed: &DeadlinePassed) {
        self.offer("stele.timer", serde_json::to_vec(passed).unwrap(), Source::Timer);
    }

    pub(crate) fn offer_late(&mut self) {
        for late in self.writer.late(self.now, 100) {
            self.offer("stele.timer", late, Source::Timer);
        }
    }

    fn heartbeat(&mut self, words: &Words<'_>) {
        let gib = |key: &str| Amount::Number(words.get(key).map_or(100.0, |text| text.parse().unwrap()));
        let pool = PoolName::new(words.at(1)).unwrap();
        let mut stats = PoolStats::new(gib("total"), Some(gib("free")));
        let percent = |key: &str| words.get(key).map(|text| text.parse().unwrap());
        (stats.data_percent, stats.metadata_percent) = (percent("data_percent"), percent("metadata_percent"));
        (stats.data_percent_max, stats.metadata_percent_max) = (stats.data_percent.and(Some(95)), None);
        // All else is a capability.
        let known = ["total", "free", "as_of", "zone", "worker", "data_percent", "metadata_percent"];
        for (key, value) in words.named.iter().filter(|(key, _)| !known.contains(key)) {
            let value = value.parse().map_or_else(|_| Capability::Text((*value).to_owned()), Capability::Bool);
            stats.capabilities.insert((*key).to_owned(), value);
        }
        let as_of = words.number("as_of").map_or(self.tail(), Position);
        let zone = words.get("zone").unwrap_or("nova");
        let report = backend_report(pool.backend(), zone, as_of, self.now, vec![PoolReport { pool, stats }]);
        self.send_report(&Report { v: TASK_VERSION, worker: worker(words), body: ReportBody::Backend(report) });
    }

    /// A part of an inventory. A volume's last word may be `copying`, a target's `broken`.
    fn inventory(&mut self, words: &Words<'_>) {
        let end = |key: &str| words.get(key).map(|text| stored_item(text).what);
        let mut items: Vec<StoredItem> = words.plain[2..].iter().map(|text| stored_item(text)).collect();
        items.sort_by(|a, b| a.what.cmp(&b.what));
        let report = InventoryReport {
            pool: PoolName::new(words.at(1)).unwrap(),
            at: self.now,
            as_of: words.number("as_of").map_or(self.tail(), Position),
            after: end("after"),
            through: end("through"),
            exports: words.get("exports") != Some("false"),
            items,
            foreign: words.get("foreign").map(foreign_list),
        };
        self.send_report(&Report { v: TASK_VERSION, worker: worker(words), body: ReportBody::Inventory(report) });
    }

    fn report(&self, words: &Words<'_>) -> Report {
        let task = self.task(words.at(1), words.number("task"));
        let report = task_report(&task, transition(words.at(2), self.now));
        Report { v: TASK_VERSION, worker: worker(words), body: ReportBody::Tasks(vec![report]) }
    }
}

fn worker(words: &Words<'_>) -> WorkerName {
    WorkerName::new(words.get("worker").unwrap_or("w1")).unwrap()
}

/// `name/GiB[/origin],...`
fn foreign_list(text: &str) -> ForeignList {
    let foreign = |text: &str| {
        let parts: Vec<&str> = text.split('/').collect();
        let size_bytes = parts[1].parse::<u64>().unwrap() << 30;
        let origin = parts.get(2).map(|origin| SourceName::new(origin).unwrap());
        Foreign { name: SourceName::new(parts[0]).unwrap(), size_bytes, origin, open: false }
    };
    ForeignList::of(text.split(',').filter(|text| !text.is_empty()).map(foreign).collect())
}

/// `kind:volume[:more]`, see the module.
fn stored_item(text: &str) -> StoredItem {
    let parts: Vec<&str> = text.splitn(4, ':').collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    let (volume, gib) = (volume_id(part(1)), |text: &str| text.parse::<u64>().ok().map(|gib| gib << 30));
    let (what, size_bytes) = match part(0) {
        "volume" => (Stored::Volume { volume }, gib(part(2))),
        "snapshot" => (Stored::Snapshot { volume, snapshot: SnapshotId(id_of(part(2))) }, gib(part(3))),
        "still" => (Stored::Still { volume }, None),
        "target" => (Stored::Target { volume }, None),
        "host" => (Stored::Host { volume, attachment: AttachmentId(id_of(part(2))) }, None),
        other => panic!("nothing stored is called {other:?}"),
    };
    let is_host = part(0) == "host";
    StoredItem {
        what,
        size_bytes,
        whole: !matches!(parts.last(), Some(&("copying" | "broken"))),
        asked_at: None,
        initiator: Some(part(3).to_owned()).filter(|name| is_host && !name.is_empty()),
        logged_in: is_host.then_some(true),
    }
}

pub(crate) fn backend_report(
    backend: BackendName,
    zone: &str,
    as_of: Position,
    at: Timestamp,
    pools: Vec<PoolReport>,
) -> BackendReport {
    BackendReport { backend, at, availability_zone: zone.to_owned(), driver: "null".to_owned(), as_of, pools }
}

/// What a worker says about a task that it was given; of a connection that it made also how to reach the volume.
pub(crate) fn task_report(task: &Task, mut transition: Transition) -> TaskReport {
    if let Transition::Succeeded { connection: how @ None, .. } = &mut transition {
        *how = connection(&task.operation).filter(|_| task.phase == Phase::Execute);
    }
    if let (Operation::ManageVolume { .. }, Transition::Succeeded { size_bytes, .. }) =
        (&task.operation, &mut transition)
    {
        *size_bytes = Some((2 << 30) + (1 << 29));
    }
    TaskReport::of(task, transition)
}

/// The id of the snapshot or attachment that an operation is about, else of its volume.
fn about(operation: &Operation) -> Uuid {
    match operation {
        Operation::ConnectVolume { attachment, .. } | Operation::DisconnectVolume { attachment, .. } => attachment.0,
        other => other.snapshot().map_or(other.volume().0, |snapshot| snapshot.0),
    }
}

/// `ok`, `started`, `progressed` or `fail:<kind>`.
pub(crate) fn transition(word: &str, now: Timestamp) -> Transition {
    let steps = vec![StepDone { step: "observe".to_owned(), took_us: 7, exit_status: Some(0) }];
    match word {
        "started" => Transition::Started { at: now },
        "progressed" => Transition::Progressed { at: now, step: "wipe".to_owned(), percent: 40 },
        "ok" => Transition::Succeeded { started_at: now, finished_at: now, steps, connection: None, size_bytes: None },
        failed => {
            let kind = failed.trim_start_matches("fail:");
            let failure = Failure {
                kind: serde_json::from_value(json!(kind)).unwrap(),
                step: "lvtool".to_owned(),
                message: "it broke".to_owned(),
                exit_status: Some(5),
                stderr: "device is broken".to_owned(),
            };
            Transition::Failed { started_at: now, finished_at: now, steps, failure }
        }
    }
}

/// How the host reaches the volume, when that was asked for.
fn connection(operation: &Operation) -> Option<Connection> {
    let Operation::ConnectVolume { volume, .. } = operation else { return None };
    let target = ConnectionValue::Text(format!("iqn.2010-10.org.openstack:volume-{volume}"));
    let data = [("target_iqn".to_owned(), target), ("target_lun".to_owned(), ConnectionValue::Number(1))].into();
    Some(Connection { driver_volume_type: "iscsi".to_owned(), data })
}

/// The subject and the body of a command.
fn command(line: &str) -> (String, Value) {
    if let Some(line) = line.strip_prefix("do ").or_else(|| line.strip_prefix("do@")) {
        return any_command(line);
    }
    let words = &Words::of(line);
    let (resource, verb, mut content) = content(words);
    let mut project = words.get("project").unwrap_or("demo");
    if resource != "volume" {
        project = "admin";
    }
    for (key, value) in &words.named {
        match (resource, *key) {
            (_, "project" | "cmd") => {}
            ("volume", "zone") => {
                content.insert("availability_zone".to_owned(), json!(value));
            }
            ("volume", key) => {
                content.insert(key.to_owned(), if key == "metadata" { json!({ "k": value }) } else { json!(value) });
            }
            ("quota", key) => {
                content.insert(key.to_owned(), json!(value.parse::<i64>().unwrap()));
            }
            ("type", "to") => {
                content.insert("name".to_owned(), json!(value));
            }
            (_, key) => {
                content.insert("extra_specs".to_owned(), json!({ key: value }));
            }
        }
    }
    message(project, (resource, verb), &Value::Object(content), words)
}

/// `[project] resource.verb [key=value ...] {json}`, where `<a>` is the id of what is called a.
fn any_command(line: &str) -> (String, Value) {
    let (head, json) = line.split_at(line.find('{').unwrap_or_else(|| panic!("no JSON in {line:?}")));
    let words = Words::of(head);
    let (resource, verb) = words.plain.last().and_then(|word| word.split_once('.')).unwrap();
    let project = match words.plain.as_slice() {
        [project, _] => project,
        _ if is_admin_only(resource, verb) => "admin",
        _ => "demo",
    };
    let mut text = String::new();
    for (at, part) in json.split('<').enumerate() {
        // A whole string that is a name in brackets is an id; any other `<` is only a character.
        let id = part.split_once('>').filter(|(name, rest)| is_name(name) && rest.starts_with('"'));
        match id.filter(|_| at > 0 && text.ends_with('"')) {
            Some((name, rest)) => text.extend([id_of(name).to_string().as_str(), rest]),
            None if at > 0 => text.extend(["<", part]),
            None => text.push_str(part),
        }
    }
    let content: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    message(project, (resource, verb), &content, &words)
}

fn message(project: &str, (resource, verb): (&str, &str), content: &Value, words: &Words<'_>) -> (String, Value) {
    let mut body = json!({ resource: content, "actor": { "user": words.get("user").unwrap_or("alice") } });
    if let Some(id) = words.number("cmd") {
        body["id"] = json!(Uuid::from_u128(u128::from(id)));
    }
    if let Some(request) = words.get("request") {
        body["actor"]["request_id"] = json!(request);
    }
    (format!("stele.ask.{project}.{resource}.{verb}"), body)
}

fn content<'a>(words: &Words<'a>) -> (&'static str, &'a str, Map<String, Value>) {
    let object = |value: Value| value.as_object().unwrap().clone();
    let id = || json!(volume_id(words.at(1)));
    let size = || json!(words.at(2).parse::<u32>().unwrap());
    match words.at(0) {
        "create" if words.at(1) == "-" => ("volume", "create", object(json!({ "size_gib": size() }))),
        "create" => ("volume", "create", object(json!({ "id": id(), "size_gib": size() }))),
        "extend" => ("volume", "extend", object(json!({ "id": id(), "size_gib": size() }))),
        "delete" => ("volume", "delete", object(json!({ "id": id(), "force": words.at(2) == "force" }))),
        "update" => ("volume", "update", object(json!({ "id": id() }))),
        "service" => ("service", words.at(1), object(json!({ "backend": words.at(2), "reason": words.at(3) }))),
        "quota" => ("quota", "set", object(json!({ "project": words.at(1) }))),
        "type" if words.at(1) == "create" => ("type", "create", object(json!({ "name": words.at(2) }))),
        "type" => ("type", words.at(1), object(json!({ "type": words.at(2) }))),
        other => panic!("no line begins with {other:?}"),
    }
}
