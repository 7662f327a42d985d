use std::time::Duration;

use stele_core::id::AttachmentId;
use stele_core::state::{Attachment, AttachmentStatus};

use crate::v3::context::Context;
use crate::v3::fault::Fault;

/// How long a storage node has to export a volume or to take an export away; Cinder's `rpc_response_timeout`.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of an attachment once nobody is at work at it any more.
#[derive(Debug)]
pub(super) enum Settled {
    /// It is there, as it shall be.
    Stands,
    /// It is there, and what it was asked for could not be done; why.
    Failed(String),
    /// It is gone.
    Gone,
}

/// Waits until no flow is at work at an attachment.
pub(super) async fn settled(context: &Context, id: AttachmentId) -> Result<Settled, Fault> {
    let look = move |_: &Context, snapshot: &crate::reader::Snapshot| {
        Ok(snapshot.find::<Attachment>(&id)?.map_or(Some(Settled::Gone), |found| state(&found)))
    };
    let settled = context.wait(PATIENCE, look).await?;
    settled.ok_or_else(|| {
        Fault::unavailable("The storage node did not answer in time. It may still do what was asked: look again.")
    })
}

fn state(attachment: &Attachment) -> Option<Settled> {
    match attachment.status {
        AttachmentStatus::Connecting { .. }
        | AttachmentStatus::Detaching { .. }
        | AttachmentStatus::Disconnecting { .. } => None,
        AttachmentStatus::ErrorAttaching | AttachmentStatus::ErrorDetaching => {
            Some(Settled::Failed(attachment.reason.clone().unwrap_or_else(|| "no reason is known".to_owned())))
        }
        AttachmentStatus::Reserved | AttachmentStatus::Attaching | AttachmentStatus::Attached => Some(Settled::Stands),
    }
}
