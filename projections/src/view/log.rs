use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stele_core::digest::{StateDigest, TableDigest};
use stele_core::id::WriterId;
use stele_core::unit::{Hash, Position, Timestamp};

/// `GET /v1/log/head`: the newest record that this projection holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// Where it stands.
    pub position: Position,
    /// The SHA-256 of its bytes.
    pub hash: Hash,
    /// Which record it is, counted from 1.
    pub index: u64,
    /// The epoch of its writer.
    pub epoch: u64,
    /// Its writer.
    pub writer: WriterId,
    /// When it was written.
    pub at: Timestamp,
    /// Up to where the stream was looked at; behind `position` when strays follow it.
    pub seen: Position,
    /// How many messages of the stream were no records.
    pub strays: u64,
}

/// `GET /v1/log/digest`: the canonical digest of the rows as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDigest {
    /// The record up to which they were folded.
    pub position: Position,
    /// Over all tables.
    pub digest: Hash,
    /// By table.
    pub tables: BTreeMap<String, TableDigest>,
}

impl LogDigest {
    /// The digest in the form in which a fold of the log gives it.
    #[must_use]
    pub fn into_digest(self) -> StateDigest {
        StateDigest { digest: self.digest, tables: self.tables }
    }
}

/// `GET /readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// True when the projection has reached the tail that the log had when following began.
    pub ready: bool,
    /// Up to where it has read.
    pub position: Position,
    /// That tail; absent while the log has not answered yet.
    pub target: Option<Position>,
}

/// Every answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorAnswer {
    /// What is wrong.
    pub error: ErrorBody,
}

/// What is wrong, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A stable name.
    pub code: String,
    /// What is wrong, with the values.
    pub message: String,
    /// What would make it work.
    pub remedy: String,
}
