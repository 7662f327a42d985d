//! `stele replay`: the audit tool on the live log, or on a file.

mod archive;
mod checkpoint;
mod cinder;
mod explain;
mod heal;
mod play;
mod quota;
mod what_if;

use std::io::{self, Write};
use std::path::Path;

use indicatif::ProgressBar;
use stele_core::moment::{InvalidMoment, Moment};
use stele_core::port::Log;
use stele_core::unit::Position;
use stele_projections::rebuild::{RebuildProgress, rebuild};
use stele_projections::view::{LogDigest, LogHead};
use stele_replay::at::{Which, at};
use stele_replay::diff::diff;
use stele_replay::progress::Progress;
use stele_replay::show::{Subject, render_entry, render_json, show, show_on};
use stele_replay::verify::{LiveDigest, Verification, VerifyOptions, verify};

use super::output::{json, line, stdout};
use super::{Session, replay_file};
use crate::archive::joined;
use crate::args::{AtWhat, Replay, ReplayArgs, ShowWhat};
use crate::failure::Failure;
use crate::role::api::PROJECTION_FILE;

pub(super) async fn run(session: &Session, args: &ReplayArgs) -> Result<(), Failure> {
    if let Some(done) = cinder::run(session, args).await {
        return done;
    }
    if let Some(path) = &args.file {
        return replay_file::run(session, path, &args.what).await;
    }
    let connection = session.connection().await?;
    match &args.what {
        Replay::Archive(args) => return archive::run(session, &connection, args).await,
        Replay::Import(args) => return replay_file::import_into(session, &connection, args).await,
        _ => {}
    }
    let log = joined(&connection, &session.settings).await?;
    if let Some(archive) = log.archive() {
        archive.check(&mut Bar::new("checking"))?;
    }
    match &args.what {
        Replay::Verify { log_only: false, checkpoints, believe } => {
            let kept = checkpoint::kept(checkpoints, believe)?;
            let live = Some(live_digest(session).await?);
            log.compare(&mut Bar::new("comparing")).await?;
            verify_log(session, &log, VerifyOptions { live, kept, ..VerifyOptions::default() }).await
        }
        Replay::Heal { journal, yes } => heal::run(session, &log, journal, *yes).await,
        Replay::Play(args) => play::run(session, (&connection, &log), args).await,
        Replay::Quota { log_only: false, .. } => quota::run_live(session, &log).await,
        what => read(session, &log, what).await,
    }
}

/// What reads a log, whether it is live or a file.
pub(super) async fn read<L: Log>(session: &Session, log: &L, what: &Replay) -> Result<(), Failure> {
    match what {
        Replay::Verify { checkpoints, believe, .. } => {
            let kept = checkpoint::kept(checkpoints, believe)?;
            verify_log(session, log, VerifyOptions { kept, ..VerifyOptions::default() }).await
        }
        Replay::Checkpoint { key, make_key, to } => checkpoint::run(session, log, key, *make_key, to.as_deref()).await,
        Replay::Show { what, id, follow } => tell(session, log, (*what, id), *follow).await,
        Replay::Explain { what, id } => explain::run(session, log, *what, id).await,
        Replay::Quota { .. } => quota::run(session, log, None).await,
        Replay::WhatIf(args) => what_if::run(session, log, args).await,
        Replay::At { when, what } => state_at(session, log, when, *what).await,
        Replay::Diff { from, to } => difference(session, log, from, to).await,
        Replay::Rebuild { data, history } => rebuild_projection(session, log, data, *history).await,
        Replay::Export(args) => replay_file::export_from(session, log, args).await,
        Replay::Import(_) | Replay::ImportCinder(_) | Replay::Archive(_) | Replay::Heal { .. } | Replay::Play(_) => {
            let remedy = "name the cell with --nats, and leave --file out";
            Err(Failure::new("NotALog", "a file is only read: nothing is appended to it", remedy))
        }
    }
}

