//! The main job on real LVM, inside the kernel lab (`make lab`), or on a machine that has device-mapper.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod adopt;
mod attach;
mod behind;
mod brick;
mod cell;
mod cinder;
mod contract;
mod copy;
#[path = "../harness/mod.rs"]
mod harness;
mod kill;
mod lvm;
mod many;
mod multiattach;
mod multipath;
mod node;
mod rates;
mod reboot;
mod restore;
mod tests;
mod watermark;
