//! `stele drift`.

use serde_json::json;
use stele_core::unit::Position;
use stele_projections::view::{DriftList, DriftView};
use tokio::time::{Duration, Instant, sleep};

use super::Session;
use super::output::{json, line, or_dash, table};
use crate::args::{Drift, DriftRepair, Wait};
use crate::client::Accepted;
use crate::failure::Failure;

/// How often it is looked whether the workers have answered.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) async fn run(session: &Session, command: &Drift) -> Result<(), Failure> {
    match command {
        Drift::List { at } => list(&session.as_of(at)).await,
        Drift::Scan { backend, wait } => {
            let accepted = session.admin("drift", "scan", json!({"backend": backend})).await?;
            if wait.wait {
                until_looked(session, accepted.position, *wait).await?;
                return list(session).await;
            }
            told(session, "asked", &accepted)
        }
        Drift::Repair(args) => repair(session, args).await,
    }
}

async fn list(session: &Session) -> Result<(), Failure> {
    let list: DriftList = session.api.get("/v1/drifts", &[], None).await?;
    if session.json {
        return json(&list);
    }
    if list.drifts.is_empty() {
        line("the storage is as the log promises");
    } else {
        show(&list.drifts);
    }
    for inventory in &list.inventories {
        let last = inventory.at.map_or_else(|| "never looked at".to_owned(), |at| format!("last looked at {at}"));
        let asked = if inventory.asked.is_some() { ", asked for again" } else { "" };
        line(&format!("{}: {last}{asked}", inventory.pool));
    }
    Ok(())
}

fn show(drifts: &[DriftView]) {
    let row = |drift: &DriftView| {
        vec![
            drift.pool.to_string(),
            drift.object.clone(),
            drift.kind.clone(),
            drift.repair.name().to_owned(),
            or_dash(drift.flow_id.as_ref()),
            drift.reason.clone(),
        ]
    };
    table(&["pool", "object", "kind", "repair", "last try", "reason"], drifts.iter().map(row));
}

async fn repair(session: &Session, args: &DriftRepair) -> Result<(), Failure> {
    if args.object.is_none() && !args.all {
        let remedy = "name an object as `stele drift list` does, or give --all";
        return Err(Failure::new("NothingToDo", "what shall be repaired is not said", remedy));
    }
    if args.dry_run {
        return rehearse(session, args).await;
    }
    let content = json!({"pool": args.pool, "object": args.object, "remove": args.remove});
    let accepted = session.admin("drift", "repair", content).await?;
    told(session, "begun", &accepted)
}

/// What a repair would do: the same choice as control makes, of what is known now. What a flow is at work on at that
/// moment control leaves as well.
async fn rehearse(session: &Session, args: &DriftRepair) -> Result<(), Failure> {
    let list: DriftList = session.api.get("/v1/drifts", &[], None).await?;
    let meant = |drift: &DriftView| {
        args.pool.as_ref().is_none_or(|pool| drift.pool == *pool)
            && args.object.as_ref().is_none_or(|object| drift.object == *object)
    };
    let done = |drift: &DriftView| drift.repair.is_included(args.remove);
    let (would, left): (Vec<_>, Vec<_>) = list.drifts.into_iter().filter(meant).partition(done);
    if session.json {
        return json(&json!({"would_repair": would, "would_leave": left}));
    }
    if !would.is_empty() {
        line("would be repaired:");
        show(&would);
    }
    if !left.is_empty() {
        line("would be left: what only a person can repair, and without --remove what is removed with its data");
        show(&left);
    }
    if would.is_empty() && left.is_empty() {
        line("there is nothing to repair");
    }
    Ok(())
}

fn told(session: &Session, what: &str, accepted: &Accepted) -> Result<(), Failure> {
    if session.json {
        return json(&json!({"position": accepted.position, "flow": accepted.subjects.flow}));
    }
    line(&format!("{what}, recorded at position {}", accepted.position));
    Ok(())
}

/// Waits until no pool has a question open that was asked at or before `asked`.
async fn until_looked(session: &Session, asked: Position, wait: Wait) -> Result<(), Failure> {
    let spinner = crate::progress::spinner("waiting for the workers' next heartbeat".to_owned());
    let deadline = Instant::now() + Duration::from_secs(wait.timeout);
    loop {
        let list: DriftList = session.api.get("/v1/drifts", &[], Some(asked)).await?;
        let open: Vec<String> = list
            .inventories
            .iter()
            .filter(|pool| pool.asked.is_some_and(|at| at <= asked))
            .map(|pool| pool.pool.to_string())
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        spinner.set_message(format!("waiting for {}", open.join(", ")));
        if Instant::now() >= deadline {
            return Err(Failure::new(
                "WaitTimeout",
                format!("no worker has looked at {} within {} s", open.join(", "), wait.timeout),
                "`stele service list` shows whether its worker is alive",
            ));
        }
        sleep(LOOK_EVERY).await;
    }
}
