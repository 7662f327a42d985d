//! Changes of some keys of extra specs, QoS specs and group specs.

use std::collections::BTreeMap;

use crate::command::PairsChange;
use crate::refusal::{Refusal, RefusalCode};

/// The most keys; as in [`crate::command`] for those that come at once.
const KEYS_MAX: usize = 128;

/// The pairs after the change. `what` names them in a refusal; `missing` is the refusal for a key that shall go and is
/// not there.
pub(in crate::decide) fn changed<V: Clone + PartialEq + From<String>>(
    what: &str,
    before: &BTreeMap<String, V>,
    change: &PairsChange,
    missing: impl Fn(&str) -> String,
) -> Result<BTreeMap<String, V>, Refusal> {
    let with_values = |pairs: &BTreeMap<String, String>| -> BTreeMap<String, V> {
        pairs.iter().map(|(key, value)| (key.clone(), V::from(value.clone()))).collect()
    };
    if change.was.as_ref().is_some_and(|was| with_values(was) != *before) {
        return Err(Refusal::new(
            RefusalCode::PreconditionFailed,
            format!("{what} are not what the sender took them for"),
            "read them again and decide anew",
        ));
    }
    let mut after = before.clone();
    for key in &change.unset {
        if after.remove(key).is_none() {
            let remedy = format!("name only keys that {what} have");
            return Err(Refusal::new(RefusalCode::MetadataKeyNotFound, missing(key), remedy));
        }
    }
    after.extend(with_values(&change.set));
    if after.len() > KEYS_MAX {
        return Err(Refusal::new(
            RefusalCode::InvalidMetadata,
            format!("{what} would have {} keys", after.len()),
            format!("keep to at most {KEYS_MAX} keys"),
        ));
    }
    Ok(after)
}
