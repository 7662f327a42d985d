use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Number;

use super::Command;
use super::parse::read;
use super::text::text;
use crate::id::ProjectId;
use crate::refusal::{Refusal, RefusalCode};

/// Change a project's limits (`quota.set`). Limits that are not named stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaSet {
    /// The project whose limits change.
    pub project: ProjectId,
    /// Limit by Cinder's name for it (`volumes`, `gigabytes`, `volumes_<type>`, ...); -1 is unlimited.
    pub limits: BTreeMap<String, i64>,
}

/// Forget a project's own limits (`quota.clear`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaClear {
    /// The project.
    pub project: ProjectId,
}

/// Change the limits of a quota class (`quota_class.set`); those of `default` hold for projects without their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaClassSet {
    /// The class.
    pub class: String,
    /// As in [`QuotaSet`].
    pub limits: BTreeMap<String, i64>,
}

pub(super) fn command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "set" => read::<RawQuota>(json).and_then(RawQuota::check).map(Command::QuotaSet),
        "clear" => read(json).map(Command::QuotaClear),
        _ => return None,
    })
}

pub(super) fn class_command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    (verb == "set").then(|| read::<RawClass>(json).and_then(RawClass::check).map(Command::QuotaClassSet))
}

#[derive(Deserialize)]
struct RawClass {
    class: String,
    #[serde(flatten)]
    limits: BTreeMap<String, Number>,
}

#[derive(Deserialize)]
struct RawQuota {
    project: ProjectId,
    #[serde(flatten)]
    limits: BTreeMap<String, Number>,
}

impl RawQuota {
    fn check(self) -> Result<QuotaSet, Refusal> {
        Ok(QuotaSet { project: self.project, limits: limits(self.limits)? })
    }
}

impl RawClass {
    fn check(self) -> Result<QuotaClassSet, Refusal> {
        text("class", &self.class)?;
        Ok(QuotaClassSet { class: self.class, limits: limits(self.limits)? })
    }
}

fn limits(numbers: BTreeMap<String, Number>) -> Result<BTreeMap<String, i64>, Refusal> {
    if numbers.len() > 1024 {
        return Err(invalid("too many limits in one command", "set at most 1024 at a time"));
    }
    let limit = |(name, number): (String, Number)| {
        let limit = number.as_i64().filter(|limit| (-1..=i64::from(i32::MAX)).contains(limit)).ok_or_else(|| {
            invalid(&format!("{name} is {number}"), "give a whole number from -1 (unlimited) to 2147483647")
        })?;
        Ok((name, limit))
    };
    numbers.into_iter().map(limit).collect()
}

fn invalid(message: &str, remedy: &str) -> Refusal {
    Refusal::new(RefusalCode::InvalidQuota, message, remedy)
}
