use stele_core::id::PoolName;
use stele_core::schedule::{Amount, Capabilities, Capability, PoolStats};

use crate::config::BackendConfig;
use crate::object::{Item, Object};

/// What every driver says of a pool in the same words; the names are Cinder's (`cinder/volume/drivers/lvm.py`,
/// `_update_volume_stats`).
pub(super) struct Figures {
    pub(super) total_bytes: Bytes,
    pub(super) free_bytes: Bytes,
    pub(super) provisioned_bytes: u64,
    /// The sum of the sizes of our own volumes, without their snapshots.
    pub(super) allocated_bytes: u64,
    pub(super) volumes: usize,
    pub(super) thin: bool,
    /// Of a thin pool: how full it is.
    pub(super) fill: Option<Fill>,
    pub(super) protocol: &'static str,
    /// What only this driver has to say.
    pub(super) more: Vec<(&'static str, Capability)>,
}

/// How full the data and the metadata of a thin pool are, and above what it takes nothing new, all in per cent.
#[derive(Clone, Copy)]
pub(super) struct Fill {
    pub(super) data_percent: f64,
    pub(super) metadata_percent: Option<f64>,
    pub(super) data_percent_max: u32,
    pub(super) metadata_percent_max: u32,
}

/// An amount of room.
#[derive(Clone, Copy)]
pub(super) enum Bytes {
    Number(u64),
    Infinite,
}

impl Figures {
    pub(super) fn into_stats(self, config: &BackendConfig, pool: &PoolName) -> PoolStats {
        let mut stats = PoolStats::new(self.total_bytes.amount(), Some(self.free_bytes.amount()));
        stats.provisioned_capacity_gb = gib(self.provisioned_bytes);
        stats.allocated_capacity_gb = Some(gib(self.allocated_bytes));
        stats.max_over_subscription_ratio = config.max_over_subscription_ratio;
        stats.reserved_percentage = config.reserved_percentage;
        stats.thin_provisioning_support = self.thin;
        stats.thick_provisioning_support = !self.thin;
        stats.data_percent = self.fill.map(|fill| fill.data_percent);
        stats.metadata_percent = self.fill.and_then(|fill| fill.metadata_percent);
        stats.data_percent_max = self.fill.map(|fill| fill.data_percent_max);
        stats.metadata_percent_max = self.fill.map(|fill| fill.metadata_percent_max);
        stats.total_volumes = u64::try_from(self.volumes).ok();
        stats.capabilities = capabilities(config, pool, self.thin, self.protocol, self.more);
        stats
    }
}

/// The sum of the sizes of our volumes among these, and their number.
pub(super) fn volumes_of(items: &[Item]) -> (u64, usize) {
    let volumes = || items.iter().filter(|item| matches!(item.object, Object::Volume(_)));
    (volumes().map(|item| item.size_bytes).sum(), volumes().count())
}

impl Bytes {
    fn amount(self) -> Amount {
        match self {
            Self::Number(bytes) => Amount::Number(gib(bytes)),
            Self::Infinite => Amount::Infinite,
        }
    }
}

fn capabilities(
    config: &BackendConfig,
    pool: &PoolName,
    thin: bool,
    protocol: &str,
    more: Vec<(&'static str, Capability)>,
) -> Capabilities {
    let backend = config.name.as_str().split_once('@').map_or("", |(_, backend)| backend);
    let name = config.volume_backend_name.as_deref().unwrap_or(backend);
    let text = |text: &str| Capability::Text(text.into());
    [
        ("volume_backend_name", text(name)),
        ("pool_name", text(pool.pool())),
        ("vendor_name", text("Stele")),
        ("driver_version", text(env!("CARGO_PKG_VERSION"))),
        ("storage_protocol", text(protocol)),
        ("backend_state", text("up")),
        ("QoS_support", Capability::Bool(false)),
        ("multiattach", Capability::Bool(true)),
        ("sparse_copy_volume", Capability::Bool(thin)),
        ("shared_targets", Capability::Bool(false)),
    ]
    .into_iter()
    .chain(more)
    .map(|(name, value)| (name.into(), value))
    .collect()
}

/// Exact up to 2⁵³ bytes (8 PiB), and to one part in 2⁵³ above.
fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}
