//! Tests of the whole, on real parts: nats-server, processes, sockets, files.

mod cell;
mod docs;
mod garbage;
mod kill;
mod main_job;
mod takeover;
mod tidy;
