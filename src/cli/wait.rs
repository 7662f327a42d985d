//! Waiting until a volume has come to rest, with a spinner on a terminal.

use std::time::Duration;

use stele_core::id::VolumeId;
use stele_core::unit::Position;
use stele_projections::view::VolumeView;
use tokio::time::{Instant, sleep};

use super::{Api, Session};
use crate::args::Wait;
use crate::failure::Failure;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits until no flow is at work on the volume. `None` when it is gone.
///
/// # Errors
/// `WaitTimeout` when that takes too long; the flow goes on all the same.
pub(super) async fn until_at_rest(
    session: &Session,
    id: VolumeId,
    since: Position,
    wait: Wait,
) -> Result<Option<VolumeView>, Failure> {
    let spinner = crate::progress::spinner(format!("volume {id}"));
    let deadline = Instant::now() + Duration::from_secs(wait.timeout);
    loop {
        let Some(volume) = look(&session.api, id, since).await? else { return Ok(None) };
        if volume.flow_id.is_none() {
            return Ok(Some(volume));
        }
        spinner.set_message(format!("volume {id} is {}", volume.status));
        if Instant::now() >= deadline {
            return Err(Failure::new(
                "WaitTimeout",
                format!("volume {id} is still {} after {} s", volume.status, wait.timeout),
                format!("it goes on; look again with `stele volume show {id}`"),
            ));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// The volume at or after a position; `None` when there is none.
pub(super) async fn look(api: &Api, id: VolumeId, since: Position) -> Result<Option<VolumeView>, Failure> {
    match api.get::<VolumeView>(&format!("/v1/volumes/{id}"), &[], Some(since)).await {
        Ok(volume) => Ok(Some(volume)),
        Err(failure) if failure.code == "VolumeNotFound" => Ok(None),
        Err(failure) => Err(failure),
    }
}
