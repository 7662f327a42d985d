//! Looks at volumes, shared: whoever asks while a look is under way waits for the next one, and all who wait take that one
//! together.
//!
//! `lvs` takes about as long as what is done after it, and LVM's lock lets it wait for that besides. A look that begins
//! after it was asked for is as good as one's own.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stele_core::task::{Failure, FailureKind};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::report::LogicalVolume;
use crate::driver::failure;

/// The most questions that one look answers: their names are arguments of one command.
const TOGETHER_MAX: usize = 64;

/// How often a question is asked again when whoever looked for it went away.
const TRIES: usize = 8;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Looks {
    waiting: Mutex<Vec<Question>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Question {
    names: Vec<String>,
    answer: Sender<Result<Vec<LogicalVolume>, Failure>>,
}

/// The names that a look asks for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The volumes themselves.
    pub(super) names: BTreeSet<String>,
    /// Those of which also what was taken from them is wanted.
    pub(super) origins: BTreeSet<String>,
}

impl Wanted {
    fn add(&mut self, names: &[String]) {
        self.names.extend(names.iter().cloned());
        self.origins.extend(names.first().cloned());
    }

    /// Whether a volume was asked for.
    pub(super) fn has(&self, volume: &LogicalVolume) -> bool {
        self.names.contains(&volume.name) || volume.origin.as_ref().is_some_and(|origin| self.origins.contains(origin))
    }
}

impl Looks {
    /// The volumes of these names, and what was taken from the first of them; `look` finds those that are wanted, as soon as
    /// it has its `leave`.
    ///
    /// # Errors
    /// The [`Failure`] of the look.
    pub(super) async fn find<P, F, L>(
        &self,
        names: &[String],
        leave: impl Fn() -> P,
        look: L,
    ) -> Result<Vec<LogicalVolume>, Failure>
    where
        P: Future,
        F: Future<Output = Result<Vec<LogicalVolume>, Failure>>,
        L: Fn(Wanted) -> F,
    {
        let mut answer = self.ask(names);
        for _ in 0..TRIES {
            let _turn = self.turn.lock().await;
            match answer.try_recv() {
                Ok(found) => return found,
                // Whoever took the question with it was dropped in the middle of its look.
                Err(TryRecvError::Closed) => answer = self.ask(names),
                Err(TryRecvError::Empty) => {}
            }
            let _leave = leave().await;
            // All who ask at the same moment have asked behind this.
            tokio::task::yield_now().await;
            self.look_for_all(&look).await;
            if let Ok(found) = answer.try_recv() {
                return found;
            }
        }
        Err(failure(FailureKind::Other, "lvs", format!("nobody looked for {}", names.join(", "))))
    }

    fn ask(&self, names: &[String]) -> Receiver<Result<Vec<LogicalVolume>, Failure>> {
        let (answer, question) = channel();
        self.lock().push(Question { names: names.to_vec(), answer });
        question
    }

    /// Answers the oldest questions, as many as one look can.
    async fn look_for_all<F, L>(&self, look: &L)
    where
        F: Future<Output = Result<Vec<LogicalVolume>, Failure>>,
        L: Fn(Wanted) -> F,
    {
        let questions: Vec<Question> = {
            let mut waiting = self.lock();
            // Who asked and went away needs no answer.
            waiting.retain(|question| !question.answer.is_closed());
            let together = waiting.len().min(TOGETHER_MAX);
            waiting.drain(..together).collect()
        };
        let mut wanted = Wanted::default();
        questions.iter().for_each(|question| wanted.add(&question.names));
        let found = look(wanted).await;
        for Question { names, answer } in questions {
            let mut own = Wanted::default();
            own.add(&names);
            let found = found.clone().map(|all| all.into_iter().filter(|volume| own.has(volume)).collect());
            // It may have gone away meanwhile.
            let _ = answer.send(found);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Question>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::super::report::Kind;
    use super::*;

    fn volume(name: &str, origin: Option<&str>) -> LogicalVolume {
        LogicalVolume {
            name: name.to_owned(),
            size_bytes: 1 << 30,
            kind: Kind::Other,
            active: true,
            open: false,
            zeroes: false,
            tags: Vec::new(),
            pool: None,
            origin: origin.map(str::to_owned),
            data_percent: None,
            metadata_percent: None,
        }
    }

    fn no_leave() -> std::future::Ready<()> {
        std::future::ready(())
    }

    fn names(name: &str) -> Vec<String> {
        vec![name.to_owned(), format!("{name}-source")]
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_take_the_next_look_together() {
        let (looks, count) = (Looks::default(), AtomicUsize::new(0));
        let look = |wanted: Wanted| {
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let all = [volume("v1", None), volume("s1", Some("v1")), volume("v2-source", None)];
                Ok(all.into_iter().filter(|volume| wanted.has(volume)).collect())
            }
        };
        let asked: Vec<Vec<String>> = (0..100).map(|n| names(&format!("v{n}"))).collect();
        let found = join_all(asked.iter().map(|names| looks.find(names, no_leave, look))).await;
        let told: Vec<Vec<String>> =
            found.into_iter().map(|found| found.unwrap().into_iter().map(|volume| volume.name).collect()).collect();
        assert_eq!((&told[1], &told[2], told[3].len()), (&names_of(&["v1", "s1"]), &names_of(&["v2-source"]), 0));
        // One look answers 64 of them, so two were enough for all.
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }

    fn names_of(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_begins_after_it_was_asked_for() {
        let (looks, state) = (Looks::default(), AtomicUsize::new(0));
        let look = |_| {
            let seen = state.load(Ordering::Relaxed);
            async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok((0..seen).map(|n| volume(&format!("v{n}"), None)).collect())
            }
        };
        let all = names_of(&["x", "v0"]);
        let late = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            state.store(1, Ordering::Relaxed);
            looks.find(&all, no_leave, look).await.unwrap().len()
        };
        let (early, late) = tokio::join!(looks.find(&all, no_leave, look), late);
        assert_eq!((early.unwrap().len(), late), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_looked_for_others_and_went_away_is_replaced() {
        let looks = Looks::default();
        let all = names_of(&["v1"]);
        let never = |_| std::future::pending();
        let look = |_| async { Ok(vec![volume("v1", None)]) };
        let (gone, found) = tokio::join!(
            tokio::time::timeout(Duration::from_millis(100), looks.find(&all, no_leave, never)),
            looks.find(&all, no_leave, look)
        );
        assert!(gone.is_err());
        assert_eq!(found.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_look_that_fails_fails_for_all_who_took_it() {
        let looks = Looks::default();
        let look = |_| async { Err(failure(FailureKind::Timeout, "lvs", "too slow")) };
        let all = names_of(&["v1"]);
        let (one, two) = tokio::join!(looks.find(&all, no_leave, look), looks.find(&all, no_leave, look));
        assert_eq!([one.unwrap_err().kind, two.unwrap_err().kind], [FailureKind::Timeout; 2]);
    }
}
