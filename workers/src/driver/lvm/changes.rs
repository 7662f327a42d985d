//! Which command may change the volume group next. LVM lets one at a time do so, whoever came first, and each command takes
//! processor time from all others. So what removes runs one command at a time, its looks among them, and begins it only
//! while nobody else has anything to do: then whoever comes next waits for the rest of one of them at most.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

/// The most commands that change something at once. They take the volume group's lock one after the other, so more of them
/// only wait there; a few begin and end beside each other.
const CHANGES_MAX: usize = 4;

/// How long what removes gives way, at least and at most; behind that it takes its turn with all others. In between it is so
/// many times as long as its last command took: however much else there is, a fifth of the time is left for it.
const GIVES_WAY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
const GIVES_WAY_TIMES: u32 = 4;

/// How long it goes on giving way when all others have ended: who makes one volume after the other comes again at once.
const QUIET: Duration = Duration::from_millis(250);

/// How many processes there may be for it.
pub(super) const PROCESSES_MAX: usize = CHANGES_MAX;

/// See the module.
#[derive(Debug)]
pub(super) struct Changes {
    places: Semaphore,
    /// How long the last command of what removes took.
    removals: Mutex<Duration>,
    others: watch::Sender<Others>,
}

/// Those for whom removals give way.
#[derive(Debug, Default)]
struct Others {
    /// How many are at work or wait for it.
    now: usize,
    /// How many there ever were.
    ever: u64,
}

/// The leave to run one command.
pub(super) struct Place<'a> {
    _place: Option<SemaphorePermit<'a>>,
    _removal: Option<Removal<'a>>,
}

/// The only command of what removes.
struct Removal<'a> {
    took: MutexGuard<'a, Duration>,
    began: Instant,
}

impl Drop for Removal<'_> {
    fn drop(&mut self) {
        *self.took = self.began.elapsed();
    }
}

/// Somebody is waited for, until this is dropped.
pub(super) struct Awaited<'a>(&'a watch::Sender<Others>);

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|others| others.now -= 1);
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            places: Semaphore::new(CHANGES_MAX),
            removals: Mutex::default(),
            others: watch::Sender::new(Others::default()),
        }
    }
}

impl Changes {
    /// From here on removals give way, whatever is done: looks and exports, too.
    pub(super) fn awaited(&self) -> Awaited<'_> {
        self.others.send_modify(|others| *others = Others { now: others.now + 1, ever: others.ever + 1 });
        Awaited(&self.others)
    }

    /// For a command that changes something.
    pub(super) async fn place(&self) -> Place<'_> {
        Place { _place: self.free().await, _removal: None }
    }

    /// For a command of what removes.
    pub(super) async fn removal(&self) -> Place<'_> {
        let took = self.removals.lock().await;
        let gives_way = took.saturating_mul(GIVES_WAY_TIMES).clamp(GIVES_WAY.0, GIVES_WAY.1);
        // When the time is up it goes on all the same.
        let _ = tokio::time::timeout(gives_way, self.quiet()).await;
        let place = self.free().await;
        Place { _place: place, _removal: Some(Removal { took, began: Instant::now() }) }
    }

    /// Nobody else is at work, and if somebody was, nobody came for a while.
    async fn quiet(&self) {
        let mut others = self.others.subscribe();
        if others.borrow().now == 0 {
            return;
        }
        loop {
            // Its sender is here, so there is no error.
            let Ok(ever) = others.wait_for(|others| others.now == 0).await.map(|others| others.ever) else { return };
            let somebody = others.wait_for(|others| others.ever != ever);
            if tokio::time::timeout(QUIET, somebody).await.is_err() {
                return;
            }
        }
    }

    /// Nobody closes it.
    async fn free(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::FutureExt as _;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn removals_come_one_by_one_and_at_once_where_nobody_else_is() {
        let changes = Changes::default();
        drop(changes.awaited());
        let began = Instant::now();
        let first = changes.removal().await;
        assert!(changes.removal().now_or_never().is_none(), "one at a time");
        assert!(changes.place().now_or_never().is_some(), "nobody waits for removals");
        drop(first);
        drop(changes.removal().await);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    /// When a removal begins that is asked for while somebody works from `from` to `to`, where the last one took `took`;
    /// all in milliseconds.
    async fn begins_ms(took: u64, others: &[(u64, u64)]) -> u128 {
        let changes = Changes::default();
        *changes.removals.lock().await = Duration::from_millis(took);
        let began = Instant::now();
        let work = others.iter().map(async |(from, to)| {
            if *from > 0 {
                sleep(Duration::from_millis(*from)).await;
            }
            let _awaited = changes.awaited();
            sleep(Duration::from_millis(to - from)).await;
        });
        let removal = async {
            let _removal = changes.removal().await;
            began.elapsed().as_millis()
        };
        tokio::join!(futures_util::future::join_all(work), removal).1
    }

    #[tokio::test(start_paused = true)]
    async fn removals_give_way_until_nobody_came_for_a_while() {
        assert_eq!(begins_ms(1000, &[(0, 700)]).await, 950);
        // One after the other, each soon behind the one before it, and two at once.
        assert_eq!(begins_ms(1000, &[(0, 300), (400, 700), (900, 1000), (600, 1200)]).await, 1450);
        assert_eq!(begins_ms(1000, &[(0, 300), (551, 5000)]).await, 550, "it has begun");
    }

    #[tokio::test(start_paused = true)]
    async fn however_much_else_there_is_removals_have_a_part_of_the_time() {
        let without_end: Vec<_> = (0..100).map(|n| (n * 100, n * 100 + 50)).collect();
        for (took, begins) in [(0, 500), (100, 500), (300, 1200), (60_000, 5000)] {
            assert_eq!(begins_ms(took, &[(0, 9000)]).await, begins, "{took}");
            assert_eq!(begins_ms(took, &without_end).await, begins, "{took}");
        }
        let changes = Changes::default();
        let removal = changes.removal().await;
        sleep(Duration::from_millis(250)).await;
        drop(removal);
        let (began, _awaited) = (Instant::now(), changes.awaited());
        drop(changes.removal().await);
        assert_eq!(began.elapsed(), Duration::from_secs(1), "four times the 250 ms of the one before");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_a_few_at_once() {
        let changes = Changes::default();
        let held = [changes.place().await, changes.place().await, changes.removal().await, changes.place().await];
        assert!(changes.place().now_or_never().is_none());
        drop(held);
        assert!(changes.place().now_or_never().is_some());
    }
}
