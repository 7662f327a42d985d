use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

/// State behind several handles, and the tasks that wait for it to change.
///
/// A waiting task is woken by every change and looks for itself whether the change was meant for it: slow, and simple
/// enough to be right. Wakers are called in the order in which they came, so that runs repeat.
pub(super) struct Shared<T> {
    #[expect(
        clippy::disallowed_types,
        reason = "handles on one stream must share it; the rest of core shares nothing"
    )]
    inner: Arc<std::sync::Mutex<Inner<T>>>,
}

struct Inner<T> {
    value: T,
    wakers: Vec<Waker>,
    ticks: u64,
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl<T> Shared<T> {
    #[expect(clippy::disallowed_types, reason = "see the field")]
    pub(super) fn new(value: T) -> Self {
        Self { inner: Arc::new(std::sync::Mutex::new(Inner { value, wakers: Vec::new(), ticks: 0 })) }
    }

    /// Looks at the state.
    pub(super) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock().value)
    }

    /// Changes the state and wakes whoever waits for it.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let (result, wakers) = {
            let mut inner = self.lock();
            (change(&mut inner.value), std::mem::take(&mut inner.wakers))
        };
        // Outside the lock: a waker may poll its task at once.
        for waker in wakers {
            waker.wake();
        }
        result
    }

    /// Lets every waiting call return as if its time had passed.
    pub(super) fn tick(&self) {
        self.lock().ticks += 1;
        self.change(|_| ());
    }

    /// Waits until `take` gives something; `None` when a tick came first. What was there before counts first.
    pub(super) fn wait<R, F>(&self, take: F) -> Wait<T, F>
    where
        F: FnMut(&mut T) -> Option<R> + Unpin,
    {
        Wait { shared: self.clone(), since: self.lock().ticks, take }
    }

    /// True for two handles on the same state.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`Shared::wait`] gives.
pub(super) struct Wait<T, F> {
    shared: Shared<T>,
    since: u64,
    take: F,
}

impl<T, R, F> Future for Wait<T, F>
where
    F: FnMut(&mut T) -> Option<R> + Unpin,
{
    type Output = Option<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut inner = this.shared.lock();
        if let Some(taken) = (this.take)(&mut inner.value) {
            return Poll::Ready(Some(taken));
        }
        if inner.ticks != this.since {
            return Poll::Ready(None);
        }
        if !inner.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            inner.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}
