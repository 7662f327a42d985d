//! A plan is sent: each command's outcome is waited for, and what a worker has to do with it.
//!
//! It may be cut short and said again. A command's id is made of what it says, so within the time for which a cell keeps outcomes
//! the same command gets the first one; after that it is refused because it is done, which is as good. What was refused before
//! is asked anew.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::json;
use stele_core::id::ADMIN_PROJECT;
use stele_core::port::Log as _;
use stele_core::record::OutcomeResult;
use stele_core::refusal::RefusalCode;
use stele_core::unit::Position;
use stele_projections::view::{QuotaSetView, SnapshotView, VolumeView};
use stele_replay::cinder::plan::{About, Plan, Stage, Step};
use stele_replay::progress::Progress as _;
use tokio::time::{Instant, sleep};

use super::super::Bar;
use crate::cli::Session;
use crate::cli::output::{line, table};
use crate::cli::wait::{Resource, look};
use crate::client;
use crate::failure::Failure;
use crate::nats::{Connection, JetStreamLog};

/// How many volumes or snapshots are underway at once.
const AT_ONCE: usize = 16;
/// How often it is looked whether a worker is done.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Without an answer it makes no sense to go on.
const FATAL: &[&str] = &["Unavailable", "NatsUnreachable", "UnreadableOutcome", "ApiUnreachable", "ApiUnreadable"];

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Sent {
    /// Commands that were accepted, and came to a good end.
    pub(super) done: usize,
    /// Commands whose work was done before.
    pub(super) there: usize,
    /// Commands that were refused, or whose work failed.
    pub(super) failed: Vec<Failed>,
    /// The last position that an outcome named.
    pub(super) position: Position,
    /// Each project's usage where it is not what the plan comes to.
    pub(super) differing: Vec<Differing>,
    /// How many projects have the usage that the plan comes to.
    pub(super) equal: usize,
}

/// A command that came to no good end.
#[derive(Debug, Serialize)]
pub(super) struct Failed {
    what: String,
    code: String,
    why: String,
}

/// A usage that is not what the rows sum to.
#[derive(Debug, Serialize)]
pub(super) struct Differing {
    project: String,
    resource: String,
    planned: i64,
    in_use: i64,
}

/// How a command ended.
enum End {
    Done(Position),
    There,
    Failed(Failure),
}

pub(super) async fn send(session: &Session, plan: &Plan, timeout: Duration) -> Result<Sent, Failure> {
    let connection = session.connection().await?;
    let began = JetStreamLog::new(&connection, 0).tail().await?;
    let sender = Sender { session, connection, timeout, began };
    let mut sent = Sent::default();
    let mut bar = Bar::new("adopting");
    bar.set_total(plan.steps.len() as u64);
    for steps in plan.steps.chunk_by(|a, b| a.stage == b.stage) {
        let at_once = match steps.first().map(|step| step.stage) {
            Some(
                Stage::Volumes | Stage::Details | Stage::Snapshots | Stage::Attachments | Stage::InUse | Stage::Further,
            ) => AT_ONCE,
            _ => 1,
        };
        let mut ends = stream::iter(steps).map(|step| sender.step(step)).buffered(at_once);
        let mut all = steps.iter();
        while let Some(end) = ends.next().await {
            let Some(step) = all.next() else { break };
            match end.map_err(cut_short)? {
                End::Done(position) => {
                    sent.done += 1;
                    sent.position = sent.position.max(position);
                }
                End::There => sent.there += 1,
                End::Failed(failure) => {
                    let why = format!("{}; {}", failure.message, failure.remedy);
                    sent.failed.push(Failed { what: step.what.clone(), code: failure.code, why });
                }
            }
            bar.advance(1);
        }
    }
    bar.finish();
    sender.compare(plan, &mut sent).await.map_err(cut_short)?;
    Ok(sent)
}

fn cut_short(failure: Failure) -> Failure {
    let remedy = format!("{}; then say the same again: it goes on", failure.remedy);
    Failure { remedy, ..failure }
}

struct Sender<'a> {
    session: &'a Session,
    connection: Connection,
    timeout: Duration,
    /// The log's end when this run began: outcomes up to there are of an earlier one.
    began: Position,
}

