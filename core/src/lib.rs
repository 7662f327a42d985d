//! The pure part of Stele: everything that decides, and nothing that touches the world.
//!
//! ```text
//! message --parse--> Command --decide--> events --assemble--> record --(append)--> LOG
//!                                |                                            |
//!                              State <-------------- evolve -----------------'
//! ```
//!
//! In the order in which a command passes through:
//!
//! | module | holds |
//! | --- | --- |
//! | [`id`], [`unit`], [`moment`] | identifiers and quantities, each a type of its own; places in the log as people name them |
//! | [`command`], [`refusal`] | what can be asked for, and why it may be refused |
//! | [`decide`] | one file per command: state + command -> events or a refusal |
//! | [`schedule`] | the placement of volumes: one file per filter and weigher |
//! | [`event`], [`task`], [`chap`] | what happened; work for storage nodes and its reports; their secrets |
//! | [`inventory`] | what lies on the storage, and what of it is not as the log promises |
//! | [`evolve`], [`state`] | state + event -> state |
//! | [`record`], [`chain`], [`fold`] | the log's format, which messages are the log, and folding it |
//! | [`writer`] | the commit loop: group commit, fencing, answers after acknowledgement |
//! | [`port`] | the doors to the log, the inbox and the task queue |
//! | [`audit`], [`ledger`] | what must hold; who holds a project's quota since which event |
//! | [`digest`], [`codec`] | comparing states; the form of derived state |

pub mod audit;
pub mod chain;
pub mod chap;
pub mod codec;
pub mod command;
pub mod decide;
pub mod digest;
pub mod event;
pub mod evolve;
pub mod fold;
pub mod id;
pub mod inventory;
pub mod ledger;
pub mod moment;
pub mod port;
pub mod record;
pub mod refusal;
#[cfg(test)]
mod scenario;
pub mod schedule;
pub mod state;
pub mod task;
pub mod unit;
pub mod writer;
