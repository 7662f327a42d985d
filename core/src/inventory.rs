//! What lies on the storage, as workers report it, and where that differs from what the log promises.
//!
//! A worker looks at everything of ours in a pool and tells it in parts, each of which says for which range of names it
//! is complete. Control compares each part with the state ([`crate::decide`]); what differs is a [`Drift`], by an event.
//! Only what is at rest is compared: what a flow is at work on, or was after the worker looked, is judged by a later
//! inventory.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AttachmentId, FlowId, PoolName, SnapshotId, SourceName, VolumeId};
use crate::task::{lv_name, snapshot_lv_name};
use crate::unit::{Position, SizeGib, Timestamp};

/// The most things in one part of an inventory. What differs of one part becomes one commit, so this bounds that too.
pub const INVENTORY_ITEMS_MAX: usize = 64;

/// The most things of others that are listed of one pool.
pub const FOREIGN_MAX: usize = 256;

/// The most drifts that are kept. Where there are more, somebody took the storage away, and the first ones tell.
pub const DRIFTS_MAX: usize = 4096;

/// Names one thing on the storage. The order is that of an inventory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    /// A volume's LV or file.
    Volume {
        /// The volume.
        volume: VolumeId,
    },
    /// A snapshot's.
    Snapshot {
        /// Its volume.
        volume: VolumeId,
        /// The snapshot.
        snapshot: SnapshotId,
    },
    /// What was kept still beside a new volume while another one was copied into it.
    Still {
        /// The new volume.
        volume: VolumeId,
    },
    /// What a volume that was being reverted was to become.
    Successor {
        /// The volume.
        volume: VolumeId,
    },
    /// A volume's iSCSI target.
    Target {
        /// The volume.
        volume: VolumeId,
    },
    /// A host that may log in to a volume's target.
    Host {
        /// The volume.
        volume: VolumeId,
        /// The attachment by whose secrets it logs in.
        attachment: AttachmentId,
    },
}

impl Stored {
    /// The volume that it is or belongs to.
    #[must_use]
    pub fn volume(&self) -> VolumeId {
        match self {
            Self::Volume { volume }
            | Self::Snapshot { volume, .. }
            | Self::Still { volume }
            | Self::Successor { volume }
            | Self::Target { volume }
            | Self::Host { volume, .. } => *volume,
        }
    }

    /// Whether it is there for hosts to log in.
    #[must_use]
    pub fn is_export(&self) -> bool {
        matches!(self, Self::Target { .. } | Self::Host { .. })
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume { volume } => f.write_str(&lv_name(*volume)),
            Self::Snapshot { snapshot, .. } => f.write_str(&snapshot_lv_name(*snapshot)),
            Self::Still { volume } => write!(f, "clone-snap-{volume}"),
            Self::Successor { volume } => write!(f, "revert-{volume}"),
            Self::Target { volume } => write!(f, "target-{volume}"),
            Self::Host { attachment, .. } => write!(f, "host-{attachment}"),
        }
    }
}

/// One part of what a worker found in a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryReport {
    /// The pool.
    pub pool: PoolName,
    /// When it was looked at, by the worker's clock; only for people.
    pub at: Timestamp,
    /// The newest position of which the worker knew before it looked: whatever came to rest at or before it was
    /// looked at as it is.
    pub as_of: Position,
    /// The part begins behind this; at the first thing when absent.
    #[serde(default)]
    pub after: Option<Stored>,
    /// The part ends with this; with the last thing when absent, and then the inventory is complete.
    #[serde(default)]
    pub through: Option<Stored>,
    /// Whether the pool's volumes are exported by targets, so that these were looked at as well.
    pub exports: bool,
    /// What was found, in order, at most [`INVENTORY_ITEMS_MAX`].
    pub items: Vec<StoredItem>,
    /// What else lies there; in the last part only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<ForeignList>,
}

/// What lies in a pool and is none of ours, so that it could be taken over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignList {
    /// In order of their names, at most [`FOREIGN_MAX`].
    pub items: Vec<Foreign>,
    /// How many more there are.
    pub left_out: u64,
}

/// One thing of somebody else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Foreign {
    /// What it is called.
    pub name: SourceName,
    /// Its size.
    pub size_bytes: u64,
    /// What it was taken from: it is a snapshot then.
    pub origin: Option<SourceName>,
    /// Something holds it open.
    pub open: bool,
}

impl ForeignList {
    /// Of everything that was found, in any order.
    #[must_use]
    pub fn of(mut found: Vec<Foreign>) -> Self {
        found.sort();
        let left_out = found.len().saturating_sub(FOREIGN_MAX);
        found.truncate(FOREIGN_MAX);
        Self { items: found, left_out: left_out as u64 }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredItem {
    /// What it is.
    pub what: Stored,
    /// Its size; of volumes and snapshots.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// A volume has all its data; a target can be logged in to.
    pub whole: bool,
    /// The position of the event that asked for it, when it tells.
    #[serde(default)]
    pub asked_at: Option<Position>,
    /// The initiator's name of a host, when the target tells.
    #[serde(default)]
    pub initiator: Option<String>,
    /// Whether the host is logged in, when the target tells.
    #[serde(default)]
    pub logged_in: Option<bool>,
}

/// Something on the storage is not as the log promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Where.
    pub pool: PoolName,
    /// What.
    pub what: Stored,
    /// In which way.
    pub kind: DriftKind,
    /// In words.
    pub reason: String,
    /// The initiator's name of a host that should not be there, when the target tells.
    #[serde(default)]
    pub initiator: Option<String>,
    /// When control first learnt of it.
    pub found_at: Timestamp,
    /// Where that was recorded.
    pub found_position: Position,
    /// How often its repair was tried.
    #[serde(default)]
    pub tries: u32,
    /// When it was last tried.
    #[serde(default)]
    pub tried_at: Option<Timestamp>,
    /// The flow of the last try.
    #[serde(default)]
    pub flow: Option<FlowId>,
}

/// The ways in which things differ from what the log promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// The log promises it, and it is not there.
    Missing,
    /// It is there, and the log does not know of it.
    Unexpected,
    /// It has another size.
    WrongSize {
        /// The size that it has.
        found_bytes: u64,
        /// The size that was promised.
        size_gib: SizeGib,
    },
    /// It is there and cannot be used: data were still being copied into it, or nobody can log in.
    NotWhole,
}

