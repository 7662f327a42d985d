//! The way in from OpenStack Cinder: its database is read from a file, checked, and planned into commands.
//!
//! ```text
//! SQLite file --+--> rows --> Estate --+--> check  what its quota counters say, and what its rows sum to
//! dump (text) --'                      '--> plan   the commands that adopt what is there, and what they leave out, and why
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | `schema` | the tables and columns that are read |
//! | `sqlite`, `dump` | rows of a SQLite database; of what `mariadb-dump` or `mysqldump` wrote |
//! | [`estate`] | the rows that count, by what they are |
//! | [`check`] | Cinder's quota: counters, rows, reservations, what is stuck |
//! | [`plan`] | commands for a cell |
//!
//! Nothing is written to the database, and no server is asked.

pub mod check;
mod dump;
pub mod estate;
pub mod plan;
mod row;
mod schema;
mod sqlite;
#[cfg(test)]
mod tests;

pub use estate::Estate;
pub use row::{Place, ReadError};
