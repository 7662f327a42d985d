//! The main job on real LVM, inside the kernel lab (`make lab`), or on a machine that has device-mapper.

#[path = "../harness/mod.rs"]
mod harness;
mod lvm;
mod tests;