impl DriftKind {
    /// The stable name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::WrongSize { .. } => "wrong_size",
            Self::NotWhole => "not_whole",
        }
    }
}

/// What can be done about a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// The host's export is made again. No data are touched, so control does it by itself where the policy allows.
    Restore,
    /// The export is taken away.
    Withdraw,
    /// It is grown to the size that was promised.
    Extend,
    /// It is removed with its data; only when that is asked for by name or with `remove`.
    Remove,
    /// Only a person can: the reason says what to do.
    ByHand,
}

impl Repair {
    /// Whether it is done when everything is to be repaired: never what only a person can do, and what takes data away
    /// only with `remove`.
    #[must_use]
    pub fn is_included(self, remove: bool) -> bool {
        match self {
            Self::Restore | Self::Withdraw | Self::Extend => true,
            Self::Remove => remove,
            Self::ByHand => false,
        }
    }

    /// The stable name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Withdraw => "withdraw",
            Self::Extend => "extend",
            Self::Remove => "remove",
            Self::ByHand => "by_hand",
        }
    }
}

impl Drift {
    /// Its key in the state.
    #[must_use]
    pub fn key(&self) -> (PoolName, Stored) {
        (self.pool.clone(), self.what.clone())
    }

    /// What can be done about it.
    #[must_use]
    pub fn repair(&self) -> Repair {
        let is_export = self.what.is_export();
        match (self.kind, &self.what) {
            (DriftKind::Missing | DriftKind::NotWhole, _) if is_export => Repair::Restore,
            (DriftKind::Unexpected, _) if is_export => Repair::Withdraw,
            (DriftKind::Unexpected, _) => Repair::Remove,
            (DriftKind::WrongSize { found_bytes, size_gib }, Stored::Volume { .. })
                if found_bytes < size_gib.bytes() =>
            {
                Repair::Extend
            }
            _ => Repair::ByHand,
        }
    }
}

/// That a pool was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventoried {
    /// When it was recorded, by control's clock.
    pub at: Timestamp,
    /// Where.
    pub position: Position,
    /// The position of which the worker knew before it looked.
    pub as_of: Position,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn drift(what: Stored, kind: DriftKind) -> Drift {
        Drift {
            pool: PoolName::new("n1@lvm#vg").unwrap(),
            what,
            kind,
            reason: String::new(),
            initiator: None,
            found_at: Timestamp::from_millis(0),
            found_position: Position(1),
            tries: 0,
            tried_at: None,
            flow: None,
        }
    }

    #[test]
    fn of_what_others_have_a_bounded_part_is_listed() {
        let foreign = |n: usize| Foreign {
            name: SourceName::new(&format!("lv{n:03}")).unwrap(),
            size_bytes: 1,
            origin: None,
            open: false,
        };
        let list = ForeignList::of((0..FOREIGN_MAX + 3).rev().map(foreign).collect());
        assert_eq!((list.items.len(), list.left_out), (FOREIGN_MAX, 3));
        assert_eq!((&list.items[0], list.items.is_sorted()), (&foreign(0), true));
    }

    #[test]
    fn what_destroys_data_is_never_a_restore() {
        let volume = VolumeId(Uuid::from_u128(5));
        let attachment = AttachmentId(Uuid::from_u128(6));
        let snapshot = SnapshotId(Uuid::from_u128(7));
        let size = |found_bytes| DriftKind::WrongSize { found_bytes, size_gib: SizeGib::new(2).unwrap() };
        let lv = Stored::Volume { volume };
        for (what, kind, repair) in [
            (lv.clone(), DriftKind::Missing, Repair::ByHand),
            (lv.clone(), DriftKind::Unexpected, Repair::Remove),
            (lv.clone(), DriftKind::NotWhole, Repair::ByHand),
            (lv.clone(), size(1 << 30), Repair::Extend),
            (lv, size(3 << 30), Repair::ByHand),
            (Stored::Snapshot { volume, snapshot }, DriftKind::Missing, Repair::ByHand),
            (Stored::Snapshot { volume, snapshot }, DriftKind::Unexpected, Repair::Remove),
            (Stored::Still { volume }, DriftKind::Unexpected, Repair::Remove),
            (Stored::Target { volume }, DriftKind::Unexpected, Repair::Withdraw),
            (Stored::Target { volume }, DriftKind::NotWhole, Repair::Restore),
            (Stored::Host { volume, attachment }, DriftKind::Missing, Repair::Restore),
            (Stored::Host { volume, attachment }, DriftKind::Unexpected, Repair::Withdraw),
        ] {
            let takes_data = repair == Repair::Remove;
            assert_eq!(
                (repair.is_included(false), repair.is_included(true)),
                (repair != Repair::ByHand && !takes_data, repair != Repair::ByHand)
            );
            assert_eq!(drift(what.clone(), kind).repair(), repair, "{what} {}", kind.name());
        }
    }
}
