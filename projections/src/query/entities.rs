//! The entities of the state as they are stored, one by one and in lists: what the v3 gateway is built on.

use std::marker::PhantomData;
use std::ops::Bound;

use serde::de::DeserializeOwned;
use stele_core::codec::decode;
use stele_core::id::{
    AttachmentId, BackendName, FlowId, GroupId, GroupSnapshotId, GroupTypeId, MessageId, PoolName, ProjectId, QosId,
    SnapshotId, TransferId, TypeId, VolumeId,
};
use stele_core::state::{
    Attachment, Backend, Config, Flow, Group, GroupSnapshot, GroupType, LogLevel, LogTarget, Message, Pool, Qos,
    QuotaLimits, Snapshot as VolumeSnapshot, Transfer, Usage, Volume, VolumeType,
};

use super::types::{self, Types};
use crate::reader::{OpenTable, RowRange, Snapshot, behind};
use crate::store::StoreError;
use crate::table::{self, Rows, lists};

pub use crate::table::lists::{Listed, Scope};

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// What was asked for last comes first.
    NewestFirst,
    /// What was asked for first comes first.
    OldestFirst,
}

/// What is stored under an id.
pub trait Stored: DeserializeOwned {
    /// What names one.
    type Id;

    /// Where they are.
    const TABLE: Rows;

    /// The key of one.
    fn key(id: &Self::Id) -> Vec<u8>;
}

macro_rules! stored {
    ($($type:ty, $id:ty, $table:ident, |$it:ident| $key:expr;)+) => {$(
        impl Stored for $type {
            type Id = $id;

            const TABLE: Rows = table::$table::TABLE;

            fn key(id: &Self::Id) -> Vec<u8> {
                let $it = id;
                $key
            }
        }
    )+};
}

stored! {
    Volume, VolumeId, volumes, |id| table::volumes::key(*id);
    VolumeSnapshot, SnapshotId, snapshots, |id| table::snapshots::key(*id);
    Attachment, AttachmentId, attachments, |id| table::attachments::key(*id);
    Transfer, TransferId, transfers, |id| table::transfers::key(*id);
    Group, GroupId, groups, |id| table::groups::key(*id);
    GroupSnapshot, GroupSnapshotId, group_snapshots, |id| table::group_snapshots::key(*id);
    GroupType, GroupTypeId, group_types, |id| table::group_types::key(*id);
    VolumeType, TypeId, types, |id| table::types::key(*id);
    Qos, QosId, qos, |id| table::qos::key(*id);
    Message, MessageId, messages, |id| table::messages::key(*id);
    Flow, FlowId, flows, |id| table::flows::key(*id);
    Backend, BackendName, backends, |name| table::backends::key(name);
    Pool, PoolName, pools, |name| table::pools::key(name);
    Usage, ProjectId, usage, |project| table::usage::key(project);
    QuotaLimits, ProjectId, quotas, |project| table::quotas::key(project);
}

/// All entities of a kind, by id: their table, opened once.
pub struct Entities<T> {
    table: OpenTable,
    kind: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for Entities<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entities").finish_non_exhaustive()
    }
}

impl<T: Stored> Entities<T> {
    /// One of them; `None` when there is none of that id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn get(&self, id: &T::Id) -> Result<Option<T>, StoreError> {
        self.by_key(&T::key(id))
    }

    /// Every one, by key.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn iter(self) -> Result<impl Iterator<Item = Result<T, StoreError>> + use<T>, StoreError> {
        let rows = self.table.range(Bound::Unbounded, Bound::Unbounded)?;
        Ok(rows.map(|row| Ok(decode(row?.1.value())?)))
    }

    /// How many there are.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn count(self) -> Result<u64, StoreError> {
        self.table.count()
    }

    fn by_key(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        match self.table.get(key)? {
            Some(value) => Ok(Some(decode(value.value())?)),
            None => Ok(None),
        }
    }
}

/// A list; what is not taken is not read.
pub struct List<T> {
    rows: RowRange,
    order: Order,
    entities: Entities<T>,
}

