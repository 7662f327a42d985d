//! A place in the log as people name it: a position, a time, or now.

use std::fmt;
use std::str::FromStr;

use stele_core::unit::{Position, Timestamp};

/// When.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Behind the message at this position.
    Position(Position),
    /// Behind the last record that was written at or before this time, by the writers' clocks.
    Time(Timestamp),
    /// Behind the last message that is there.
    Head,
}

/// A text that names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a position such as 42, nor a time such as 2026-11-20T02:00:00Z, nor `head`")]
pub struct InvalidMoment(String);

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "head" {
            return Ok(Self::Head);
        }
        let position = text.parse().map(Self::Position);
        position.or_else(|_| text.parse().map(Self::Time)).map_err(|_| InvalidMoment(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => write!(f, "position {position}"),
            Self::Time(time) => time.fmt(f),
            Self::Head => f.write_str("head"),
        }
    }
}
