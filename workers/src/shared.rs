//! One answer for all who ask at the same time: whoever asks while it is being found waits for the next one. An answer that
//! is looked for after the question is as good as one's own.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// See the module.
#[derive(Debug)]
pub struct Shared<T> {
    /// How many have asked.
    asked: AtomicU64,
    last: Mutex<Option<Answer<T>>>,
}

#[derive(Debug)]
struct Answer<T> {
    /// How many had asked when it was begun.
    asked: u64,
    answer: T,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { asked: AtomicU64::new(0), last: Mutex::new(None) }
    }
}

impl<T: Clone> Shared<T> {
    /// An answer that was begun after this call; `find` is how to find one.
    pub async fn get<F: Future<Output = T>>(&self, find: impl FnOnce() -> F) -> T {
        let own = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let mut last = self.last.lock().await;
        if let Some(shared) = last.as_ref().filter(|shared| shared.asked >= own) {
            return shared.answer.clone();
        }
        let asked = self.asked.load(Ordering::Relaxed);
        let answer = find().await;
        *last = Some(Answer { asked, answer: answer.clone() });
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_share_the_next_answer_and_nobody_gets_an_older_one() {
        let (shared, found) = (Shared::default(), AtomicUsize::new(0));
        let find = || async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            found.fetch_add(1, Ordering::Relaxed)
        };
        let first = shared.get(find);
        let others = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            join_all((0..20).map(|_| shared.get(find))).await
        };
        let (first, others) = tokio::join!(first, others);
        assert_eq!((first, others), (0, vec![1; 20]));
        assert_eq!(shared.get(find).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_away_takes_no_answer_with_it() {
        let shared = Shared::default();
        let never = tokio::time::timeout(Duration::from_millis(5), shared.get(std::future::pending::<u8>)).await;
        assert!(never.is_err());
        assert_eq!(shared.get(|| async { 7 }).await, 7);
    }
}
