//! `stele attach` and `stele detach`: a volume as a block device of this machine.
//!
//! An attachment of this machine to a volume has an id that follows from both, so whoever repeats a command after a
//! crash goes on where it stopped. The secrets come from the API, which derives them; writes go over NATS like all
//! others.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use stele_core::id::{AttachmentId, VolumeId};
use stele_core::unit::Position;
use stele_projections::view::{AttachmentList, AttachmentView};
use stele_workers::initiator::{Initiator, MULTIPATH, Paths, Secret, connector};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::output::{json, line};
use super::{Session, volume};
use crate::args::{Attach, Detach};
use crate::failure::Failure;
use crate::role::control::host_name;

/// How long a storage node may take to export a volume, or to take that back.
const WITHIN: Duration = Duration::from_secs(180);

const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn attach(session: &Session, args: &Attach) -> Result<(), Failure> {
    let id = volume::find(session, &args.volume).await?;
    let this = attachment_of(id);
    let connector = connector(&host_name(), args.multipath).map_err(host_failed)?;
    let initiator = Initiator::default();
    if args.multipath {
        initiator.check_multipath().await.map_err(host_failed)?;
    }
    let connection = session.connection().await?;
    let mode = if args.read_only { "ro" } else { "rw" };
    let wish = json!({"id": this, "volume": id, "connector": connector, "mode": mode});
    let position = match session.command(&connection, "attachment", "create", wish).await {
        Ok(accepted) => accepted.position,
        // From a call before this one: its export is made again if it is not there.
        Err(failure) if failure.code == "AttachmentExists" => {
            let again = json!({"id": this, "connector": connector, "mode": mode});
            session.command(&connection, "attachment", "update", again).await?.position
        }
        Err(failure) => return Err(failure),
    };
    let found = at_rest(session, id, this, position).await?.ok_or_else(|| ended(this))?;
    if found.driver_volume_type.is_none() || found.status.starts_with("error") {
        let why = found.reason.unwrap_or_else(|| format!("it is {}", found.status));
        // What cannot be used is not left in the way of the next try.
        session.command(&connection, "attachment", "delete", json!({"id": this})).await.ok();
        let remedy = format!("`stele volume show {id}` tells what the storage node did");
        return Err(Failure::new("ConnectFailed", format!("volume {id} could not be exported: {why}"), remedy));
    }
    let device = match reach(session, this).await? {
        Way::Path(path) => path,
        Way::Iscsi(paths) => initiator.attach(&paths, args.multipath).await.map_err(host_failed)?,
    };
    let completed = session.command(&connection, "attachment", "complete", json!({"id": this})).await?;
    at_rest(session, id, this, completed.position).await?;
    if session.json {
        return json(&json!({"device": device, "attachment_id": this, "volume_id": id}));
    }
    line(&device.display().to_string());
    Ok(())
}

pub(super) async fn detach(session: &Session, args: &Detach) -> Result<(), Failure> {
    let id = volume::find(session, &args.volume).await?;
    let this = attachment_of(id);
    let Some(found) = look(session, id, this, Position(0)).await? else {
        if session.json {
            return json(&json!({"volume_id": id, "attached": false}));
        }
        line(&format!("volume {id} is not attached to this machine"));
        return Ok(());
    };
    if found.driver_volume_type.is_some()
        && let Way::Iscsi(paths) = reach(session, this).await?
    {
        Initiator::default().detach(&paths, args.force).await.map_err(host_failed)?;
    }
    let connection = session.connection().await?;
    let deleted = match session.command(&connection, "attachment", "delete", json!({"id": this})).await {
        Ok(accepted) => accepted.position,
        Err(failure) if failure.code == "AttachmentNotFound" => Position(0),
        Err(failure) => return Err(failure),
    };
    if let Some(left) = at_rest(session, id, this, deleted).await? {
        let why = left.reason.unwrap_or_else(|| format!("it is {}", left.status));
        let remedy = "this machine has let go of it; say it again when the storage node answers";
        return Err(Failure::new("DisconnectFailed", format!("volume {id} is still exported: {why}"), remedy));
    }
    if session.json {
        return json(&json!({"volume_id": id, "attached": false}));
    }
    line(&format!("volume {id} is detached"));
    Ok(())
}

