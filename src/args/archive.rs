use std::path::PathBuf;

use clap::Args;
use stele_core::unit::Position;
use stele_replay::archive::KEEP_DEFAULT;

/// `stele replay archive`
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    /// The archive: a folder that gets one more file with each run [default: that of --archive]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// The last position that leaves the stream [default: as far as --keep allows]
    #[arg(long, value_name = "POS")]
    pub until: Option<Position>,
    /// How many positions stay in the stream at least: no control, standby or API may be as far behind
    #[arg(long, default_value_t = KEEP_DEFAULT, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub keep: u64,
    /// Sign the head and the state there with this key, as `stele replay checkpoint` does
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Purge the stream without asking
    #[arg(long)]
    pub yes: bool,
}
