//! What a worker is told about its backend.
//!
//! Unknown settings are errors that name the setting, and contradictions are found before anything is touched.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stele_core::id::BackendName;
use stele_core::schedule::Ratio;

use crate::plan::Wipe;
use crate::target::TargetConfig;

/// One backend: the storage of one kind on one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// Its name, `host@backend`.
    pub name: BackendName,
    /// What kind of storage it is.
    pub driver: DriverConfig,
    /// The availability zone of the node.
    #[serde(default = "nova")]
    pub availability_zone: String,
    /// Time between two heartbeats, in milliseconds. A backend counts as down after 60 s without one.
    #[serde(default = "report_interval_ms")]
    pub report_interval_ms: u64,
    /// Time between two inventories of the storage, in milliseconds: how long what somebody changed there, or a restart
    /// of the target forgot, may stay unnoticed. `stele drift scan` asks for one at once.
    #[serde(default = "inventory_interval_ms")]
    pub inventory_interval_ms: u64,
    /// How many tasks run at once, beside the copies, wipes and removals; 0 or nothing means what suits the driver: 64 for
    /// lvm and null, 8 for file.
    #[serde(default)]
    pub concurrency: Option<usize>,
    /// How long running tasks and unsent reports may hold up the end of the worker, in milliseconds. What is cut off
    /// then is given to another worker by the queue.
    #[serde(default = "drain_ms")]
    pub drain_ms: u64,
    /// Per cent of the total that stays unpromised.
    #[serde(default)]
    pub reserved_percentage: u32,
    /// How often a thin pool may promise its capacity; a number or "auto", else the scheduler's default.
    #[serde(default)]
    pub max_over_subscription_ratio: Option<Ratio>,
    /// The capability of that name, by which volume types choose backends; the part behind the '@' by default.
    #[serde(default)]
    pub volume_backend_name: Option<String>,
}

/// The kinds of storage, each with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriverConfig {
    /// A volume group.
    Lvm(LvmConfig),
    /// Sparse files in a folder, for development and tests.
    File(FileConfig),
    /// Nothing at all, for measuring the control plane.
    Null(NullConfig),
}

/// Settings of the lvm driver. Its one pool bears the name of the volume group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LvmConfig {
    /// The volume group.
    pub volume_group: String,
    /// Thick or thin volumes.
    #[serde(default)]
    pub lvm_type: LvmType,
    /// The thin pool's LV; `<volume group>-pool` by default.
    #[serde(default)]
    pub pool: Option<String>,
    /// What happens to the data of a thick volume before it is removed. A thin pool zeroes what it hands out.
    #[serde(default)]
    pub wipe: WipePolicy,
    /// How much the copies and the zeroing of this worker may write together, in MiB per second, so that they leave
    /// the storage to its users; 0 or nothing means as much as it takes (Cinder's `volume_copy_bps_limit`).
    #[serde(default)]
    pub copy_rate_mib_s: Option<u32>,
    /// Above this the thin pool takes nothing new, in per cent of its data; 100 means no limit.
    #[serde(default = "thin_data_percent_max")]
    pub thin_data_percent_max: u32,
    /// Above this the thin pool takes nothing new, in per cent of its metadata; 100 means no limit. A pool whose
    /// metadata run full may be lost.
    #[serde(default = "thin_metadata_percent_max")]
    pub thin_metadata_percent_max: u32,
    /// How hosts reach volumes over iSCSI. Without it only programs of this node do, by their paths.
    #[serde(default)]
    pub target: Option<TargetConfig>,
    /// How long one LVM command may take, in milliseconds. They wait for each other's lock on the volume group.
    #[serde(default = "command_timeout_ms")]
    pub command_timeout_ms: u64,
}

/// Thick or thin volumes (`cinder/volume/drivers/lvm.py`, option `lvm_type`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LvmType {
    /// Thin when the thin pool exists or the volume group is empty, else thick.
    #[default]
    Auto,
    /// Room is taken when it is written. The thin pool is made when it is missing.
    Thin,
    /// Room is taken at once; Cinder calls it `default`.
    #[serde(alias = "default")]
    Thick,
}

