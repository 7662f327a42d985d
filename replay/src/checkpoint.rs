//! Checkpoints: what the log was at a position, signed, to be kept where whoever can change the log cannot reach.
//!
//! A chain of hashes shows that a record was changed, unless all records behind it were made anew. A checkpoint that was
//! kept elsewhere shows that as well, and that a tail is missing: whoever holds it knows the hash at its position and
//! everything before it. The signature (Ed25519, RFC 8032) is over these lines, each ended by a line feed:
//!
//! ```text
//! stele checkpoint 1
//! position 512
//! hash 5f0c...
//! digest 91ab...
//! at 2026-11-20T02:00:00.000000Z
//! ```

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use stele_core::unit::{Hash, Position, Timestamp};

/// The version of the signed text.
const VERSION: u32 = 1;

/// What the log was at a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The version of the signed text.
    pub v: u32,
    /// The record.
    pub position: Position,
    /// Its hash.
    pub hash: Hash,
    /// The digest of the state that the log leads to there.
    pub digest: Hash,
    /// When that record was written.
    pub at: Timestamp,
    /// Who signed, as 64 hexadecimal digits.
    pub key: PublicKey,
    /// The signature, as 128 hexadecimal digits.
    pub signature: String,
}

/// A key that signs. Whoever has it can make checkpoints that others believe.
pub struct PrivateKey(SigningKey);

/// A key by which signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no Ed25519 {what}: {why}")]
pub struct NoKey {
    what: &'static str,
    why: &'static str,
}

/// Why a checkpoint says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// It is of another version.
    #[error("it is of version {0}, and this program knows version {VERSION}")]
    Version(u32),
    /// Somebody else signed it.
    #[error("it was signed by {0}, which is none of the keys that are believed")]
    Stranger(Box<PublicKey>),
    /// The signature is not of this text.
    #[error("its signature does not fit: it was changed after it was signed")]
    Forged,
}

impl Checkpoint {
    /// Signs what the log was.
    #[must_use]
    pub fn sign(key: &PrivateKey, position: Position, hash: Hash, digest: Hash, at: Timestamp) -> Self {
        let public = PublicKey(key.0.verifying_key());
        let mut made = Self { v: VERSION, position, hash, digest, at, key: public, signature: String::new() };
        made.signature = hex(&key.0.sign(made.text().as_bytes()).to_bytes());
        made
    }

    /// Whether one of these keys signed just this.
    ///
    /// # Errors
    /// [`NotBelieved`].
    pub fn check(&self, believed: &[PublicKey]) -> Result<(), NotBelieved> {
        if self.v != VERSION {
            return Err(NotBelieved::Version(self.v));
        }
        if !believed.contains(&self.key) {
            return Err(NotBelieved::Stranger(Box::new(self.key)));
        }
        let signature = bytes(&self.signature).map(|bytes| Signature::from_bytes(&bytes)).ok_or(NotBelieved::Forged)?;
        self.key.0.verify_strict(self.text().as_bytes(), &signature).map_err(|_| NotBelieved::Forged)
    }

    fn text(&self) -> String {
        let Self { v, position, hash, digest, at, .. } = self;
        format!("stele checkpoint {v}\nposition {position}\nhash {hash}\ndigest {digest}\nat {at}\n")
    }
}

impl PrivateKey {
    /// The key of these random bytes.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The key that belongs to it.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

impl FromStr for PrivateKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let seed = bytes(text.trim()).ok_or(NoKey { what: "private key", why: "that is 64 hexadecimal digits" })?;
        Ok(Self::new(&seed))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey of {}", self.public())
    }
}

impl FromStr for PublicKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let what = "public key";
        let key = bytes(text.trim()).ok_or(NoKey { what, why: "that is 64 hexadecimal digits" })?;
        VerifyingKey::from_bytes(&key).map(Self).map_err(|_| NoKey { what, why: "it is no point of the curve" })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0.as_bytes()))
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// The bytes of so many hexadecimal digits and no others.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PrivateKey {
        PrivateKey::new(&[7; 32])
    }

    fn checkpoint() -> Checkpoint {
        let (hash, digest) = (Hash([1; 32]), Hash([2; 32]));
        Checkpoint::sign(&key(), Position(512), hash, digest, Timestamp::from_millis(1_763_604_000_000))
    }

    #[test]
    fn what_was_signed_is_believed_by_whoever_knows_the_key() {
        let (made, own) = (checkpoint(), key().public());
        assert_eq!(made.check(&[own]), Ok(()));
        let other = PrivateKey::new(&[8; 32]).public();
        assert_eq!(made.check(&[other]), Err(NotBelieved::Stranger(Box::new(own))));
        assert_eq!(made.check(&[other, own]), Ok(()));
        let read: Checkpoint = serde_json::from_str(&serde_json::to_string(&made).unwrap()).unwrap();
        assert_eq!(read, made);
    }

    #[test]
    fn every_change_is_noticed() {
        let made = checkpoint();
        let changed = [
            Checkpoint { position: Position(513), ..made.clone() },
            Checkpoint { hash: Hash([3; 32]), ..made.clone() },
            Checkpoint { digest: Hash([3; 32]), ..made.clone() },
            Checkpoint { at: Timestamp::from_millis(1), ..made.clone() },
            Checkpoint { signature: made.signature.replace(['0', '1'], "2"), ..made.clone() },
            Checkpoint { signature: "ff".to_owned(), ..made.clone() },
        ];
        for changed in changed {
            assert_eq!(changed.check(&[key().public()]), Err(NotBelieved::Forged), "{changed:?}");
        }
        let newer = Checkpoint { v: 2, ..made };
        assert_eq!(newer.check(&[key().public()]), Err(NotBelieved::Version(2)));
    }

    #[test]
    fn the_signed_text_stays_what_it_is() {
        let text = checkpoint().text();
        let (one, two) = ("01".repeat(32), "02".repeat(32));
        assert_eq!(
            text,
            format!("stele checkpoint 1\nposition 512\nhash {one}\ndigest {two}\nat 2025-11-20T02:00:00.000000Z\n")
        );
    }

    #[test]
    fn keys_are_read_and_the_private_one_is_not_shown() {
        let seed = "07".repeat(32);
        let key: PrivateKey = format!("{seed}\n").parse().unwrap();
        assert_eq!(key.public().to_string().parse(), Ok(key.public()));
        assert!(!format!("{key:?}").contains(&seed));
        for text in ["", "07", &"0g".repeat(32), &"07".repeat(33), &"+7".repeat(32)] {
            assert!(text.parse::<PrivateKey>().is_err(), "{text}");
        }
        // About half of all numbers are no point of the curve.
        let read = |n: u8| format!("{n:02x}{}", "00".repeat(31)).parse::<PublicKey>();
        assert!((0..16).any(|n| read(n).is_ok()) && (0..16).any(|n| read(n).is_err()));
    }
}
