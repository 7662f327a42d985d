use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::QuotaResource;
use crate::schedule::SchedulerConfig;

/// What decisions are made by. It is an argument of every decision and stands in the log with each claim of
/// leadership, so a replay decides by what the writer decided by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Filters, weighers and limits of the scheduler.
    pub scheduler: SchedulerConfig,
    /// How long a dispatched task may be silent, in milliseconds.
    pub task_deadline_ms: u64,
    /// How often a task of a delete or an extend is dispatched before its flow fails.
    pub task_dispatches_max: u32,
    /// How often the removal of leftovers is dispatched before it is left to the inventory.
    pub cleanup_dispatches_max: u32,
    /// How long a command's id is remembered, in milliseconds: a command that comes again within this time gets its
    /// first outcome.
    pub idempotency_ms: u64,
    /// The zone of a volume that asks for none. Cinder's `storage_availability_zone` is `nova`.
    pub default_availability_zone: String,
    /// A backend's unchanged report is recorded again after this time, in milliseconds. Less than half of the
    /// scheduler's `service_down_ms`.
    pub heartbeat_record_ms: u64,
    /// Limits for projects that have none of their own; what is absent has Cinder's default.
    pub quota_defaults: BTreeMap<QuotaResource, i64>,
    /// Whether exports that the log promises and an inventory does not find are made again at once, such as after a
    /// reboot of the storage node. No data are touched by that.
    pub restore_exports: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            scheduler: SchedulerConfig::default(),
            // Longer than the queue's redelivery to another worker (30 s) several times over.
            task_deadline_ms: 120_000,
            task_dispatches_max: 3,
            // With the growing delay of cleanups this is about four days.
            cleanup_dispatches_max: 100,
            idempotency_ms: 600_000,
            default_availability_zone: "nova".to_owned(),
            heartbeat_record_ms: 25_000,
            quota_defaults: BTreeMap::new(),
            restore_exports: true,
        }
    }
}
