//! The hands of Stele: the only part that has effects on storage.
//!
//! ```text
//! Task  --> observe --> plan --> steps --> Report
//!           driver/     plan     driver/   execute
//!                       (pure)      |
//!                                runner: the one place that spawns processes
//! ```
//!
//! A task says what shall be true, is delivered at least once and may be executed at any time by any worker of its
//! backend. So a worker keeps nothing between tasks: it looks first, runs only what is missing, and tells what it did.
//!
//! | module    | holds                                                                 |
//! | --------- | --------------------------------------------------------------------- |
//! | [`config`]  | what a worker is told about its backend                               |
//! | [`worker`]  | the loop: claim, execute, report, let go; heartbeats                  |
//! | [`execute`] | one task from end to end                                              |
//! | [`object`]  | what lies on the storage: names and tags                              |
//! | [`plan`]    | from a task and what was seen to the missing steps; pure              |
//! | [`driver`]  | lvm, file, null, and the honest fake in memory                        |
//! | [`target`]  | how hosts reach volumes over iSCSI: lio, tgt                          |
//! | [`initiator`] | the host side: reaching an exported volume from this machine       |
//! | [`runner`]  | processes: typed arguments, time limits, bounded output               |
//! | [`turn`]    | room for quick steps, and for slow ones beside them                   |
//! | [`clock`]   | time as an argument                                                   |

pub mod clock;
pub mod config;
pub mod driver;
pub mod execute;
pub mod initiator;
pub mod object;
pub mod plan;
pub mod runner;
pub mod shared;
pub mod target;
#[cfg(test)]
mod testing;
pub mod turn;
pub mod worker;
