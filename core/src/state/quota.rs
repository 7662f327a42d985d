use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::event::QuotaDelta;
use crate::id::{FlowId, ProjectId, ReservationId, TypeId};

/// What quotas count. Per type it is keyed by the type's id, so that renaming a type loses nothing; people see the
/// type's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuotaResource {
    /// Volumes.
    Volumes,
    /// GiB of volumes and snapshots.
    Gigabytes,
    /// Snapshots.
    Snapshots,
    /// The size of one volume in GiB; checked, never reserved.
    PerVolumeGigabytes,
    /// Backups.
    Backups,
    /// GiB of backups.
    BackupGigabytes,
    /// Groups.
    Groups,
    /// Volumes of one type.
    VolumesOf(TypeId),
    /// GiB of one type.
    GigabytesOf(TypeId),
    /// Snapshots of one type.
    SnapshotsOf(TypeId),
}

/// The resources that are not per type, in Cinder's order.
pub(crate) const PLAIN: &[(QuotaResource, &str)] = &[
    (QuotaResource::Volumes, "volumes"),
    (QuotaResource::PerVolumeGigabytes, "per_volume_gigabytes"),
    (QuotaResource::Snapshots, "snapshots"),
    (QuotaResource::Gigabytes, "gigabytes"),
    (QuotaResource::Backups, "backups"),
    (QuotaResource::BackupGigabytes, "backup_gigabytes"),
    (QuotaResource::Groups, "groups"),
];

impl QuotaResource {
    /// The resources that are not per type, in Cinder's order.
    pub fn plain() -> impl Iterator<Item = Self> {
        PLAIN.iter().map(|(resource, _)| *resource)
    }

    /// Cinder's defaults (`cinder/quota.py`); per type everything is unlimited.
    #[must_use]
    pub fn default_limit(self) -> i64 {
        match self {
            Self::Volumes | Self::Snapshots | Self::Backups | Self::Groups => 10,
            Self::Gigabytes | Self::BackupGigabytes => 1000,
            Self::PerVolumeGigabytes | Self::VolumesOf(_) | Self::GigabytesOf(_) | Self::SnapshotsOf(_) => -1,
        }
    }

    /// Cinder's name for it, with the types' names from `type_name`.
    pub fn name(self, type_name: impl FnOnce(TypeId) -> String) -> String {
        match self {
            Self::VolumesOf(id) => format!("volumes_{}", type_name(id)),
            Self::GigabytesOf(id) => format!("gigabytes_{}", type_name(id)),
            Self::SnapshotsOf(id) => format!("snapshots_{}", type_name(id)),
            plain => PLAIN.iter().find(|(r, _)| *r == plain).map_or_else(String::new, |(_, name)| (*name).to_owned()),
        }
    }

    /// The resource that Cinder's name names, with the types' ids from `type_id`.
    pub fn from_name(name: &str, type_id: impl FnOnce(&str) -> Option<TypeId>) -> Option<Self> {
        if let Some((resource, _)) = PLAIN.iter().find(|(_, plain)| *plain == name) {
            return Some(*resource);
        }
        let (kind, type_name) = name.split_once('_')?;
        let make = match kind {
            "volumes" => Self::VolumesOf,
            "gigabytes" => Self::GigabytesOf,
            "snapshots" => Self::SnapshotsOf,
            _ => return None,
        };
        type_id(type_name).map(make)
    }
}

/// As in the log: the type stands by its id.
impl fmt::Display for QuotaResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name(|id| id.to_string()))
    }
}

/// A name that names nothing that quotas count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a quota resource")]
pub struct UnknownQuotaResource(String);

impl FromStr for QuotaResource {
    type Err = UnknownQuotaResource;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_name(text, |id| id.parse().ok()).ok_or_else(|| UnknownQuotaResource(text.to_owned()))
    }
}

impl Serialize for QuotaResource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for QuotaResource {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The limits that were set for a project; what is absent has the cell's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLimits {
    /// -1 is unlimited.
    pub limits: BTreeMap<QuotaResource, i64>,
}

/// What a project uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// By resource; lines of zeros are left out.
    pub lines: BTreeMap<QuotaResource, UsageLine>,
}

/// What a project uses of one resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLine {
    /// The sum over its resources.
    pub in_use: i64,
    /// The sum over its open reservations.
    pub reserved: i64,
}

/// Quota that a flow holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// The flow; the reservation ends with it.
    pub flow: FlowId,
    /// Who pays.
    pub project: ProjectId,
    /// What is held.
    pub deltas: Vec<QuotaDelta>,
}
