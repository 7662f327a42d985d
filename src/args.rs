//! The command line, as typed. What it comes to, with the environment and the settings file, is [`crate::settings`].

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stele_core::id::{BackendName, ProjectId, VolumeId};

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
    /// The project that commands are for [default: demo]
    #[arg(long, global = true, env = "STELE_PROJECT", value_name = "PROJECT")]
    pub project: Option<ProjectId>,
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
    /// Storage services (backends)
    #[command(subcommand)]
    Service(Service),
    /// Pools
    #[command(subcommand)]
    Pool(Pool),
    /// Quotas
    #[command(subcommand)]
    Quota(Quota),
    /// Volume types
    #[command(subcommand)]
    Type(Type),
    /// Audit the log
    #[command(subcommand)]
    Replay(Replay),
    /// Measure
    #[command(subcommand)]
    Bench(Bench),
    /// Show the settings, where they come from, and what is unsafe
    #[command(subcommand)]
    Config(Config),
}

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

/// `stele volume`
#[derive(Debug, Subcommand)]
pub enum Volume {
    /// Make a volume
    Create(VolumeCreate),
    /// List volumes
    List(VolumeList),
    /// Show a volume, its flows and the reasons for its placement
    Show {
        /// The volume's id or name
        volume: String,
    },
    /// Remove volumes
    Delete {
        /// The volumes' ids or names
        #[arg(required = true)]
        volumes: Vec<String>,
        /// Also when they could not be deleted before
        #[arg(long)]
        force: bool,
        /// How to wait
        #[command(flatten)]
        wait: Wait,
    },
    /// Grow a volume
    Extend {
        /// The volume's id or name
        volume: String,
        /// Its new size in GiB
        size_gib: u32,
        /// How to wait
        #[command(flatten)]
        wait: Wait,
    },
    /// Change a volume's name, description or metadata
    Update {
        /// The volume's id or name
        volume: String,
        /// Its new name
        #[arg(long)]
        name: Option<String>,
        /// Its new description
        #[arg(long)]
        description: Option<String>,
        /// All of its metadata, KEY=VALUE
        #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
        metadata: Option<Vec<(String, String)>>,
    },
}

/// `stele volume create`
#[derive(Debug, Args)]
pub struct VolumeCreate {
    /// Its size in GiB
    #[arg(long, value_name = "GIB")]
    pub size: u32,
    /// Its name
    #[arg(long, default_value = "")]
    pub name: String,
    /// What it is for
    #[arg(long, default_value = "")]
    pub description: String,
    /// Its type
    #[arg(long = "type", value_name = "TYPE")]
    pub volume_type: Option<String>,
    /// Its availability zone
    #[arg(long)]
    pub availability_zone: Option<String>,
    /// Its metadata, KEY=VALUE
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub metadata: Vec<(String, String)>,
    /// The id that it shall have
    #[arg(long)]
    pub id: Option<VolumeId>,
    /// How to wait
    #[command(flatten)]
    pub wait: Wait,
}

/// `stele volume list`
#[derive(Debug, Args)]
pub struct VolumeList {
    /// All projects' volumes
    #[arg(long)]
    pub all_projects: bool,
    /// Only those in this status
    #[arg(long)]
    pub status: Option<String>,
    /// Only those of this name
    #[arg(long)]
    pub name: Option<String>,
    /// Order, KEY[:asc|desc]
    #[arg(long)]
    pub sort: Option<String>,
    /// At most so many
    #[arg(long)]
    pub limit: Option<u32>,
    /// Behind this volume
    #[arg(long)]
    pub marker: Option<VolumeId>,
}

/// Whether a command waits until the volume has come to rest.
#[derive(Debug, Clone, Copy, Args)]
pub struct Wait {
    /// Wait until it is done
    #[arg(long)]
    pub wait: bool,
    /// How long to wait, in seconds
    #[arg(long, default_value_t = 300, value_name = "S")]
    pub timeout: u64,
}

/// `stele service`
#[derive(Debug, Subcommand)]
pub enum Service {
    /// List the services
    List,
    /// Change whether a service takes new volumes
    Set {
        /// The backend, host@backend
        backend: BackendName,
        /// Take new volumes again
        #[arg(long, group = "change")]
        enable: bool,
        /// Take no new volumes
        #[arg(long, group = "change")]
        disable: bool,
        /// Take no new volumes while its state must not change
        #[arg(long, group = "change")]
        freeze: bool,
        /// End a freeze
        #[arg(long, group = "change")]
        thaw: bool,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// `stele pool`
#[derive(Debug, Subcommand)]
pub enum Pool {
    /// List the pools
    List,
}

/// `stele quota`
#[derive(Debug, Subcommand)]
pub enum Quota {
    /// Show limits and use
    Show {
        /// The project; the one of --project by default
        project: Option<ProjectId>,
    },
    /// Change limits
    Set {
        /// The project
        project: ProjectId,
        /// The limits, such as volumes=20 gigabytes=-1 volumes_gold=5; -1 is unlimited
        #[arg(required = true, value_name = "RESOURCE=LIMIT", value_parser = limit)]
        limits: Vec<(String, i64)>,
    },
}

/// `stele type`
#[derive(Debug, Subcommand)]
pub enum Type {
    /// Make a volume type
    Create {
        /// Its name
        name: String,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
        /// What a pool must offer, KEY=VALUE
        #[arg(long = "property", value_name = "KEY=VALUE", value_parser = pair)]
        extra_specs: Vec<(String, String)>,
        /// Only for projects that are given access
        #[arg(long)]
        private: bool,
    },
    /// List the volume types
    List,
    /// Remove a volume type
    Delete {
        /// Its name or id
        volume_type: String,
    },
}

/// `stele replay`
#[derive(Debug, Subcommand)]
pub enum Replay {
    /// Check the log: hash chain, gaps, every invariant, the live projection
    Verify {
        /// Do not ask the API for its projection's digest
        #[arg(long)]
        log_only: bool,
    },
    /// Tell the story of something
    Show {
        /// Of what
        what: ShowWhat,
        /// Its id
        id: String,
    },
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
    },
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
}

/// `stele bench`
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Create volumes on the null driver and measure until they are available
    Create(BenchCreate),
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

/// `stele config`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Show the settings, where they come from, and what is unsafe
    Check,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn limit(text: &str) -> Result<(String, i64), String> {
    let (name, value) = text.split_once('=').ok_or("write it as RESOURCE=LIMIT")?;
    let value = value.parse().map_err(|_| "the limit must be a whole number, -1 for unlimited")?;
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
