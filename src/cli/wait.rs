//! What a command led to: as it is right after it, or when it has come to rest, with a spinner on a terminal.

use std::fmt::Display;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use stele_core::unit::Position;
use stele_projections::view::{SnapshotView, VolumeView};
use tokio::time::{Instant, sleep};

use super::output::{json, line};
use super::{Api, Session};
use crate::args::Wait;
use crate::client::Accepted;
use crate::failure::Failure;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Something that commands make, change and remove.
pub(super) trait Resource: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What it is called.
    const KIND: &'static str;

    /// Where the API has it.
    const PATH: &'static str;

    /// The API's code for one that does not exist.
    const NOT_FOUND: &'static str;

    fn status(&self) -> &str;

    fn reason(&self) -> Option<&str>;

    /// Whether a flow is at work on it.
    fn is_underway(&self) -> bool;

    fn print(&self);
}

impl Resource for VolumeView {
    const KIND: &'static str = "volume";
    const PATH: &'static str = "/v1/volumes";
    const NOT_FOUND: &'static str = "VolumeNotFound";

    fn status(&self) -> &str {
        &self.status
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    fn is_underway(&self) -> bool {
        self.flow_id.is_some()
    }

    fn print(&self) {
        super::volume::print(self);
    }
}

impl Resource for SnapshotView {
    const KIND: &'static str = "snapshot";
    const PATH: &'static str = "/v1/snapshots";
    const NOT_FOUND: &'static str = "SnapshotNotFound";

    fn status(&self) -> &str {
        &self.status
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    fn is_underway(&self) -> bool {
        self.flow_id.is_some()
    }

    fn print(&self) {
        super::snapshot::print(self);
    }
}

/// Shows something as it is after a command, or when that has come to its end. `wanted` is the status of success.
///
/// # Errors
/// `FlowFailed` when it was waited for and has another status, `WaitTimeout` when that takes too long.
pub(super) async fn after<T: Resource>(
    session: &Session,
    id: impl Display + Serialize,
    accepted: Accepted,
    wait: Wait,
    wanted: &str,
) -> Result<(), Failure> {
    let found: Option<T> = if wait.wait {
        until_at_rest(session, &id, accepted.position, wait).await?
    } else {
        look(&session.api, &id, accepted.position).await?
    };
    // What it is called that it is not there any more, when it was to be gone.
    let gone = if wanted == "available" { "deleted" } else { wanted };
    let Some(found) = found else {
        if session.json {
            return json(&json!({"id": id, "status": gone, "position": accepted.position}));
        }
        line(&format!("{} {id} is {gone}", T::KIND));
        return Ok(());
    };
    if session.json {
        json(&found)?;
    } else {
        found.print();
    }
    if wait.wait && found.status() != wanted {
        let why = found.reason().map_or_else(|| format!("it is {}", found.status()), str::to_owned);
        return Err(Failure::new(
            "FlowFailed",
            format!("{} {id}: {why}", T::KIND),
            format!("`stele {} show {id}` tells more", T::KIND),
        ));
    }
    Ok(())
}

/// Waits until no flow is at work on it. `None` when it is gone.
async fn until_at_rest<T: Resource>(
    session: &Session,
    id: &impl Display,
    since: Position,
    wait: Wait,
) -> Result<Option<T>, Failure> {
    let kind = T::KIND;
    let spinner = crate::progress::spinner(format!("{kind} {id}"));
    let deadline = Instant::now() + Duration::from_secs(wait.timeout);
    loop {
        let Some(found) = look::<T>(&session.api, id, since).await? else { return Ok(None) };
        if !found.is_underway() {
            return Ok(Some(found));
        }
        spinner.set_message(format!("{kind} {id} is {}", found.status()));
        if Instant::now() >= deadline {
            return Err(Failure::new(
                "WaitTimeout",
                format!("{kind} {id} is still {} after {} s", found.status(), wait.timeout),
                format!("it goes on; look again with `stele {kind} show {id}`"),
            ));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// What is known of it at or after a position; `None` when there is none.
pub(super) async fn look<T: Resource>(api: &Api, id: &impl Display, since: Position) -> Result<Option<T>, Failure> {
    match api.get::<T>(&format!("{}/{id}", T::PATH), &[], Some(since)).await {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.code == T::NOT_FOUND => Ok(None),
        Err(failure) => Err(failure),
    }
}
