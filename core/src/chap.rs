//! CHAP secrets, derived and never stored: what an initiator proves to a target before it may log in (RFC 7143, 12.1).
//!
//! An attachment's user name and password are an HMAC-SHA-256 of its id under a key that only workers and APIs hold.
//! So no log, projection or export holds a secret, a worker can make every export again without asking anybody, and
//! what an ended attachment knew is good for nothing.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::id::AttachmentId;

/// The fewest bytes of a key.
pub const KEY_BYTES_MIN: usize = 32;

/// The property of a connection that says by which key its password is derived: [`ChapKey::fingerprint`].
pub const CONNECTION_KEY: &str = "chap_key";

/// The letters of a password: every initiator takes them, and 32 of them make each worth five bits.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// How many letters a password has: 100 bits, and more than the 96 that RFC 7143 asks for.
const PASSWORD_CHARS: usize = 20;

/// What every user name begins with. LIO takes a name that begins with `0b` or `0x` for a number that is written so
/// (`extract_param` in `drivers/target/iscsi/iscsi_target_nego.c`) and refuses the login; an id may begin with `0b`.
const USERNAME_PREFIX: &str = "stele-";

/// The key of a cell.
#[derive(Clone, PartialEq, Eq)]
pub struct ChapKey(Vec<u8>);

/// What an initiator needs to log in.
#[derive(Clone, PartialEq, Eq)]
pub struct Chap {
    /// The user name; no secret.
    pub username: String,
    /// The password.
    pub password: String,
}

/// A key that is too short to keep anybody out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a CHAP key has {KEY_BYTES_MIN} bytes or more; this one has {found}")]
pub struct KeyTooShort {
    found: usize,
}

impl ChapKey {
    /// A key of these bytes; white space at their end is that of the file.
    ///
    /// # Errors
    /// [`KeyTooShort`].
    pub fn new(bytes: &[u8]) -> Result<Self, KeyTooShort> {
        let bytes = bytes.trim_ascii_end();
        if bytes.len() < KEY_BYTES_MIN { Err(KeyTooShort { found: bytes.len() }) } else { Ok(Self(bytes.to_vec())) }
    }

    /// The secrets of an attachment: always the same for the same key.
    #[must_use]
    pub fn of(&self, attachment: AttachmentId) -> Chap {
        let digest = self.digest(&format!("stele chap {attachment}"));
        let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
        Chap { username: username(attachment), password: digest.iter().take(PASSWORD_CHARS).map(letter).collect() }
    }

    /// The secrets that a whole target node asks for before it tells what it has: nobody is given them.
    #[must_use]
    pub fn of_discovery(&self) -> Chap {
        self.of(AttachmentId(uuid::Uuid::nil()))
    }

    /// Tells keys apart without telling what they are: a worker says it with every export, and an API that has another
    /// key shows no password rather than a wrong one.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.digest("stele chap key").iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    fn digest(&self, text: &str) -> Vec<u8> {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Vec::new() };
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

/// The user name of an attachment's secrets.
#[must_use]
pub fn username(attachment: AttachmentId) -> String {
    format!("{USERNAME_PREFIX}{}", attachment.0.simple())
}

/// The attachment whose secrets have this user name; the nil id for a name that is none of ours.
#[must_use]
pub fn attachment_of(username: &str) -> AttachmentId {
    let id = username.strip_prefix(USERNAME_PREFIX).filter(|id| id.len() == 32);
    AttachmentId(id.and_then(|id| uuid::Uuid::try_parse(id).ok()).unwrap_or_default())
}

impl fmt::Debug for ChapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChapKey({})", self.fingerprint())
    }
}

impl fmt::Debug for Chap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chap").field("username", &self.username).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn attachment(number: u128) -> AttachmentId {
        AttachmentId(Uuid::from_u128(number))
    }

    #[test]
    fn secrets_follow_from_key_and_attachment() {
        let key = ChapKey::new(&[7; 32]).unwrap();
        let chap = key.of(attachment(5));
        assert_eq!(chap.username, "stele-00000000000000000000000000000005");
        assert_eq!(attachment_of(&chap.username), attachment(5));
        assert_eq!(attachment_of("admin"), attachment(0));
        assert_eq!(chap.password.len(), PASSWORD_CHARS);
        assert_eq!(chap, key.of(attachment(5)));
        assert_ne!(chap.password, key.of(attachment(6)).password);
        let other = ChapKey::new(&[8; 32]).unwrap();
        assert_ne!(chap.password, other.of(attachment(5)).password);
        assert_ne!(key.fingerprint(), other.fingerprint());
    }

    /// One attachment in 256 has an id like this, and could never log in to LIO.
    #[test]
    fn no_user_name_reads_as_a_number() {
        let odd = attachment(0x0bac_d4b0_bb65_5386_899f_c66e_4d66_8e0a);
        let name = ChapKey::new(&[7; 32]).unwrap().of(odd).username;
        assert!(!name.starts_with('0'), "{name}");
        assert_eq!(attachment_of(&name), odd);
    }

    #[test]
    fn the_derivation_stays_what_it_is() {
        // Exports outlive releases: printf 'stele chap 00000000-0000-0000-0000-000000000005' | openssl dgst -sha256
        // -mac HMAC -macopt key:kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk, each byte modulo 32 as a letter.
        let key = ChapKey::new(b"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n").unwrap();
        assert_eq!(key.of(attachment(5)).password, "xz2kyzakdfb94jvkkffe");
        assert_eq!(key.fingerprint(), "d9fedbb5");
    }

    #[test]
    fn nothing_secret_is_shown() {
        let key = ChapKey::new(&[7; 32]).unwrap();
        let chap = key.of(attachment(5));
        assert!(!format!("{chap:?} {key:?}").contains(&chap.password));
    }

    #[test]
    fn short_keys_are_refused() {
        assert_eq!(ChapKey::new(&[7; 31]), Err(KeyTooShort { found: 31 }));
        assert_eq!(ChapKey::new(&[b'\n'; 64]), Err(KeyTooShort { found: 0 }));
    }
}
