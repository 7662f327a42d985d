//! Where what changes goes while the log is applied.

use std::collections::{HashMap, HashSet};

use stele_core::id::FlowId;
use stele_core::state::Entity;
use stele_core::unit::Position;

use super::Rows;
use crate::step::Known;
use crate::store::StoreError;
use crate::view::FlowHistory;

/// A row's value; `None` where there is no row.
pub(crate) type Value = Option<Vec<u8>>;

/// A map that is asked for every event. Its hashes are seeded, since users choose ids.
pub(crate) type Quick<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What messages have changed.
pub(crate) type Touched = HashSet<Entity, foldhash::fast::RandomState>;

/// Takes what messages change.
pub(crate) trait Sink {
    /// The message that is applied, when what it changes is kept as it was before.
    fn keeping(&self) -> Option<Position>;

    /// Whether it wants to know what changes in the state.
    fn follows_state(&self) -> bool;

    /// What one or more messages have changed in the state.
    fn changed(&mut self, before: Known, after: &Known, touched: Touched) -> Result<(), StoreError>;

    /// A row that needs no image: the rows of its table tell their past themselves.
    fn put(&mut self, rows: Rows, key: Vec<u8>, value: Vec<u8>) -> Result<(), StoreError>;

    /// A story as it is from here on.
    fn tell(&mut self, story: FlowHistory) -> Result<(), StoreError>;

    /// Keeps what a story was before the message that is applied.
    fn keep(&mut self, story: &FlowHistory) -> Result<(), StoreError>;

    /// A story as far as it was told before.
    fn told(&mut self, flow: FlowId) -> Result<Option<FlowHistory>, StoreError>;
}

/// Takes rows that change.
pub(crate) trait Changes {
    /// A row as it was and as it will be; what is not needed is not made. Between two messages that are kept apart each
    /// row changes once at most.
    fn change(
        &mut self,
        rows: Rows,
        key: Vec<u8>,
        before: impl FnOnce() -> Value,
        after: impl FnOnce() -> Value,
    ) -> Result<(), StoreError>;
}
