//! `stele replay`: the audit tool on the live log.

use std::io::{self, Write};
use std::path::Path;

use indicatif::ProgressBar;
use stele_core::id::ProjectId;
use stele_core::unit::Position;
use stele_projections::rebuild::rebuild;
use stele_projections::view::{LogDigest, LogHead, QuotaLine, QuotaSetView};
use stele_replay::at::{Which, at};
use stele_replay::diff::diff;
use stele_replay::explain::{explain, render_explained, render_explained_json};
use stele_replay::moment::Moment;
use stele_replay::progress::Progress;
use stele_replay::quota::{LiveLine, LiveQuota, quota};
use stele_replay::show::{Subject, render_entry, render_json, show, show_on};
use stele_replay::verify::{LiveDigest, VerifyOptions, verify};

use super::Session;
use super::output::{json, line};
use crate::args::{AtWhat, ExplainWhat, Replay, ShowWhat};
use crate::failure::Failure;
use crate::nats::JetStreamLog;
use crate::role::api::PROJECTION_FILE;

pub(super) async fn run(session: &Session, command: &Replay) -> Result<(), Failure> {
    let connection = session.connection().await?;
    let log = JetStreamLog::new(&connection, 0);
    match command {
        Replay::Verify { log_only } => verify_log(session, &log, *log_only).await,
        Replay::Show { what, id, follow } => tell(session, &log, (*what, id), *follow).await,
        Replay::Explain { what, id } => explain_places(session, &log, *what, id).await,
        Replay::Quota { log_only } => prove_quota(session, &log, *log_only).await,
        Replay::At { when, what } => state_at(session, &log, when, *what).await,
        Replay::Diff { from, to } => difference(session, &log, from, to).await,
        Replay::Rebuild { data } => rebuild_projection(session, &log, data).await,
    }
}

async fn verify_log(session: &Session, log: &JetStreamLog, log_only: bool) -> Result<(), Failure> {
    let live = if log_only { None } else { Some(live_digest(session).await?) };
    let mut progress = Bar::new("verifying");
    let found = verify(log, VerifyOptions { live, ..VerifyOptions::default() }, &mut progress).await?;
    if session.json {
        json(&found)?;
    } else {
        found.render(&mut io::stdout().lock())?;
    }
    if found.ok {
        return Ok(());
    }
    Err(Failure::new("LogNotSound", "the log or the projection is not as it must be", "see the findings above"))
}

/// What the live projection holds; asked before the log is read, so that the log cannot end before it by itself.
async fn live_digest(session: &Session) -> Result<LiveDigest, Failure> {
    let digest: LogDigest = session.api.get("/v1/log/digest", &[], None).await.map_err(|mut failure| {
        failure.remedy = format!("{}; or verify the log alone with --log-only", failure.remedy);
        failure
    })?;
    let head: LogHead = session.api.get("/v1/log/head", &[], None).await?;
    let hash = (head.position == digest.position).then_some(head.hash);
    Ok(LiveDigest { position: digest.position, digest: digest.into_digest(), hash })
}

async fn tell(
    session: &Session,
    log: &JetStreamLog,
    (what, id): (ShowWhat, &str),
    follow: bool,
) -> Result<(), Failure> {
    let subject = match what {
        ShowWhat::Volume => Subject::volume(id)?,
        ShowWhat::Request => Subject::request(id),
        ShowWhat::Project => Subject::project(id)?,
        ShowWhat::Task => Subject::task(id)?,
        ShowWhat::Snapshot => Subject::snapshot(id)?,
        ShowWhat::Worker => Subject::worker(id)?,
    };
    let mut progress = Bar::new("reading");
    let (bar, as_json) = (progress.0.clone(), session.json);
    let mut each = |entry| {
        bar.suspend(|| {
            let mut out = io::stdout().lock();
            if as_json { render_json(&entry, &mut out) } else { render_entry(&entry, &mut out) }
        })
    };
    if follow {
        let mut idle = || io::stdout().flush().map(|()| true);
        // What was told is told: Ctrl-C ends it well.
        return tokio::select! {
            ended = show_on(log, subject, &mut progress, &mut each, &mut idle) => {
                Ok(ended.map(|_| ())?)
            }
            _ = tokio::signal::ctrl_c() => Ok(()),
        };
    }
    let told = show(log, subject, None, &mut progress, &mut each).await?;
    if told.entries == 0 {
        return Err(nothing_known(id, told.position));
    }
    let mut out = io::stdout().lock();
    match &told.work {
        Some(work) if as_json => work.render_json(&mut out)?,
        Some(work) => work.render(&mut out)?,
        None => {}
    }
    Ok(())
}

fn nothing_known(id: &str, position: Position) -> Failure {
    let why = format!("the log says nothing about {id} up to position {position}");
    Failure::new("NothingKnown", why, "look at the id, and at the kind that is asked for")
}

