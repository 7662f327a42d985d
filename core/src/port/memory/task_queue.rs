use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

use super::shared::Shared;
use crate::id::BackendName;
use crate::port::{Claimed, Dispatcher, TaskSource, Unavailable};
use crate::task::Task;

/// The task queues of all backends in memory.
#[derive(Debug, Clone)]
pub struct MemoryTasks {
    shared: Shared<Queue>,
}

struct Queue {
    next_id: u64,
    /// By the order of arrival; a message stays until a worker says that it is done.
    messages: BTreeMap<u64, Message>,
    patience_ms: u64,
    failing_claims: u32,
    plan: Box<dyn FnMut(&Task) -> DispatchFault + Send>,
}

struct Message {
    backend: BackendName,
    bytes: Bytes,
    /// The delivery that is in a worker's hands.
    held_by: Option<u64>,
    deliveries: u64,
}

/// What happens to the dispatch of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DispatchFault {
    /// It is queued.
    None,
    /// It is queued twice.
    Duplicate,
    /// It is queued, and the caller gets `Unavailable`.
    LostAnswer,
    /// It is not queued, and the caller gets `Unavailable`.
    LostRequest,
}

impl Default for MemoryTasks {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryTasks {
    /// Empty queues without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::with_faults(|_| DispatchFault::None)
    }

    /// Empty queues whose plan is asked about every task.
    #[must_use]
    pub fn with_faults(plan: impl FnMut(&Task) -> DispatchFault + Send + 'static) -> Self {
        let messages = BTreeMap::new();
        let queue = Queue { next_id: 0, messages, patience_ms: 30_000, failing_claims: 0, plan: Box::new(plan) };
        Self { shared: Shared::new(queue) }
    }

    /// Control's side.
    #[must_use]
    pub fn dispatcher(&self) -> MemoryDispatcher {
        MemoryDispatcher { shared: self.shared.clone() }
    }

    /// The side of a worker of one backend; any number of workers may share a queue.
    #[must_use]
    pub fn source(&self, backend: BackendName) -> MemoryTaskSource {
        MemoryTaskSource { shared: self.shared.clone(), backend }
    }

    /// Queues bytes as they are, such as some that are no task.
    pub fn inject(&self, backend: &BackendName, bytes: Bytes) {
        self.shared.change(|queue| queue.push(backend.clone(), bytes));
    }

    /// Gives every task that a worker holds to another one, as when the worker did not show a sign of life in time.
    pub fn lose_patience(&self) {
        self.shared.change(|queue| queue.messages.values_mut().for_each(|message| message.held_by = None));
    }

    /// Loses every task, as when the server's memory is gone.
    pub fn lose_all(&self) {
        self.shared.change(|queue| queue.messages.clear());
    }

    /// The next `count` claims answer `Unavailable`.
    pub fn fail_claims(&self, count: u32) {
        self.shared.change(|queue| queue.failing_claims = count);
    }

    /// Tasks that are waiting or in a worker's hands.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.look(|queue| queue.messages.len())
    }

    /// True when every task is done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets every waiting claim return empty-handed, as if about a second had passed.
    pub fn tick(&self) {
        self.shared.tick();
    }
}

impl Queue {
    fn push(&mut self, backend: BackendName, bytes: Bytes) {
        self.next_id += 1;
        self.messages.insert(self.next_id, Message { backend, bytes, held_by: None, deliveries: 0 });
    }

    fn dispatch(&mut self, task: &Task) -> Result<(), Unavailable> {
        let bytes = Bytes::from(serde_json::to_vec(task).map_err(|e| trouble(&e.to_string()))?);
        let backend = task.pool.backend();
        match (self.plan)(task) {
            DispatchFault::None => self.push(backend, bytes),
            DispatchFault::Duplicate => {
                self.push(backend.clone(), bytes.clone());
                self.push(backend, bytes);
            }
            DispatchFault::LostAnswer => {
                self.push(backend, bytes);
                return Err(trouble("the answer was lost"));
            }
            DispatchFault::LostRequest => return Err(trouble("the request was lost")),
        }
        Ok(())
    }

    /// Messages that nobody holds, marked as held.
    fn claim(&mut self, backend: &BackendName, max: usize) -> Vec<(u64, u64, Bytes)> {
        let free = self.messages.iter_mut().filter(|(_, m)| m.backend == *backend && m.held_by.is_none());
        let hold = |(id, message): (&u64, &mut Message)| {
            message.deliveries += 1;
            message.held_by = Some(message.deliveries);
            (*id, message.deliveries, message.bytes.clone())
        };
        free.take(max).map(hold).collect()
    }
}

fn trouble(why: &str) -> Unavailable {
    Unavailable { what: "the task queue in memory".to_owned(), why: why.to_owned() }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("messages", &self.messages.len()).finish_non_exhaustive()
    }
}

/// Control's side of the queues.
#[derive(Debug, Clone)]
pub struct MemoryDispatcher {
    shared: Shared<Queue>,
}

impl Dispatcher for MemoryDispatcher {
    async fn dispatch(&self, tasks: Vec<Task>) -> Result<(), Unavailable> {
        // Like the real one, it offers all of them even when one fails.
        self.shared.change(|queue| {
            let outcomes: Vec<_> = tasks.iter().map(|task| queue.dispatch(task)).collect();
            outcomes.into_iter().collect()
        })
    }
}

/// A worker's side of one backend's queue.
#[derive(Debug)]
pub struct MemoryTaskSource {
    shared: Shared<Queue>,
    backend: BackendName,
}

impl TaskSource for MemoryTaskSource {
    type Claimed = MemoryClaimed;

    async fn claim(&mut self, max: usize) -> Result<Vec<Self::Claimed>, Unavailable> {
        let backend = self.backend.clone();
        let arrived = self.shared.wait(move |queue: &mut Queue| {
            if queue.failing_claims > 0 {
                queue.failing_claims -= 1;
                return Some(Err(trouble("the request was lost")));
            }
            let claimed = queue.claim(&backend, max.max(1));
            (!claimed.is_empty()).then_some(Ok((claimed, queue.patience_ms)))
        });
        let Some(arrived) = arrived.await else { return Ok(Vec::new()) };
        let (claimed, patience_ms) = arrived?;
        let hold = |(id, delivery, bytes): (u64, u64, Bytes)| {
            let task = serde_json::from_slice(&bytes).map_err(|e| format!("not a task: {e}"));
            MemoryClaimed { shared: self.shared.clone(), id, delivery, task, patience_ms }
        };
        Ok(claimed.into_iter().map(hold).collect())
    }
}

/// A task in a worker's hands; dropped without `done` it goes to another worker at once.
#[derive(Debug)]
pub struct MemoryClaimed {
    shared: Shared<Queue>,
    id: u64,
    delivery: u64,
    task: Result<Task, String>,
    patience_ms: u64,
}

impl Claimed for MemoryClaimed {
    fn task(&self) -> &Result<Task, String> {
        &self.task
    }

    async fn in_progress(&self) -> Result<(), Unavailable> {
        Ok(())
    }

    // As with the real one, whoever held it last or before may say so.
    async fn done(&self) -> Result<(), Unavailable> {
        self.shared.change(|queue| queue.messages.remove(&self.id));
        Ok(())
    }

    fn patience_ms(&self) -> u64 {
        self.patience_ms
    }
}

impl Drop for MemoryClaimed {
    fn drop(&mut self) {
        let (id, delivery) = (self.id, self.delivery);
        self.shared.change(|queue| match queue.messages.get_mut(&id) {
            Some(message) if message.held_by == Some(delivery) => message.held_by = None,
            _ => {}
        });
    }
}
