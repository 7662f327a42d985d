//! What the store is, and up to where it was folded.
//!
//! Keys: `format` (two `u32`: [`stele_core::codec::FORMAT`] and [`LAYOUT`], big-endian), `cursor` ([`Cursor`]),
//! `leader` ([`Leader`], from the first claim on), `past` ([`super::past::Kept`]).

use redb::{ReadableTable, WriteTransaction};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stele_core::chain::Chain;
use stele_core::codec::{FORMAT, decode, encode};
use stele_core::id::WriterId;
use stele_core::unit::{Position, Timestamp};

use super::Rows;
use crate::store::StoreError;

pub(crate) const TABLE: Rows = Rows::new(18, "meta");

/// Counts the changes of this package's own tables and values. A store of another number is made anew from the log.
pub(crate) const LAYOUT: u32 = 4;

/// The codec's format and this package's layout.
pub(crate) const FORMATS: (u32, u32) = (FORMAT, LAYOUT);

/// Up to where the log was folded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The last record that was applied.
    pub chain: Chain,
    /// The last message of the stream that was looked at: the record, or a stray behind it.
    pub seen: Position,
    /// How many messages of the stream were no records.
    pub strays: u64,
}

/// Who writes the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// Where it runs, as it said when it claimed.
    pub host: String,
    /// Which process it is.
    pub writer: WriterId,
    /// Where it claimed.
    pub position: Position,
    /// When it claimed.
    pub claimed_at: Timestamp,
}

/// The key of [`Cursor`].
pub(crate) const CURSOR: &[u8] = b"cursor";

/// The key of [`Leader`].
pub(crate) const LEADER: &[u8] = b"leader";

/// The key of [`super::past::Kept`].
pub(crate) const PAST: &[u8] = b"past";

/// Writes a row of this table, whose past is not kept.
pub(crate) fn write<T: Serialize>(transaction: &WriteTransaction, key: &[u8], value: &T) -> Result<(), StoreError> {
    transaction.open_table(TABLE.definition())?.insert(key, encode(value).as_slice())?;
    Ok(())
}

pub(crate) fn read<T: DeserializeOwned>(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &[u8],
) -> Result<Option<T>, StoreError> {
    match table.get(key)? {
        Some(value) => Ok(Some(decode(value.value())?)),
        None => Ok(None),
    }
}

pub(crate) fn write_formats(transaction: &WriteTransaction) -> Result<(), StoreError> {
    let mut bytes = FORMATS.0.to_be_bytes().to_vec();
    bytes.extend_from_slice(&FORMATS.1.to_be_bytes());
    transaction.open_table(TABLE.definition())?.insert(b"format".as_slice(), bytes.as_slice())?;
    Ok(())
}

/// The formats that the store says it has; `None` when it says nothing that can be understood.
pub(crate) fn read_formats(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
) -> Result<Option<(u32, u32)>, StoreError> {
    let Some(value) = table.get(b"format".as_slice())? else { return Ok(None) };
    let Some((format, layout)) = value.value().split_at_checked(4) else { return Ok(None) };
    match (format.try_into(), layout.try_into()) {
        (Ok(format), Ok(layout)) => Ok(Some((u32::from_be_bytes(format), u32::from_be_bytes(layout)))),
        _ => Ok(None),
    }
}
