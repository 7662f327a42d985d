//! What is to be other than it was: settings of the scheduler, limits, pools.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use stele_core::id::{PoolName, ProjectId};
use stele_core::schedule::{Amount, Capabilities, PoolStats, Ratio, SchedulerConfig};
use stele_core::state::{DEFAULT_QUOTA_CLASS, QuotaResource, State};

/// Stands before the name of a setting of the scheduler.
const SCHEDULER: &str = "scheduler.";

/// Stands before the project and the resource of a limit.
const QUOTA: &str = "quota.";

/// The multiplier of one weigher, among the scheduler's settings.
const WEIGHER: &str = "weighers.";

/// Stands where a project's name would, for projects without a limit of their own.
const DEFAULT: &str = "default";

/// Everything that is to be other.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Changes {
    settings: Vec<Setting>,
    quotas: Vec<Limit>,
    pub(super) without: BTreeSet<PoolName>,
    pub(super) with: BTreeMap<PoolName, GivenPool>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Setting {
    name: String,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Limit {
    /// `None` for those without one of their own.
    project: Option<ProjectId>,
    /// As people name it, with the type's name.
    resource: String,
    limit: i64,
}

/// A pool that is there in the other history, or has other figures there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GivenPool {
    /// All that it can hold.
    pub total_gib: f64,
    /// The zone of its backend, where that is not in the log.
    pub zone: Option<String>,
    pub(super) thin: Option<bool>,
    pub(super) ratio: Option<f64>,
    pub(super) reserved_percentage: Option<u32>,
    #[serde(skip)]
    pub(super) capabilities: Capabilities,
}

/// Why a change is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChange {
    /// No such setting.
    #[error("there is no setting {key:?}; there are {known}")]
    UnknownKey {
        /// What was asked for.
        key: String,
        /// What could be.
        known: String,
    },
    /// Not KEY=VALUE.
    #[error("{0:?} is not of the form {1}")]
    Form(String, &'static str),
    /// The value is not of the setting's kind.
    #[error("{key} cannot be {value:?}: {why}")]
    Value {
        /// The setting.
        key: String,
        /// What it was to be.
        value: String,
        /// What is wrong.
        why: String,
    },
}

impl InvalidChange {
    fn value(key: &str, value: &str, why: impl Display) -> Self {
        Self::Value { key: key.to_owned(), value: value.to_owned(), why: why.to_string() }
    }
}

impl Changes {
    /// Reads them as they are typed: `KEY=VALUE` each, `HOST@BACKEND#POOL` each, and
    /// `HOST@BACKEND#POOL=TOTAL_GIB[,zone=..][,thin][,ratio=..][,reserved=..][,CAPABILITY=VALUE..]` each.
    ///
    /// # Errors
    /// [`InvalidChange`] names what is unknown or not of its kind.
    pub fn read(set: &[String], without: &[String], with: &[String]) -> Result<Self, InvalidChange> {
        let mut changes = Self::default();
        for text in set {
            changes.set(text)?;
        }
        for text in without {
            let pool = PoolName::new(text).map_err(|e| InvalidChange::value("--without-pool", text, e))?;
            changes.without.insert(pool);
        }
        for text in with {
            let (pool, given) = given_pool(text)?;
            if changes.without.contains(&pool) {
                return Err(InvalidChange::value("--with-pool", text, "it is among those of --without-pool"));
            }
            changes.with.insert(pool, given);
        }
        Ok(changes)
    }

