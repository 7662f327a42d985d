//! Index: what lists show, in the order in which it came to be, within the whole cell, a project, a volume or a group.
//!
//! Key: the kind in 1 byte, the scope (its tag in 1 byte, then a project with a zero byte behind it, or an id in 16
//! bytes), the moment as 8 bytes that sort like the number, the entity's id in 16 bytes. Value: empty.

use stele_core::id::{GroupId, GroupSnapshotId, ProjectId, VolumeId};
use stele_core::state::{Attachment, Entity, Group, GroupSnapshot, Message, Snapshot, State, Transfer, Volume};
use stele_core::unit::Timestamp;
use uuid::Uuid;

use super::Rows;
use super::sink::{Changes, Touched};
use crate::store::StoreError;

pub(crate) const TABLE: Rows = Rows::new(15, "lists");

/// Within what a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The whole cell.
    All,
    /// What belongs to a project.
    Project(&'a ProjectId),
    /// What hangs on a volume: its snapshots, attachments and transfers.
    Volume(VolumeId),
    /// What belongs to a group: its volumes and group snapshots.
    Group(GroupId),
    /// The snapshots of a group snapshot.
    GroupSnapshot(GroupSnapshotId),
}

/// What stands in lists.
pub trait Listed {
    /// Tells the kinds apart in the index; never used again for another one.
    const KIND: u8;

    /// Its id.
    fn id(&self) -> Uuid;

    /// When it was asked for.
    fn created_at(&self) -> Timestamp;

    /// The scopes in which it is listed.
    fn scopes(&self) -> Vec<Scope<'_>>;
}

impl Scope<'_> {
    /// No project's name has a zero byte, so no scope's bytes are the start of another's.
    fn write(self, key: &mut Vec<u8>) {
        let (tag, id) = match self {
            Self::All => return key.push(0),
            Self::Project(project) => {
                key.push(1);
                key.extend_from_slice(project.as_str().as_bytes());
                return key.push(0);
            }
            Self::Volume(id) => (2, id.0),
            Self::Group(id) => (3, id.0),
            Self::GroupSnapshot(id) => (4, id.0),
        };
        key.push(tag);
        key.extend_from_slice(id.as_bytes());
    }
}

macro_rules! listed {
    ($($kind:literal: $type:ty, |$it:ident| $scopes:expr;)+) => {$(
        impl Listed for $type {
            const KIND: u8 = $kind;

            fn id(&self) -> Uuid {
                self.id.0
            }

            fn created_at(&self) -> Timestamp {
                self.created_at
            }

            fn scopes(&self) -> Vec<Scope<'_>> {
                let $it = self;
                let more: [Option<Scope<'_>>; 2] = $scopes;
                let mut scopes = vec![Scope::All, Scope::Project(&self.project)];
                scopes.extend(more.into_iter().flatten());
                scopes
            }
        }
    )+};
}

listed! {
    1: Volume, |volume| [volume.group.map(Scope::Group), None];
    2: Snapshot, |snapshot| {
        [Some(Scope::Volume(snapshot.volume)), snapshot.group_snapshot.map(Scope::GroupSnapshot)]
    };
    3: Attachment, |attachment| [Some(Scope::Volume(attachment.volume)), None];
    4: Transfer, |transfer| [Some(Scope::Volume(transfer.volume)), None];
    5: Group, |_group| [None, None];
    6: GroupSnapshot, |group_snapshot| [Some(Scope::Group(group_snapshot.group)), None];
    7: Message, |_message| [None, None];
}

/// What all keys of a kind in a scope begin with.
pub(crate) fn prefix<T: Listed>(scope: Scope<'_>) -> Vec<u8> {
    let mut key = Vec::with_capacity(96);
    key.push(T::KIND);
    scope.write(&mut key);
    key
}

pub(crate) fn key<T: Listed>(scope: Scope<'_>, listed: &T) -> Vec<u8> {
    let mut key = prefix::<T>(scope);
    key.extend_from_slice(&moment(listed.created_at()));
    key.extend_from_slice(listed.id().as_bytes());
    key
}

/// The last key that anything in a scope can have that was asked for up to a moment.
pub(crate) fn last_until<T: Listed>(scope: Scope<'_>, until: Timestamp) -> Vec<u8> {
    let mut key = prefix::<T>(scope);
    key.extend_from_slice(&moment(until));
    key.extend_from_slice(&[0xff; 16]);
    key
}

/// With the sign bit flipped, two's complement sorts like the number, also before 1970.
fn moment(at: Timestamp) -> [u8; 8] {
    (at.micros() ^ i64::MIN).to_be_bytes()
}

/// The id that a key names.
pub(crate) fn id_of(key: &[u8]) -> Option<Uuid> {
    let id = key.get(key.len().checked_sub(16)?..)?;
    Uuid::from_slice(id).ok()
}

/// Brings the index from one state to a later one that differs from it in what was touched.
pub(crate) fn change<C: Changes>(
    changes: &mut C,
    before: &State,
    after: &State,
    touched: &Touched,
) -> Result<(), StoreError> {
    for entity in touched {
        let (old, new) = match entity {
            Entity::Volume(id) => keys(before.volumes.get(id), after.volumes.get(id)),
            Entity::Snapshot(id) => keys(before.snapshots.get(id), after.snapshots.get(id)),
            Entity::Attachment(id) => keys(before.attachments.get(id), after.attachments.get(id)),
            Entity::Transfer(id) => keys(before.transfers.get(id), after.transfers.get(id)),
            Entity::Group(id) => keys(before.groups.get(id), after.groups.get(id)),
            Entity::GroupSnapshot(id) => keys(before.group_snapshots.get(id), after.group_snapshots.get(id)),
            Entity::Message(id) => keys(before.messages.get(id), after.messages.get(id)),
            _ => continue,
        };
        if old == new {
            continue;
        }
        for gone in old.iter().filter(|key| !new.contains(key)) {
            changes.change(TABLE, gone.clone(), || Some(Vec::new()), || None)?;
        }
        for come in new.iter().filter(|key| !old.contains(key)) {
            changes.change(TABLE, come.clone(), || None, || Some(Vec::new()))?;
        }
    }
    Ok(())
}

/// All keys of the index over a state.
pub(crate) fn each_key(
    state: &State,
    each: &mut dyn FnMut(Vec<u8>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    state.volumes.values().try_for_each(|listed| keys_of(&**listed, each))?;
    state.snapshots.values().try_for_each(|listed| keys_of(&**listed, each))?;
    state.attachments.values().try_for_each(|listed| keys_of(&**listed, each))?;
    state.transfers.values().try_for_each(|listed| keys_of(&**listed, each))?;
    state.groups.values().try_for_each(|listed| keys_of(&**listed, each))?;
    state.group_snapshots.values().try_for_each(|listed| keys_of(&**listed, each))?;
    state.messages.values().try_for_each(|listed| keys_of(&**listed, each))
}

fn keys_of<T: Listed>(listed: &T, each: &mut dyn FnMut(Vec<u8>) -> Result<(), StoreError>) -> Result<(), StoreError> {
    listed.scopes().into_iter().try_for_each(|scope| each(key(scope, listed)))
}

type Keys = Vec<Vec<u8>>;

fn keys<T: Listed>(before: Option<&std::sync::Arc<T>>, after: Option<&std::sync::Arc<T>>) -> (Keys, Keys) {
    let of = |listed: Option<&std::sync::Arc<T>>| {
        listed.map_or_else(Vec::new, |listed| listed.scopes().into_iter().map(|scope| key(scope, &**listed)).collect())
    };
    (of(before), of(after))
}
