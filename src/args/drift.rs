use clap::{Args, Subcommand};
use stele_core::id::{BackendName, PoolName};

use super::{At, Wait};

/// `stele drift`
#[derive(Debug, Subcommand)]
pub enum Drift {
    /// List what is not as the log promises, and when the pools were looked at
    List {
        /// The moment
        #[command(flatten)]
        at: At,
    },
    /// Have the workers look at their storage now
    Scan {
        /// Only this backend, host@backend
        backend: Option<BackendName>,
        /// How to wait
        #[command(flatten)]
        wait: Wait,
    },
    /// Make it as the log promises
    Repair(DriftRepair),
}

/// `stele drift repair`
#[derive(Debug, Args)]
pub struct DriftRepair {
    /// What to repair, by the name that the list shows
    pub object: Option<String>,
    /// Everything whose repair loses no data
    #[arg(long, conflicts_with = "object")]
    pub all: bool,
    /// Only on this pool, host@backend#pool
    #[arg(long)]
    pub pool: Option<PoolName>,
    /// Also what the repair removes with its data
    #[arg(long)]
    pub remove: bool,
    /// Only show what would be done
    #[arg(long)]
    pub dry_run: bool,
}