/// The id of this machine's attachment to a volume.
fn attachment_of(volume: VolumeId) -> AttachmentId {
    AttachmentId(Uuid::new_v5(&volume.0, format!("stele attach {}", host_name()).as_bytes()))
}

/// How the volume is reached.
enum Way {
    Iscsi(Paths),
    /// It is on this machine.
    Path(PathBuf),
}

#[derive(Deserialize)]
struct One {
    attachment: Shown,
}

#[derive(Deserialize)]
struct Shown {
    connection_info: Info,
}

/// What os-brick would be told.
#[derive(Deserialize)]
struct Info {
    driver_volume_type: String,
    device_path: Option<PathBuf>,
    target_iqn: Option<String>,
    #[serde(default)]
    target_portals: Vec<String>,
    target_lun: Option<u64>,
    auth_username: Option<String>,
    auth_password: Option<String>,
}

async fn reach(session: &Session, attachment: AttachmentId) -> Result<Way, Failure> {
    let One { attachment } = session.api.cinder(session.project(), &format!("attachments/{attachment}")).await?;
    let info = attachment.connection_info;
    let unusable = |what: &str| {
        let remedy = "attach it with the tool that knows its kind";
        Failure::new("NotForThisHost", format!("the volume is reached by {}: {what}", info.driver_volume_type), remedy)
    };
    match info.driver_volume_type.as_str() {
        "local" => info.device_path.clone().map(Way::Path).ok_or_else(|| unusable("no path")),
        "iscsi" => {
            let (Some(iqn), Some(lun), Some(username)) = (&info.target_iqn, info.target_lun, &info.auth_username)
            else {
                return Err(unusable("no target"));
            };
            let password = info.auth_password.clone().ok_or_else(|| {
                let remedy = "start the API with the --chap-key-file that the workers have";
                Failure::new("NoPassword", "the API does not know what this host logs in with", remedy)
            })?;
            Ok(Way::Iscsi(Paths {
                iqn: iqn.clone(),
                portals: info.target_portals.clone(),
                lun,
                username: username.clone(),
                password: Secret(password),
            }))
        }
        _ => Err(unusable("nothing that this command can use")),
    }
}

/// The attachment once no flow is at work on it; `None` when it is gone.
async fn at_rest(
    session: &Session,
    volume: VolumeId,
    attachment: AttachmentId,
    since: Position,
) -> Result<Option<AttachmentView>, Failure> {
    let spinner = crate::progress::spinner(format!("attachment {attachment}"));
    let until = Instant::now() + WITHIN;
    loop {
        let found = look(session, volume, attachment, since).await?;
        if found.as_ref().is_none_or(|found| found.flow_id.is_none()) {
            return Ok(found);
        }
        if Instant::now() >= until {
            let what = format!("attachment {attachment} is still underway after {} s", WITHIN.as_secs());
            return Err(Failure::new("WaitTimeout", what, "it goes on; say it again"));
        }
        spinner.tick();
        sleep(LOOK_EVERY).await;
    }
}

async fn look(
    session: &Session,
    volume: VolumeId,
    attachment: AttachmentId,
    since: Position,
) -> Result<Option<AttachmentView>, Failure> {
    let query = [("volume", volume.to_string())];
    let list: AttachmentList = session.api.get("/v1/attachments", &query, Some(since)).await?;
    Ok(list.attachments.into_iter().find(|found| found.id == attachment))
}

fn ended(attachment: AttachmentId) -> Failure {
    Failure::new("AttachmentEnded", format!("attachment {attachment} was ended by somebody else"), "say it again")
}

/// What this machine could not do.
#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn host_failed(failure: stele_core::task::Failure) -> Failure {
    let stderr = failure.stderr.trim();
    let more = if stderr.is_empty() { String::new() } else { format!(": {stderr}") };
    let remedy = match failure.kind {
        stele_core::task::FailureKind::Busy => "unmount it, or say --force and lose what was not written",
        stele_core::task::FailureKind::ToolUnavailable if failure.step == MULTIPATH => {
            "start multipathd, or leave --multipath out and use one path"
        }
        stele_core::task::FailureKind::ToolUnavailable => "install open-iscsi, and run this as root",
        _ => "see this machine's log, and that of its iscsid",
    };
    Failure::new("HostFailed", format!("{}{more}", failure.message), remedy)
}
