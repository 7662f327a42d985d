//! How large the storage is and how much of it is used.

use stele_core::task::{Failure, FailureKind};

use super::report::{Kind, LogicalVolume, VolumeGroup};
use crate::driver::failure;
use crate::driver::stats::{Bytes, Figures, Fill};

pub(super) fn thin_figures(pool: &str, volumes: &[LogicalVolume], percent_max: (u32, u32)) -> Result<Figures, Failure> {
    let found = volumes.iter().find(|lv| lv.name == pool && lv.kind == Kind::ThinPool);
    let found =
        found.ok_or_else(|| failure(FailureKind::NotFound, "pools", format!("the thin pool {pool} is gone")))?;
    // An inactive pool does not say how full it is. Nothing can be made in it, and nothing is said about it.
    let data_percent = found.data_percent.ok_or_else(|| {
        failure(FailureKind::Other, "pools", format!("the thin pool {pool} is not active: its use is unknown"))
    })?;
    let metadata_percent = found.metadata_percent;
    let (data_percent_max, metadata_percent_max) = percent_max;
    Ok(Figures {
        total_bytes: Bytes::Number(found.size_bytes),
        free_bytes: Bytes::Number(unused_bytes(found.size_bytes, data_percent)),
        provisioned_bytes: volumes.iter().filter(|lv| lv.pool.as_deref() == Some(pool)).map(|lv| lv.size_bytes).sum(),
        allocated_bytes: 0,
        volumes: 0,
        thin: true,
        fill: Some(Fill { data_percent, metadata_percent, data_percent_max, metadata_percent_max }),
        protocol: "iSCSI",
        more: Vec::new(),
    })
}

pub(super) fn thick_figures(group: &VolumeGroup) -> Figures {
    Figures {
        total_bytes: Bytes::Number(group.size_bytes),
        free_bytes: Bytes::Number(group.free_bytes),
        provisioned_bytes: group.size_bytes.saturating_sub(group.free_bytes),
        allocated_bytes: 0,
        volumes: 0,
        thin: false,
        fill: None,
        protocol: "iSCSI",
        more: Vec::new(),
    }
}

/// LVM gives per cent with two digits; whole hundredths keep the sum exact.
fn unused_bytes(size_bytes: u64, data_percent: f64) -> u64 {
    let used_hundredths = (data_percent * 100.0).round().clamp(0.0, 10_000.0) as u64;
    let unused = u128::from(size_bytes) * u128::from(10_000 - used_hundredths) / 10_000;
    u64::try_from(unused).unwrap_or(size_bytes)
}