/// What happens to the data of a thick volume before it is removed (Cinder's option `volume_clear`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WipePolicy {
    /// Every byte is overwritten with zeros.
    #[default]
    Zero,
    /// The device is told to discard it; whether old data can still be read depends on the device.
    Discard,
    /// Nothing: the next volume there may read it.
    None,
}

impl WipePolicy {
    /// The wipe that the policy asks for.
    #[must_use]
    pub fn wipe(self) -> Option<Wipe> {
        match self {
            Self::Zero => Some(Wipe::Zero),
            Self::Discard => Some(Wipe::Discard),
            Self::None => None,
        }
    }
}

/// Settings of the file driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The folder; each pool is a folder in it. Made when it is missing.
    pub dir: PathBuf,
    /// The pools; one called `pool` by default.
    #[serde(default = "one_pool")]
    pub pools: Vec<FilePool>,
}

/// One pool of the file driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePool {
    /// Its name.
    pub name: String,
    /// What all its volumes together may have, in GiB. By default what the file system still has room for; several
    /// pools share a file system, so each of several needs a number.
    #[serde(default)]
    pub total_capacity_gib: Option<u32>,
}

/// Settings of the null driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NullConfig {
    /// The pools' names; one called `pool` by default.
    #[serde(default = "pool_name")]
    pub pools: Vec<String>,
    /// How long every step takes, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// One of so many dispatches fails, chosen by a hash of the volume's id and the dispatch; 0 means none.
    #[serde(default)]
    pub fail_every: u32,
}

impl Default for NullConfig {
    fn default() -> Self {
        Self { pools: pool_name(), delay_ms: 0, fail_every: 0 }
    }
}

/// A contradiction in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {found}: {rule}")]
pub struct InvalidConfig {
    /// The setting.
    pub setting: &'static str,
    /// Its value.
    pub found: String,
    /// What it has to be.
    pub rule: String,
}

impl InvalidConfig {
    pub(crate) fn new(setting: &'static str, found: &(impl ToString + ?Sized), rule: impl Into<String>) -> Self {
        Self { setting, found: found.to_string(), rule: rule.into() }
    }
}

impl BackendConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`InvalidConfig`] names the first setting that is wrong, and the rule.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        if self.reserved_percentage > 100 {
            return Err(InvalidConfig::new(
                "reserved_percentage",
                &self.reserved_percentage,
                "it must be from 0 to 100",
            ));
        }
        if let Some(Ratio::Number(ratio)) = self.max_over_subscription_ratio
            && !(ratio.is_finite() && ratio >= 1.0)
        {
            return Err(InvalidConfig::new("max_over_subscription_ratio", &ratio, "it must be 1 or more, or \"auto\""));
        }
        if !(100..=30_000).contains(&self.report_interval_ms) {
            let rule = "it must be from 100 to 30000: a backend counts as down after 60 s without a heartbeat";
            return Err(InvalidConfig::new("report_interval_ms", &self.report_interval_ms, rule));
        }
        if !(1000..=86_400_000).contains(&self.inventory_interval_ms) {
            let rule = "it must be from 1000 to 86400000, a day";
            return Err(InvalidConfig::new("inventory_interval_ms", &self.inventory_interval_ms, rule));
        }
        match &self.driver {
            DriverConfig::Lvm(lvm) => lvm.check(self),
            DriverConfig::File(file) => file.check(self),
            DriverConfig::Null(null) => pools(self, "driver.null.pools", null.pools.iter()),
        }
    }

    /// How many tasks run at once.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        let suitable = match self.driver {
            // They share what they look at. Of the commands that change something only a few run at once.
            DriverConfig::Lvm(_) | DriverConfig::Null(_) => 64,
            DriverConfig::File(_) => 8,
        };
        self.concurrency.filter(|tasks| *tasks > 0).unwrap_or(suitable)
    }

    /// How many copies, wipes and removals run at once beside them; at least one.
    #[must_use]
    pub fn concurrency_slow(&self) -> usize {
        let half = (self.concurrency() / 2).max(1);
        match self.driver {
            // Each of them takes a good part of what the disks can do.
            DriverConfig::Lvm(_) => half.min(2),
            DriverConfig::File(_) | DriverConfig::Null(_) => half,
        }
    }
}