    /// True when the other history is to be the recorded one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn set(&mut self, text: &str) -> Result<(), InvalidChange> {
        let form = || InvalidChange::Form(text.to_owned(), "KEY=VALUE");
        let (key, value) = text.split_once('=').ok_or_else(form)?;
        if let Some(name) = key.strip_prefix(SCHEDULER) {
            let setting = Setting { name: name.to_owned(), value: setting_value(key, name, value)? };
            setting.apply(&SchedulerConfig::default()).map_err(|why| InvalidChange::value(key, value, why))?;
            self.settings.push(setting);
            return Ok(());
        }
        let quota = key.strip_prefix(QUOTA).and_then(|rest| rest.split_once('.')).ok_or_else(|| unknown(key))?;
        self.quotas.push(limit(key, quota, value)?);
        Ok(())
    }

    /// What the scheduler decides by, where it decided by `recorded`.
    pub(super) fn scheduler(&self, recorded: &SchedulerConfig) -> Result<SchedulerConfig, serde_json::Error> {
        self.settings.iter().try_fold(recorded.clone(), |config, setting| setting.apply(&config))
    }

    /// Brings the limits to what they are to be, whatever was set before.
    pub(super) fn limit(&self, state: &mut State) {
        for Limit { project, resource, limit } in &self.quotas {
            let of_type = |name: &str| state.find_type(name).map(|found| found.id);
            let Some(resource) = QuotaResource::from_name(resource, of_type) else { continue };
            let limits = match project {
                Some(project) => state.quotas.entry(project.clone()).or_default(),
                None => state.quota_classes.entry(DEFAULT_QUOTA_CLASS.to_owned()).or_default(),
            };
            if limits.limits.get(&resource) != Some(limit) {
                Arc::make_mut(limits).limits.insert(resource, *limit);
            }
        }
    }

    /// What names something that `state` does not know.
    pub(super) fn unmet(&self, state: &State, seen_pools: &BTreeSet<PoolName>) -> Vec<String> {
        let of_type = |name: &str| state.find_type(name).map(|found| found.id);
        let quotas = self.quotas.iter().filter(|limit| QuotaResource::from_name(&limit.resource, of_type).is_none());
        let quotas = quotas.map(|limit| format!("{}: no volume type of that name at the log's end", limit.resource));
        let pools = self.without.iter().filter(|pool| !seen_pools.contains(*pool));
        let names = || seen_pools.iter().map(PoolName::as_str).collect::<Vec<_>>().join(", ");
        quotas.chain(pools.map(|pool| format!("{pool} never reported; these did: {}", names()))).collect()
    }
}

impl Setting {
    fn apply(&self, config: &SchedulerConfig) -> Result<SchedulerConfig, serde_json::Error> {
        let mut fields = fields(config)?;
        if let Some(weigher) = self.name.strip_prefix(WEIGHER) {
            let pair = serde_json::json!([weigher, self.value]);
            if let Some(Value::Array(weighers)) = fields.get_mut("weighers") {
                weighers.retain(|known| known.get(0).and_then(Value::as_str) != Some(weigher));
                weighers.push(pair);
            }
        } else {
            fields.insert(self.name.clone(), self.value.clone());
        }
        serde_json::from_value(Value::Object(fields))
    }
}

fn fields(config: &SchedulerConfig) -> Result<Map<String, Value>, serde_json::Error> {
    serde_json::to_value(config).and_then(serde_json::from_value)
}

/// Every setting that there is, as it is typed.
fn known() -> String {
    let fields = fields(&SchedulerConfig::default()).unwrap_or_default();
    let mut names: Vec<String> = fields.keys().map(|name| format!("{SCHEDULER}{name}")).collect();
    names.push(format!("{SCHEDULER}{WEIGHER}NAME"));
    let plain: Vec<String> = QuotaResource::plain().map(|resource| resource.to_string()).collect();
    let kinds = "volumes_TYPE, gigabytes_TYPE or snapshots_TYPE";
    names.push(format!("{QUOTA}PROJECT.RESOURCE and {QUOTA}{DEFAULT}.RESOURCE with {}, {kinds}", plain.join(", ")));
    names.join(", ")
}

fn unknown(key: &str) -> InvalidChange {
    InvalidChange::UnknownKey { key: key.to_owned(), known: known() }
}

/// JSON, or words: `capacity,capabilities` for filters, `capacity:-1` for weighers.
fn setting_value(key: &str, name: &str, text: &str) -> Result<Value, InvalidChange> {
    let fields = fields(&SchedulerConfig::default()).unwrap_or_default();
    if name.strip_prefix(WEIGHER).is_none_or(str::is_empty) && !fields.contains_key(name) {
        return Err(unknown(key));
    }
    let words = || text.split(',').map(str::trim).filter(|word| !word.is_empty());
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(_) if name == "filters" => Ok(words().collect()),
        Err(_) if name == "weighers" => words()
            .map(|word| {
                let (weigher, multiplier) = word.split_once(':').unwrap_or((word, "1"));
                let multiplier: f64 = multiplier.parse().map_err(|e| InvalidChange::value(key, text, e))?;
                Ok(serde_json::json!([weigher, multiplier]))
            })
            .collect(),
        Err(_) => Ok(Value::String(text.to_owned())),
    }
}