impl<T> std::fmt::Debug for List<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("List").field("order", &self.order).finish_non_exhaustive()
    }
}

impl<T: Stored> Iterator for List<T> {
    type Item = Result<T, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let row = match self.order {
                Order::OldestFirst => self.rows.next()?,
                Order::NewestFirst => self.rows.next_back()?,
            };
            let found = row.and_then(|(key, _)| match lists::id_of(key.value()) {
                Some(id) => self.entities.by_key(id.as_bytes()),
                None => Ok(None),
            });
            // The index and its rows are written together: a row that is missing is one that never was.
            if let Some(item) = found.transpose() {
                return Some(item);
            }
        }
    }
}

impl Snapshot {
    /// One entity by its id; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn find<T: Stored>(&self, id: &T::Id) -> Result<Option<T>, StoreError> {
        self.get(T::TABLE, &T::key(id))
    }

    /// All entities of a kind, for more than one look-up.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn entities<T: Stored>(&self) -> Result<Entities<T>, StoreError> {
        Ok(Entities { table: self.open(T::TABLE)?, kind: PhantomData })
    }

    /// The entities of a kind within a scope, by the moment at which they were asked for and then by id; with `after`
    /// only those behind that one. The latter need not exist any more.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn list<T: Stored + Listed>(
        &self,
        scope: Scope<'_>,
        order: Order,
        after: Option<&T>,
    ) -> Result<List<T>, StoreError> {
        let first = lists::prefix::<T>(scope);
        let end = behind(&first);
        // What was asked for later than the last record of the past is not looked at: there may be any number of it.
        let last = self.asked_until().map(|until| lists::last_until::<T>(scope, until));
        let end = match (&last, &end) {
            (Some(last), _) => Bound::Included(last.as_slice()),
            (None, Some(end)) => Bound::Excluded(end.as_slice()),
            (None, None) => Bound::Unbounded,
        };
        let after = after.map(|after| lists::key(scope, after));
        let (from, to) = match (after.as_deref(), order) {
            (Some(after), Order::OldestFirst) => (Bound::Excluded(after), end),
            (Some(after), Order::NewestFirst) => (Bound::Included(first.as_slice()), Bound::Excluded(after)),
            (None, _) => (Bound::Included(first.as_slice()), end),
        };
        Ok(List { rows: self.range(lists::TABLE, from, to)?, order, entities: self.entities()? })
    }

    /// How many entities of a kind there are within a scope; none of them is read.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn count<T: Stored + Listed>(&self, scope: Scope<'_>) -> Result<u64, StoreError> {
        if scope == Scope::All {
            return self.entities::<T>()?.count();
        }
        let mut count = 0;
        for row in self.rows_under(lists::TABLE, &lists::prefix::<T>(scope))? {
            row?;
            count += 1;
        }
        Ok(count)
    }

    /// Every volume type.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn types(&self) -> Result<Types, StoreError> {
        types::all(self)
    }

    /// The type of a project's volumes that ask for none, where it chose one.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn default_type_of(&self, project: &ProjectId) -> Result<Option<TypeId>, StoreError> {
        self.get(table::default_types::TABLE, &table::default_types::key(project))
    }

    /// Every project that chose a type for its volumes that ask for none, with the type.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn default_types(&self) -> Result<Vec<(ProjectId, TypeId)>, StoreError> {
        let rows = self.rows(table::default_types::TABLE)?;
        rows.map(|row| {
            let (key, value) = row?;
            Ok((table::default_types::project_of(key.value())?, decode(value.value())?))
        })
        .collect()
    }

    /// The log levels that operators chose.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn log_levels(&self) -> Result<Vec<(LogTarget, LogLevel)>, StoreError> {
        let rows = self.rows(table::log_levels::TABLE)?;
        rows.map(|row| {
            let (key, value) = row?;
            Ok((table::log_levels::target_of(key.value())?, decode(value.value())?))
        })
        .collect()
    }

    /// What decisions are made by.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn configuration(&self) -> Result<Config, StoreError> {
        Ok(self.get(table::config::TABLE, &table::config::key())?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
