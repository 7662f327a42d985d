//! What users are told about failed flows.
//!
//! Key: the message's id, 16 bytes. Value: [`stele_core::state::Message`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::MessageId;
use stele_core::state::{Message, State};

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(17, "messages");

pub(crate) fn key(id: MessageId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: MessageId) -> Option<Vec<u8>> {
    state.messages.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    let id = MessageId(super::uuid_key(key)?);
    let found: std::sync::Arc<Message> = super::shared(value)?;
    state.message_ages.insert((found.created_at, id));
    state.messages.insert(id, found);
    Ok(())
}