impl Sender<'_> {
    /// # Errors
    /// What makes it senseless to go on.
    async fn step(&self, step: &Step) -> Result<End, Failure> {
        let end = match step.about {
            About::Volume { id, size_gib } => self.volume(step, id, size_gib).await,
            About::Snapshot { id } => self.snapshot(step, id).await,
            About::DetailsOf { id } => self.details(step, id).await,
            // Limits are what they were in Cinder, whatever an earlier run did.
            About::Other if matches!(step.stage, Stage::Limits | Stage::Closing | Stage::Closed) => {
                self.ask(step, self.began.0).await.map(End::Done)
            }
            About::Other => self.ask(step, 0).await.map(|position| self.ended(position)),
        };
        match end {
            Ok(end) => Ok(end),
            Err(failure) if FATAL.contains(&failure.code.as_str()) => Err(failure),
            Err(failure) if step.is_done(&failure.code, &failure.message) => Ok(End::There),
            Err(failure) => self.is_as_wanted(step, failure).await,
        }
    }

    /// Where it was accepted. A refusal of an earlier run says nothing about now; each try behind it has an id of its own.
    async fn ask(&self, step: &Step, mut again: u64) -> Result<Position, Failure> {
        loop {
            let body = step.body(again);
            let outcome = client::outcome(&self.connection, &step.project, step.resource, step.verb, &body).await?;
            match (outcome.result, outcome.position) {
                (OutcomeResult::Accepted(_), Some(position)) => return Ok(position),
                (OutcomeResult::Accepted(_), None) => return Err(client::unreadable()),
                (OutcomeResult::Refused(_), Some(position)) if position <= self.began && position.0 > again => {
                    again = position.0;
                }
                (OutcomeResult::Refused(refusal), _) => {
                    return Err(Failure::new(refusal.code.as_str(), refusal.message, refusal.remedy));
                }
            }
        }
    }

    fn ended(&self, position: Position) -> End {
        if position > self.began { End::Done(position) } else { End::There }
    }

    /// What an earlier try could not take over is given up, and tried once more.
    async fn volume(&self, step: &Step, id: uuid::Uuid, size_gib: i64) -> Result<End, Failure> {
        let mut again = 0;
        if let Some(found) = self.at_rest::<VolumeView>(id, Position(0)).await? {
            if found.status != "error_managing" {
                return Ok(End::There);
            }
            again = self.give_up::<VolumeView>("volume", id).await?;
        }
        let position = match self.ask(step, again).await {
            Ok(position) => position,
            // The API did not know of it yet.
            Err(failure) if failure.code == RefusalCode::VolumeExists.as_str() => Position(0),
            Err(failure) => return Err(failure),
        };
        let found = self.at_rest::<VolumeView>(id, position).await?;
        let Some(found) = found else { return Ok(End::Failed(gone("volume", id))) };
        if found.status == "error_managing" {
            return Ok(End::Failed(not_taken(found.reason(), "bring it back in Cinder, or free it there")));
        }
        let has_gib = found.size_gib;
        if i64::from(has_gib) != size_gib {
            let why = format!("volume {id} was taken over: it has {has_gib} GiB, and Cinder said {size_gib}");
            return Ok(End::Failed(Failure::new("SizeDiffers", why, "it counts as what it has")));
        }
        Ok(self.ended(position))
    }

    async fn snapshot(&self, step: &Step, id: uuid::Uuid) -> Result<End, Failure> {
        let mut again = 0;
        if let Some(found) = self.at_rest::<SnapshotView>(id, Position(0)).await? {
            if found.status != "error" {
                return Ok(End::There);
            }
            again = self.give_up::<SnapshotView>("snapshot", id).await?;
        }
        let position = match self.ask(step, again).await {
            Ok(position) => position,
            Err(failure) if failure.code == RefusalCode::SnapshotExists.as_str() => Position(0),
            Err(failure) => return Err(failure),
        };
        match self.at_rest::<SnapshotView>(id, position).await? {
            None => Ok(End::Failed(gone("snapshot", id))),
            Some(found) if found.status == "error" => {
                Ok(End::Failed(not_taken(found.reason(), "make a volume of it in Cinder first, or give it up")))
            }
            Some(_) => Ok(self.ended(position)),
        }
    }

    /// What is in use is no longer changed; an earlier run gave it its details.
    async fn details(&self, step: &Step, id: uuid::Uuid) -> Result<End, Failure> {
        match look::<VolumeView>(&self.session.api, &id, Position(0)).await? {
            Some(found) if !matches!(found.status(), "available" | "error_managing") => Ok(End::There),
            _ => self.ask(step, 0).await.map(|position| self.ended(position)),
        }
    }

    /// Gives up what could not be taken over; its data stay as they are. Gives where that stands in the log.
    async fn give_up<T: Resource>(&self, resource: &'static str, id: uuid::Uuid) -> Result<u64, Failure> {
        let asked = client::command(&self.connection, ADMIN_PROJECT, resource, "unmanage", json!({"id": id})).await?;
        self.at_rest::<T>(id, asked.position).await?;
        Ok(asked.position.0)
    }

    /// It, when no flow is at work on it any more, not older than a position. `None` when it is not there.
    async fn at_rest<T: Resource>(&self, id: uuid::Uuid, since: Position) -> Result<Option<T>, Failure> {
        let deadline = Instant::now() + self.timeout;
        loop {
            let Some(found) = look::<T>(&self.session.api, &id, since).await? else { return Ok(None) };
            if !found.is_underway() {
                return Ok(Some(found));
            }
            if Instant::now() >= deadline {
                let (kind, status, seconds) = (T::KIND, found.status(), self.timeout.as_secs());
                let what = format!("{kind} {id} is still {status} after {seconds} s");
                return Err(Failure::new("WaitTimeout", what, "it goes on; does a worker serve its pool?"));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The extra specs of a type do not change once it has volumes; an earlier run may have set them.
    async fn is_as_wanted(&self, step: &Step, failure: Failure) -> Result<End, Failure> {
        if (step.resource, step.verb) != ("type", "update") {
            return Ok(End::Failed(failure));
        }
        let name = step.content["type"].as_str().unwrap_or_default().to_owned();
        let found: serde_json::Value = self.session.api.get(&format!("/v1/types/{name}"), &[], None).await?;
        let wanted = step.content["extra_specs_change"]["set"].as_object();
        let has = |(key, value): (&String, &serde_json::Value)| &found["extra_specs"][key] == value;
        if wanted.is_some_and(|wanted| wanted.iter().all(has)) {
            return Ok(End::There);
        }
        Ok(End::Failed(failure))
    }

    /// Whether each project uses what the plan comes to.
    async fn compare(&self, plan: &Plan, sent: &mut Sent) -> Result<(), Failure> {
        for (project, planned) in &plan.usage {
            let path = format!("/v1/quotas/{project}");
            let view: QuotaSetView = self.session.api.get(&path, &[], Some(sent.position)).await?;
            let before = sent.differing.len();
            for line in view.resources {
                let planned = planned.get(&line.resource).copied().unwrap_or(0);
                if planned != line.in_use {
                    let (project, resource) = (project.clone(), line.resource);
                    sent.differing.push(Differing { project, resource, planned, in_use: line.in_use });
                }
            }
            sent.equal += usize::from(sent.differing.len() == before);
        }
        Ok(())
    }
}

fn gone(kind: &str, id: uuid::Uuid) -> Failure {
    Failure::new("NotAdopted", format!("{kind} {id} is gone again"), "`stele replay show` tells why")
}

fn not_taken(reason: Option<&str>, remedy: &str) -> Failure {
    Failure::new("NotAdopted", reason.unwrap_or("no reason is known").to_owned(), remedy)
}

impl Sent {
    /// For people.
    pub(super) fn print(&self) {
        line(&format!(
            "\ncommands: {} done, {} done before, {} failed; the log is at position {}",
            self.done,
            self.there,
            self.failed.len(),
            self.position
        ));
        if !self.failed.is_empty() {
            let row = |failed: &Failed| vec![failed.what.clone(), failed.code.clone(), failed.why.clone()];
            table(&["failed", "code", "why"], self.failed.iter().map(row));
        }
        line(&format!("projects that use what Cinder's rows sum to: {}", self.equal));
        if !self.differing.is_empty() {
            let row = |d: &Differing| {
                vec![d.project.clone(), d.resource.clone(), d.planned.to_string(), d.in_use.to_string()]
            };
            table(&["project", "resource", "Cinder's rows", "in use here"], self.differing.iter().map(row));
        }
    }
}
