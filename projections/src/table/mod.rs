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
pub(crate) mod snapshots;
pub(crate) mod transfers;
pub(crate) mod types;
pub(crate) mod usage;
pub(crate) mod volumes;
pub(crate) mod writer;

use std::collections::HashSet;

use redb::{ReadableTable as _, TableDefinition, WriteTransaction};
use stele_core::codec::{DecodeError, decode};
use stele_core::state::{Entity, State};

use crate::store::StoreError;
use writer::Writer;

/// A table of bytes by bytes; what they mean is said in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rows {
    number: u8,
    name: &'static str,
}

impl Rows {
    /// `number` names the table in [`past`]; no other table has it, 0 and 255 are nobody's.
    const fn new(number: u8, name: &'static str) -> Self {
        Self { number, name }
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

/// Writes the rows of the entities as they are in `state`, or removes them.
pub(crate) fn write_entities(
    writer: &mut Writer<'_>,
    state: &State,
    entities: &HashSet<Entity>,
) -> Result<(), StoreError> {
    entities.iter().try_for_each(|entity| {
        let (table, key, value) = row(state, entity);
        writer.put(table, key, value)
    })
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

fn row(state: &State, entity: &Entity) -> (Rows, Vec<u8>, Option<Vec<u8>>) {
    match entity {
        Entity::Volume(id) => (volumes::TABLE, volumes::key(*id), volumes::value(state, *id)),
        Entity::Flow(id) => (flows::TABLE, flows::key(*id), flows::value(state, *id)),
        Entity::Usage(project) => (usage::TABLE, usage::key(project), usage::value(state, project)),
        Entity::Reservation(id) => (reservations::TABLE, reservations::key(*id), reservations::value(state, *id)),
        Entity::Quota(project) => (quotas::TABLE, quotas::key(project), quotas::value(state, project)),
        Entity::Backend(name) => (backends::TABLE, backends::key(name), backends::value(state, name)),
        Entity::Pool(name) => (pools::TABLE, pools::key(name), pools::value(state, name)),
        Entity::Claim(pool, flow) => (claims::TABLE, claims::key(pool, *flow), claims::value(state, pool, *flow)),
        Entity::Type(id) => (types::TABLE, types::key(*id), types::value(state, *id)),
        Entity::Config => (config::TABLE, config::key(), Some(config::value(state))),
        Entity::Snapshot(id) => (snapshots::TABLE, snapshots::key(*id), snapshots::value(state, *id)),
        Entity::Attachment(id) => (attachments::TABLE, attachments::key(*id), attachments::value(state, *id)),
        Entity::Group(id) => (groups::TABLE, groups::key(*id), groups::value(state, *id)),
        Entity::GroupSnapshot(id) => {
            (group_snapshots::TABLE, group_snapshots::key(*id), group_snapshots::value(state, *id))
        }
        Entity::GroupType(id) => (group_types::TABLE, group_types::key(*id), group_types::value(state, *id)),
        Entity::Transfer(id) => (transfers::TABLE, transfers::key(*id), transfers::value(state, *id)),
        Entity::Qos(id) => (qos::TABLE, qos::key(*id), qos::value(state, *id)),
        Entity::DefaultType(project) => {
            (default_types::TABLE, default_types::key(project), default_types::value(state, project))
        }
        Entity::QuotaClass(class) => {
            (quota_classes::TABLE, quota_classes::key(class), quota_classes::value(state, class))
        }
        Entity::Message(id) => (messages::TABLE, messages::key(*id), messages::value(state, *id)),
        Entity::Drift(pool, what) => (drifts::TABLE, drifts::key(pool, what), drifts::value(state, pool, what)),
        Entity::LogLevel(target) => (log_levels::TABLE, log_levels::key(target), log_levels::value(state, target)),
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
