//! The binary's wiring: arguments, settings, roles, NATS. The rules live in stele-core.
//!
//! | module | holds |
//! | --- | --- |
//! | [`args`], [`settings`], [`failure`] | the command line, what it comes to, what a failure tells |
//! | [`archive`] | the log with its archived beginning, as everybody reads it |
//! | [`nats`] | the only place that knows the NATS client: the ports on JetStream |
//! | [`control`] | the control role: standby, claim, lead |
//! | [`role`], [`dev`] | the roles as processes; a whole cell in one |
//! | [`client`], [`cli`] | commands over NATS; the command line |
//! | [`chap_key`] | the key of the secrets by which hosts log in |
//! | [`key_file`] | files that hold a secret key |
//! | [`logging`] | what the process logs, changed while it runs |
//! | [`bench`] | measuring from outside |

pub mod access;
pub mod archive;
pub mod args;
pub mod bench;
pub mod chap_key;
pub mod cli;
pub mod client;
pub mod clock;
pub mod control;
pub mod dev;
pub mod failure;
pub mod key_file;
pub mod keystone;
pub mod logging;
pub mod nats;
pub mod progress;
pub mod role;
pub mod settings;