async fn explain_places(session: &Session, log: &JetStreamLog, what: ExplainWhat, id: &str) -> Result<(), Failure> {
    let subject = match what {
        ExplainWhat::Volume => Subject::volume(id)?,
        ExplainWhat::Request => Subject::request(id),
    };
    let mut progress = Bar::new("deciding");
    let (bar, as_json) = (progress.0.clone(), session.json);
    let mut each = |explained| {
        bar.suspend(|| {
            let mut out = io::stdout().lock();
            if as_json { render_explained_json(&explained, &mut out) } else { render_explained(&explained, &mut out) }
        })
    };
    let summary = explain(log, subject, &mut progress, &mut each).await?;
    if summary.explained == 0 && summary.is_sound() {
        return Err(nothing_known(id, summary.position));
    }
    let mut out = io::stdout().lock();
    if as_json { summary.render_json(&mut out) } else { summary.render(&mut out) }?;
    if !summary.damage.is_empty() {
        return Err(Failure::new("LogNotSound", "the log was damaged", "see `stele replay verify`"));
    }
    if !summary.differing.is_empty() {
        return Err(Failure::new(
            "DecisionDiffers",
            format!("decided again, {} of {} come out otherwise", summary.differing.len(), summary.explained),
            "was the log written by another release? Else it was changed: see `stele replay verify`",
        ));
    }
    Ok(())
}

async fn prove_quota(session: &Session, log: &JetStreamLog, log_only: bool) -> Result<(), Failure> {
    let project = session.project();
    let live = if log_only { None } else { Some(live_quota(session, project).await?) };
    let mut progress = Bar::new("counting");
    let proof = quota(log, project.clone(), live, &mut progress).await?;
    if session.json {
        json(&proof)?;
    } else {
        proof.render(&mut io::stdout().lock())?;
    }
    if proof.ok {
        return Ok(());
    }
    Err(Failure::new("QuotaNotProven", "what is counted is not what is held", "see the findings above"))
}

/// What the API says; asked before the log is read, so that the log cannot end before it by itself.
async fn live_quota(session: &Session, project: &ProjectId) -> Result<LiveQuota, Failure> {
    let asked = session.api.get_at::<QuotaSetView>(&format!("/v1/quotas/{project}"), &[], None).await;
    let (view, position) = asked.map_err(|mut failure| {
        failure.remedy = format!("{}; or prove it from the log alone with --log-only", failure.remedy);
        failure
    })?;
    let position = position.ok_or_else(|| {
        Failure::new("ApiUnreadable", "the API does not say at which position its answer is", "is it a Stele API?")
    })?;
    let line = |QuotaLine { resource, limit, in_use, reserved }| LiveLine { resource, limit, in_use, reserved };
    Ok(LiveQuota { position, lines: view.resources.into_iter().map(line).collect() })
}

async fn state_at(session: &Session, log: &JetStreamLog, when: &str, what: AtWhat) -> Result<(), Failure> {
    let moment: Moment = when.parse()?;
    let which = match what {
        AtWhat::Volumes => Which::Volumes,
        AtWhat::Quota => Which::Quota,
        AtWhat::Pools => Which::Pools,
        AtWhat::Services => Which::Services,
        AtWhat::Types => Which::Types,
        AtWhat::Flows => Which::Flows,
    };
    let mut progress = Bar::new("folding");
    let snapshot = at(log, moment, &mut progress).await?;
    if session.json {
        return json(&snapshot.answer(which));
    }
    Ok(snapshot.render(which, &mut io::stdout().lock())?)
}

async fn difference(session: &Session, log: &JetStreamLog, from: &str, to: &str) -> Result<(), Failure> {
    let mut progress = Bar::new("folding");
    let difference = diff(log, from.parse()?, to.parse()?, &mut progress).await?;
    if session.json {
        return json(&difference);
    }
    Ok(difference.render(&mut io::stdout().lock())?)
}

async fn rebuild_projection(session: &Session, log: &JetStreamLog, data: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(data)?;
    let path = data.join(PROJECTION_FILE);
    let bar = crate::progress::bar("rebuilding", 0);
    let done = rebuild(log, &path, |progress| {
        bar.set_length(progress.tail.0);
        bar.set_position(progress.position.0);
    })
    .await?;
    bar.finish_and_clear();
    if session.json {
        return json(&serde_json::json!({"path": path, "position": done.position, "strays": done.strays}));
    }
    line(&format!("{} holds the log up to position {}", path.display(), done.position));
    Ok(())
}

/// A bar on a terminal, on stderr; nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn new(what: &'static str) -> Self {
        Self(crate::progress::bar(what, 0))
    }
}

impl Progress for Bar {
    fn set_total(&mut self, total: u64) {
        self.0.set_length(total);
    }

    fn advance(&mut self, count: u64) {
        self.0.inc(count);
    }

    fn finish(&mut self) {
        io::stderr().flush().ok();
        self.0.finish_and_clear();
    }
}
