//! What is read out of bodies whose schema was checked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use stele_core::id::SourceName;

use super::fault::Fault;

/// The text under a key; nothing where there is none, or a null.
pub(crate) fn text<'a>(body: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

/// The text under the first of these keys that is there, without the spaces around it. A null is an empty text, as in
/// Cinder a name that was taken away.
pub(crate) fn trimmed(body: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    let given = keys.iter().find_map(|key| body.get(*key))?;
    Some(given.as_str().unwrap_or_default().trim().to_owned())
}

/// A whole number under a key, as a number or in a text.
pub(crate) fn number(body: &Map<String, Value>, key: &str) -> Option<i64> {
    match body.get(key)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The pairs of texts under a key; none where there is a null.
pub(crate) fn pairs(body: &Map<String, Value>, key: &str) -> Option<BTreeMap<String, String>> {
    let map = body.get(key)?.as_object()?;
    let texts = map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    Some(texts.collect())
}

/// What is to be taken over, by its name on the storage: `{"ref": {"source-name": "..."}}`. Cinder's LVM driver knows no
/// other reference.
///
/// # Errors
/// 400 with Cinder's text, which it only gives when the driver has looked.
pub(crate) fn source_name(body: &Map<String, Value>) -> Result<SourceName, Fault> {
    let named = body.get("ref").and_then(|reference| reference.get("source-name")).and_then(Value::as_str);
    let why = match named.map(SourceName::new) {
        Some(Ok(name)) => return Ok(name),
        Some(Err(invalid)) => invalid.to_string(),
        None => "Reference must contain source-name element.".to_owned(),
    };
    let reference: String = body.get("ref").map(Value::to_string).unwrap_or_default().chars().take(255).collect();
    Err(Fault::bad_request(format!(
        "Manage existing volume failed due to invalid backend reference {reference}: {why}"
    )))
}
