//! The key of a transfer: told once, kept as its HMAC only.

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use stele_core::unit::Hash;
use uuid::Uuid;

/// As long as Cinder's: somebody has to type it.
const KEY_DIGITS: usize = 16;

/// A salt for each transfer, so that nobody tries keys against all of them at once.
const SALT_DIGITS: usize = 32;

/// A new key, and what is kept of it.
pub(super) struct NewKey {
    /// The key.
    pub(super) key: String,
    /// What it is hashed with, in hexadecimal digits.
    pub(super) salt: String,
    /// Its hash.
    pub(super) hash: String,
}

impl NewKey {
    pub(super) fn new() -> Self {
        let (mut key, mut salt) = (random(), random());
        key.truncate(KEY_DIGITS);
        salt.truncate(SALT_DIGITS);
        let hash = hash(&salt, &key);
        Self { key, salt, hash }
    }
}

/// The HMAC-SHA-256 of a key under a salt, which is taken as the text that it is.
pub(super) fn hash(salt: &str, key: &str) -> String {
    // Keys of an HMAC may have any length.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(salt.as_bytes()) else { return String::new() };
    Hash(mac.chain_update(key.as_bytes()).finalize().into_bytes().into()).to_string()
}

/// 64 random hexadecimal digits. The bits of a version-4 id come from the system's generator, all but six.
fn random() -> String {
    let mut digest = Sha256::new();
    for _ in 0..3 {
        digest.update(Uuid::new_v4().as_bytes());
    }
    Hash(digest.finalize().into()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_hash_and_by_nothing_else() {
        let (one, two) = (NewKey::new(), NewKey::new());
        assert_eq!((one.key.len(), one.salt.len(), one.hash.len()), (16, 32, 64));
        assert_eq!(hash(&one.salt, &one.key), one.hash);
        assert_ne!(hash(&two.salt, &one.key), one.hash);
        assert_ne!(hash(&one.salt, &two.key), one.hash);
        assert!(one.key.bytes().chain(one.salt.bytes()).all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert_ne!(one.key, two.key);
    }

    #[test]
    fn the_hash_is_the_one_that_others_compute() {
        // openssl dgst -sha256 -hmac 00112233445566778899aabbccddeeff
        let expected = "7b8c8326eab84fba5f2163bbebb3a664a4e276e48f677b66396817a5af12783e";
        assert_eq!(hash("00112233445566778899aabbccddeeff", "0123456789abcdef"), expected);
    }
}
