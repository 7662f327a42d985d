//! Limits on what people write: lengths are Cinder's (`cinder/api/schemas`, 255 characters; metadata 255 each).

use std::collections::BTreeMap;

use crate::refusal::{Refusal, RefusalCode};

/// The most characters of a name, description or reason.
pub(super) const TEXT_CHARS_MAX: usize = 255;
/// The most keys of metadata or extra specs. Cinder's `metadata_items` quota default is 128.
pub(super) const KEYS_MAX: usize = 128;

/// Checks a name, description or reason.
pub(super) fn text(field: &str, value: &str) -> Result<(), Refusal> {
    let chars = value.chars().count();
    if chars > TEXT_CHARS_MAX {
        return Err(Refusal::new(
            RefusalCode::InvalidText,
            format!("{field} has {chars} characters"),
            format!("use at most {TEXT_CHARS_MAX} characters"),
        ));
    }
    if value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Refusal::new(
            RefusalCode::InvalidText,
            format!("{field} has control characters"),
            "remove the control characters",
        ));
    }
    Ok(())
}

/// Checks metadata or extra specs; `values` gives the text of each value.
pub(super) fn pairs<V>(
    field: &str,
    pairs: &BTreeMap<String, V>,
    value: impl Fn(&V) -> Option<&str>,
) -> Result<(), Refusal> {
    let refuse = |message: String| {
        let remedy = format!("use at most {KEYS_MAX} keys of 1 to 255 characters with values of at most 255");
        Err(Refusal::new(RefusalCode::InvalidMetadata, message, remedy))
    };
    if pairs.len() > KEYS_MAX {
        return refuse(format!("{field} has {} keys", pairs.len()));
    }
    for (key, item) in pairs {
        if key.is_empty() || key.chars().count() > TEXT_CHARS_MAX || key.chars().any(char::is_control) {
            return refuse(format!("{field} has the key {:?}", key.chars().take(64).collect::<String>()));
        }
        if value(item).is_some_and(|v| v.chars().count() > TEXT_CHARS_MAX) {
            return refuse(format!("{field} has a value that is too long at {key:?}"));
        }
    }
    Ok(())
}
