//! `stele replay quota`: each unit in use, with the event that took it.

use stele_core::id::ProjectId;
use stele_core::port::Log;
use stele_projections::view::{QuotaLine, QuotaSetView};
use stele_replay::quota::{LiveLine, LiveQuota, quota};

use super::Bar;
use crate::cli::Session;
use crate::cli::output::{json, stdout};
use crate::failure::Failure;

/// The proof, compared with what the API says.
pub(super) async fn run_live<L: Log>(session: &Session, log: &L) -> Result<(), Failure> {
    let live = live_quota(session, session.project()).await?;
    run(session, log, Some(live)).await
}

/// The proof, from the log alone or compared with `live`.
pub(super) async fn run<L: Log>(session: &Session, log: &L, live: Option<LiveQuota>) -> Result<(), Failure> {
    let project = session.project();
    let mut progress = Bar::new("counting");
    let proof = quota(log, project.clone(), live, &mut progress).await?;
    if session.json {
        json(&proof)?;
    } else {
        proof.render(&mut stdout())?;
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
