//! What lies on the storage for us: its names, and the tags by which it is known again.
//!
//! ```text
//! object     name                     tags
//! volume     volume-<id>              stele.volume.<id>  stele.at.<position>  [stele.copying]
//! snapshot   _snapshot-<id>           stele.volume.<its volume>  stele.snapshot.<id>  stele.at.<position>
//! still      clone-snap-<new volume>  stele.volume.<new volume>  stele.still  stele.at.<position>
//! successor  revert-<volume>          stele.volume.<volume>  stele.at.<position>
//! ```
//!
//! The names are those of the field, so that its people and tools know them; a name alone makes nothing ours. The
//! position is that of the event that asked for the object; of a volume that was reverted, that of the event that asked
//! for that. A successor has the tags of the volume that it is to become, and only its name tells it apart. `stele.copying` marks a volume into which data are still
//! being copied. How far a copy or a wipe has come stands in a [`Mark`].

mod mark;

use stele_core::id::{SnapshotId, VolumeId};
use stele_core::task::{CopySource, Operation, Task, lv_name, snapshot_lv_name};
use stele_core::unit::Position;

pub use mark::Mark;

/// One thing on the storage, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A volume.
    Volume(VolumeId),
    /// A snapshot.
    Snapshot {
        /// The snapshot.
        snapshot: SnapshotId,
        /// Its volume.
        volume: VolumeId,
    },
    /// The state of a volume, kept still while it is copied into this new volume. Only storage that cannot make a copy
    /// at once needs it.
    Still(VolumeId),
    /// What a volume that is being reverted is to become: a copy of its snapshot. Only storage that can make a copy at
    /// once needs it.
    Successor(VolumeId),
}

impl Object {
    /// Its name on the storage.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Volume(volume) => lv_name(volume),
            Self::Snapshot { snapshot, .. } => snapshot_lv_name(snapshot),
            Self::Still(copy) => format!("{STILL_NAME}{copy}"),
            Self::Successor(volume) => format!("{SUCCESSOR_NAME}{volume}"),
        }
    }

    /// The tags that it gets when it is made for an event at this position.
    #[must_use]
    pub fn tags(self, asked_at: Position) -> Vec<String> {
        let mut tags = self.own_tags();
        tags.push(at_tag(asked_at));
        tags
    }

    /// The tags that say what it is and whose.
    pub(crate) fn own_tags(self) -> Vec<String> {
        match self {
            Self::Volume(volume) | Self::Successor(volume) => vec![volume_tag(volume)],
            Self::Snapshot { snapshot, volume } => vec![volume_tag(volume), format!("{SNAPSHOT_TAG}{snapshot}")],
            Self::Still(copy) => vec![volume_tag(copy), STILL_TAG.to_owned()],
        }
    }

    /// Whether these are the tags of this very object, and which event asked for it.
    #[must_use]
    pub fn read(self, tags: &[String]) -> Option<Option<Position>> {
        let kind = |tag: &&String| tag.starts_with(SNAPSHOT_TAG) || **tag == STILL_TAG;
        let own = self.own_tags();
        let ours = own.iter().all(|tag| tags.contains(tag)) && tags.iter().filter(kind).all(|tag| own.contains(tag));
        ours.then(|| asked_at(tags))
    }

    /// Whether there are tags of ours among these that are not this object's: then it is something else of ours.
    pub(crate) fn is_anothers(self, tags: &[String]) -> bool {
        let own = self.own_tags();
        tags.iter().any(|tag| is_tag(tag) && !tag.starts_with(AT_TAG) && !own.contains(tag))
    }

    /// Whether a name is one that an object could have.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        let id = |prefix| name.strip_prefix(prefix).is_some_and(|id| id.parse::<VolumeId>().is_ok());
        id("volume-") || id("_snapshot-") || id(STILL_NAME) || id(SUCCESSOR_NAME)
    }
}

/// What a task is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objects {
    /// What it makes, removes, changes or gives to a host.
    pub object: Object,
    /// What it takes data from: a new volume's source, a new snapshot's volume.
    pub source: Option<Object>,
    /// What may lie beside a volume while it is made.
    pub still: Option<Object>,
    /// What may lie beside a volume while it is reverted.
    pub successor: Option<Object>,
}

