//! What the tests of this package share: tasks, written short.

use stele_core::id::{AttachmentId, FlowId, PoolName, SnapshotId, SourceName, TaskId, VolumeId};
use stele_core::task::{AttachMode, Connector, CopySource, Operation, Phase, Task};
use stele_core::unit::{Position, SizeGib, Timestamp};
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{BackendConfig, DriverConfig, NullConfig};

pub(crate) const GIB: u64 = 1 << 30;

pub(crate) fn volume(n: u128) -> VolumeId {
    VolumeId(Uuid::from_u128(n))
}

pub(crate) fn snapshot(n: u128) -> SnapshotId {
    SnapshotId(Uuid::from_u128(n))
}

pub(crate) fn pool() -> PoolName {
    PoolName::new("n1@mem#pool").unwrap()
}

pub(crate) fn size(gib: u32) -> SizeGib {
    SizeGib::new(i128::from(gib)).unwrap()
}

pub(crate) fn create_task(n: u128, gib: u32) -> Task {
    task(Operation::CreateVolume { volume: volume(n), size_gib: size(gib), source: None })
}

/// Volume `n` out of volume `of`.
pub(crate) fn clone_task(n: u128, gib: u32, of: u128) -> Task {
    let source = Some(CopySource::Volume(volume(of)));
    task(Operation::CreateVolume { volume: volume(n), size_gib: size(gib), source })
}

/// Volume `n` out of snapshot `of`, which is of volume `origin`.
pub(crate) fn restore_task(n: u128, gib: u32, (of, origin): (u128, u128)) -> Task {
    let source = Some(CopySource::Snapshot { snapshot: snapshot(of), volume: volume(origin) });
    task(Operation::CreateVolume { volume: volume(n), size_gib: size(gib), source })
}

pub(crate) fn snapshot_task(n: u128, of: u128) -> Task {
    task(Operation::CreateSnapshot { snapshot: snapshot(n), volume: volume(of), size_gib: size(1) })
}

pub(crate) fn delete_snapshot_task(n: u128, of: u128) -> Task {
    task(Operation::DeleteSnapshot { snapshot: snapshot(n), volume: volume(of) })
}

pub(crate) fn connect_task(n: u128) -> Task {
    let attachment = AttachmentId(Uuid::from_u128(n));
    let (volume, connector) = (volume(n), host("h1"));
    task(Operation::ConnectVolume { attachment, volume, connector, mode: AttachMode::Ro, chap_of: None })
}

pub(crate) fn disconnect_task(n: u128) -> Task {
    let attachment = AttachmentId(Uuid::from_u128(n));
    let (volume, connector) = (volume(n), host("h1"));
    task(Operation::DisconnectVolume { attachment, volume, connector, chap_of: None, shared: false })
}

fn host(name: &str) -> Connector {
    let initiator = Some(format!("iqn.1993-08.org.debian:01:{name}"));
    Connector { host: Some(name.to_owned()), initiator, ..Connector::default() }
}

pub(crate) fn extend_task(n: u128, gib: u32) -> Task {
    task(Operation::ExtendVolume { volume: volume(n), size_gib: size(gib) })
}

/// Volume `n` back to its snapshot `to`, asked for one position later than everything else.
pub(crate) fn revert_task(n: u128, to: u128) -> Task {
    let operation = Operation::RevertVolume { volume: volume(n), snapshot: snapshot(to), size_gib: size(1) };
    let task = task(operation);
    Task { asked_at: Position(task.asked_at.0 + 1), ..task }
}

/// What is called `source_name` as volume `n`.
pub(crate) fn manage_task(n: u128, source_name: &str) -> Task {
    task(Operation::ManageVolume { volume: volume(n), source_name: SourceName::new(source_name).unwrap() })
}

/// What is called `source_name` as snapshot `n` of volume `of`, which has 1 GiB.
pub(crate) fn manage_snapshot_task(n: u128, of: u128, source_name: &str) -> Task {
    let source_name = SourceName::new(source_name).unwrap();
    task(Operation::ManageSnapshot { snapshot: snapshot(n), volume: volume(of), size_gib: size(1), source_name })
}

pub(crate) fn unmanage_task(n: u128, source_name: Option<&str>) -> Task {
    let source_name = source_name.map(|name| SourceName::new(name).unwrap());
    task(Operation::UnmanageVolume { volume: volume(n), source_name })
}

pub(crate) fn delete_task(n: u128) -> Task {
    task(Operation::DeleteVolume { volume: volume(n) })
}

fn task(operation: Operation) -> Task {
    Task {
        id: TaskId(Uuid::from_u128(operation.volume().0.as_u128() + 1000)),
        flow: FlowId(Uuid::from_u128(operation.volume().0.as_u128() + 2000)),
        pool: pool(),
        operation,
        phase: Phase::Execute,
        dispatch: 1,
        deadline: Timestamp::from_millis(i64::MAX / 1000),
        asked_at: Position(42),
    }
}

/// A backend called `n1@mem`, for drivers that take of a configuration only its common part.
pub(crate) fn config() -> BackendConfig {
    BackendConfig {
        name: pool().backend(),
        driver: DriverConfig::Null(NullConfig::default()),
        availability_zone: "nova".to_owned(),
        report_interval_ms: 10_000,
        inventory_interval_ms: 60_000,
        concurrency: None,
        drain_ms: 30_000,
        reserved_percentage: 0,
        max_over_subscription_ratio: None,
        volume_backend_name: None,
    }
}

/// Tokio's clock, which stands still and is moved by the tests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TestClock(tokio::time::Instant);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let since = i64::try_from(self.0.elapsed().as_micros()).unwrap();
        Timestamp::from_millis(1_000_000).max(Timestamp::from_micros(1_000_000_000 + since))
    }

    async fn sleep_ms(&self, millis: u64) {
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
    }
}
