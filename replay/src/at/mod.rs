//! The state as it was at a moment, folded from the first record up to it.

mod hanging;
mod view;

use std::io::{self, Write};
use std::str::FromStr;

use serde::Serialize;
use stele_core::fold::FoldError;
use stele_core::moment::Moment;
use stele_core::port::Log;
use stele_core::state::State;
use stele_core::unit::{Position, Timestamp};

pub use hanging::{AttachmentRow, GroupRow, SnapshotRow, TransferRow};
pub use view::{FlowRow, PoolRow, QuotaRow, ServiceRow, TypeRow, VolumeRow};

use crate::ahead::Ahead;
use crate::fold::Follower;
use crate::progress::Progress;
use crate::source::{Source, SourceError};
use crate::table::Table;

/// Why the state at a moment cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AtError {
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The log cannot be understood up to there; `verify` says what is wrong.
    #[error(transparent)]
    Fold(#[from] FoldError),
}

/// What of a state is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The volumes.
    Volumes,
    /// Use and limits of every project that has either.
    Quota,
    /// The pools.
    Pools,
    /// The backends.
    Services,
    /// The volume types.
    Types,
    /// The open flows.
    Flows,
    /// The snapshots.
    Snapshots,
    /// The attachments.
    Attachments,
    /// The groups, with what belongs to them.
    Groups,
    /// The transfers that nobody has accepted.
    Transfers,
}

/// A word that names none of the views.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of volumes, quota, pools, services, types, flows, snapshots, attachments, groups, transfers")]
pub struct UnknownView(String);

impl FromStr for Which {
    type Err = UnknownView;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "volumes" => Self::Volumes,
            "quota" => Self::Quota,
            "pools" => Self::Pools,
            "services" => Self::Services,
            "types" => Self::Types,
            "flows" => Self::Flows,
            "snapshots" => Self::Snapshots,
            "attachments" => Self::Attachments,
            "groups" => Self::Groups,
            "transfers" => Self::Transfers,
            other => return Err(UnknownView(other.chars().take(64).collect())),
        })
    }
}

/// The state at a moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The last record that it contains; 0 before the first.
    pub position: Position,
    /// When that record was written.
    pub at: Timestamp,
    /// The state itself.
    pub state: State,
    /// The moment at which services are up or down: the time that was asked for, else that of the record.
    pub seen_at: Timestamp,
}

/// One view of a snapshot, as data.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// See [`Which::Volumes`].
    Volumes(Vec<VolumeRow>),
    /// See [`Which::Quota`].
    Quota(Vec<QuotaRow>),
    /// See [`Which::Pools`].
    Pools(Vec<PoolRow>),
    /// See [`Which::Services`].
    Services(Vec<ServiceRow>),
    /// See [`Which::Types`].
    Types(Vec<TypeRow>),
    /// See [`Which::Flows`].
    Flows(Vec<FlowRow>),
    /// See [`Which::Snapshots`].
    Snapshots(Vec<SnapshotRow>),
    /// See [`Which::Attachments`].
    Attachments(Vec<AttachmentRow>),
    /// See [`Which::Groups`].
    Groups(Vec<GroupRow>),
    /// See [`Which::Transfers`].
    Transfers(Vec<TransferRow>),
}

/// The answer for programs: `{"position":…,"at":…,"volumes":[…]}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The last record that it contains.
    pub position: Position,
    /// When that record was written.
    pub at: Timestamp,
    /// What was asked for, under its name.
    #[serde(flatten)]
    pub view: View,
}

/// Folds the log up to a moment.
///
/// At a time it is the state behind the last record that was written at or before it.
///
/// # Errors
/// [`AtError`]; a position that is not there yet is one, a time before the first record is not.
pub async fn at<L: Log>(log: &L, moment: Moment, progress: &mut dyn Progress) -> Result<Snapshot, AtError> {
    let until = match moment {
        Moment::Position(position) => Some(position),
        Moment::Time(_) | Moment::Head => None,
    };
    let mut source = Ahead::of(Source::open(log, until, progress).await?);
    let mut follower = Follower::default();
    'reading: loop {
        let messages = source.batch().await?;
        if messages.is_empty() {
            break;
        }
        progress.advance(messages.len() as u64);
        for message in messages {
            let position = message.entry.position;
            let Some((record, hash)) = follower.read(message)? else { continue };
            if matches!(moment, Moment::Time(time) if record.head.at > time) {
                break 'reading;
            }
            follower.apply(position, &record, hash)?;
        }
    }
    progress.finish();
    let Follower { state, chain, .. } = follower;
    let seen_at = if let Moment::Time(time) = moment { time } else { chain.at };
    Ok(Snapshot { position: chain.position, at: chain.at, state, seen_at })
}

impl Snapshot {
    /// One of its views.
    #[must_use]
    pub fn view(&self, which: Which) -> View {
        match which {
            Which::Volumes => View::Volumes(view::volumes(&self.state)),
            Which::Quota => View::Quota(view::quota(&self.state)),
            Which::Pools => View::Pools(view::pools(&self.state)),
            Which::Services => View::Services(view::services(&self.state, self.seen_at)),
            Which::Types => View::Types(view::types(&self.state)),
            Which::Flows => View::Flows(view::flows(&self.state)),
            Which::Snapshots => View::Snapshots(hanging::snapshots(&self.state)),
            Which::Attachments => View::Attachments(hanging::attachments(&self.state)),
            Which::Groups => View::Groups(hanging::groups(&self.state)),
            Which::Transfers => View::Transfers(hanging::transfers(&self.state)),
        }
    }

    /// One of its views with where it is from.
    #[must_use]
    pub fn answer(&self, which: Which) -> Answer {
        Answer { position: self.position, at: self.at, view: self.view(which) }
    }

    /// Writes one of its views for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, which: Which, out: &mut dyn Write) -> io::Result<()> {
        match self.position {
            Position(0) => writeln!(out, "before the first record")?,
            position => writeln!(out, "at position {position}, written {}", self.at)?,
        }
        let table = self.view(which).table();
        if table.is_empty() { writeln!(out, "nothing") } else { table.render(out) }
    }
}

impl View {
    /// The view as columns.
    #[must_use]
    pub fn table(&self) -> Table {
        match self {
            Self::Volumes(rows) => view::volume_table(rows),
            Self::Quota(rows) => view::quota_table(rows),
            Self::Pools(rows) => view::pool_table(rows),
            Self::Services(rows) => view::service_table(rows),
            Self::Types(rows) => view::type_table(rows),
            Self::Flows(rows) => view::flow_table(rows),
            Self::Snapshots(rows) => hanging::snapshot_table(rows),
            Self::Attachments(rows) => hanging::attachment_table(rows),
            Self::Groups(rows) => hanging::group_table(rows),
            Self::Transfers(rows) => hanging::transfer_table(rows),
        }
    }
}

#[cfg(test)]
mod tests;