impl Objects {
    /// The objects of a task.
    #[must_use]
    pub fn of(task: &Task) -> Self {
        match task.operation {
            Operation::CreateVolume { volume, source, .. } => {
                let copies_volume = matches!(source, Some(CopySource::Volume(_)));
                let source = source.map(|source| match source {
                    CopySource::Snapshot { snapshot, volume } => Object::Snapshot { snapshot, volume },
                    CopySource::Volume(volume) => Object::Volume(volume),
                });
                let still = copies_volume.then_some(Object::Still(volume));
                Self { source, still, ..Self::just(Object::Volume(volume)) }
            }
            // What was given up half-made is removed by a delete as well.
            Operation::DeleteVolume { volume } => Self {
                still: Some(Object::Still(volume)),
                successor: Some(Object::Successor(volume)),
                ..Self::just(Object::Volume(volume))
            },
            Operation::RevertVolume { volume, snapshot, .. } => Self {
                source: Some(Object::Snapshot { snapshot, volume }),
                successor: Some(Object::Successor(volume)),
                ..Self::just(Object::Volume(volume))
            },
            Operation::ExtendVolume { volume, .. }
            | Operation::ManageVolume { volume, .. }
            | Operation::UnmanageVolume { volume, .. }
            | Operation::ConnectVolume { volume, .. }
            | Operation::DisconnectVolume { volume, .. }
            | Operation::WithdrawVolume { volume } => Self::just(Object::Volume(volume)),
            Operation::CreateSnapshot { snapshot, volume, .. } => {
                Self { source: Some(Object::Volume(volume)), ..Self::just(Object::Snapshot { snapshot, volume }) }
            }
            Operation::DeleteSnapshot { snapshot, volume }
            | Operation::ManageSnapshot { snapshot, volume, .. }
            | Operation::UnmanageSnapshot { snapshot, volume, .. } => Self::just(Object::Snapshot { snapshot, volume }),
        }
    }

    fn just(object: Object) -> Self {
        Self { object, source: None, still: None, successor: None }
    }

    /// All of them.
    pub fn all(self) -> impl Iterator<Item = Object> {
        [Some(self.object), self.source, self.still, self.successor].into_iter().flatten()
    }
}

/// One object of ours, as an inventory tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub object: Object,
    /// Its name, such as `volume-<uuid>`.
    pub name: String,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// All its tags.
    pub tags: Vec<String>,
    /// The position of the event that asked for it, from its tag.
    pub asked_at: Option<Position>,
}

impl Item {
    /// Reads an object's tags; `None` when they make it none of ours.
    pub(crate) fn read(name: &str, size_bytes: u64, tags: &[String]) -> Option<Self> {
        let volume = tags.iter().find_map(|tag| tag.strip_prefix(VOLUME_TAG)?.parse().ok())?;
        let snapshot = tags.iter().find_map(|tag| tag.strip_prefix(SNAPSHOT_TAG)?.parse().ok());
        let object = match snapshot {
            Some(snapshot) => Object::Snapshot { snapshot, volume },
            None if tags.iter().any(|tag| tag == STILL_TAG) => Object::Still(volume),
            None if name.starts_with(SUCCESSOR_NAME) => Object::Successor(volume),
            None => Object::Volume(volume),
        };
        Some(Self { object, name: name.to_owned(), size_bytes, tags: tags.to_vec(), asked_at: asked_at(tags) })
    }

    /// Whether it is a snapshot of this volume.
    pub(crate) fn is_snapshot_of(&self, of: VolumeId) -> bool {
        matches!(self.object, Object::Snapshot { volume, .. } if volume == of)
    }
}

/// The tag of a volume into which data are still being copied.
pub(crate) const COPYING_TAG: &str = "stele.copying";

/// Whether a tag is one of ours, whatever it says.
pub(crate) fn is_tag(tag: &str) -> bool {
    tag.starts_with("stele.")
}

/// The tag that says for which event a volume has its data.
pub(crate) fn at_tag(position: Position) -> String {
    format!("{AT_TAG}{position}")
}

