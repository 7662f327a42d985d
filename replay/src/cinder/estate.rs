//! What a Cinder database holds, as far as it is read: rows that count, by what they are.
//!
//! Rows that Cinder has deleted are counted and dropped.

mod build;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use stele_core::unit::Timestamp;

use super::row::ReadError;
use super::{dump, sqlite};
use build::Builder;

/// How a SQLite database begins.
const SQLITE_HEAD: &[u8] = b"SQLite format 3\0";
/// How files begin that hold something else, and what that is.
const NOT_READ: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "it is compressed: unpack it first, or pipe it in (`zcat FILE | stele ... -`)"),
    (b"\x28\xb5\x2f\xfd", "it is compressed: unpack it first, or pipe it in (`zstdcat FILE | stele ... -`)"),
    (b"BZh", "it is compressed: unpack it first, or pipe it in (`bzcat FILE | stele ... -`)"),
    (b"PGDMP", "it is a dump of PostgreSQL"),
    (b"PRAGMA", "it is a text that sqlite3 wrote: give the database itself"),
];

/// Keys and values of something.
pub type Pairs = BTreeMap<String, String>;

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Estate {
    /// Counters, in the order of their rows.
    pub usages: Vec<Usage>,
    /// Reservations that are not ended.
    pub reservations: Vec<Reservation>,
    /// Limits of projects.
    pub limits: Vec<Limit>,
    /// Limits of quota classes; `owner` is the class.
    pub class_limits: Vec<Limit>,
    /// Volume types by id.
    pub types: BTreeMap<String, VolumeType>,
    /// QoS specs by id.
    pub qos: BTreeMap<String, Qos>,
    /// The type of a project's volumes that ask for none.
    pub default_types: BTreeMap<String, String>,
    /// Volumes by id.
    pub volumes: BTreeMap<String, Volume>,
    /// Snapshots by id.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// Backups by id.
    pub backups: BTreeMap<String, Backup>,
    /// Group types by id.
    pub group_types: BTreeMap<String, GroupType>,
    /// Groups by id.
    pub groups: BTreeMap<String, Group>,
    /// Group snapshots and consistency groups: only that they are there.
    pub others: Vec<Other>,
    /// Attachments by id.
    pub attachments: BTreeMap<String, Attachment>,
    /// Volumes that are only there for the image cache.
    pub cached: BTreeSet<String>,
    /// How many rows of a table are deleted.
    pub deleted: BTreeMap<&'static str, u64>,
}

/// What Cinder counts of a project's resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The row's id, which reservations name.
    pub id: i64,
    /// The project.
    pub project: String,
    /// Of what.
    pub resource: String,
    /// The counter of what is in use.
    pub in_use: i64,
    /// The counter of what is reserved.
    pub reserved: i64,
}

/// A reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The counter's row.
    pub usage: Option<i64>,
    /// The project.
    pub project: String,
    /// Of what.
    pub resource: String,
    /// How much; less than 0 gives back.
    pub delta: i64,
    /// When it ends by itself, if somebody sweeps.
    pub expire: Option<Timestamp>,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Whose.
    pub owner: String,
    /// Of what.
    pub resource: String,
    /// -1 is unlimited.
    pub limit: Option<i64>,
}

/// A volume type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeType {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether every project may use it.
    pub is_public: bool,
    /// The QoS specs that it uses.
    pub qos: Option<String>,
    /// What a pool must offer.
    pub extra_specs: Pairs,
    /// Projects that may use it.
    pub access: BTreeSet<String>,
    /// How its volumes are encrypted.
    pub encryption: Option<Encryption>,
}

/// How volumes of a type are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// The provider.
    pub provider: String,
    /// Who encrypts.
    pub control_location: String,
    /// The cipher.
    pub cipher: Option<String>,
    /// In bits.
    pub key_size: Option<i64>,
}

