//! Commands: what somebody wants, checked for form but not yet decided.
//!
//! A command comes as a subject and a JSON body (`docs/commands.md`), as a worker's report, or from control's own
//! clock. [`parse`] turns it into a [`Command`]; [`crate::decide`] turns that into events or a refusal.

mod parse;
mod quota;
mod service;
mod text;
mod volume;
mod volume_type;

pub use parse::{COMMAND_BYTES_MAX, Incoming, Parsed, RESOURCES, Source, parse};
pub use quota::QuotaSet;
pub use service::{ServiceChange, ServiceSet};
pub use volume::{VolumeCreate, VolumeDelete, VolumeExtend, VolumeUpdate};
pub use volume_type::{TypeCreate, TypeDelete, TypeUpdate};

use serde::{Deserialize, Serialize};

use crate::id::{FlowId, ProjectId};
use crate::task::Report;

/// The version of the JSON of commands.
pub const COMMAND_VERSION: u32 = 1;

/// Who asks, as the sender's side says it. Rights come from the subject, not from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Actor {
    /// The user's name or id.
    pub user: String,
    /// The user's project; must be the subject's project when given.
    pub project: Option<ProjectId>,
    /// The user's roles.
    pub roles: Vec<String>,
    /// The request id of the client (`req-...`), which ties a command to the client's own logs.
    pub request_id: Option<String>,
}

/// A command whose form is right.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Make a volume.
    VolumeCreate(VolumeCreate),
    /// Remove a volume.
    VolumeDelete(VolumeDelete),
    /// Grow a volume.
    VolumeExtend(VolumeExtend),
    /// Change a volume's name, description or metadata.
    VolumeUpdate(VolumeUpdate),
    /// Enable, disable, freeze or thaw a backend.
    ServiceSet(ServiceSet),
    /// Change a project's quota.
    QuotaSet(QuotaSet),
    /// Make a volume type.
    TypeCreate(TypeCreate),
    /// Change a volume type.
    TypeUpdate(TypeUpdate),
    /// Remove a volume type.
    TypeDelete(TypeDelete),
    /// A worker's report.
    Report(Box<Report>),
    /// Control's clock: the deadline of this flow's task has passed.
    DeadlinePassed(DeadlinePassed),
}

/// What control's clock says when a task's deadline passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlinePassed {
    /// The flow whose task is late.
    pub flow: FlowId,
    /// The dispatch that is late; when another one is under way meanwhile, nothing happens.
    pub dispatch: u32,
}
