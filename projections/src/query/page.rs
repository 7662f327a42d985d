use std::fmt;
use std::str::FromStr;

/// How many items a page has when nobody says.
pub const LIMIT_DEFAULT: usize = 100;

/// The most items of a page; Cinder's `osapi_max_limit`.
pub const LIMIT_MAX: usize = 1000;

/// What a list of volumes is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// When the volume was asked for.
    CreatedAt,
    /// When it was last changed; those that never were come first.
    UpdatedAt,
    /// Its name.
    Name,
    /// Its size.
    Size,
    /// Its status.
    Status,
    /// Its id.
    Id,
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortDirection {
    /// From the smallest on.
    Ascending,
    /// From the largest on.
    Descending,
}

/// An order; what is equal is ordered by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// Which way.
    pub direction: SortDirection,
}

/// Cinder's order: the newest first.
impl Default for Sort {
    fn default() -> Self {
        Self { key: SortKey::CreatedAt, direction: SortDirection::Descending }
    }
}

const KEYS: [(&str, SortKey); 6] = [
    ("created_at", SortKey::CreatedAt),
    ("updated_at", SortKey::UpdatedAt),
    ("name", SortKey::Name),
    ("size", SortKey::Size),
    ("status", SortKey::Status),
    ("id", SortKey::Id),
];

/// A text that names no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no order: use created_at, updated_at, name, size, status or id, with :asc or :desc behind it")]
pub struct InvalidSort {
    /// The text, cut to 64 characters.
    text: String,
}

/// `key`, `key:asc` or `key:desc`. As in Cinder, a key without a direction is descending.
impl FromStr for Sort {
    type Err = InvalidSort;

    fn from_str(text: &str) -> Result<Self, InvalidSort> {
        let invalid = || InvalidSort { text: text.chars().take(64).collect() };
        let (name, direction) = text.split_once(':').unwrap_or((text, "desc"));
        let (_, key) = KEYS.into_iter().find(|(known, _)| *known == name).ok_or_else(invalid)?;
        let direction = match direction {
            "asc" => SortDirection::Ascending,
            "desc" => SortDirection::Descending,
            _ => return Err(invalid()),
        };
        Ok(Self { key, direction })
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KEYS.into_iter().find(|(_, key)| *key == self.key).map_or("", |(name, _)| name);
        let direction = if self.direction == SortDirection::Ascending { "asc" } else { "desc" };
        write!(f, "{name}:{direction}")
    }
}