impl LvmConfig {
    /// A volume group with the defaults of all other settings.
    #[must_use]
    pub fn new(volume_group: impl Into<String>) -> Self {
        Self {
            volume_group: volume_group.into(),
            lvm_type: LvmType::default(),
            pool: None,
            wipe: WipePolicy::default(),
            copy_rate_mib_s: None,
            thin_data_percent_max: thin_data_percent_max(),
            thin_metadata_percent_max: thin_metadata_percent_max(),
            target: None,
            command_timeout_ms: command_timeout_ms(),
        }
    }

    /// The LV of the thin pool.
    #[must_use]
    pub fn pool_lv(&self) -> String {
        self.pool.clone().unwrap_or_else(|| format!("{}-pool", self.volume_group))
    }

    fn check(&self, backend: &BackendConfig) -> Result<(), InvalidConfig> {
        pools(backend, "driver.lvm.volume_group", [&self.volume_group].into_iter())?;
        // A name that begins with '-' would be an option to LVM, and these two it reserves.
        for (setting, name) in [("driver.lvm.volume_group", &self.volume_group), ("driver.lvm.pool", &self.pool_lv())] {
            let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+'));
            if !letters || name.is_empty() || name.starts_with('-') || matches!(name.as_str(), "." | "..") {
                let rule = "an LVM name has letters, digits, '-', '_', '.' and '+', and does not begin with '-'";
                return Err(InvalidConfig::new(setting, name, rule));
            }
        }
        if let Some(target) = &self.target {
            target.check()?;
        }
        for (setting, percent) in [
            ("driver.lvm.thin_data_percent_max", self.thin_data_percent_max),
            ("driver.lvm.thin_metadata_percent_max", self.thin_metadata_percent_max),
        ] {
            if !(1..=100).contains(&percent) {
                return Err(InvalidConfig::new(setting, &percent, "it must be from 1 to 100; 100 means no limit"));
            }
        }
        if self.command_timeout_ms < 1000 {
            return Err(InvalidConfig::new("driver.lvm.command_timeout_ms", &self.command_timeout_ms, "at least 1000"));
        }
        Ok(())
    }
}

impl FileConfig {
    fn check(&self, backend: &BackendConfig) -> Result<(), InvalidConfig> {
        pools(backend, "driver.file.pools", self.pools.iter().map(|pool| &pool.name))?;
        for pool in &self.pools {
            if pool.name.starts_with('.') {
                return Err(InvalidConfig::new("driver.file.pools", &pool.name, "a pool must not begin with '.'"));
            }
            if self.pools.len() > 1 && pool.total_capacity_gib.is_none() {
                let rule = "several pools share the file system, so each needs its total_capacity_gib";
                return Err(InvalidConfig::new("driver.file.pools", &pool.name, rule));
            }
        }
        Ok(())
    }
}

fn pools<'a>(
    backend: &BackendConfig,
    setting: &'static str,
    names: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), InvalidConfig> {
    if names.len() == 0 {
        return Err(InvalidConfig::new(setting, "empty", "a backend has at least one pool"));
    }
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        backend.name.pool(name).map_err(|invalid| InvalidConfig::new(setting, name, invalid.rule))?;
        if !seen.insert(name) {
            return Err(InvalidConfig::new(setting, name, "each pool has a name of its own"));
        }
    }
    Ok(())
}

fn nova() -> String {
    "nova".to_owned()
}

fn report_interval_ms() -> u64 {
    10_000
}

fn inventory_interval_ms() -> u64 {
    60_000
}

fn drain_ms() -> u64 {
    30_000
}

fn command_timeout_ms() -> u64 {
    120_000
}

/// Room for what the volumes that are there still write while an operator makes more.
fn thin_data_percent_max() -> u32 {
    95
}

fn thin_metadata_percent_max() -> u32 {
    90
}

fn one_pool() -> Vec<FilePool> {
    vec![FilePool { name: "pool".to_owned(), total_capacity_gib: None }]
}