fn limit(key: &str, (project, resource): (&str, &str), value: &str) -> Result<Limit, InvalidChange> {
    // Any name may be that of a type.
    let is_known =
        QuotaResource::from_name(resource, |name| (!name.is_empty()).then(stele_core::state::default_type_id));
    if is_known.is_none() {
        return Err(unknown(key));
    }
    let limit: i64 = value.parse().map_err(|e| InvalidChange::value(key, value, e))?;
    if limit < -1 {
        return Err(InvalidChange::value(key, value, "it is a number from 0 on, or -1 for no limit"));
    }
    let project = match project {
        DEFAULT => None,
        name => Some(ProjectId::new(name).map_err(|e| InvalidChange::value(key, name, e))?),
    };
    Ok(Limit { project, resource: resource.to_owned(), limit })
}

fn given_pool(text: &str) -> Result<(PoolName, GivenPool), InvalidChange> {
    let option = "--with-pool";
    let form = || InvalidChange::Form(text.to_owned(), "HOST@BACKEND#POOL=TOTAL_GIB[,KEY=VALUE...]");
    let (name, rest) = text.split_once('=').ok_or_else(form)?;
    let name = PoolName::new(name).map_err(|e| InvalidChange::value(option, name, e))?;
    let mut parts = rest.split(',');
    let total = parts.next().unwrap_or_default();
    let total_gib: f64 = total.parse().map_err(|e| InvalidChange::value(option, total, e))?;
    let mut given = GivenPool {
        total_gib,
        zone: None,
        thin: None,
        ratio: None,
        reserved_percentage: None,
        capabilities: Capabilities::new(),
    };
    for part in parts {
        let invalid = |why: &dyn Display| InvalidChange::value(option, part, why);
        let (key, value) = part.split_once('=').unwrap_or((part, "true"));
        match key {
            "zone" => given.zone = Some(value.to_owned()),
            "thin" => given.thin = Some(value.parse().map_err(|e| invalid(&e))?),
            "ratio" => given.ratio = Some(value.parse().map_err(|e| invalid(&e))?),
            "reserved" => given.reserved_percentage = Some(value.parse().map_err(|e| invalid(&e))?),
            "" => return Err(form()),
            key => {
                let json = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
                let value = serde_json::from_value(json).map_err(|e| invalid(&e))?;
                given.capabilities.insert(key.to_owned(), value);
            }
        }
    }
    // The rules of a report hold for it as well.
    let stats = given.stats(&name, None, 0.0, 0);
    let report = serde_json::to_value(&stats).and_then(serde_json::from_value::<PoolStats>);
    report.map_err(|e| InvalidChange::value(option, text, e))?;
    Ok((name, given))
}

impl GivenPool {
    /// What it would report: where the log has a report of it that with the given figures, else one of its own with so
    /// much promised in so many volumes.
    pub(super) fn stats(
        &self,
        name: &PoolName,
        recorded: Option<PoolStats>,
        promised_gib: f64,
        volumes: u64,
    ) -> PoolStats {
        let total = Amount::Number(self.total_gib);
        let mut stats = match recorded {
            Some(mut stats) => {
                if let (Some(before), Some(Amount::Number(free))) =
                    (stats.total_capacity_gb.gib(), stats.free_capacity_gb)
                {
                    stats.free_capacity_gb = Some(Amount::Number((free + self.total_gib - before).max(0.0)));
                }
                stats.total_capacity_gb = total;
                stats
            }
            None => {
                let free = if self.thin == Some(true) { self.total_gib } else { self.total_gib - promised_gib };
                let mut stats = PoolStats::new(total, Some(Amount::Number(free.max(0.0))));
                let backend = name.backend();
                let backend = backend.as_str().split_once('@').map_or("", |(_, backend)| backend);
                stats.capabilities.insert(
                    "volume_backend_name".to_owned(),
                    stele_core::schedule::Capability::Text(backend.to_owned()),
                );
                stats.provisioned_capacity_gb = promised_gib;
                stats.total_volumes = Some(volumes);
                stats.thick_provisioning_support = self.thin != Some(true);
                stats
            }
        };
        if let Some(thin) = self.thin {
            stats.thin_provisioning_support = thin;
        }
        if let Some(ratio) = self.ratio {
            stats.max_over_subscription_ratio = Some(Ratio::Number(ratio));
        }
        stats.reserved_percentage = self.reserved_percentage.unwrap_or(stats.reserved_percentage);
        stats.capabilities.extend(self.capabilities.clone());
        stats
    }
}
