use std::path::PathBuf;

use clap::Args;
use stele_core::unit::Position;

/// `stele replay export`
#[derive(Debug, Args)]
pub struct Export {
    /// The file; it grows as FILE.part, and an export that was cut short goes on there
    #[arg(value_name = "EXPORT")]
    pub path: PathBuf,
    /// The first position
    #[arg(long, default_value = "1", value_name = "POS")]
    pub from: Position,
    /// The last position [default: the end of the log]
    #[arg(long, value_name = "POS")]
    pub to: Option<Position>,
    /// Replace a file that is there already, whatever it is
    #[arg(long)]
    pub force: bool,
}

/// `stele replay import`
#[derive(Debug, Args)]
pub struct Import {
    /// The export, or an archive of `stele replay archive`
    #[arg(value_name = "EXPORT")]
    pub path: PathBuf,
    /// Copies of each stream that has to be made, for a NATS cluster
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub replicas: u8,
    /// The server writes every record to disk before it acknowledges (`sync_interval: always`)
    #[arg(long)]
    pub server_syncs: bool,
    /// Run on servers that are only fit with care
    #[arg(long)]
    pub force: bool,
}
