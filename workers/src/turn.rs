//! Whose turn it is: room for quick steps, and room of its own for slow ones, so that nobody waits behind hours of
//! copying and wiping who only needs a moment. Removals have room of their own as well: nobody waits for them, and many
//! may come at once. They give their places away before they even look.
//!
//! ```text
//! claimed --> quick (as many as `concurrency`) --> done
//!                  |  it removes, or its next step gives way: it gives its place to the next one
//!                  v
//!             waits its turn --> slow, or a removal (`concurrency_slow` of each) --> done
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
    slow: Aside,
    removals: Aside,
    waiting: Arc<Semaphore>,
    /// For tasks in the worker's hands that do not wait for their turn.
    held: Arc<Semaphore>,
}

/// Room beside the quick steps.
struct Aside {
    places: Arc<Semaphore>,
    moving: Mutex<Moving>,
}

/// The steps that run there.
#[derive(Default)]
struct Moving {
    last_key: u64,
    meters: BTreeMap<u64, Meter>,
    /// The signs of those that have ended.
    ended: u64,
}

impl Room {
    /// Room for so many tasks, and for so many slow steps and removals each beside them; with all that are done and not reported yet they
    /// are `held_max` at most. Those that wait for their turn are counted apart.
    #[must_use]
    pub fn new(concurrency: usize, slow: usize, held_max: usize) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS)));
        Self(Arc::new(Inner {
            quick: semaphore(concurrency),
            slow: Aside { places: semaphore(slow), moving: Mutex::default() },
            removals: Aside { places: semaphore(slow), moving: Mutex::default() },
            waiting: semaphore(WAITING_TURNS_MAX),
            held: semaphore(held_max),
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

    fn aside(&self, lane: Lane) -> &Aside {
        match lane {
            Lane::Slow => &self.0.slow,
            Lane::Removal => &self.0.removals,
        }
    }
}

impl Aside {
    /// Grows with every sign of those whose turn it is.
    fn signs(&self) -> u64 {
        let moving = self.lock();
        moving.meters.values().fold(moving.ended, |sum, meter| sum.wrapping_add(meter.read().signs))
    }

    fn lock(&self) -> MutexGuard<'_, Moving> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (quick, slow) = (self.0.quick.available_permits(), self.0.slow.places.available_permits());
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
    /// Out of everybody's way.
    #[expect(dead_code, reason = "the permit is held")]
    Waiting(OwnedSemaphorePermit),
    #[expect(dead_code, reason = "the permit is held")]
    Aside(Registered, OwnedSemaphorePermit),
}

/// Where a step that gives way has its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// With what reads or writes all the data.
    Slow,
    /// With what only makes room.
    Removal,
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
    pub async fn leave(&mut self) {
        if let Some(Place::Waiting(_)) = self.place.take()
            && let Ok(held) = self.room.0.held.acquire().await
        {
            // As long as it waited it was not counted there.
            held.forget();
        }
    }

    /// Has a place for quick steps again.
    pub async fn enter(&mut self) {
        self.leave().await;
        *self = self.room.clone().enter().await;
    }

    /// Before a step that does not give way: has a place for quick steps again if it gave its own away.
    pub async fn back(&mut self) -> Came {
        if let Some(Place::Waiting(_)) = self.place {
            self.enter().await;
        }
        Came::AtOnce
    }

    /// Gives the place for quick steps to somebody else, and goes on without one. Not when too many have done so.
    pub fn give_way(&mut self) {
        if let Some(Place::Quick(_)) = self.place
            && let Ok(waiting) = self.room.0.waiting.clone().try_acquire_owned()
        {
            self.place = Some(Place::Waiting(waiting));
            self.room.0.held.add_permits(1);
        }
    }

    /// Before a step that gives way, of a task that has to be done by `deadline` or show its progress: gives the place for
    /// quick steps to somebody else and waits for one in the lane, which is kept for the rest of the task. The meter is
    /// that of the task.
    pub async fn aside<C: Clock>(&mut self, lane: Lane, clock: &C, deadline: Timestamp, meter: &Meter) -> Came {
        if matches!(self.place, Some(Place::Aside(..))) {
            return Came::AtOnce;
        }
        if let Ok(permit) = self.room.aside(lane).places.clone().try_acquire_owned() {
            self.begin(lane, meter, permit).await;
            return Came::AtOnce;
        }
        self.give_way();
        self.wait(lane, clock, deadline, meter).await
    }

    async fn wait<C: Clock>(&mut self, lane: Lane, clock: &C, deadline: Timestamp, meter: &Meter) -> Came {
        meter.begin(WAIT);
        // Control gives at least as much time from each sign on.
        let patience_ms = deadline.ms_since(clock.now());
        let every_ms = (patience_ms / 3).clamp(SIGN_EVERY_MS.0, SIGN_EVERY_MS.1);
        let room = self.room.clone();
        let aside = room.aside(lane);
        let (mut signs, mut moved_at) = (aside.signs(), clock.now());
        let mut place = pin!(aside.places.clone().acquire_owned());
        let permit = loop {
            if let Either::Left((permit, _)) = select(place.as_mut(), pin!(clock.sleep_ms(every_ms))).await {
                break permit.ok();
            }
            let now = aside.signs();
            if now != signs {
                (signs, moved_at) = (now, clock.now());
                meter.sign();
            } else if clock.now().ms_since(moved_at) >= patience_ms {
                return Came::Never;
            }
        };
        match permit {
            Some(permit) => {
                self.begin(lane, meter, permit).await;
                Came::Late
            }
            None => Came::Never,
        }
    }

    async fn begin(&mut self, lane: Lane, meter: &Meter, permit: OwnedSemaphorePermit) {
        self.leave().await;
        let key = {
            let mut moving = self.room.aside(lane).lock();
            moving.last_key += 1;
            let key = moving.last_key;
            moving.meters.insert(key, meter.clone());
            key
        };
        self.place = Some(Place::Aside(Registered { room: self.room.clone(), lane, key }, permit));
    }
}

/// A step's entry among those that run.
#[derive(Debug)]
struct Registered {
    room: Room,
    lane: Lane,
    key: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut moving = self.room.aside(self.lane).lock();
        if let Some(meter) = moving.meters.remove(&self.key) {
            // Its end is a sign, too.
            moving.ended = moving.ended.wrapping_add(meter.read().signs).wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::FutureExt as _;

    use super::*;
    use crate::testing::TestClock;

    #[tokio::test(start_paused = true)]
    async fn a_slow_step_leaves_its_place_to_a_quick_one() {
        let (room, clock) = (Room::new(1, 1, 9), TestClock::new());
        let (deadline, meter) = (clock.now().plus_ms(9000), Meter::default());
        let mut first = room.enter().await;
        assert_eq!(first.aside(Lane::Slow, &clock, deadline, &meter).await, Came::AtOnce);
        assert_eq!(first.aside(Lane::Slow, &clock, deadline, &meter).await, Came::AtOnce, "it has it already");
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
        let (came, (), ()) = tokio::join!(second.aside(Lane::Slow, &clock, deadline, &waiting), end, signs);
        // It waited for longer than its deadline, because there was progress; it told of itself every third of it.
        assert_eq!((came, waiting.read().step, waiting.read().signs), (Came::Late, WAIT, 1 + 6));
        assert_eq!(room.free().await, 1, "it took no place for quick steps meanwhile");
    }

    #[tokio::test(start_paused = true)]
    async fn what_gives_way_is_in_nobodys_way_and_is_counted_again_when_it_comes_back() {
        let (room, clock) = (Room::new(1, 1, 2), TestClock::new());
        let (mut first, _held) = (room.enter().await, room.hold().await);
        assert_eq!(room.free().now_or_never(), None);
        first.give_way();
        first.give_way();
        assert_eq!((room.free().now_or_never(), room.0.held.available_permits()), (Some(1), 2));
        let (second, held) = (room.enter().await, room.hold().await);
        {
            let mut back = pin!(first.back());
            assert!(back.as_mut().now_or_never().is_none(), "somebody has the place");
            drop((second, held));
            back.await;
        }
        assert_eq!((room.free().now_or_never(), room.0.held.available_permits()), (None, 1));
        first.give_way();
        let deadline = clock.now().plus_ms(9000);
        assert_eq!(first.aside(Lane::Removal, &clock, deadline, &Meter::default()).await, Came::AtOnce);
        assert_eq!((room.free().now_or_never(), room.0.held.available_permits()), (Some(1), 1));
        first.back().await;
        assert!(matches!(first.place, Some(Place::Aside(..))), "it keeps that");
        let all = room.0.waiting.clone().acquire_many_owned(WAITING_TURNS_MAX as u32).await;
        let mut third = room.enter().await;
        third.give_way();
        assert_eq!(room.free().now_or_never(), None, "too many wait already: {all:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn behind_something_that_hangs_a_task_is_given_up() {
        let (room, clock) = (Room::new(2, 1, 9), TestClock::new());
        let (deadline, meter) = (clock.now().plus_ms(9000), Meter::default());
        let mut first = room.enter().await;
        first.aside(Lane::Slow, &clock, deadline, &meter).await;
        let mut second = room.enter().await;
        let began = clock.now();
        assert_eq!(second.aside(Lane::Slow, &clock, deadline, &Meter::default()).await, Came::Never);
        assert_eq!(clock.now().ms_since(began), 9000);
    }
}
