use serde::Deserialize;

use super::Command;
use super::parse::read;
use super::text::text;
use crate::id::{TransferId, VolumeId};
use crate::refusal::{Refusal, RefusalCode};

/// Offer a volume to another project (`transfer.create`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferCreate {
    /// The id that it shall have; made from the command's id when absent.
    #[serde(default)]
    pub id: Option<TransferId>,
    /// The volume.
    pub volume: VolumeId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// The volume goes without its snapshots.
    #[serde(default)]
    pub no_snapshots: bool,
    /// What the key was hashed with: 16 to 64 hexadecimal digits.
    pub salt: String,
    /// HMAC-SHA-256 of the key under the salt's bytes: 64 hexadecimal digits. The key itself never comes here.
    pub key_hash: String,
}

/// Take a volume that was offered (`transfer.accept`, by the project that takes it).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferAccept {
    /// The transfer.
    pub id: TransferId,
    /// HMAC-SHA-256 of the key under the transfer's salt: 64 hexadecimal digits.
    pub key_hash: String,
}

/// Offer it no longer (`transfer.delete`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferDelete {
    /// The transfer.
    pub id: TransferId,
}

pub(super) fn command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "create" => read::<TransferCreate>(json).and_then(TransferCreate::check).map(Command::TransferCreate),
        "accept" => read::<TransferAccept>(json).and_then(TransferAccept::check).map(Command::TransferAccept),
        "delete" => read(json).map(Command::TransferDelete),
        _ => return None,
    })
}

impl TransferCreate {
    fn check(self) -> Result<Self, Refusal> {
        text("name", &self.name)?;
        digits("salt", &self.salt, 16, 64)?;
        digits("key_hash", &self.key_hash, 64, 64)?;
        Ok(self)
    }
}

impl TransferAccept {
    fn check(self) -> Result<Self, Refusal> {
        digits("key_hash", &self.key_hash, 64, 64)?;
        Ok(self)
    }
}

fn digits(field: &str, value: &str, least: usize, most: usize) -> Result<(), Refusal> {
    let right = (least..=most).contains(&value.len())
        && value.len().is_multiple_of(2)
        && value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    // The value is not shown: whoever mistook the field may have put the key there.
    let message = || format!("{field} is not {least} to {most} lower-case hexadecimal digits");
    if right {
        Ok(())
    } else {
        Err(Refusal::new(RefusalCode::MalformedBody, message(), "docs/commands.md says how the key is hashed"))
    }
}
