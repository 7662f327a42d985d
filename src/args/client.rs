use clap::{Args, Subcommand};
use stele_core::id::{BackendName, PoolName, ProjectId, SourceName, VolumeId};

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
        /// The moment
        #[command(flatten)]
        at: At,
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
    /// Give a volume the data of its latest snapshot back; what was written since is lost
    Revert {
        /// The volume's id or name
        volume: String,
        /// The snapshot, by id or name: the volume's latest one
        #[arg(long, value_name = "SNAPSHOT")]
        snapshot: String,
        /// How to wait
        #[command(flatten)]
        wait: Wait,
    },
    /// Take over what somebody else made on the storage
    Manage(VolumeManage),
    /// Give a volume up; its data stay where they are
    Unmanage {
        /// The volume's id or name
        volume: String,
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
    /// Its size in GiB; that of its source when absent
    #[arg(long, value_name = "GIB", required_unless_present_any = ["snapshot", "source"])]
    pub size: Option<u32>,
    /// The snapshot, by id or name, whose data it begins with
    #[arg(long, value_name = "SNAPSHOT", conflicts_with = "source")]
    pub snapshot: Option<String>,
    /// The volume, by id or name, whose data it begins with
    #[arg(long, value_name = "VOLUME")]
    pub source: Option<String>,
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

/// `stele volume manage`
#[derive(Debug, Args)]
pub struct VolumeManage {
    /// The pool, host@backend#pool
    pub pool: PoolName,
    /// What it is called there, such as the LV's name
    pub source_name: SourceName,
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
    /// A server may boot from it
    #[arg(long)]
    pub bootable: bool,
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
    /// The moment
    #[command(flatten)]
    pub at: At,
}

/// The moment as of which something is shown.
#[derive(Debug, Clone, Args)]
pub struct At {
    /// Show it as it was: behind this position of the log, or at this time, such as 2026-11-20T02:00:00Z
    #[arg(long = "at", value_name = "POSITION|TIME")]
    pub moment: Option<String>,
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
    List {
        /// The moment
        #[command(flatten)]
        at: At,
    },
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
    List {
        /// The moment
        #[command(flatten)]
        at: At,
    },
    /// List what others have in a pool, as its last inventory found it: what `stele volume manage` can take over
    Foreign {
        /// The pool, `host@backend#pool`
        pool: PoolName,
    },
}

/// `stele quota`
#[derive(Debug, Subcommand)]
pub enum Quota {
    /// Show limits and use
    Show {
        /// The project; the one of --project by default
        project: Option<ProjectId>,
        /// The moment
        #[command(flatten)]
        at: At,
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
    List {
        /// The moment
        #[command(flatten)]
        at: At,
    },
    /// Remove a volume type
    Delete {
        /// Its name or id
        volume_type: String,
    },
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn limit(text: &str) -> Result<(String, i64), String> {
    let (name, value) = text.split_once('=').ok_or("write it as RESOURCE=LIMIT")?;
    let value = value.parse().map_err(|_| "the limit must be a whole number, -1 for unlimited")?;
    Ok((name.to_owned(), value))
}

/// `stele attach`
#[derive(Debug, Args)]
pub struct Attach {
    /// The volume, by id or name
    #[arg(value_name = "VOLUME")]
    pub volume: String,
    /// Only read it
    #[arg(long)]
    pub read_only: bool,
    /// Use all paths at once, by multipathd, which must run; otherwise the first path that answers is used
    #[arg(long)]
    pub multipath: bool,
}

/// `stele detach`
#[derive(Debug, Args)]
pub struct Detach {
    /// The volume, by id or name
    #[arg(value_name = "VOLUME")]
    pub volume: String,
    /// Also when it is mounted or open; what was not written is lost
    #[arg(long)]
    pub force: bool,
}
