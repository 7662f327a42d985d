//! The tasks in a worker's hands.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::future::{Either, join_all, select};
use stele_core::id::VolumeId;
use stele_core::port::{Claimed, Reporter};
use tokio::sync::Notify;

use super::Life;
use crate::clock::Clock;
use crate::driver::Driver;

/// How long the queue may take to answer a sign, in milliseconds, before the next ones are sent all the same.
const ANSWER_MS: u64 = 1000;

/// All tasks that the queue has given to us and not taken back.
pub(super) struct Holding<K> {
    tasks: Mutex<(u64, BTreeMap<u64, Arc<K>>)>,
    added: Notify,
}

impl<K> Default for Holding<K> {
    fn default() -> Self {
        Self { tasks: Mutex::new((0, BTreeMap::new())), added: Notify::new() }
    }
}

impl<K> Holding<K> {
    pub(super) fn add(&self, claimed: Arc<K>) -> u64 {
        let (last, tasks) = &mut *self.lock();
        *last += 1;
        tasks.insert(*last, claimed);
        self.added.notify_one();
        *last
    }

    pub(super) fn remove(&self, key: u64) {
        self.lock().1.remove(&key);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().1.len()
    }

    /// Whether one of them is such a one.
    pub(super) fn any(&self, such: impl Fn(&K) -> bool) -> bool {
        self.lock().1.values().any(|claimed| such(claimed))
    }

    fn all(&self) -> Vec<Arc<K>> {
        self.lock().1.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Arc<K>>)> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Claimed, R: Reporter, D: Driver, C: Clock> Life<K, R, D, C> {
    /// Tells the queue, three times within its patience, that the work on every held task goes on: while it runs,
    /// while its report waits for control, and while it is taken out of the queue.
    pub(super) async fn keep(&self) {
        loop {
            let Some(patience_ms) = self.holding.all().iter().map(|claimed| claimed.patience_ms()).min() else {
                self.holding.added.notified().await;
                continue;
            };
            self.clock.sleep_ms((patience_ms / 3).max(1)).await;
            let held = self.holding.all();
            let signs = join_all(held.iter().map(|claimed| claimed.in_progress()));
            let Either::Left((answers, _)) = select(signs, pin!(self.clock.sleep_ms(ANSWER_MS))).await else {
                tracing::debug!("the queue does not answer that it knows that the work goes on");
                continue;
            };
            for unavailable in answers.into_iter().filter_map(Result::err) {
                tracing::debug!(%unavailable, "the queue could not be told that the work goes on");
            }
        }
    }
}

/// One execution at a time for each volume: the queue may deliver a task again while it still runs here.
#[derive(Default)]
pub(super) struct Lanes(Mutex<BTreeMap<VolumeId, Weak<tokio::sync::Mutex<()>>>>);

/// A volume that is somebody's to work on, until this is dropped.
pub(super) type Lane = tokio::sync::OwnedMutexGuard<()>;

impl Lanes {
    /// Waits until nobody else is at the volume.
    pub(super) async fn enter(&self, volume: VolumeId) -> Lane {
        self.of(volume).lock_owned().await
    }

    /// `None` when somebody else is at the volume.
    pub(super) fn try_enter(&self, volume: VolumeId) -> Option<Lane> {
        self.of(volume).try_lock_owned().ok()
    }

    fn of(&self, volume: VolumeId) -> Arc<tokio::sync::Mutex<()>> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(&volume).and_then(Weak::upgrade) {
            return lane;
        }
        // Lanes that nobody is in any more are few, for there are never more than tasks in our hands.
        lanes.retain(|_, lane| lane.strong_count() > 0);
        let lane = Arc::default();
        lanes.insert(volume, Arc::downgrade(&lane));
        lane
    }
}
