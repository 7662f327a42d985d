//! The portals of a target that was started anew: shut until the worker opens them, or for good.

use stele_core::task::{Failure, FailureKind};

use super::super::failure;
use super::MemoryHost;

/// What hosts can knock at.
#[derive(Debug, Default)]
pub(super) struct Portals {
    shut: bool,
    broken: bool,
    tries: u64,
}

impl Portals {
    pub(super) fn open(&mut self) -> Result<(), Failure> {
        self.tries += 1;
        if self.broken {
            return Err(failure(FailureKind::Other, "let hosts in", "a portal cannot be opened"));
        }
        self.shut = false;
        Ok(())
    }
}

impl MemoryHost {
    /// Every target is gone, and the target keeps hosts out until it is told to let them in.
    pub fn restart_target(&self) {
        self.forget_targets();
        self.lock().portals.shut = true;
    }

    /// From now on its portals cannot be opened, or can be again.
    pub fn break_portals(&self, broken: bool) {
        self.lock().portals.broken = broken;
    }

    /// Whether it keeps hosts out.
    #[must_use]
    pub fn keeps_hosts_out(&self) -> bool {
        self.lock().portals.shut
    }

    /// How often somebody tried to open its portals.
    #[must_use]
    pub fn tries_to_open(&self) -> u64 {
        self.lock().portals.tries
    }
}
