//! The roles that a process can have: each connects, runs until it is told to stop, and says why it stopped.

pub mod api;
pub mod connect;
pub mod control;
pub mod stop;
pub mod worker;