fn pool_name() -> Vec<String> {
    vec!["pool".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BackendConfig, String> {
        let config: BackendConfig = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        config.check().map_err(|invalid| invalid.to_string())?;
        Ok(config)
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let config = read("name = 'n1@lvm'\ndriver.lvm.volume_group = 'vg'").unwrap();
        assert_eq!((config.availability_zone.as_str(), config.report_interval_ms), ("nova", 10_000));
        assert_eq!((config.concurrency(), config.concurrency_slow()), (64, 2));
        let DriverConfig::Lvm(lvm) = config.driver else { panic!("{config:?}") };
        assert_eq!(
            (lvm.pool_lv().as_str(), lvm.lvm_type, lvm.wipe.wipe()),
            ("vg-pool", LvmType::Auto, Some(Wipe::Zero))
        );
        assert_eq!((lvm.copy_rate_mib_s, lvm.thin_data_percent_max, lvm.thin_metadata_percent_max), (None, 95, 90));
        assert_eq!(read("name = 'n1@f'\ndriver.file.dir = '/srv'").unwrap().concurrency(), 8);
        let null = read("name = 'n1@n'\ndriver.null = {}").unwrap();
        assert_eq!((null.concurrency(), null.concurrency_slow()), (64, 32));
    }

    #[test]
    fn all_can_be_said() {
        let config = read(
            "name = 'n1@files'\navailability_zone = 'rack-2'\nreport_interval_ms = 1000\nconcurrency = 3\n\
             reserved_percentage = 5\nmax_over_subscription_ratio = 'auto'\nvolume_backend_name = 'gold'\n\
             [driver.file]\ndir = '/srv'\n\
             pools = [{ name = 'a', total_capacity_gib = 10 }, { name = 'b', total_capacity_gib = 20 }]",
        )
        .unwrap();
        assert_eq!(
            (config.concurrency_slow(), config.concurrency(), config.max_over_subscription_ratio),
            (1, 3, Some(Ratio::Auto))
        );
        let again: BackendConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn mistakes_are_named() {
        let lvm = "name = 'n1@lvm'\ndriver.lvm.volume_group = 'vg'\n";
        let file = "name = 'n1@f'\ndriver.file.dir = '/srv'\n";
        for (text, part) in [
            ("name = 'n1'\ndriver.null = {}".to_owned(), "host@backend"),
            (format!("{lvm}pol = 1"), "unknown field `pol`"),
            (format!("{lvm}driver.lvm.vg = 'x'"), "unknown field `vg`"),
            ("name = 'n1@x'\ndriver.ceph = {}".to_owned(), "unknown variant `ceph`"),
            ("name = 'n1@x'\ndriver.lvm = {}".to_owned(), "missing field `volume_group`"),
            (format!("{lvm}reserved_percentage = 101"), "reserved_percentage is 101: it must be from 0 to 100"),
            (format!("{lvm}max_over_subscription_ratio = 0.5"), "max_over_subscription_ratio is 0.5"),
            (format!("{lvm}report_interval_ms = 60000"), "counts as down after 60 s"),
            (format!("{lvm}driver.lvm.pool = '-x'"), "driver.lvm.pool is -x"),
            (format!("{lvm}driver.lvm.pool = 'a b'"), "driver.lvm.pool is a b"),
            (format!("{lvm}driver.lvm.thin_data_percent_max = 0"), "thin_data_percent_max is 0: it must be from 1"),
            (format!("{lvm}driver.lvm.thin_metadata_percent_max = 101"), "thin_metadata_percent_max is 101"),
            ("name = 'n1@lvm'\ndriver.lvm.volume_group = 'a+b'".to_owned(), "driver.lvm.volume_group is a+b"),
            (format!("{file}driver.file.pools = []"), "at least one pool"),
            (format!("{file}driver.file.pools = [{{name='a'}}, {{name='b'}}]"), "total_capacity_gib"),
            (format!("{file}driver.file.pools = [{{name='..'}}]"), "must not begin with '.'"),
            ("name = 'n1@n'\ndriver.null.pools = ['a', 'a']".to_owned(), "a name of its own"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(part), "{text}\n{error}");
        }
    }
}
