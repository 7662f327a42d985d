//! Metadata, of volumes and of snapshots: all of it, and single keys.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::answer::{Answer, Answered};
use super::body::pairs;
use super::context::Context;
use super::fault::Fault;
use super::schema::{PAIR, PAIRS, Schema, under};

const ALL: Schema = under!("metadata", PAIRS);
const ONE: Schema = under!("meta", PAIR);

pub(super) type Pairs = BTreeMap<String, String>;

/// `{"metadata": {...}}`.
#[derive(Debug, Serialize)]
pub(super) struct Metadata<'a> {
    pub(super) metadata: &'a Pairs,
}

/// `{"meta": {...}}`.
#[derive(Debug, Serialize)]
struct Meta<'a> {
    meta: Pairs2<'a>,
}

type Pairs2<'a> = BTreeMap<&'a str, &'a str>;

/// A change of some keys, as commands have it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Change {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) set: Pairs,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) unset: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was: Option<Pairs>,
}

/// The pairs of a body that has all of them.
pub(super) fn all(context: &Context) -> Result<Pairs, Fault> {
    Ok(pairs(context.body(&ALL)?, "metadata").unwrap_or_default())
}

/// The pair of a body that has the one that the path names.
pub(super) fn one(context: &Context) -> Result<Pairs, Fault> {
    let pair = pairs(context.body(&ONE)?, "meta").unwrap_or_default();
    if pair.contains_key(context.path("key")) {
        return Ok(pair);
    }
    Err(Fault::bad_request("Request body and URI mismatch"))
}

/// One pair as it is answered.
pub(super) fn item(key: &str, value: &str) -> Answer {
    Answer::ok(&Meta { meta: BTreeMap::from([(key, value)]) })
}

/// All pairs as they are answered.
pub(super) fn shown(pairs: &Pairs) -> Answer {
    Answer::ok(&Metadata { metadata: pairs })
}

/// The same with the tag that says which state of them it is, for who changes them later.
pub(super) fn tagged(pairs: &Pairs) -> Answer {
    let answer = shown(pairs);
    match HeaderValue::try_from(tag(pairs)) {
        Ok(tag) => answer.with_header(header::ETAG, tag),
        Err(_) => answer,
    }
}

/// What `If-Match` demands: `Ok(None)` when it demands nothing, the pairs when they are what it takes them for.
///
/// # Errors
/// The answer to give when they are not.
pub(super) fn demanded(context: &Context, pairs: &Pairs) -> Result<Option<Pairs>, Answer> {
    let Some(wanted) = context.headers.get(header::IF_MATCH).filter(|_| context.version.has(15)) else {
        return Ok(None);
    };
    let own = tag(pairs);
    let fits = wanted.to_str().is_ok_and(|wanted| {
        let mut tags = wanted.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'));
        tags.any(|tag| tag == own || tag == "*")
    });
    if fits { Ok(Some(pairs.clone())) } else { Err(changed()) }
}

/// What is answered when somebody else changed them meanwhile.
pub(super) fn changed() -> Answer {
    Answer::empty(StatusCode::PRECONDITION_FAILED)
}

/// Gives the empty answer of a failed precondition in place of the fault.
pub(super) fn without_text(result: Result<(), Fault>) -> Result<Option<Answer>, Fault> {
    match result {
        Ok(()) => Ok(None),
        Err(fault) if fault.status() == StatusCode::PRECONDITION_FAILED => Ok(Some(changed())),
        Err(fault) => Err(fault),
    }
}

/// The tag of a state: the beginning of its hash.
fn tag(pairs: &Pairs) -> String {
    let json = serde_json::to_vec(pairs).unwrap_or_default();
    Sha256::digest(&json).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Answers a request about one pair that is there.
pub(super) fn found(context: &Context, pairs: &Pairs, missing: impl FnOnce(&str) -> Fault) -> Answered {
    let key = context.path("key");
    pairs.get(key).map(|value| item(key, value)).ok_or_else(|| missing(key))
}
