//! A cell in memory behind the API, for tests of routes: the writer, its log, the projection that follows it, and a
//! worker that does at once what it is asked, or not at all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::Value;
use stele_core::chap::{CONNECTION_KEY, ChapKey};
use stele_core::id::ProjectId;
use stele_core::port::memory::MemoryLog;
use stele_core::port::{Ask, Unavailable};
use stele_core::record::Outcome;
use stele_core::task::{Connection, ConnectionValue, Failure, FailureKind, Operation, Transition};
use stele_core::unit::Position;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::Asker;
use super::auth::{Authenticator, StaticTokens, TokenEntry};
use crate::follow::{Progress, follow};
use crate::http::{ApiOptions, ApiState, router};
use crate::projection::Projection;
use crate::testing::Cell;

/// What the worker does with tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// It does them before the command that made them is answered.
    AtOnce,
    /// It leaves them until [`Api::work`].
    Later,
    /// They fail.
    Fails(FailureKind),
}

/// The cell and what it does with tasks.
struct Inner {
    cell: Cell,
    work: Work,
}

/// Its way in.
#[derive(Clone)]
struct Port {
    inner: Arc<Mutex<Inner>>,
    log: MemoryLog,
}

/// An API on a cell of its own.
pub(crate) struct Api {
    router: Router,
    port: Port,
    progress: watch::Receiver<Progress>,
    _stop: watch::Sender<bool>,
    _directory: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    /// The body as JSON; the status and the body are in the panic when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    /// The body of an answer with this status.
    pub(crate) fn with(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The status and the text of an error.
    pub(crate) fn fault(&self) -> (u16, String) {
        let body = self.json();
        let (name, fault) = body.as_object().and_then(|map| map.iter().next()).unwrap();
        assert_eq!(fault["code"], self.status, "{name}: {}", self.text);
        (self.status, fault["message"].as_str().unwrap().to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// The token of a user of a project with a role: `p/member`, `p/reader`, `q/member`, `p/admin` ...
fn token(who: &str) -> String {
    format!("token-of-a-user-of-{}", who.replace('/', "-as-"))
}

fn authenticator() -> Authenticator {
    let users = ["p", "q"].iter().flat_map(|project| ["admin", "member", "reader"].map(|role| (*project, role)));
    let entry = |project: &str, role: &str, user: &str| TokenEntry {
        token: token(&format!("{project}/{role}")),
        user: user.to_owned(),
        user_id: None,
        project: project.to_owned(),
        project_id: None,
        roles: vec![role.to_owned()],
    };
    let users = users.map(|(project, role)| entry(project, role, &format!("{role}-of-{project}")));
    let service = entry("services", "service", "nova");
    Authenticator::Static(Arc::new(StaticTokens::new(users.chain([service]).collect()).unwrap()))
}

impl Api {
    /// A cell with the backends `n1@lvm` (pool `a`, 1000 GiB) and `n2@lvm` (pool `b`, 500 GiB).
    pub(crate) async fn start() -> Self {
        let mut cell = Cell::new();
        cell.heartbeat("n1@lvm", &[("a", 1000.0, 1000.0)]);
        cell.heartbeat("n2@lvm", &[("b", 500.0, 500.0)]);
        Self::with(cell).await
    }

    /// On any cell.
    pub(crate) async fn with(cell: Cell) -> Self {
        Self::on(cell, authenticator()).await
    }

    /// On any cell, with any way to find out who asks.
    pub(crate) async fn on(cell: Cell, authenticator: Authenticator) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let projection = Projection::open(&directory.path().join("p.redb")).unwrap();
        let (stop, stopped) = watch::channel(false);
        let (sender, progress) = watch::channel(Progress::of(&projection));
        let log = cell.log();
        let port = Port { inner: Arc::new(Mutex::new(Inner { cell, work: Work::AtOnce })), log: log.clone() };
        let clock = port.clone();
        let state = ApiState::new(
            projection.reader(),
            progress.clone(),
            log.clone(),
            Arc::new(move || clock.lock().cell.now),
            stopped.clone(),
            ApiOptions::default(),
            authenticator,
        )
        .with_chap_key(Some(chap_key()));
        tokio::spawn(follow(projection, log, stopped, sender));
        let api = Self {
            router: router(state, Asker::new(port.clone())),
            port,
            progress,
            _stop: stop,
            _directory: directory,
        };
        api.caught_up().await;
        api
    }

    /// What the worker does from now on.
    pub(crate) fn set_work(&self, work: Work) {
        self.port.lock().work = work;
    }

    /// Does something with the cell itself; what it appends is followed when this returns.
    pub(crate) async fn cell<T>(&self, act: impl FnOnce(&mut Cell) -> T) -> T {
        let done = {
            let mut inner = self.port.lock();
            let done = act(&mut inner.cell);
            self.port.publish(&inner.cell);
            done
        };
        self.caught_up().await;
        done
    }

    /// Does the tasks that wait.
    pub(crate) async fn work(&self) {
        self.cell(|cell| run(cell, Work::AtOnce)).await;
    }

    /// Waits until everything that the log holds can be read.
    async fn caught_up(&self) {
        let tail = self.port.lock().cell.tail();
        let mut progress = self.progress.clone();
        let reached = progress.wait_for(|progress| progress.position >= tail || progress.failure.is_some()).await;
        assert_eq!(reached.unwrap().failure, None);
    }

    /// Asks. `who` is a project and a role, such as `p/member`; the path is below `/v3`, and the project is put in
    /// front of it; `minor` is the version.
    pub(crate) async fn ask(&self, method: &str, who: &str, path: &str, minor: u16, body: Option<Value>) -> Reply {
        let project = who.split('/').next().unwrap_or_default();
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("/v3/{project}{path}"))
            .header("host", "cell:8776")
            .header("x-auth-token", token(who))
            .header("openstack-api-version", format!("volume 3.{minor}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let reply = self.send(request.body(body).unwrap()).await;
        self.caught_up().await;
        reply
    }

    /// `GET` as of [`Api::ask`].
    pub(crate) async fn get(&self, who: &str, path: &str, minor: u16) -> Reply {
        self.ask("GET", who, path, minor, None).await
    }

    /// `POST` as of [`Api::ask`].
    pub(crate) async fn post(&self, who: &str, path: &str, minor: u16, body: Value) -> Reply {
        self.ask("POST", who, path, minor, Some(body)).await
    }

    /// `PUT` as of [`Api::ask`].
    pub(crate) async fn put(&self, who: &str, path: &str, minor: u16, body: Value) -> Reply {
        self.ask("PUT", who, path, minor, Some(body)).await
    }

    /// `DELETE` as of [`Api::ask`].
    pub(crate) async fn delete(&self, who: &str, path: &str, minor: u16) -> Reply {
        self.ask("DELETE", who, path, minor, None).await
    }

    /// Sends any request; the token of somebody is [`Api::token`].
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Reply { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// The token of somebody.
    pub(crate) fn token(who: &str) -> String {
        token(who)
    }

    /// Makes a volume of 1 GiB as a member of a project and gives its id.
    pub(crate) async fn volume(&self, project: &str, name: &str) -> String {
        let body = serde_json::json!({"volume": {"size": 1, "name": name}});
        let made = self.post(&format!("{project}/member"), "/volumes", 0, body).await.with(202);
        made["volume"]["id"].as_str().unwrap().to_owned()
    }
}

impl Port {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn publish(&self, cell: &Cell) {
        for entry in &cell.entries[self.log.entries().len()..] {
            self.log.inject(entry.payload.clone());
        }
    }
}

impl Ask for Port {
    async fn ask(&self, project: &ProjectId, resource: &str, verb: &str, body: Bytes) -> Result<Outcome, Unavailable> {
        let mut inner = self.lock();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let outcome = inner.cell.ask(&format!("{project}.{resource}.{verb}"), &body);
        assert!(outcome.position.is_none_or(|position| position <= Position(inner.cell.entries.len() as u64)));
        let work = inner.work;
        run(&mut inner.cell, work);
        self.publish(&inner.cell);
        Ok(outcome)
    }
}

fn run(cell: &mut Cell, work: Work) {
    if work == Work::Later {
        return;
    }
    // A failure may be followed by another attempt; one that fails for ever ends all the same.
    for _ in 0..256 {
        let Some(task) = cell.tasks.first().cloned() else { return };
        cell.tasks.remove(0);
        let (started_at, finished_at, steps) = (cell.now, cell.now.plus_ms(5), Vec::new());
        let reverts = task.phase == stele_core::task::Phase::Revert;
        let transition = match work {
            Work::Fails(kind) if !reverts => Transition::Failed {
                started_at,
                finished_at,
                steps,
                failure: Failure {
                    kind,
                    step: "lvcreate".to_owned(),
                    message: "it did not work".to_owned(),
                    exit_status: Some(5),
                    stderr: "  insufficient free space".to_owned(),
                },
            },
            _ => {
                let connects = matches!(task.operation, Operation::ConnectVolume { .. });
                let manages = matches!(task.operation, Operation::ManageVolume { .. });
                Transition::Succeeded {
                    started_at,
                    finished_at,
                    steps,
                    connection: connects.then(connection),
                    size_bytes: manages.then_some(3 << 30),
                }
            }
        };
        cell.transition(&task, transition);
    }
}

/// The key that worker and API share.
pub(crate) fn chap_key() -> ChapKey {
    ChapKey::new(&[7; 32]).unwrap()
}

/// How a host reaches a volume, as the worker says.
pub(crate) fn connection() -> Connection {
    let text = |text: &str| ConnectionValue::Text(text.to_owned());
    Connection {
        driver_volume_type: "iscsi".to_owned(),
        data: BTreeMap::from([
            ("target_iqn".to_owned(), text("iqn.2010-10.org.openstack:volume")),
            ("target_portal".to_owned(), text("127.0.0.1:3260")),
            ("target_lun".to_owned(), ConnectionValue::Number(1)),
            ("target_discovered".to_owned(), ConnectionValue::Flag(false)),
            (CONNECTION_KEY.to_owned(), text(&chap_key().fingerprint())),
        ]),
    }
}
