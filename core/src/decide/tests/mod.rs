//! Every decision as a table: given a script, when a line, then the events.

mod admin;
mod attachments;
mod cascade;
mod catalogue;
mod create;
mod deadlines;
mod drift;
mod extend_delete;
mod groups;
mod guards;
mod legacy_attaching;
mod managing;
mod messages;
mod placing;
mod reports;
mod reset_status;
mod retype;
mod reverts;
mod snapshots;
mod sources;
mod transfers;
mod updates;
mod volume_states;

use crate::scenario::Cell;
use crate::scenario::render::{check, check_in};
use crate::state::Config;

/// Three backends; the scheduler likes the first best and the third least.
const BACKENDS: &str = "
    backend n1@lvm#vg total=30 free=30
    backend n2@lvm#vg total=20 free=20
    backend n3@lvm#vg total=10 free=10";

/// The same three once more, so that they are up after a while.
const HEARTBEATS: &str = "
    backend n1@lvm#vg total=30 free=30
    backend n2@lvm#vg total=20 free=20
    backend n3@lvm#vg total=10 free=10";
