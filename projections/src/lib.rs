//! Read models: the log folded into redb tables, queries over them, and the HTTP server that answers them.
//!
//! ```text
//! log --follow--> Projection::apply --one transaction--> rows, indexes, histories, cursor
//!                                                              |
//!                          HTTP <-- views <-- queries <-- Snapshot (one position)
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | [`projection`] | the file: opening it, applying batches, syncing it |
//! | [`check`] | whether the log is still the one that was applied |
//! | [`follow`], [`rebuild`] | applying a log as it grows; making the file anew from it |
//! | `step` | what applying and rebuilding have in common: from messages to rows |
//! | `table` | one file per table, with its key and value |
//! | `history` | the second fold: flows shown whole, decisions by volume |
//! | [`reader`], [`query`] | snapshots, of now or of the past, and the questions that they answer |
//! | [`view`] | the answers, as in JSON |
//! | [`http`] | routes, live events, metrics |
//!
//! Nothing here decides anything, and nothing here is the truth: a file can be thrown away and folded again.

pub mod check;
pub mod follow;
mod history;
pub mod http;
pub mod projection;
pub mod query;
pub mod reader;
pub mod rebuild;
mod step;
pub mod store;
mod table;
#[cfg(test)]
mod testing;
pub mod v3;
pub mod view;
