//! Whose turn it is: room for quick steps, and room of its own for slow ones, so that nobody waits behind hours of
//! copying and wiping who only needs a moment.
//!
//! ```text
//! claimed --> quick (as many as `concurrency`) --> done
//!                  |  its next step is slow: it gives its place to the next one
//!                  v
//!             waits its turn --> slow (half as many) --> done
//! ```
//!
//! A task that waits for its turn shows a sign of progress whenever those before it have moved, so its deadline moves
//! with theirs: a long queue is no failure, and a queue behind something that hangs is one. It is given up without a
//! report when nothing has moved for so long that control must have given it up.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{Either, select};
use stele_core::unit::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::driver::Meter;

/// What a task that waits for its turn says that it does.
pub const WAIT: &str = "wait";

/// How many tasks may wait for their turn in a worker's hands; further ones keep their places for quick steps, and no more
/// are taken.
pub const WAITING_TURNS_MAX: usize = 512;

/// The shortest and the longest time between two signs of a task that waits, in milliseconds.
const SIGN_EVERY_MS: (u64, u64) = (1000, 30_000);

/// The room of a worker for tasks that run.
#[derive(Clone)]
pub struct Room(Arc<Inner>);

struct Inner {
    quick: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// For tasks in the worker's hands that do not wait for their turn.
    held: Arc<Semaphore>,
    moving: Mutex<Moving>,
}

/// The slow steps that run.
#[derive(Default)]
struct Moving {
    last_key: u64,
    meters: BTreeMap<u64, Meter>,
    /// The signs of those that have ended.
    ended: u64,
}

/// How many slow steps run at once, where so many tasks do: beside them, and at least one.
#[must_use]
pub fn slow_max(concurrency: usize) -> usize {
    (concurrency / 2).max(1)
}

impl Room {
    /// Room for so many tasks, and for half as many slow steps beside them; with all that are done and not reported yet
    /// they are `held_max` at most. Those that wait for their turn are counted apart.
    #[must_use]
    pub fn new(concurrency: usize, held_max: usize) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS)));
        Self(Arc::new(Inner {
            quick: semaphore(concurrency),
            slow: semaphore(slow_max(concurrency)),
            waiting: semaphore(WAITING_TURNS_MAX),
            held: semaphore(held_max),
            moving: Mutex::default(),
        }))
    }

    /// How many more tasks could begin now; waits until it is at least one.
    pub async fn free(&self) -> usize {
        // Nobody closes the semaphores.
        drop(self.0.held.acquire().await);
        drop(self.0.quick.acquire().await);
        self.0.held.available_permits().min(self.0.quick.available_permits()).max(1)
    }

    /// For a task that is taken into the worker's hands, until it is let go.
    pub async fn hold(&self) -> Option<OwnedSemaphorePermit> {
        self.0.held.clone().acquire_owned().await.ok()
    }

    /// A task's turn, as soon as there is room for a quick step.
    pub async fn enter(&self) -> Turn {
        let permit = self.0.quick.clone().acquire_owned().await.ok();
        Turn { room: self.clone(), place: permit.map(Place::Quick) }
    }

    /// Grows with every sign of those whose turn it is for slow steps.
    fn signs(&self) -> u64 {
        let moving = self.lock();
        moving.meters.values().fold(moving.ended, |sum, meter| sum.wrapping_add(meter.read().signs))
    }

    fn lock(&self) -> MutexGuard<'_, Moving> {
        self.0.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (quick, slow) = (self.0.quick.available_permits(), self.0.slow.available_permits());
        f.debug_struct("Room").field("quick", &quick).field("slow", &slow).finish()
    }
}

/// One task's place in a [`Room`], given back when it is dropped.
#[derive(Debug)]
pub struct Turn {
    room: Room,
    place: Option<Place>,
}

#[derive(Debug)]
enum Place {
    #[expect(dead_code, reason = "the permit is held")]
    Quick(OwnedSemaphorePermit),
    #[expect(dead_code, reason = "the permit is held")]
    Slow(Registered, OwnedSemaphorePermit),
}

/// How a task came to its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// At once, or it had it.
    AtOnce,
    /// After it had waited: what it saw before may not be true any more.
    Late,
    /// Never: nothing has moved for so long that control has given the task up.
    Never,
}

impl Turn {
    /// Gives the place back until it is wanted again.
    pub fn leave(&mut self) {
        self.place = None;
    }

    /// Has a place for quick steps again.
    pub async fn enter(&mut self) {
        *self = self.room.clone().enter().await;
    }

