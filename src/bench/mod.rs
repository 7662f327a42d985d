//! `stele bench`: how fast a cell is, measured from outside.

mod audit;
mod board;
mod cell;
mod cinder;
mod cpu;
mod create;
mod http;
mod report;
mod tail;

pub use audit::audit;
pub use cinder::cinder;
pub use create::create;
pub(crate) use report::Percentiles;
