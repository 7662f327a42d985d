//! `stele replay quota --check-cinder` and `stele replay import-cinder`: the way in from OpenStack Cinder.

mod send;

use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use stele_replay::cinder::Estate;
use stele_replay::cinder::check::{CheckOptions, check};
use stele_replay::cinder::plan::{Plan, PlanOptions, plan};

use crate::args::{CheckCinder, ImportCinder, Replay, ReplayArgs};
use crate::cli::Session;
use crate::cli::output::{self, line, stdout};
use crate::clock::now;
use crate::failure::Failure;

/// `None` when it is about something else.
pub(super) async fn run(session: &Session, args: &ReplayArgs) -> Option<Result<(), Failure>> {
    let done = match &args.what {
        Replay::Quota { cinder, .. } => {
            let database = cinder.check_cinder.as_ref()?;
            no_file(args).and_then(|()| check_quota(session, database, cinder))
        }
        Replay::ImportCinder(import) => match no_file(args) {
            Ok(()) => adopt(session, import).await,
            Err(failure) => Err(failure),
        },
        _ => return None,
    };
    Some(done)
}

fn no_file(args: &ReplayArgs) -> Result<(), Failure> {
    if args.file.is_none() {
        return Ok(());
    }
    let what = "a database of Cinder and an export of a log are given at once";
    Err(Failure::new("InvalidArguments", what, "leave --file out"))
}

/// Whoever named a project in his environment may have meant all the same.
fn nothing_of(session: &Session, project: &str) -> Failure {
    let what = format!("Cinder's database has nothing of project {project}");
    let source = &session.settings.project.source;
    let remedy = format!("name a project by its id, or none for all of them; this one comes from {source}");
    Failure::new("NothingKnown", what, remedy)
}

/// The project that somebody named; the default one is nobody's wish.
fn named_project(session: &Session) -> Option<String> {
    let project = &session.settings.project;
    (project.source != "default").then(|| project.value.to_string())
}

fn read(database: &Path) -> Result<Estate, Failure> {
    Estate::read(database).map_err(|error| {
        let failure = Failure::from(error);
        Failure { message: format!("{}: {}", database.display(), failure.message), ..failure }
    })
}

fn check_quota(session: &Session, database: &Path, args: &CheckCinder) -> Result<(), Failure> {
    let estate = read(database)?;
    let project = named_project(session);
    let options = CheckOptions { project, no_snapshot_gib: args.no_snapshot_gb_quota };
    let found = check(&estate, &options, args.as_of.unwrap_or_else(now));
    if session.json {
        output::json(&found)?;
    } else {
        found.render(args.all, &mut stdout())?;
    }
    if let Some(project) = options.project.filter(|_| found.lines.is_empty()) {
        return Err(nothing_of(session, &project));
    }
    if found.ok {
        return Ok(());
    }
    let what = format!("{} of Cinder's {} counters are not what its rows sum to", found.drifted, found.counters);
    let remedy = "`cinder-manage quota sync` sets them right for now; it does not touch expired reservations";
    Err(Failure::new("CinderQuotaDrift", what, remedy))
}

async fn adopt(session: &Session, args: &ImportCinder) -> Result<(), Failure> {
    let estate = read(&args.database)?;
    let options = PlanOptions { project: named_project(session), hosts: args.map_host.clone() };
    let plan = plan(&estate, &options);
    if let Some(project) = options.project.filter(|_| !plan.is_about_projects()) {
        return Err(nothing_of(session, &project));
    }
    if let Some(to) = &args.to {
        write(&plan, to)?;
    }
    if args.dry_run || args.to.is_some() {
        if session.json {
            return output::json(&plan);
        }
        plan.render(&mut stdout())?;
        if let Some(to) = &args.to {
            line(&format!("\n{} commands are in {}", plan.steps.len(), to.display()));
        }
        return Ok(());
    }
    let sent = send::send(session, &plan, Duration::from_secs(args.timeout)).await?;
    if session.json {
        output::json(&json!({"left": plan.left, "counts": plan.counts, "sent": sent}))?;
    } else {
        plan.render_left(&mut stdout())?;
        sent.print();
    }
    if plan.left.is_empty() && sent.failed.is_empty() {
        return Ok(());
    }
    let what = format!("{} were left out, and {} commands failed", plan.left.len(), sent.failed.len());
    let remedy = "each is named above with its reason; what was adopted stays, and the same command goes on from there";
    Err(Failure::new("CinderNotAdopted", what, remedy))
}

/// A file that is there already is somebody's.
fn write(plan: &Plan, to: &Path) -> Result<(), Failure> {
    let failed = |e: std::io::Error| {
        Failure::new("InputOutput", format!("{}: {e}", to.display()), "name a new file that can be written")
    };
    let mut file = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(to).map_err(failed)?);
    plan.write_workload(&mut file).and_then(|()| file.flush()).map_err(failed)?;
    file.get_ref().sync_all().map_err(failed)
}
