//! `stele bench`: how fast a cell is, measured from outside.

mod cell;
mod cpu;
mod create;
mod report;
mod tail;

pub use create::create;
