//! The tables, one per file, each with its key and its value.
//!
//! The state tables hold their rows in exactly the form of [`stele_core::digest`], so that the digest of what is
//! stored is computed from the stored bytes. The others are indexes and histories that only this package knows.

pub(crate) mod attachments;
pub(crate) mod backends;
pub(crate) mod chain_marks;
pub(crate) mod claims;
pub(crate) mod config;
pub(crate) mod decisions;
pub(crate) mod default_types;
pub(crate) mod drifts;
pub(crate) mod flow_history;
pub(crate) mod flows;
pub(crate) mod flows_by_volume;
pub(crate) mod group_snapshots;
pub(crate) mod group_types;
pub(crate) mod groups;
pub(crate) mod lists;
pub(crate) mod log_levels;
pub(crate) mod messages;
pub(crate) mod meta;
pub(crate) mod past;
pub(crate) mod pools;
pub(crate) mod qos;
pub(crate) mod quota_classes;
pub(crate) mod quotas;
pub(crate) mod reservations;
pub(crate) mod sink;
pub(crate) mod snapshots;
pub(crate) mod transfers;
pub(crate) mod types;
pub(crate) mod usage;
pub(crate) mod volumes;
pub(crate) mod writer;

use redb::{ReadableTable as _, TableDefinition, WriteTransaction};
use stele_core::codec::{DecodeError, decode};
use stele_core::digest::rows;
use stele_core::state::{Entity, State};

use crate::store::StoreError;
use sink::{Changes, Touched, Value};

/// A table of bytes by bytes; what they mean is said in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rows {
    number: u8,
    name: &'static str,
    past: PastIn,
}

/// What tells what a row was at a position that is past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PastIn {
    /// Images of it, in [`past`].
    Images,
    /// Its key: it is written once, and from this byte on stands where.
    Key(usize),
    /// Itself, since it only grows, with images where it does not ([`crate::history::until`]).
    Story,
}

impl Rows {
    /// `number` names the table in [`past`]; no other table has it, 0 and 255 are nobody's.
    const fn new(number: u8, name: &'static str) -> Self {
        Self { number, name, past: PastIn::Images }
    }

    const fn with_past_in(self, past: PastIn) -> Self {
        Self { past, ..self }
    }

    pub(crate) const fn past(self) -> PastIn {
        self.past
    }

    pub(crate) const fn number(self) -> u8 {
        self.number
    }

    pub(crate) const fn name(self) -> &'static str {
        self.name
    }

    pub(crate) const fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(self.name)
    }
}

/// The tables that make up the state, by name: their rows are what the digest is made of.
pub(crate) const STATE: [Rows; 22] = [
    attachments::TABLE,
    backends::TABLE,
    claims::TABLE,
    config::TABLE,
    default_types::TABLE,
    drifts::TABLE,
    flows::TABLE,
    group_snapshots::TABLE,
    group_types::TABLE,
    groups::TABLE,
    log_levels::TABLE,
    messages::TABLE,
    pools::TABLE,
    qos::TABLE,
    quota_classes::TABLE,
    quotas::TABLE,
    reservations::TABLE,
    snapshots::TABLE,
    transfers::TABLE,
    types::TABLE,
    usage::TABLE,
    volumes::TABLE,
];

/// The tables that are folded from the events beside the state.
pub(crate) const DERIVED: [Rows; 6] =
    [chain_marks::TABLE, decisions::TABLE, flow_history::TABLE, flows_by_volume::TABLE, lists::TABLE, meta::TABLE];

/// Makes every table, so that a reader never meets a missing one.
pub(crate) fn create_all(transaction: &WriteTransaction) -> Result<(), StoreError> {
    for table in STATE.into_iter().chain(DERIVED) {
        transaction.open_table(table.definition())?;
    }
    transaction.open_table(past::TABLE)?;
    Ok(())
}

/// The table of a number; `None` when none has it.
pub(crate) fn numbered(number: u8) -> Option<Rows> {
    STATE.into_iter().chain(DERIVED).find(|table| table.number == number)
}

/// Brings the rows of the entities from one state to a later one.
pub(crate) fn change_entities<C: Changes>(
    changes: &mut C,
    before: &State,
    after: &State,
    entities: &Touched,
) -> Result<(), StoreError> {
    entities.iter().try_for_each(|entity| {
        let (table, key) = place(entity);
        changes.change(table, key, || value(before, entity), || value(after, entity))
    })
}