/// Whether these are the tags of a volume that is not complete.
pub(crate) fn is_unfinished(tags: &[String]) -> bool {
    tags.iter().any(|tag| tag == COPYING_TAG)
}

const VOLUME_TAG: &str = "stele.volume.";
const SNAPSHOT_TAG: &str = "stele.snapshot.";
const STILL_TAG: &str = "stele.still";
const AT_TAG: &str = "stele.at.";
const STILL_NAME: &str = "clone-snap-";
const SUCCESSOR_NAME: &str = "revert-";

pub(crate) fn volume_tag(volume: VolumeId) -> String {
    format!("{VOLUME_TAG}{volume}")
}

fn asked_at(tags: &[String]) -> Option<Position> {
    tags.iter().find_map(|tag| tag.strip_prefix(AT_TAG)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{snapshot, volume};

    #[test]
    fn tags_are_read_back_as_the_object_that_they_were_made_for() {
        let snapshot = Object::Snapshot { snapshot: snapshot(7), volume: volume(5) };
        let other = Object::Snapshot { snapshot: crate::testing::snapshot(8), volume: volume(5) };
        let moved = Object::Snapshot { snapshot: crate::testing::snapshot(7), volume: volume(6) };
        let all =
            [Object::Volume(volume(5)), Object::Volume(volume(6)), snapshot, other, moved, Object::Still(volume(5))];
        for object in all {
            let tags = object.tags(Position(12));
            for candidate in all {
                let expected = (candidate == object).then_some(Some(Position(12)));
                assert_eq!(candidate.read(&tags), expected, "{candidate:?} of {tags:?}");
            }
            assert!(Object::is_name(&object.name()), "{}", object.name());
            let item = Item::read("x", 7, &tags).unwrap();
            assert_eq!((item.object, item.asked_at, item.size_bytes), (object, Some(Position(12)), 7));
        }
        assert_eq!(
            snapshot.tags(Position(12)),
            [
                "stele.volume.00000000-0000-0000-0000-000000000005",
                "stele.snapshot.00000000-0000-0000-0000-000000000007",
                "stele.at.12"
            ]
        );
    }

    #[test]
    fn a_successor_has_the_tags_of_its_volume_and_a_name_of_its_own() {
        let (volume, successor) = (Object::Volume(volume(5)), Object::Successor(volume(5)));
        assert_eq!(volume.tags(Position(12)), successor.tags(Position(12)));
        assert!(Object::is_name(&successor.name()) && successor.name() != volume.name());
        for object in [volume, successor] {
            let item = Item::read(&object.name(), 7, &object.tags(Position(12))).unwrap();
            assert_eq!((item.object, item.asked_at), (object, Some(Position(12))));
        }
    }

    #[test]
    fn tags_of_another_object_are_told_from_none_and_from_its_own() {
        let object = Object::Volume(volume(5));
        let foreign = vec!["backup".to_owned(), "stelevolume".to_owned()];
        assert!(!object.is_anothers(&foreign) && !object.is_anothers(&object.tags(Position(12))));
        let snapshot = Object::Snapshot { snapshot: snapshot(7), volume: volume(5) };
        for other in [Object::Volume(volume(6)), snapshot, Object::Still(volume(5))] {
            assert!(object.is_anothers(&other.tags(Position(12))), "{other:?}");
        }
        assert!(object.is_anothers(&[COPYING_TAG.to_owned()]));
    }

    #[test]
    fn other_tags_make_nothing_ours() {
        assert_eq!(Item::read("volume-x", 7, &["stele.at.12".to_owned(), "stele.volume.x".to_owned()]), None);
        assert_eq!(Object::Volume(volume(5)).read(&[]), None);
        let untold = Object::Volume(volume(5)).own_tags();
        assert_eq!(Object::Volume(volume(5)).read(&untold), Some(None));
        for name in ["volume-", "volume-x", "snapshot-00000000-0000-0000-0000-000000000005", "vg-pool", "_snapshot-1"] {
            assert!(!Object::is_name(name), "{name}");
        }
    }
}
