//! The log's records: one JSON message holds a chain link and one or more commits.
//!
//! ```text
//! record  = version, shard, epoch, writer, index, prev_seq, prev_hash, at, inbox mark, claim?, commits
//! commit  = the command verbatim, who sent it, which way, when, and the events that it led to
//! ```
//!
//! The hash of a record is the SHA-256 of its bytes as stored; it is not in the record but in the next one.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::command::{Actor, Source};
use crate::event::Event;
use crate::id::{
    AttachmentId, CommandId, FlowId, GroupId, GroupSnapshotId, GroupTypeId, ProjectId, QosId, SnapshotId, TransferId,
    VolumeId, WriterId,
};
use crate::refusal::Refusal;
use crate::state::Config;
use crate::unit::{Hash, Position, Timestamp};

/// The version of the record format that this code writes.
pub const RECORD_VERSION: u32 = 1;

/// The most bytes of a message's text that are kept when it is not JSON or too large.
pub const NOISE_CHARS_MAX: usize = 512;

/// Everything of a record but its commits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordHead {
    /// [`RECORD_VERSION`].
    pub v: u32,
    /// The shard; there is one so far.
    pub shard: u32,
    /// Counts the claims of leadership; only the newest epoch's writer appends.
    pub epoch: u64,
    /// Whose record it is.
    pub writer: WriterId,
    /// Counts the valid records, from 1.
    pub index: u64,
    /// The position of the valid record before this one; 0 for the first.
    pub prev_seq: Position,
    /// The hash of the valid record before this one; zeros for the first.
    pub prev_hash: Hash,
    /// When it was written, by the writer's clock; never before the record before it.
    pub at: Timestamp,
    /// Up to where the inbox was taken over.
    pub inbox: InboxMark,
    /// Present in a record that claims leadership.
    pub claim: Option<Claim>,
}

/// How far the inbox was read: together with the commits, so that it is atomic with the decisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxMark {
    /// When the inbox was created; another value means that sequences started again.
    pub created: Timestamp,
    /// The last sequence that was taken over.
    pub sequence: u64,
}

/// A claim of leadership. Its success proves that the claimer had read everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// What the new writer decides by, from here on.
    pub config: Config,
    /// Where it runs; only for people.
    pub host: String,
}

/// A record.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    /// Everything but the commits.
    #[serde(flatten)]
    pub head: RecordHead,
    /// The commits, in order. Empty in most claims.
    pub commits: Vec<Commit>,
}

/// One command and its outcome.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Commit {
    /// The command's id.
    pub id: CommandId,
    /// Whether the sender chose the id.
    pub id_given: bool,
    /// See [`crate::command::Parsed::fingerprint`].
    pub fingerprint: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// Which way it came.
    pub source: Source,
    /// The subject that it came on.
    pub subject: String,
    /// The project of the subject.
    pub project: Option<ProjectId>,
    /// Who asked.
    pub actor: Actor,
    /// What was asked, byte for byte.
    pub command: Verbatim,
    /// What the sender is told that it is about.
    pub subjects: Subjects,
    /// What happened.
    pub events: Vec<Event>,
}

/// What a command was about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subjects {
    /// The volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeId>,
    /// The volume type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_type: Option<crate::id::TypeId>,
    /// The snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotId>,
    /// The attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<AttachmentId>,
    /// The transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferId>,
    /// The group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The group snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_snapshot: Option<GroupSnapshotId>,
    /// The group type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_type: Option<GroupTypeId>,
    /// The QoS specs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qos: Option<QosId>,
    /// The flow that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowId>,
}

/// A message's body as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verbatim {
    /// It was JSON of a bearable size.
    Json(Box<RawValue>),
    /// It was something else: its beginning, its length and its hash.
    Noise {
        /// The first characters, with what is not UTF-8 replaced.
        text: String,
        /// How long it was.
        bytes: usize,
        /// The SHA-256 of all of it.
        sha256: Hash,
    },
}

impl Verbatim {
    /// Keeps a body: whole when it is JSON and not larger than a report can be, else its beginning and hash.
    #[must_use]
    pub fn of(payload: &[u8]) -> Self {
        // Commands are bounded tighter than reports.
        if payload.len() <= crate::task::REPORT_BYTES_MAX
            && let Ok(json) = serde_json::from_slice::<Box<RawValue>>(payload)
        {
            return Self::Json(json);
        }
        let start = &payload[..payload.len().min(NOISE_CHARS_MAX * 4)];
        Self::Noise {
            text: String::from_utf8_lossy(start).chars().take(NOISE_CHARS_MAX).collect(),
            bytes: payload.len(),
            sha256: Hash::of(payload),
        }
    }

    /// The body as text: the JSON, or the beginning of the noise.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Json(json) => json.get(),
            Self::Noise { text, .. } => text,
        }
    }
}

impl PartialEq for Verbatim {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Json(a), Self::Json(b)) => a.get() == b.get(),
            (Self::Noise { sha256: a, .. }, Self::Noise { sha256: b, .. }) => a == b,
            _ => false,
        }
    }
}

/// What the sender of a command is told, once it is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// [`crate::command::COMMAND_VERSION`].
    pub v: u32,
    /// The command's id.
    pub id: CommandId,
    /// The position of the record that holds it; absent when it was not recorded ([`Outcome::unrecorded`]).
    pub position: Option<Position>,
    /// What became of it.
    pub result: OutcomeResult,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeResult {
    /// It was accepted; what it is about.
    Accepted(Subjects),
    /// It was refused.
    Refused(Refusal),
}

impl Outcome {
    /// The outcome that a commit records.
    #[must_use]
    pub fn of(commit: &Commit, position: Position) -> Self {
        let result =
            commit.refusal().map_or(OutcomeResult::Accepted(commit.subjects), |r| OutcomeResult::Refused(r.clone()));
        Self { v: crate::command::COMMAND_VERSION, id: commit.id, position: Some(position), result }
    }

    /// An outcome for a command that is not in the log and will not be.
    #[must_use]
    pub fn unrecorded(id: CommandId, refusal: Refusal) -> Self {
        Self { v: crate::command::COMMAND_VERSION, id, position: None, result: OutcomeResult::Refused(refusal) }
    }

    /// The outcome as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings, numbers and maps with string keys only: serialising cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Commit {
    /// The refusal, when the command was refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self.events.first() {
            Some(Event::RequestRefused(refusal)) => Some(refusal),
            _ => None,
        }
    }
}

/// Puts a record together from its head and commits that are serialised already.
#[must_use]
pub fn assemble(head: &RecordHead, commits: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(head).unwrap_or_default();
    bytes.reserve(commits.iter().map(|commit| commit.len() + 1).sum::<usize>() + 16);
    bytes.pop();
    bytes.extend_from_slice(b",\"commits\":[");
    for (index, commit) in commits.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        bytes.extend_from_slice(commit);
    }
    bytes.extend_from_slice(b"]}");
    bytes
}

#[cfg(test)]
mod tests;