    /// Before a slow step of a task that has to be done by `deadline` or show its progress: gives the place for quick
    /// steps to somebody else and waits for one for slow ones, which is kept for the rest of the task. The meter is that
    /// of the task.
    pub async fn slow<C: Clock>(&mut self, clock: &C, deadline: Timestamp, meter: &Meter) -> Came {
        if matches!(self.place, Some(Place::Slow(..))) {
            return Came::AtOnce;
        }
        if let Ok(permit) = self.room.0.slow.clone().try_acquire_owned() {
            self.begin(meter, permit);
            return Came::AtOnce;
        }
        let waiting = self.room.0.waiting.clone().try_acquire_owned();
        if waiting.is_ok() {
            self.leave();
            // As long as it waits here it is not counted there.
            self.room.0.held.add_permits(1);
        }
        let came = self.wait(clock, deadline, meter).await;
        if waiting.is_ok()
            && let Ok(held) = self.room.0.held.acquire().await
        {
            held.forget();
        }
        came
    }

    async fn wait<C: Clock>(&mut self, clock: &C, deadline: Timestamp, meter: &Meter) -> Came {
        meter.begin(WAIT);
        // Control gives at least as much time from each sign on.
        let patience_ms = deadline.ms_since(clock.now());
        let every_ms = (patience_ms / 3).clamp(SIGN_EVERY_MS.0, SIGN_EVERY_MS.1);
        let (mut signs, mut moved_at) = (self.room.signs(), clock.now());
        let mut place = pin!(self.room.0.slow.clone().acquire_owned());
        let permit = loop {
            if let Either::Left((permit, _)) = select(place.as_mut(), pin!(clock.sleep_ms(every_ms))).await {
                break permit.ok();
            }
            let now = self.room.signs();
            if now != signs {
                (signs, moved_at) = (now, clock.now());
                meter.sign();
            } else if clock.now().ms_since(moved_at) >= patience_ms {
                return Came::Never;
            }
        };
        match permit {
            Some(permit) => {
                self.begin(meter, permit);
                Came::Late
            }
            None => Came::Never,
        }
    }

    fn begin(&mut self, meter: &Meter, permit: OwnedSemaphorePermit) {
        let key = {
            let mut moving = self.room.lock();
            moving.last_key += 1;
            let key = moving.last_key;
            moving.meters.insert(key, meter.clone());
            key
        };
        self.place = Some(Place::Slow(Registered { room: self.room.clone(), key }, permit));
    }
}

/// A slow step's entry among those that run.
#[derive(Debug)]
struct Registered {
    room: Room,
    key: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut moving = self.room.lock();
        if let Some(meter) = moving.meters.remove(&self.key) {
            // Its end is a sign, too.
            moving.ended = moving.ended.wrapping_add(meter.read().signs).wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestClock;

    #[test]
    fn slow_steps_have_half_the_room_and_at_least_one_place() {
        assert_eq!([0, 1, 2, 4, 5, 64].map(slow_max), [1, 1, 1, 2, 2, 32]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_step_leaves_its_place_to_a_quick_one() {
        let (room, clock) = (Room::new(1, 9), TestClock::new());
        let (deadline, meter) = (clock.now().plus_ms(9000), Meter::default());
        let mut first = room.enter().await;
        assert_eq!(first.slow(&clock, deadline, &meter).await, Came::AtOnce);
        assert_eq!(first.slow(&clock, deadline, &meter).await, Came::AtOnce, "it has it already");
        let mut second = room.enter().await;
        let waiting = Meter::default();
        let end = async {
            tokio::time::sleep(std::time::Duration::from_secs(20)).await;
            drop(first);
        };
        let signs = async {
            for _ in 0..20 {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                meter.sign();
            }
        };
        let (came, (), ()) = tokio::join!(second.slow(&clock, deadline, &waiting), end, signs);
        // It waited for longer than its deadline, because there was progress; it told of itself every third of it.
        assert_eq!((came, waiting.read().step, waiting.read().signs), (Came::Late, WAIT, 1 + 6));
        assert_eq!(room.free().await, 1, "it took no place for quick steps meanwhile");
    }

    #[tokio::test(start_paused = true)]
    async fn behind_something_that_hangs_a_task_is_given_up() {
        let (room, clock) = (Room::new(2, 9), TestClock::new());
        let (deadline, meter) = (clock.now().plus_ms(9000), Meter::default());
        let mut first = room.enter().await;
        first.slow(&clock, deadline, &meter).await;
        let mut second = room.enter().await;
        let began = clock.now();
        assert_eq!(second.slow(&clock, deadline, &Meter::default()).await, Came::Never);
        assert_eq!(clock.now().ms_since(began), 9000);
    }
}
