//! Tests of the whole, on real parts: nats-server, processes, sockets, files.

#[path = "../contract/mod.rs"]
mod contract;
mod docs;
mod garbage;
#[path = "../harness/mod.rs"]
mod harness;
mod kill;
mod main_job;
mod ports;
mod roles;
mod takeover;
mod tidy;
