//! The driver that does nothing, for measuring everything else.
//!
//! It keeps nothing, so it can observe nothing: it answers "unknown" and every task runs its step again.

use std::sync::Arc;
use std::time::Duration;

use stele_core::id::PoolName;
use stele_core::schedule::Capability;
use stele_core::task::{Connection, Failure, FailureKind, PoolReport, Task};
use stele_core::unit::Hash;

use super::stats::{Bytes, Figures};
use super::{Applied, Driver, Inventory, Meter, connection, failure, no_such_pool};
use crate::config::{BackendConfig, InvalidConfig, NullConfig};
use crate::plan::{Export, Look, Observed, Step};
use crate::target::ExportItem;

/// See the module.
#[derive(Debug, Clone)]
pub struct Null(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: BackendConfig,
    pools: Vec<PoolName>,
    delay: Duration,
    fail_every: u32,
}

impl Null {
    /// A null driver with the pools of the configuration.
    ///
    /// # Errors
    /// [`InvalidConfig`] when a pool's name is none.
    pub fn new(backend: &BackendConfig, config: &NullConfig) -> Result<Self, InvalidConfig> {
        let pool = |name: &String| {
            backend.name.pool(name).map_err(|invalid| InvalidConfig::new("driver.null.pools", name, invalid.rule))
        };
        Ok(Self(Arc::new(Inner {
            backend: backend.clone(),
            pools: config.pools.iter().map(pool).collect::<Result<_, _>>()?,
            delay: Duration::from_millis(config.delay_ms),
            fail_every: config.fail_every,
        })))
    }

    fn check(&self, step: &str, pool: &PoolName) -> Result<(), Failure> {
        if self.0.pools.contains(pool) { Ok(()) } else { Err(no_such_pool(step, pool)) }
    }

    /// By a hash, so that the same task fails in every run, and its next dispatch may not.
    fn is_to_fail(&self, task: &Task) -> bool {
        let Inner { fail_every, .. } = *self.0;
        if fail_every == 0 {
            return false;
        }
        let Hash(bytes) = Hash::of(format!("{}.{}", task.operation.volume(), task.dispatch).as_bytes());
        u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).is_multiple_of(fail_every)
    }
}

impl Driver for Null {
    fn name(&self) -> &'static str {
        "null"
    }

    async fn observe(&self, task: &Task) -> Result<Look, Failure> {
        self.check("observe", &task.pool)?;
        Ok(Look {
            object: Observed::Unknown,
            source: Observed::Unknown,
            still: Observed::Unknown,
            successor: Observed::Unknown,
            export: Export::Direct,
        })
    }

    async fn apply(&self, task: &Task, step: &Step, _meter: &Meter) -> Result<Applied, Failure> {
        self.check(step.name(), &task.pool)?;
        if !self.0.delay.is_zero() {
            tokio::time::sleep(self.0.delay).await;
        }
        if self.is_to_fail(task) {
            return Err(failure(FailureKind::Other, step.name(), "the null driver was told to fail now and then"));
        }
        Ok(Applied { step: step.name(), exit_status: None })
    }

    async fn connection(&self, task: &Task) -> Result<Connection, Failure> {
        self.check("connect", &task.pool)?;
        connection(task, "null", None)
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        let report = |pool: &PoolName| PoolReport {
            pool: pool.clone(),
            stats: Figures {
                total_bytes: Bytes::Infinite,
                free_bytes: Bytes::Infinite,
                provisioned_bytes: 0,
                allocated_bytes: 0,
                volumes: 0,
                thin: true,
                fill: None,
                protocol: "null",
                more: vec![("keeps_data", Capability::Bool(false))],
            }
            .into_stats(&self.0.backend, pool),
        };
        Ok(self.0.pools.iter().map(report).collect())
    }

    fn keeps_data(&self) -> bool {
        false
    }

    async fn exports(&self, pool: &PoolName) -> Result<Option<Vec<ExportItem>>, Failure> {
        self.check("inventory", pool).map(|()| None)
    }

    async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        Ok(false)
    }

    async fn let_hosts_in(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Inventory, Failure> {
        self.check("inventory", pool).map(|()| Inventory::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Objects;
    use crate::plan::Act;
    use crate::testing::{connect_task, create_task};

    fn remove(task: &Task) -> Step {
        Step { on: Objects::of(task).object, act: Act::Remove }
    }

    fn null(more: &str) -> Null {
        let backend: BackendConfig = toml::from_str(&format!("name = 'n1@mem'\n[driver.null]\n{more}")).unwrap();
        let crate::config::DriverConfig::Null(config) = &backend.driver else { panic!("{backend:?}") };
        Null::new(&backend, config).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn steps_take_the_time_that_was_set() {
        let before = tokio::time::Instant::now();
        let task = create_task(1, 1);
        let applied = null("delay_ms = 70").apply(&task, &remove(&task), &Meter::default()).await.unwrap();
        assert_eq!((applied.step, before.elapsed().as_millis()), ("remove", 70));
    }

    #[tokio::test]
    async fn one_in_so_many_fails_and_always_the_same() {
        let driver = null("fail_every = 4");
        let mut failed = Vec::new();
        for run in 0..2 {
            for n in 0..400 {
                let task = create_task(n, 1);
                let done = driver.apply(&task, &remove(&task), &Meter::default()).await;
                if done.is_err() {
                    failed.push((run, n));
                }
            }
        }
        let (first, second) = failed.split_at(failed.len() / 2);
        assert!((60..140).contains(&first.len()), "{}", first.len());
        assert!(first.iter().map(|(_, n)| n).eq(second.iter().map(|(_, n)| n)));
    }

    #[tokio::test]
    async fn a_pool_of_somebody_else_is_refused() {
        let other = Task { pool: PoolName::new("n1@mem#other").unwrap(), ..connect_task(1) };
        let failure = null("").observe(&other).await.unwrap_err();
        assert_eq!(failure.to_string(), "not_found at observe: this backend has no pool n1@mem#other");
        assert_eq!(null("").connection(&other).await.unwrap_err().kind, FailureKind::NotFound);
    }

    #[tokio::test]
    async fn a_connection_leads_nowhere_and_says_so() {
        let connection = null("").connection(&connect_task(1)).await.unwrap();
        let told = serde_json::to_string(&connection).unwrap();
        let id = crate::testing::volume(1);
        let data =
            format!(r#"{{"access_mode":{{"text":"ro"}},"encrypted":{{"flag":false}},"volume_id":{{"text":"{id}"}}}}"#);
        assert_eq!(told, format!(r#"{{"driver_volume_type":"null","data":{data}}}"#));
        assert_eq!(null("").connection(&create_task(1, 1)).await.unwrap_err().kind, FailureKind::Unsupported);
    }
}
