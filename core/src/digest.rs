//! The canonical digest of a state: equal states have equal digests, wherever and however they came to be.
//!
//! A table's digest is the SHA-256 over its rows in key order, each as (key length, key, value length, value) in the
//! form of [`crate::codec`]; the state's digest is the SHA-256 over the names and digests of its tables. A projection
//! whose rows are stored in the same form computes it from the stored bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::codec::encode;
use crate::inventory::Stored;
use crate::state::{LogTarget, State};
use crate::unit::Hash;

/// The digest of every table, and of all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateDigest {
    /// Over all tables.
    pub digest: Hash,
    /// By table.
    pub tables: BTreeMap<String, TableDigest>,
}

/// The digest of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDigest {
    /// Over its rows.
    pub digest: Hash,
    /// How many rows it has.
    pub rows: u64,
}

/// Adds up one table's rows, which must come in key order.
#[derive(Debug, Default, Clone)]
pub struct TableHasher {
    hasher: Sha256,
    rows: u64,
}

impl TableHasher {
    /// Adds one row by the stored bytes of its key and value.
    pub fn row(&mut self, key: &[u8], value: &[u8]) {
        self.hasher.update((key.len() as u64).to_be_bytes());
        self.hasher.update(key);
        self.hasher.update((value.len() as u64).to_be_bytes());
        self.hasher.update(value);
        self.rows += 1;
    }

    /// The digest of the rows so far.
    #[must_use]
    pub fn finish(self) -> TableDigest {
        TableDigest { digest: Hash(self.hasher.finalize().into()), rows: self.rows }
    }
}

impl StateDigest {
    /// Puts the tables' digests together.
    #[must_use]
    pub fn of_tables(tables: BTreeMap<String, TableDigest>) -> Self {
        let mut hasher = Sha256::new();
        for (name, table) in &tables {
            hasher.update(name.as_bytes());
            hasher.update([0]);
            hasher.update(table.digest.0);
        }
        Self { digest: Hash(hasher.finalize().into()), tables }
    }

    /// The digest of a state in memory.
    #[must_use]
    pub fn of(state: &State) -> Self {
        Self::of_tables(rows(state).map(|(name, rows)| (name.to_owned(), table(rows))).into())
    }

    /// The tables in which two digests differ, with both row counts.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> = self.tables.keys().chain(other.tables.keys()).collect();
        let rows = |digest: &Self, name: &String| digest.tables.get(name).map_or(0, |table| table.rows);
        names
            .into_iter()
            .filter(|name| self.tables.get(*name) != other.tables.get(*name))
            .map(|name| format!("{name} ({} rows against {})", rows(self, name), rows(other, name)))
            .collect()
    }
}

/// The rows of a table in key order: the stored bytes of each key and value.
pub type TableRows<'a> = Box<dyn Iterator<Item = (Vec<u8>, Vec<u8>)> + 'a>;

/// The tables of a state, in the order of their names, each with its rows.
#[must_use]
pub fn rows(state: &State) -> [(&'static str, TableRows<'_>); 22] {
    [
        ("attachments", Box::new(state.attachments.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("backends", Box::new(state.backends.iter().map(|(k, v)| (text_key(k.as_str()), encode(v))))),
        ("claims", Box::new(state.claims.iter().map(|((p, f), v)| (claim_key(p.as_str(), f.0), encode(v))))),
        ("config", Box::new(std::iter::once((Vec::new(), encode(&state.config))))),
        ("default_types", Box::new(state.default_types.iter().map(|(k, v)| (text_key(k.as_str()), encode(v))))),
        ("drifts", Box::new(state.drifts.iter().map(|((p, w), v)| (drift_key(p.as_str(), w), encode(v))))),
        ("flows", Box::new(state.flows.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("group_snapshots", Box::new(state.group_snapshots.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("group_types", Box::new(state.group_types.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("groups", Box::new(state.groups.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("log_levels", Box::new(state.log_levels.iter().map(|(k, v)| (log_level_key(k), encode(v))))),
        ("messages", Box::new(state.messages.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("pools", Box::new(state.pools.iter().map(|(k, v)| (text_key(k.as_str()), encode(v))))),
        ("qos", Box::new(state.qos.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("quota_classes", Box::new(state.quota_classes.iter().map(|(k, v)| (text_key(k), encode(v))))),
        ("quotas", Box::new(state.quotas.iter().map(|(k, v)| (text_key(k.as_str()), encode(v))))),
        ("reservations", Box::new(state.reservations.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("snapshots", Box::new(state.snapshots.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("transfers", Box::new(state.transfers.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("types", Box::new(state.types.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
        ("usage", Box::new(state.usage.iter().map(|(k, v)| (text_key(k.as_str()), encode(v))))),
        ("volumes", Box::new(state.volumes.iter().map(|(k, v)| (uuid_key(k.0), encode(v))))),
    ]
}

/// The stored form of a key that is text.
#[must_use]
pub fn text_key(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// The stored form of a key that is an id.
#[must_use]
pub fn uuid_key(id: uuid::Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// The stored form of a log level's key: program, host and prefix with zero bytes between them, which none of the
/// three can hold. Rows are in the order of these bytes, which is the order of [`LogTarget`].
#[must_use]
pub fn log_level_key(target: &LogTarget) -> Vec<u8> {
    [target.binary.as_str(), target.host.as_str(), target.prefix.as_str()].join("\0").into_bytes()
}

/// The stored form of a drift's key: the pool, a zero byte, and what drifts in its stored form, whose order is that of
/// the state.
#[must_use]
pub fn drift_key(pool: &str, what: &Stored) -> Vec<u8> {
    let (kind, second) = match what {
        Stored::Volume { .. } => (0, None),
        Stored::Snapshot { snapshot, .. } => (1, Some(snapshot.0)),
        Stored::Still { .. } => (2, None),
        Stored::Successor { .. } => (3, None),
        Stored::Target { .. } => (4, None),
        Stored::Host { attachment, .. } => (5, Some(attachment.0)),
    };
    let mut key = pool.as_bytes().to_vec();
    key.extend_from_slice(&[0, kind]);
    key.extend_from_slice(what.volume().0.as_bytes());
    key.extend(second.iter().flat_map(|id| *id.as_bytes()));
    key
}

/// The stored form of a claim's key: the pool, a zero byte, the flow.
#[must_use]
pub fn claim_key(pool: &str, flow: uuid::Uuid) -> Vec<u8> {
    let mut key = Vec::with_capacity(pool.len() + 17);
    key.extend_from_slice(pool.as_bytes());
    key.push(0);
    key.extend_from_slice(flow.as_bytes());
    key
}

fn table(rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> TableDigest {
    let mut hasher = TableHasher::default();
    for (key, value) in rows {
        hasher.row(&key, &value);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
