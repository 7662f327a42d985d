//! What belongs to a project, and what is said when it is not there.

use stele_core::id::ProjectId;
use stele_core::state::{Snapshot, Volume};

use super::context::Owned;
use super::fault::Fault;

impl Owned for Volume {
    fn owner(&self) -> &ProjectId {
        &self.project
    }

    fn missing(id: &str) -> Fault {
        Fault::no_such("Volume", id)
    }
}

impl Owned for Snapshot {
    fn owner(&self) -> &ProjectId {
        &self.project
    }

    fn missing(id: &str) -> Fault {
        Fault::no_such("Snapshot", id)
    }
}
