//! Limits on what people write: lengths are Cinder's (`cinder/api/schemas`, 255 characters; metadata 255 each).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

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

/// A change of some keys: what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PairsChange {
    /// Keys that get these values.
    pub set: BTreeMap<String, String>,
    /// Keys that go; each must be there.
    pub unset: BTreeSet<String>,
    /// All of it as the sender knows it: when it is something else by now, nothing changes (HTTP's `If-Match`).
    pub was: Option<BTreeMap<String, String>>,
}

/// Checks a replacement or a change of pairs.
pub(super) fn changed(
    field: &str,
    replaced: Option<&BTreeMap<String, String>>,
    change: Option<&PairsChange>,
) -> Result<(), Refusal> {
    if let Some(all) = replaced {
        pairs(field, all, |value| Some(value.as_str()))?;
    }
    let Some(change) = change else { return Ok(()) };
    if replaced.is_some() && !(change.set.is_empty() && change.unset.is_empty()) {
        return Err(Refusal::new(
            RefusalCode::MalformedBody,
            format!("{field} is to be replaced and changed at once"),
            format!("give either {field} or {field}_change"),
        ));
    }
    pairs(field, &change.set, |value| Some(value.as_str()))?;
    count(field, change.unset.len(), KEYS_MAX)
}

/// Checks names, descriptions and the like that may be absent.
pub(super) fn optional(fields: &[(&str, &Option<String>)]) -> Result<(), Refusal> {
    fields.iter().try_for_each(|(field, value)| value.as_deref().map_or(Ok(()), |value| text(field, value)))
}

/// Checks the name of something that is found by its name.
pub(super) fn name(what: &str, name: &str) -> Result<(), Refusal> {
    text("name", name)?;
    if name.trim().is_empty() {
        return Err(Refusal::new(
            RefusalCode::InvalidName,
            format!("the {what}'s name is empty"),
            format!("give the {what} a name"),
        ));
    }
    Ok(())
}

/// Checks how many there are.
pub(super) fn count(field: &str, count: usize, most: usize) -> Result<(), Refusal> {
    if count > most {
        let message = format!("{field} has {count} entries");
        return Err(Refusal::new(RefusalCode::MalformedBody, message, format!("name at most {most}")));
    }
    Ok(())
}
