use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use stele_core::id::BackendName;

use super::Auth;

/// `stele dev`
#[derive(Debug, Args)]
pub struct Dev {
    /// Where the cell keeps its data
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// Where the API listens
    #[arg(long, default_value = "127.0.0.1:8776", value_name = "ADDR")]
    pub http: SocketAddr,
    /// The port of nats-server on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 4222, value_name = "PORT")]
    pub nats_port: u16,
    /// What the volumes are made of
    #[arg(long, default_value = "file", value_name = "DRIVER")]
    pub driver: DriverKind,
    /// How many backends
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub backends: u16,
    /// The volume group of the lvm driver
    #[arg(long, default_value = "cinder-volumes", value_name = "VG")]
    pub volume_group: String,
    /// How hosts reach volumes of the lvm driver
    #[command(flatten)]
    pub export: Exporting,
    /// How many positions of the log back the API can be asked for the past; 0 for none [default: 2000000]
    #[arg(long, value_name = "POSITIONS")]
    pub history: Option<u64>,
    /// Whom the API answers; without any of this, everybody on this machine
    #[command(flatten)]
    pub auth: Auth,
}

/// How hosts reach volumes of the lvm driver.
#[derive(Debug, Clone, Args)]
pub struct Exporting {
    /// What exports volumes over iSCSI; without it only programs of this machine reach them, by their paths
    #[arg(long, value_name = "TARGET")]
    pub target: Option<Exporter>,
    /// Where targets listen; several for several paths
    #[arg(long = "portal", value_name = "ADDR", default_value = "127.0.0.1:3260", value_delimiter = ',')]
    pub portals: Vec<SocketAddr>,
    /// The file with the key of the CHAP secrets; the same for all workers and APIs of a cell
    #[arg(long, value_name = "FILE")]
    pub chap_key_file: Option<PathBuf>,
}

/// What exports volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Exporter {
    /// The kernel's own target.
    Lio,
    /// tgtd.
    Tgt,
}

/// The kinds of storage that `stele dev` offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DriverKind {
    /// Sparse files in the data folder.
    File,
    /// Nothing; for measuring.
    Null,
    /// A volume group.
    Lvm,
}

/// `stele control`
#[derive(Debug, Args)]
pub struct Control {
    /// Its own folder, for the journal
    #[arg(long, default_value = "data/control", value_name = "DIR")]
    pub data: PathBuf,
    /// How long the leader may be silent before this one takes over
    #[arg(long, default_value_t = 1500, value_name = "MS")]
    pub claim_after_ms: u64,
    /// The server writes every record to disk before it acknowledges (`sync_interval: always`), so the journal need not
    #[arg(long)]
    pub server_syncs: bool,
    /// Run on servers that are only fit with care
    #[arg(long)]
    pub force: bool,
    /// Copies of each stream, for a NATS cluster
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub replicas: u8,
    /// How long a dispatched task may be silent before it is given up
    #[arg(long, value_name = "MS")]
    pub task_deadline_ms: Option<u64>,
}

/// `stele api`
#[derive(Debug, Args)]
pub struct Api {
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:8776", value_name = "ADDR")]
    pub http: SocketAddr,
    /// Where its projection is kept
    #[arg(long, default_value = "data/api", value_name = "DIR")]
    pub data: PathBuf,
    /// The file with the key of the CHAP secrets; the same for all workers and APIs of a cell
    #[arg(long, value_name = "FILE")]
    pub chap_key_file: Option<PathBuf>,
    /// How many positions of the log back it can be asked for the past; 0 for none [default: 2000000]
    #[arg(long, value_name = "POSITIONS")]
    pub history: Option<u64>,
    /// Whom it answers
    #[command(flatten)]
    pub auth: Auth,
}

/// `stele worker`
#[derive(Debug, Args)]
pub struct Worker {
    /// The backend, host@backend, when there is none in the settings file
    #[arg(long, value_name = "HOST@BACKEND")]
    pub backend: Option<BackendName>,
    /// What its volumes are made of
    #[arg(long, default_value = "file", value_name = "DRIVER")]
    pub driver: DriverKind,
    /// The folder of the file driver
    #[arg(long, default_value = "data/volumes", value_name = "DIR")]
    pub dir: PathBuf,
    /// The volume group of the lvm driver
    #[arg(long, default_value = "cinder-volumes", value_name = "VG")]
    pub volume_group: String,
    /// How hosts reach volumes of the lvm driver
    #[command(flatten)]
    pub export: Exporting,
    /// How long the null driver takes for each step
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub delay_ms: u64,
    /// One of so many dispatches fails in the null driver; 0 for none
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub fail_every: u64,
    /// How long a task may be in a silent worker's hands before another worker gets it
    #[arg(long, default_value_t = 30_000, value_name = "MS")]
    pub ack_wait_ms: u64,
}
