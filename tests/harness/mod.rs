//! What the test binaries share: cells of real processes.

pub(crate) mod cell;
pub(crate) mod dev;
pub(crate) mod log;
