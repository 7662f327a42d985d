//! One command of a plan.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use stele_core::command::{COMMAND_VERSION, Incoming, Source, is_admin_only, parse};
use stele_core::id::{ADMIN_PROJECT, CommandId};
use stele_core::refusal::{Refusal, RefusalCode};
use uuid::Uuid;

/// Ids of commands that a plan makes are derived from this and from what the command says.
const NAMESPACE: Uuid = Uuid::from_u128(0x7cb1_30a5_0d6e_5f0b_9a4e_c14d_e250_57e1);

/// Which part of the way a command belongs to. A part begins when the one before it has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Types and what belongs to them.
    Catalogue,
    /// Limits that hold while it is adopted.
    Limits,
    /// Volumes.
    Volumes,
    /// What a volume is given once it is there.
    Details,
    /// Groups.
    Groups,
    /// Which volumes belong to them.
    Members,
    /// Snapshots.
    Snapshots,
    /// Attachments: of each volume the first.
    Attachments,
    /// Those that are in use, so that further ones are taken.
    InUse,
    /// Further attachments.
    Further,
    /// Limits that were lifted are given up,
    Closing,
    /// and set as they were.
    Closed,
}

/// What a command is about, by Cinder's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum About {
    /// A volume that a worker takes over.
    Volume {
        /// The volume.
        id: Uuid,
        /// What it has in Cinder.
        size_gib: i64,
    },
    /// A snapshot that a worker takes over.
    Snapshot {
        /// The snapshot.
        id: Uuid,
    },
    /// What a volume is given that is there.
    DetailsOf {
        /// The volume.
        id: Uuid,
    },
    /// All else is done when it is accepted.
    Other,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// When it is sent.
    pub stage: Stage,
    /// What it is about.
    pub about: About,
    /// What it is, for people.
    pub what: String,
    /// The project of its subject.
    pub project: String,
    /// The resource of its subject.
    pub resource: &'static str,
    /// The verb of its subject.
    pub verb: &'static str,
    /// Who is said to ask: whoever had it made in Cinder.
    pub user: String,
    /// What is asked for.
    pub content: Value,
}

impl Step {
    /// A command about what belongs to `project`; on the subjects of `admin` where only these carry it.
    pub(super) fn new(
        stage: Stage,
        project: &str,
        (resource, verb): (&'static str, &'static str),
        content: Value,
    ) -> Self {
        let project = if is_admin_only(resource, verb) { ADMIN_PROJECT } else { project };
        let what = format!("{resource}.{verb}");
        let user = "cinder".to_owned();
        Self { stage, about: About::Other, what, project: project.to_owned(), resource, verb, user, content }
    }

    pub(super) fn about(self, about: About, what: String) -> Self {
        Self { about, what, ..self }
    }

    pub(super) fn by(self, user: &str) -> Self {
        Self { user: if user.is_empty() { self.user } else { user.to_owned() }, ..self }
    }

    /// The subject on which it is asked.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("stele.ask.{}.{}.{}", self.project, self.resource, self.verb)
    }

    /// Its body. The id is made of what the command says, and of `again`, which is 0 unless an earlier try of the same is
    /// done with: so whoever says it again says the same.
    #[must_use]
    pub fn body(&self, again: u64) -> Value {
        let said = format!("{} {} {} {again}", self.subject(), self.user, self.content);
        let mut body = json!({
            "v": COMMAND_VERSION,
            "id": Uuid::new_v5(&NAMESPACE, said.as_bytes()),
            "actor": {"user": self.user},
        });
        body[self.resource] = self.content.clone();
        body
    }

    /// Asks the parser of a cell.
    pub(super) fn understood(&self) -> Result<(), Box<Refusal>> {
        let incoming = Incoming {
            subject: self.subject(),
            payload: Bytes::from(self.body(0).to_string()),
            source: Source::Ask,
            fallback_id: CommandId(NAMESPACE),
        };
        parse(&incoming).command.map(|_| ()).map_err(Box::new)
    }

    /// Whether this refusal says that it was done before.
    #[must_use]
    pub fn is_done(&self, code: &str, message: &str) -> bool {
        const EXIST: &[RefusalCode] = &[
            RefusalCode::VolumeTypeExists,
            RefusalCode::TypeAccessExists,
            RefusalCode::EncryptionExists,
            RefusalCode::QosExists,
            RefusalCode::GroupTypeExists,
            RefusalCode::GroupExists,
            RefusalCode::AttachmentExists,
        ];
        let exists = EXIST.iter().any(|exists| exists.as_str() == code);
        // A group to which nothing is added that it has not.
        let nothing_new = (self.resource, self.verb) == ("group", "update") && message.contains("no valid name");
        exists || nothing_new
    }
}