/// QoS specs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Qos {
    /// Their name.
    pub name: String,
    /// Keys and values, the consumer among them.
    pub specs: Pairs,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The project.
    pub project: String,
    /// Who made it.
    pub user: String,
    /// The pool.
    pub host: Option<String>,
    /// In GiB.
    pub size_gib: i64,
    /// The zone.
    pub availability_zone: Option<String>,
    /// The status.
    pub status: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its type's id.
    pub volume_type: Option<String>,
    /// Whether a server may boot from it.
    pub bootable: bool,
    /// The id in its name on the storage, where that is another one.
    pub name_id: Option<String>,
    /// Whether it has a key of its own.
    pub is_encrypted: bool,
    /// Where its migration is.
    pub migration_status: Option<String>,
    /// Whether it is replicated.
    pub replication_status: Option<String>,
    /// Whether several hosts may have it.
    pub multiattach: bool,
    /// Its group.
    pub group: Option<String>,
    /// Whether it counts.
    pub use_quota: bool,
    /// When it was changed last.
    pub changed_at: Option<Timestamp>,
    /// The user's keys and values.
    pub metadata: Pairs,
    /// The services' keys and values.
    pub admin_metadata: Pairs,
    /// What its image said.
    pub image_metadata: Pairs,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The volume.
    pub volume: String,
    /// The project.
    pub project: String,
    /// Who made it.
    pub user: String,
    /// The status.
    pub status: String,
    /// In GiB.
    pub size_gib: i64,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it has a key of its own.
    pub is_encrypted: bool,
    /// The group snapshot that it is part of.
    pub group_snapshot: Option<String>,
    /// Whether it counts.
    pub use_quota: bool,
    /// When it was changed last.
    pub changed_at: Option<Timestamp>,
    /// The user's keys and values.
    pub metadata: Pairs,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// The status.
    pub status: String,
    /// In GiB.
    pub size_gib: i64,
    /// When it was changed last.
    pub changed_at: Option<Timestamp>,
}

/// A group type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupType {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether every project may use it.
    pub is_public: bool,
    /// Its specs.
    pub specs: Pairs,
    /// Projects that may use it.
    pub access: BTreeSet<String>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The project.
    pub project: String,
    /// Who made it.
    pub user: String,
    /// The zone.
    pub availability_zone: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The group type's id.
    pub group_type: Option<String>,
    /// The ids of the types that its volumes may have.
    pub volume_types: BTreeSet<String>,
    /// The status.
    pub status: String,
    /// When it was changed last.
    pub changed_at: Option<Timestamp>,
}

/// Something that is only named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// What it is.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// The project.
    pub project: String,
    /// Its name.
    pub name: String,
}

/// An attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The volume.
    pub volume: String,
    /// The server.
    pub instance: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// `rw` or `ro`.
    pub mode: Option<String>,
    /// The status.
    pub status: String,
}

impl Estate {
    /// Reads a file: a SQLite database, or a dump of MariaDB or MySQL. `-` is a dump on standard input.
    ///
    /// # Errors
    /// [`ReadError`]; what cannot be read to its end is not used at all.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        if path == Path::new("-") {
            return Self::read_dump(std::io::stdin().lock());
        }
        let mut head = Vec::new();
        File::open(path)?.take(SQLITE_HEAD.len() as u64).read_to_end(&mut head)?;
        if head == SQLITE_HEAD {
            let mut builder = Builder::default();
            sqlite::read(path, &mut |row| builder.take(row))?;
            return Ok(builder.finish());
        }
        Self::read_dump(BufReader::with_capacity(1 << 20, File::open(path)?))
    }

    /// Reads a dump of MariaDB or MySQL.
    ///
    /// # Errors
    /// As [`Estate::read`].
    pub fn read_dump(mut input: impl BufRead) -> Result<Self, ReadError> {
        let head = input.fill_buf()?;
        if head.is_empty() {
            return Err(ReadError::NotADatabase("it is empty"));
        }
        if head.starts_with(SQLITE_HEAD) {
            return Err(ReadError::NotADatabase("a SQLite database is read from a file, not from a pipe"));
        }
        if let Some((_, what)) = NOT_READ.iter().find(|(mark, _)| head.starts_with(mark)) {
            return Err(ReadError::NotADatabase(what));
        }
        let mut builder = Builder::default();
        dump::read(input, &mut |row| builder.take(row))?;
        Ok(builder.finish())
    }

    /// A type's name, by its id.
    #[must_use]
    pub fn type_name(&self, id: Option<&str>) -> Option<&str> {
        self.types.get(id?).map(|found| found.name.as_str())
    }
}
