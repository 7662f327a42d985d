//! Quantities with their units: GiB, positions in the log, moments, hashes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The largest volume, in GiB: 2³¹−1, Cinder's limit for sizes and quotas.
pub const SIZE_GIB_MAX: u32 = i32::MAX as u32;

/// The size of a volume in GiB, from 1 to [`SIZE_GIB_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct SizeGib(u32);

/// A size outside 1 to 2³¹−1 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a size of {0} GiB is outside 1 to {SIZE_GIB_MAX}")]
pub struct SizeOutOfRange(pub i128);

impl SizeGib {
    /// Checks the range.
    ///
    /// # Errors
    /// [`SizeOutOfRange`] for 0, negative and huge sizes.
    pub fn new(size_gib: i128) -> Result<Self, SizeOutOfRange> {
        u32::try_from(size_gib)
            .ok()
            .filter(|size| (1..=SIZE_GIB_MAX).contains(size))
            .map(Self)
            .ok_or(SizeOutOfRange(size_gib))
    }

    /// The smallest size.
    pub const ONE: Self = Self(1);

    /// The smallest size that holds so many bytes.
    ///
    /// # Errors
    /// [`SizeOutOfRange`] when none does.
    pub fn holding(bytes: u64) -> Result<Self, SizeOutOfRange> {
        Self::new(i128::from(bytes.div_ceil(1 << 30).max(1)))
    }

    /// In GiB.
    #[must_use]
    pub fn gib(self) -> u32 {
        self.0
    }

    /// In bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        u64::from(self.0) << 30
    }
}

impl TryFrom<u32> for SizeGib {
    type Error = SizeOutOfRange;
    fn try_from(size: u32) -> Result<Self, Self::Error> {
        Self::new(i128::from(size))
    }
}

impl From<SizeGib> for u32 {
    fn from(size: SizeGib) -> Self {
        size.0
    }
}

impl fmt::Display for SizeGib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GiB", self.0)
    }
}

/// A place in the log: the stream sequence of a record. 0 is the place before the first record.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// The place right behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A moment, in microseconds since 1970 (UTC); RFC 3339 with six digits in JSON, an integer in bincode.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970, cut to the years that RFC 3339 can write.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        // 0000-01-01 and 9999-12-30, so that formatting cannot fail.
        Self(micros.clamp(-62_167_219_200_000_000, 253_402_207_200_000_000))
    }

    /// From milliseconds since 1970.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self::from_micros(millis.saturating_mul(1000))
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// This moment and so many milliseconds.
    #[must_use]
    pub fn plus_ms(self, millis: u64) -> Self {
        Self::from_micros(self.0.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000)))
    }

    /// Milliseconds from `earlier` to this moment; 0 when `earlier` is later.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0) / 1000).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(|moment| Self(moment.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

/// A SHA-256; 64 hexadecimal digits in JSON, 32 bytes in bincode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0_u8; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 hexadecimal digits")]
pub struct InvalidHash;

impl FromStr for Hash {
    type Err = InvalidHash;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| InvalidHash)?;
        let mut bytes = [0_u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16).ok_or(InvalidHash)?;
            let low = char::from(pair[1]).to_digit(16).ok_or(InvalidHash)?;
            *byte = u8::try_from(high * 16 + low).map_err(|_| InvalidHash)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 32]>::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_outside_the_range_are_refused() {
        for bad in [0, -1, i128::from(SIZE_GIB_MAX) + 1, i128::MIN, i128::MAX] {
            assert_eq!(SizeGib::new(bad), Err(SizeOutOfRange(bad)));
        }
        assert_eq!(SizeGib::new(2).unwrap().bytes(), 2 << 30);
    }

    #[test]
    fn moments_and_hashes_survive_json() {
        let moment = Timestamp::from_micros(1_795_000_000_123_456);
        let text = serde_json::to_string(&moment).unwrap();
        assert_eq!(text, "\"2026-11-18T11:06:40.123456Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), moment);
        assert_eq!(Timestamp::from_micros(i64::MAX).to_string().len(), 27);
        let hash = Hash::of(b"stele");
        assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
        assert_eq!("zz".parse::<Hash>(), Err(InvalidHash));
    }

    #[test]
    fn time_differences_never_wrap() {
        let moment = Timestamp::from_millis(5);
        assert_eq!(moment.plus_ms(10).ms_since(moment), 10);
        assert_eq!(moment.ms_since(moment.plus_ms(10)), 0);
        assert!(moment.plus_ms(u64::MAX) > moment);
    }
}
