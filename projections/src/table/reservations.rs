//! The open reservations of quota.
//!
//! Key: the reservation's id, 16 bytes. Value: [`stele_core::state::Reservation`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::ReservationId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(23, "reservations");

pub(crate) fn key(id: ReservationId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: ReservationId) -> Option<Vec<u8>> {
    state.reservations.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.reservations.insert(ReservationId(super::uuid_key(key)?), super::shared(value)?);
    Ok(())
}
