//! A place in the log as people name it, by the same words as `stele replay at`.

use std::str::FromStr;

use stele_core::unit::{Position, Timestamp};

/// When.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Moment {
    /// What is applied now.
    #[default]
    Head,
    /// Behind the message at this position.
    Position(Position),
    /// Behind the last record that was written at or before this time, by the writers' clocks.
    Time(Timestamp),
}

/// A text that names no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is neither a position such as 42, nor a time such as 2026-11-20T02:00:00Z, nor `head`")]
pub struct InvalidMoment;

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        if text == "head" {
            return Ok(Self::Head);
        }
        let position = text.parse().map(Self::Position);
        position.or_else(|_| text.parse().map(Self::Time)).map_err(|_| InvalidMoment)
    }
}
