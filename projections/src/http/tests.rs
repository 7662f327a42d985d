mod access;
mod events;
mod past;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::Value;
use stele_core::id::ProjectId;
use stele_core::port::memory::MemoryLog;
use stele_core::port::{Ask, Unavailable};
use stele_core::record::Outcome;
use stele_core::unit::Position;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::{ApiOptions, ApiState, router};
use crate::follow::{FollowError, Progress, follow};
use crate::projection::{HISTORY_DEFAULT, Projection};
use crate::testing::{Cell, Story, story};
use crate::v3::Asker;
use crate::v3::auth::Authenticator;

/// Nobody carries out commands.
#[derive(Clone)]
struct Silent;

impl Ask for Silent {
    async fn ask(&self, _: &ProjectId, _: &str, _: &str, _: Bytes) -> Result<Outcome, Unavailable> {
        Err(Unavailable { what: "control".to_owned(), why: "nobody is there".to_owned() })
    }
}

/// A cell whose log is followed and served.
struct Api {
    _directory: tempfile::TempDir,
    router: Router,
    cell: Cell,
    log: MemoryLog,
    stop: watch::Sender<bool>,
    progress: watch::Receiver<Progress>,
    following: tokio::task::JoinHandle<Result<(), FollowError>>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn code(&self) -> String {
        let error = &self.json()["error"];
        for field in ["code", "message", "remedy"] {
            assert!(!error[field].as_str().unwrap().is_empty(), "{}", self.body);
        }
        error["code"].as_str().unwrap().to_owned()
    }

    fn position(&self) -> Position {
        self.headers["stele-position"].to_str().unwrap().parse().unwrap()
    }
}

impl Api {
    async fn start(cell: Cell, options: ApiOptions) -> Self {
        Self::start_with(cell, options, Authenticator::NoAuth).await
    }

    async fn start_with(cell: Cell, options: ApiOptions, authenticator: Authenticator) -> Self {
        Self::begin(cell, options, authenticator, HISTORY_DEFAULT).await
    }

    async fn start_keeping(cell: Cell, history: u64) -> Self {
        Self::begin(cell, ApiOptions::default(), Authenticator::NoAuth, history).await
    }

    async fn begin(cell: Cell, options: ApiOptions, authenticator: Authenticator, history: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let projection = Projection::open_keeping(&directory.path().join("p.redb"), history).unwrap();
        let (stop, stopped) = watch::channel(false);
        let (sender, progress) = watch::channel(Progress::of(&projection));
        let log = cell.log();
        let now = cell.now;
        let state = ApiState::new(
            projection.reader(),
            progress.clone(),
            log.clone(),
            Arc::new(move || now),
            stopped.clone(),
            options,
            authenticator,
        );
        let following = tokio::spawn(follow(projection, log.clone(), stopped, sender));
        let mut api = Self {
            _directory: directory,
            router: router(state, Asker::new(Silent)),
            cell,
            log,
            stop,
            progress,
            following,
        };
        api.reach().await;
        api
    }

    /// Waits until everything is applied.
    async fn reach(&mut self) {
        let tail = self.logged();
        self.progress.wait_for(|progress| progress.position >= tail).await.unwrap();
    }

    /// Puts what the cell has done since into the log.
    fn publish(&self) {
        for entry in self.cell.entries.iter().filter(|entry| entry.position > self.logged()) {
            self.log.inject(entry.payload.clone());
        }
    }

    /// The last position of the log.
    fn logged(&self) -> Position {
        self.log.entries().last().map_or(Position(0), |entry| entry.position)
    }

    async fn get(&self, uri: &str) -> Answer {
        self.send(Request::get(uri).body(Body::empty()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}

async fn told() -> (Api, Story) {
    let mut story = story();
    let cell = std::mem::replace(&mut story.cell, Cell::new());
    let options = ApiOptions { min_position_wait: Duration::from_millis(50), ..ApiOptions::default() };
    (Api::start(cell, options).await, story)
}