/// Gives every row of a state, in the order of [`STATE`] and of the keys.
pub(crate) fn each_row<E>(
    state: &State,
    mut each: impl FnMut(Rows, Vec<u8>, Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    STATE.into_iter().zip(rows(state)).try_for_each(|(table, (name, mut rows))| {
        debug_assert_eq!(table.name, name);
        rows.try_for_each(|(key, value)| each(table, key, value))
    })
}

/// How many rows a state has.
pub(crate) fn row_count(state: &State) -> u64 {
    rows(state).iter().map(|(_, rows)| rows.size_hint().0 as u64).sum()
}

/// Reads the state tables back into memory, with the indexes that the state has over them.
pub(crate) fn load_state(transaction: &WriteTransaction) -> Result<State, StoreError> {
    let mut state = State::default();
    state.types.clear();
    state.type_names.clear();
    for (table, load) in STATE.into_iter().zip(LOADERS) {
        for row in transaction.open_table(table.definition())?.iter()? {
            let (key, value) = row?;
            load(&mut state, key.value(), value.value())?;
        }
    }
    Ok(state)
}

type Loader = fn(&mut State, &[u8], &[u8]) -> Result<(), DecodeError>;

/// In the order of [`STATE`].
const LOADERS: [Loader; 22] = [
    attachments::load,
    backends::load,
    claims::load,
    config::load,
    default_types::load,
    drifts::load,
    flows::load,
    group_snapshots::load,
    group_types::load,
    groups::load,
    log_levels::load,
    messages::load,
    pools::load,
    qos::load,
    quota_classes::load,
    quotas::load,
    reservations::load,
    snapshots::load,
    transfers::load,
    types::load,
    usage::load,
    volumes::load,
];

/// Where the row of an entity is.
fn place(entity: &Entity) -> (Rows, Vec<u8>) {
    match entity {
        Entity::Volume(id) => (volumes::TABLE, volumes::key(*id)),
        Entity::Flow(id) => (flows::TABLE, flows::key(*id)),
        Entity::Usage(project) => (usage::TABLE, usage::key(project)),
        Entity::Reservation(id) => (reservations::TABLE, reservations::key(*id)),
        Entity::Quota(project) => (quotas::TABLE, quotas::key(project)),
        Entity::Backend(name) => (backends::TABLE, backends::key(name)),
        Entity::Pool(name) => (pools::TABLE, pools::key(name)),
        Entity::Claim(pool, flow) => (claims::TABLE, claims::key(pool, *flow)),
        Entity::Type(id) => (types::TABLE, types::key(*id)),
        Entity::Config => (config::TABLE, config::key()),
        Entity::Snapshot(id) => (snapshots::TABLE, snapshots::key(*id)),
        Entity::Attachment(id) => (attachments::TABLE, attachments::key(*id)),
        Entity::Group(id) => (groups::TABLE, groups::key(*id)),
        Entity::GroupSnapshot(id) => (group_snapshots::TABLE, group_snapshots::key(*id)),
        Entity::GroupType(id) => (group_types::TABLE, group_types::key(*id)),
        Entity::Transfer(id) => (transfers::TABLE, transfers::key(*id)),
        Entity::Qos(id) => (qos::TABLE, qos::key(*id)),
        Entity::DefaultType(project) => (default_types::TABLE, default_types::key(project)),
        Entity::QuotaClass(class) => (quota_classes::TABLE, quota_classes::key(class)),
        Entity::Message(id) => (messages::TABLE, messages::key(*id)),
        Entity::Drift(pool, what) => (drifts::TABLE, drifts::key(pool, what)),
        Entity::LogLevel(target) => (log_levels::TABLE, log_levels::key(target)),
    }
}

/// The row of an entity, as it is in `state`.
fn value(state: &State, entity: &Entity) -> Value {
    match entity {
        Entity::Volume(id) => volumes::value(state, *id),
        Entity::Flow(id) => flows::value(state, *id),
        Entity::Usage(project) => usage::value(state, project),
        Entity::Reservation(id) => reservations::value(state, *id),
        Entity::Quota(project) => quotas::value(state, project),
        Entity::Backend(name) => backends::value(state, name),
        Entity::Pool(name) => pools::value(state, name),
        Entity::Claim(pool, flow) => claims::value(state, pool, *flow),
        Entity::Type(id) => types::value(state, *id),
        Entity::Config => Some(config::value(state)),
        Entity::Snapshot(id) => snapshots::value(state, *id),
        Entity::Attachment(id) => attachments::value(state, *id),
        Entity::Group(id) => groups::value(state, *id),
        Entity::GroupSnapshot(id) => group_snapshots::value(state, *id),
        Entity::GroupType(id) => group_types::value(state, *id),
        Entity::Transfer(id) => transfers::value(state, *id),
        Entity::Qos(id) => qos::value(state, *id),
        Entity::DefaultType(project) => default_types::value(state, project),
        Entity::QuotaClass(class) => quota_classes::value(state, class),
        Entity::Message(id) => messages::value(state, *id),
        Entity::Drift(pool, what) => drifts::value(state, pool, what),
        Entity::LogLevel(target) => log_levels::value(state, target),
    }
}

/// A key that is a UUID.
fn uuid_key(key: &[u8]) -> Result<uuid::Uuid, DecodeError> {
    uuid::Uuid::from_slice(key).map_err(|error| DecodeError { what: "key", why: error.to_string() })
}

/// A key that is a name.
fn name_key<T: std::str::FromStr>(key: &[u8]) -> Result<T, DecodeError>
where
    T::Err: std::fmt::Display,
{
    let wrong = |why: String| DecodeError { what: "key", why };
    let text = std::str::from_utf8(key).map_err(|error| wrong(error.to_string()))?;
    text.parse().map_err(|error: T::Err| wrong(error.to_string()))
}

/// A value behind an [`std::sync::Arc`], as the state holds it.
fn shared<T: serde::de::DeserializeOwned>(value: &[u8]) -> Result<std::sync::Arc<T>, DecodeError> {
    decode(value).map(std::sync::Arc::new)
}
