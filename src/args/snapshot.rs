use clap::{Args, Subcommand};
use stele_core::id::{SnapshotId, SourceName};

use super::client::{At, Wait, pair};

/// `stele snapshot`
#[derive(Debug, Subcommand)]
pub enum Snapshot {
    /// Take a snapshot of a volume
    Create(SnapshotCreate),
    /// List snapshots
    List(SnapshotList),
    /// Show a snapshot
    Show {
        /// The snapshot's id or name
        snapshot: String,
        /// The moment
        #[command(flatten)]
        at: At,
    },
    /// Remove snapshots
    Delete {
        /// The snapshots' ids or names
        #[arg(required = true)]
        snapshots: Vec<String>,
        /// How to wait
        #[command(flatten)]
        wait: Wait,
    },
    /// Take over what somebody else made on the storage as a snapshot of a volume
    Manage(SnapshotManage),
    /// Give a snapshot up; its data stay where they are
    Unmanage {
        /// The snapshot's id or name
        snapshot: String,
        /// How to wait
        #[command(flatten)]
        wait: Wait,
    },
}

/// `stele snapshot manage`
#[derive(Debug, Args)]
pub struct SnapshotManage {
    /// The volume, by id or name
    pub volume: String,
    /// What it is called on the volume's pool, such as the LV's name
    pub source_name: SourceName,
    /// Its name
    #[arg(long, default_value = "")]
    pub name: String,
    /// What it is for
    #[arg(long, default_value = "")]
    pub description: String,
    /// Its metadata, KEY=VALUE
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub metadata: Vec<(String, String)>,
    /// How to wait
    #[command(flatten)]
    pub wait: Wait,
}

/// `stele snapshot create`
#[derive(Debug, Args)]
pub struct SnapshotCreate {
    /// The volume, by id or name
    pub volume: String,
    /// Its name
    #[arg(long, default_value = "")]
    pub name: String,
    /// What it is for
    #[arg(long, default_value = "")]
    pub description: String,
    /// Its metadata, KEY=VALUE
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub metadata: Vec<(String, String)>,
    /// Also while the volume is in use: what its host has not written yet is not in it
    #[arg(long)]
    pub force: bool,
    /// The id that it shall have
    #[arg(long)]
    pub id: Option<SnapshotId>,
    /// How to wait
    #[command(flatten)]
    pub wait: Wait,
}

/// `stele snapshot list`
#[derive(Debug, Args)]
pub struct SnapshotList {
    /// All projects' snapshots
    #[arg(long)]
    pub all_projects: bool,
    /// Only those of this volume, by id or name
    #[arg(long)]
    pub volume: Option<String>,
    /// Only those of this name
    #[arg(long)]
    pub name: Option<String>,
    /// At most so many
    #[arg(long)]
    pub limit: Option<u32>,
    /// Behind this snapshot
    #[arg(long)]
    pub marker: Option<SnapshotId>,
    /// The moment
    #[command(flatten)]
    pub at: At,
}
