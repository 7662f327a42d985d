//! The binary's wiring: arguments, settings, roles, NATS. The rules live in stele-core.
//!
//! | module | holds |
//! | --- | --- |
//! | [`args`], [`settings`], [`failure`] | the command line, what it comes to, what a failure tells |
//! | [`nats`] | the only place that knows the NATS client: the ports on JetStream |
//! | [`control`] | the control role: standby, claim, lead |
//! | [`role`] | `stele control`, `worker` as processes |

pub mod args;
pub mod bench;
pub mod client;
pub mod clock;
pub mod control;
pub mod failure;
pub mod nats;
pub mod progress;
pub mod role;
pub mod settings;
