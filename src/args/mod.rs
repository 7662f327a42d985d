//! The command line, as typed. What it comes to, with the environment and the settings file, is [`crate::settings`].

mod archive;
mod auth;
mod cinder;
mod client;
mod drift;
mod export;
mod role;
mod snapshot;
mod tools;
mod what_if;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use stele_core::id::ProjectId;

pub use archive::ArchiveArgs;
pub use auth::{Auth, AuthMethod};
pub use cinder::{CheckCinder, ImportCinder};
pub use client::{
    At, Attach, Detach, Pool, Quota, Service, Type, Volume, VolumeCreate, VolumeList, VolumeManage, Wait,
};
pub use drift::{Drift, DriftRepair};
pub use export::{Export, Import};
pub use role::{Api, Control, Dev, DriverKind, Exporter, Exporting, Worker};
pub use snapshot::{Snapshot, SnapshotCreate, SnapshotList, SnapshotManage};
pub use tools::{
    AtWhat, Bench, BenchAudit, BenchCinder, BenchCreate, Config, ExplainWhat, Replay, ReplayArgs, ShowWhat,
};
pub use what_if::{Play, Speed, WhatIf};

/// An event-sourced block-storage orchestrator.
#[derive(Debug, Parser)]
#[command(name = "stele", version, about, disable_help_subcommand = true)]
pub struct Cli {
    /// What is the same for all commands.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// NATS servers, separated by commas [default: nats://127.0.0.1:4222]
    #[arg(long, global = true, env = "STELE_NATS", value_name = "URL")]
    pub nats: Option<String>,
    /// The API's address [default: http://127.0.0.1:8776]
    #[arg(long, global = true, env = "STELE_URL", value_name = "URL")]
    pub url: Option<String>,
    /// A file with settings (TOML)
    #[arg(long, global = true, env = "STELE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The token that the API asks for, where it asks; better in the environment than in a list of processes
    #[arg(long, global = true, env = "STELE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<Token>,
    /// The project that commands are for [default: demo]
    #[arg(long, global = true, env = "STELE_PROJECT", value_name = "PROJECT")]
    pub project: Option<ProjectId>,
    /// The folder with the log's beginning that `stele replay archive` moved out of the stream
    #[arg(long, global = true, env = "STELE_ARCHIVE", value_name = "DIR")]
    pub archive: Option<PathBuf>,
    /// Answer in JSON, for machines
    #[arg(long, global = true)]
    pub json: bool,
}

/// What `stele` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a whole cell on this machine, on loopback
    Dev(Dev),
    /// Run a control: decides commands and writes the log; any number, one leads
    Control(Control),
    /// Run an API: follows the log and answers over HTTP; any number
    Api(Api),
    /// Run the workers of the backends in the settings file or of the one named here
    Worker(Worker),
    /// Volumes
    #[command(subcommand)]
    Volume(Volume),
    /// Snapshots
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Make a volume a block device of this machine; prints its path
    Attach(Attach),
    /// Let go of a volume that `stele attach` made a device
    Detach(Detach),
    /// Storage services (backends)
    #[command(subcommand)]
    Service(Service),
    /// Pools
    #[command(subcommand)]
    Pool(Pool),
    /// What on the storage is not as the log promises
    #[command(subcommand)]
    Drift(Drift),
    /// Quotas
    #[command(subcommand)]
    Quota(Quota),
    /// Volume types
    #[command(subcommand)]
    Type(Type),
    /// Audit the log
    Replay(ReplayArgs),
    /// Measure
    #[command(subcommand)]
    Bench(Bench),
    /// Show the settings, where they come from, and what is unsafe
    #[command(subcommand)]
    Config(Config),
}

/// A token; it is not shown.
#[derive(Clone)]
pub struct Token(pub String);

impl std::str::FromStr for Token {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
