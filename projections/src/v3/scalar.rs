use std::fmt;

use serde::{Serialize, Serializer};
use stele_core::unit::Timestamp;

/// A moment as Cinder writes it: `2026-11-20T09:34:53.606316`, without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0.micros().div_euclid(1_000_000), self.0.micros().rem_euclid(1_000_000));
        let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, date) = civil(day);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}")
    }
}

/// The date of a day since 1970, by the rule of the Gregorian calendar: years begin in March, so that the day that
/// leap years have more is the last one.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, date)
}

/// Reads a moment as clients write it: with or without a zone, with or without a time of day.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let with_time = if text.len() == 10 { format!("{text}T00:00:00") } else { text.replacen(' ', "T", 1) };
    let zoned = with_time.ends_with(['Z', 'z']) || with_time.get(11..).is_some_and(|time| time.contains(['+', '-']));
    let whole = if zoned { with_time } else { format!("{with_time}Z") };
    whole.parse().ok()
}

/// An empty text stands for nothing, as it does in Cinder's answers about things without a name.
pub(crate) fn unless_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for micros in [
            0,
            -1,
            951_782_400_000_000,
            951_868_799_999_999,
            1_800_000_000_123_456,
            4_107_542_400_000_000,
            -2_203_891_200_000_000,
            253_402_207_200_000_000,
        ] {
            let moment = Timestamp::from_micros(micros);
            assert_eq!(format!("{}Z", Moment(moment)), moment.to_string());
        }
    }

    #[test]
    fn moments_are_read_in_many_forms() {
        let expected = moment("2026-01-02T03:04:05.5Z");
        assert!(expected.is_some());
        for (text, same) in [
            ("2026-01-02T03:04:05.500000", true),
            ("2026-01-02 03:04:05.5", true),
            ("2026-01-02T05:04:05.5+02:00", true),
            ("2026-01-02T03:04:05.5-00:00", true),
            ("2026-01-02", false),
            ("bogus", false),
            ("", false),
            ("2026-13-02T00:00:00", false),
            ("ääääääääääää", false),
        ] {
            assert_eq!(moment(text) == expected, same, "{text}");
        }
        assert_eq!(moment("2026-01-02"), moment("2026-01-02T00:00:00Z"));
    }
}
