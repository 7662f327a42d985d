use std::path::PathBuf;

use clap::Args;
use stele_core::unit::Timestamp;
use stele_replay::cinder::plan::HostMap;

/// What `stele replay quota` can check instead of the log.
#[derive(Debug, Args)]
pub struct CheckCinder {
    /// Check the quota of OpenStack Cinder instead: a SQLite database, or a dump of MariaDB or MySQL (`-`: from a pipe)
    #[arg(long, value_name = "DB", conflicts_with = "log_only")]
    pub check_cinder: Option<PathBuf>,
    /// Cinder runs with no_snapshot_gb_quota: the GiB of snapshots do not count
    #[arg(long, requires = "check_cinder")]
    pub no_snapshot_gb_quota: bool,
    /// The moment for which it is said what is expired and stuck [default: now]
    #[arg(long, requires = "check_cinder", value_name = "TIME")]
    pub as_of: Option<Timestamp>,
    /// Show every counter, not only those that drifted
    #[arg(long, requires = "check_cinder")]
    pub all: bool,
}

/// `stele replay import-cinder`
#[derive(Debug, Args)]
pub struct ImportCinder {
    /// Cinder's database: a SQLite database, or a dump of MariaDB or MySQL (`-`: from a pipe)
    #[arg(value_name = "DB")]
    pub database: PathBuf,
    /// Show what would be adopted, and what not and why
    #[arg(long, conflicts_with = "to")]
    pub dry_run: bool,
    /// Write the commands to this file, one JSON object a line, instead of sending them
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// What a host, HOST@BACKEND or HOST@BACKEND#POOL of Cinder's is called here; may be given several times
    #[arg(long, value_name = "OLD=NEW")]
    pub map_host: Vec<HostMap>,
    /// How long one volume or snapshot is waited for, in seconds
    #[arg(long, default_value_t = 300, value_name = "S")]
    pub timeout: u64,
}