async fn verify_log<L: Log>(session: &Session, log: &L, options: VerifyOptions) -> Result<(), Failure> {
    let mut progress = Bar::new("verifying");
    let found = verify(log, options, &mut progress).await?;
    say_verified(session, &found)
}

pub(super) fn say_verified(session: &Session, found: &Verification) -> Result<(), Failure> {
    if session.json {
        json(found)?;
    } else {
        found.render(&mut stdout())?;
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

async fn tell<L: Log>(session: &Session, log: &L, (what, id): (ShowWhat, &str), follow: bool) -> Result<(), Failure> {
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
            let mut out = stdout();
            if as_json { render_json(&entry, &mut out) } else { render_entry(&entry, &mut out) }
        })
    };
    if follow {
        let mut idle = || stdout().flush().map(|()| true);
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
    let mut out = stdout();
    match &told.work {
        Some(work) if as_json => work.render_json(&mut out)?,
        Some(work) => work.render(&mut out)?,
        None => {}
    }
    Ok(())
}

pub(super) fn nothing_known(id: &str, position: Position) -> Failure {
    let why = format!("the log says nothing about {id} up to position {position}");
    Failure::new("NothingKnown", why, "look at the id, and at the kind that is asked for")
}

fn named(moment: &str) -> Result<Moment, Failure> {
    moment.parse().map_err(|error: InvalidMoment| {
        let shown: String = moment.chars().take(64).collect();
        Failure::new("InvalidMoment", format!("{shown:?}: {error}"), "give a position, a time in RFC 3339, or `head`")
    })
}

async fn state_at<L: Log>(session: &Session, log: &L, when: &str, what: AtWhat) -> Result<(), Failure> {
    let moment = named(when)?;
    let which = match what {
        AtWhat::Volumes => Which::Volumes,
        AtWhat::Quota => Which::Quota,
        AtWhat::Pools => Which::Pools,
        AtWhat::Services => Which::Services,
        AtWhat::Types => Which::Types,
        AtWhat::Flows => Which::Flows,
        AtWhat::Snapshots => Which::Snapshots,
        AtWhat::Attachments => Which::Attachments,
        AtWhat::Groups => Which::Groups,
        AtWhat::Transfers => Which::Transfers,
    };
    let mut progress = Bar::new("folding");
    let snapshot = at(log, moment, &mut progress).await?;
    if session.json {
        return json(&snapshot.answer(which));
    }
    Ok(snapshot.render(which, &mut stdout())?)
}

async fn difference<L: Log>(session: &Session, log: &L, from: &str, to: &str) -> Result<(), Failure> {
    let mut progress = Bar::new("folding");
    let difference = diff(log, named(from)?, named(to)?, &mut progress).await?;
    if session.json {
        return json(&difference);
    }
    Ok(difference.render(&mut stdout())?)
}

async fn rebuild_projection<L: Log>(
    session: &Session,
    log: &L,
    data: &Path,
    history: Option<u64>,
) -> Result<(), Failure> {
    std::fs::create_dir_all(data)?;
    let path = data.join(PROJECTION_FILE);
    let bar = crate::progress::bar("rebuilding", 0);
    let history = session.settings.from_file.api.history(history);
    let done = rebuild(log, &path, history, |progress| {
        show_rebuild(&bar, progress);
    })
    .await?;
    bar.finish_and_clear();
    if session.json {
        return json(&serde_json::json!({"path": path, "position": done.position, "strays": done.strays}));
    }
    line(&format!("{} holds the log up to position {}", path.display(), done.position));
    Ok(())
}

/// How far a rebuild is: in the log, then in the rows.
pub(super) fn show_rebuild(bar: &ProgressBar, progress: RebuildProgress) {
    let (done, of) = progress.rows.unwrap_or((progress.position.0, progress.tail.0));
    if progress.rows.is_some() {
        bar.set_message("writing");
    }
    bar.set_length(of);
    bar.set_position(done);
}

/// A bar on a terminal, on stderr; nothing elsewhere.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(what: &'static str) -> Self {
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
