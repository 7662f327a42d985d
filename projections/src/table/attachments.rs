//! The attachments that exist.
//!
//! Key: the attachment's id, 16 bytes. Value: [`stele_core::state::Attachment`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::AttachmentId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(1, "attachments");

pub(crate) fn key(id: AttachmentId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: AttachmentId) -> Option<Vec<u8>> {
    state.attachments.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.attachments.insert(AttachmentId(super::uuid_key(key)?), super::shared(value)?);
    Ok(())
}
