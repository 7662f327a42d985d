//! Tests of the whole, on real parts: nats-server, processes, sockets, files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::print_stdout, reason = "seeds and figures are shown when a test fails")]

mod access;
mod archive;
mod archive_edges;
mod cinder;
#[path = "../contract/mod.rs"]
mod contract;
mod docs;
mod garbage;
#[path = "../harness/mod.rs"]
mod harness;
mod heal;
mod kill;
mod log_file;
mod log_levels;
mod main_job;
mod past;
mod permissions;
mod ports;
mod roles;
mod takeover;
mod tamper;
mod tidy;
mod what_if;
mod why;
