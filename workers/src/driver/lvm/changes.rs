//! Which command may change the volume group next. LVM lets one at a time do so, whoever came first; so a removal begins only
//! while nobody else wants to, and one at a time: then whoever comes next waits for one of them at most.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// The most commands that change something at once. They take the volume group's lock one after the other, so more of them
/// only wait there; a few begin and end beside each other.
const CHANGES_MAX: usize = 4;

/// How long a removal gives way; behind that it takes its turn with all others.
const GIVES_WAY: Duration = Duration::from_secs(2);

/// How many processes there may be for it.
pub(super) const PROCESSES_MAX: usize = CHANGES_MAX;

/// See the module.
#[derive(Debug)]
pub(super) struct Changes {
    places: Semaphore,
    removals: Semaphore,
    /// How many others are at work or wait for it.
    others: watch::Sender<usize>,
}

/// The leave to run one command.
pub(super) struct Place<'a> {
    _place: Option<SemaphorePermit<'a>>,
    _removal: Option<SemaphorePermit<'a>>,
    _counted: Option<Counted<'a>>,
}

struct Counted<'a>(&'a watch::Sender<usize>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|others| *others -= 1);
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self { places: Semaphore::new(CHANGES_MAX), removals: Semaphore::new(1), others: watch::Sender::new(0) }
    }
}

impl Changes {
    /// For what somebody waits for.
    pub(super) async fn place(&self) -> Place<'_> {
        self.others.send_modify(|others| *others += 1);
        let counted = Counted(&self.others);
        Place { _place: self.free().await, _removal: None, _counted: Some(counted) }
    }

    /// For a part of a copy or a wipe, which takes hours: nobody gives way to that.
    pub(super) async fn place_aside(&self) -> Place<'_> {
        Place { _place: self.free().await, _removal: None, _counted: None }
    }

    /// For a removal.
    pub(super) async fn removal(&self) -> Place<'_> {
        let removal = self.removals.acquire().await.ok();
        let mut others = self.others.subscribe();
        let nobody = async { others.wait_for(|others| *others == 0).await.is_ok() };
        // When the time is up it goes on all the same.
        let _ = tokio::time::timeout(GIVES_WAY, nobody).await;
        Place { _place: self.free().await, _removal: removal, _counted: None }
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
    async fn removals_come_one_by_one_and_give_way_for_a_while() {
        let changes = Changes::default();
        let first = changes.removal().await;
        assert!(changes.removal().now_or_never().is_none(), "one at a time");
        assert!(changes.place().now_or_never().is_some(), "nobody waits for removals");
        drop(first);

        let began = Instant::now();
        let (create, aside) = (changes.place().await, changes.place_aside().await);
        let (waited, ()) = tokio::join!(
            async {
                let _removal = changes.removal().await;
                began.elapsed()
            },
            async {
                sleep(Duration::from_millis(700)).await;
                drop(create);
            }
        );
        assert_eq!(waited, Duration::from_millis(700), "not for what goes on aside");
        drop(aside);

        // However many come, it has its turn.
        let (began, _create) = (Instant::now(), changes.place().await);
        drop(changes.removal().await);
        assert_eq!(began.elapsed(), GIVES_WAY);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_a_few_at_once() {
        let changes = Changes::default();
        let held = [changes.place().await, changes.place_aside().await, changes.removal().await, changes.place().await];
        assert!(changes.place().now_or_never().is_none());
        drop(held);
        assert!(changes.place().now_or_never().is_some());
        assert_eq!(*changes.others.borrow(), 0, "who gave up waiting is not counted any more");
    }
}
