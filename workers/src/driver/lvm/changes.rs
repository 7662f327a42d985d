//! Which command may change the volume group next. LVM lets one at a time do so, whoever came first, and each command takes
//! processor time from all others. So what removes runs one command at a time, its looks among them, and begins it only
//! while nobody else has anything to do: then whoever comes next waits for the rest of one of them at most.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// The most commands that change something at once. They take the volume group's lock one after the other, so more of them
/// only wait there; a few begin and end beside each other.
const CHANGES_MAX: usize = 4;

/// How long what removes gives way; behind that it takes its turn with all others.
const GIVES_WAY: Duration = Duration::from_secs(2);

/// How long it goes on giving way when all others have ended: who makes one volume after the other comes again at once.
const QUIET: Duration = Duration::from_millis(250);

/// How many processes there may be for it.
pub(super) const PROCESSES_MAX: usize = CHANGES_MAX;

/// See the module.
#[derive(Debug)]
pub(super) struct Changes {
    places: Semaphore,
    removals: Semaphore,
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
    _removal: Option<SemaphorePermit<'a>>,
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
            removals: Semaphore::new(1),
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
        let removal = self.removals.acquire().await.ok();
        // When the time is up it goes on all the same.
        let _ = tokio::time::timeout(GIVES_WAY, self.quiet()).await;
        Place { _place: self.free().await, _removal: removal }
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
    use tokio::time::{Instant, sleep};

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

    /// When a removal begins that is asked for while somebody works from `from` to `to`, each in milliseconds.
    async fn begins_ms(others: &[(u64, u64)]) -> u128 {
        let (changes, began) = (Changes::default(), Instant::now());
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
    async fn removals_give_way_until_nobody_came_for_a_while_and_not_for_ever() {
        assert_eq!(begins_ms(&[(0, 700)]).await, 950);
        // One after the other, each soon behind the one before it, and two at once.
        assert_eq!(begins_ms(&[(0, 300), (400, 700), (900, 1000), (600, 1200)]).await, 1450);
        assert_eq!(begins_ms(&[(0, 300), (551, 5000)]).await, 550, "it has begun");
        assert_eq!(begins_ms(&[(0, 9000)]).await, GIVES_WAY.as_millis(), "however many come, it has its turn");
        let without_end: Vec<_> = (0..100).map(|n| (n * 100, n * 100 + 50)).collect();
        assert_eq!(begins_ms(&without_end).await, GIVES_WAY.as_millis());
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
