//! A place in the log as people name it: a position, a time, or now.

use std::fmt;
use std::str::FromStr;

use crate::unit::{Position, Timestamp};

/// When.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Moment {
    /// Now: behind the last message that is there, or that whoever is asked has applied.
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

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("head"),
            Self::Position(position) => write!(f, "position {position}"),
            Self::Time(time) => time.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_named_by_a_position_a_time_or_head() {
        let time = "2026-11-20T02:00:00Z";
        for (text, moment, said) in [
            ("head", Moment::Head, "head"),
            ("0", Moment::Position(Position(0)), "position 0"),
            ("42", Moment::Position(Position(42)), "position 42"),
            (time, Moment::Time(time.parse().unwrap()), "2026-11-20T02:00:00.000000Z"),
            ("2026-11-20T03:00:00+01:00", Moment::Time(time.parse().unwrap()), "2026-11-20T02:00:00.000000Z"),
        ] {
            assert_eq!(text.parse(), Ok(moment));
            assert_eq!(moment.to_string(), said);
        }
        for text in ["", "Head", "-1", "now", "2026-11-20", "2026-11-20T02:00:00", "99999999999999999999"] {
            assert_eq!(text.parse::<Moment>(), Err(InvalidMoment), "{text}");
        }
    }
}
