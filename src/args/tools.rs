use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use stele_replay::checkpoint::PublicKey;

use super::{ArchiveArgs, CheckCinder, Export, Import, ImportCinder, Play, WhatIf};

/// `stele replay`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Read this export, or this archive of `stele replay archive`, instead of the live log; no NATS is needed then
    #[arg(long, global = true, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub what: Replay,
}

/// What `stele replay` can do.
#[derive(Debug, Subcommand)]
pub enum Replay {
    /// Check the log: hash chain, gaps, every invariant, the live projection
    Verify {
        /// Do not ask the API for its projection's digest
        #[arg(long)]
        log_only: bool,
        /// Compare with the checkpoints in this file, one JSON object a line; may be given several times
        #[arg(long, value_name = "FILE", requires = "believe")]
        checkpoints: Vec<PathBuf>,
        /// Whose checkpoints are believed: a public key of 64 hexadecimal digits; may be given several times
        #[arg(long, value_name = "KEY")]
        believe: Vec<PublicKey>,
    },
    /// Sign what the log is now, to be kept where nobody who can change the log can reach
    Checkpoint {
        /// The private key: a file of 64 hexadecimal digits
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Make the key where there is none
        #[arg(long)]
        make_key: bool,
        /// Append the checkpoint to this file instead of printing it
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Give a log that has lost its newest records those back that the writer's journal has
    Heal {
        /// The data folder of the control that led last; it must not run
        #[arg(long, default_value = "data/control", value_name = "DIR")]
        journal: PathBuf,
        /// Append what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Tell the story of something
    Show {
        /// Of what
        what: ShowWhat,
        /// Its id
        id: String,
        /// Go on with what happens, until Ctrl-C
        #[arg(long)]
        follow: bool,
    },
    /// Why a volume lies where it lies, or nowhere: every placement, decided again
    Explain {
        /// Of what
        what: ExplainWhat,
        /// Its id
        id: String,
    },
    /// Who holds the quota of --project: every unit with the event that took it, proved
    Quota {
        /// Do not compare with what the API says
        #[arg(long)]
        log_only: bool,
        #[command(flatten)]
        cinder: CheckCinder,
    },
    /// History with other settings, limits or pools: what would have been placed, refused and filled otherwise
    WhatIf(WhatIf),
    /// Send the commands of a workload into a cell, such as one of `stele dev`
    Play(Play),
    /// The state at a position or a time
    At {
        /// A position, or a time such as 2026-11-20T02:00:00Z
        when: String,
        /// Of what
        #[arg(default_value = "volumes")]
        what: AtWhat,
    },
    /// What changed between two positions or times
    Diff {
        /// The earlier one: a position, or a time such as 2026-11-20T02:00:00Z
        from: String,
        /// The later one; the end of the log by default
        #[arg(default_value = "head")]
        to: String,
    },
    /// Make a new projection from the log
    Rebuild {
        /// The projection's folder, as given to `stele api`
        #[arg(long, default_value = "data/api", value_name = "DIR")]
        data: PathBuf,
        /// How many positions back the past shall be kept, as given to `stele api` [default: 2000000]
        #[arg(long, value_name = "POSITIONS")]
        history: Option<u64>,
    },
    /// Write the log to a file
    Export(Export),
    /// Put the log of a file into an empty cell, or go on with it
    Import(Import),
    /// Move the beginning of the log out of the stream: verified, into files that every other command reads as well
    Archive(ArchiveArgs),
    /// Adopt what a database of OpenStack Cinder holds: types, limits, volumes, snapshots, groups, attachments
    ImportCinder(ImportCinder),
}

/// What a story can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowWhat {
    /// One volume.
    Volume,
    /// One request: a command's id, or the client's request id.
    Request,
    /// One project.
    Project,
    /// One flow or one of its tasks.
    Task,
    /// One snapshot.
    Snapshot,
    /// One backend (HOST@BACKEND), one worker (HOST:NAME), or all of a host (HOST).
    Worker,
}

/// What can be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainWhat {
    /// Every placement of one volume.
    Volume,
    /// One request: a command's id, or the client's request id.
    Request,
}

/// What a state can be looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AtWhat {
    /// The volumes.
    Volumes,
    /// Use and limits of all projects.
    Quota,
    /// The pools.
    Pools,
    /// The services.
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

/// `stele bench`
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Create volumes on the null driver and measure until they are available
    Create(BenchCreate),
    /// Cinder's API on the null driver: creates to `available`, and detailed pages of 100 volumes
    Cinder(BenchCinder),
    /// How fast a log is read, folded, verified, exported and made a projection of
    Audit(BenchAudit),
}

/// `stele bench create`
#[derive(Debug, Args)]
pub struct BenchCreate {
    /// How many volumes
    #[arg(long, default_value_t = 20_000)]
    pub count: u32,
    /// How many requests at once
    #[arg(long, default_value_t = 128)]
    pub concurrency: u32,
    /// How many are created one after the other, for the latency of an idle cell
    #[arg(long, default_value_t = 500)]
    pub single: u32,
    /// Use the cell that --nats names instead of one of its own
    #[arg(long)]
    pub running_cell: bool,
}

/// `stele bench audit`
#[derive(Debug, Args)]
pub struct BenchAudit {
    /// How many volumes the log is to tell of; each is about five events
    #[arg(long, default_value_t = 100_000)]
    pub volumes: u32,
    /// Use the log of the cell that --nats names instead of one of its own; it is only read
    #[arg(long)]
    pub running_cell: bool,
}

/// `stele bench cinder`
#[derive(Debug, Args)]
pub struct BenchCinder {
    /// How many volumes are created and measured
    #[arg(long, default_value_t = 500)]
    pub count: u32,
    /// How many requests at once
    #[arg(long, default_value_t = 16)]
    pub concurrency: u32,
    /// How many are created before, not measured
    #[arg(long, default_value_t = 50)]
    pub warm_up: u32,
    /// How many volumes there are while pages are read
    #[arg(long, default_value_t = 10_000)]
    pub volumes: u32,
    /// How many clients read pages at once
    #[arg(long, default_value_t = 4)]
    pub page_concurrency: u32,
    /// How long pages are read, in seconds
    #[arg(long, default_value_t = 10, value_name = "S")]
    pub page_seconds: u64,
}

/// `stele config`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Show the settings, where they come from, and what is unsafe
    Check,
}
