//! What the world is told, once the log has acknowledged it: answers, tasks, the inbox's purge.

use std::time::Duration;

use stele_core::id::PoolName;
use stele_core::port::{Dispatcher as _, Inbox as _, Log as _};
use stele_core::record::Outcome;
use stele_core::state::{LogLevel, LogTarget, State};
use stele_core::task::{ReportReply, Task};
use stele_core::unit::Position;
use stele_core::writer::{Answer, outcome_in};
use tokio::sync::mpsc;
use tracing::warn;

use super::Doors;
use super::reply::ReplyTo;
use crate::clock::now;
use crate::logging;

/// What workers are told with every answer, as it stands in the state.
#[derive(Clone)]
pub(super) struct Told {
    levels: imbl::OrdMap<LogTarget, LogLevel>,
    inventories: Vec<(PoolName, Position)>,
}

impl Told {
    pub(super) fn of(state: &State) -> Self {
        Self { levels: state.log_levels.clone(), inventories: state.inventories_asked().collect() }
    }

    fn with(&self, position: Position) -> ReportReply {
        let meant = |target: &LogTarget| target.binary.is_empty() || target.binary == logging::WORKER;
        let levels = self.levels.iter().filter(|(target, _)| meant(target));
        ReportReply::Recorded {
            position,
            log_levels: levels.map(|(target, level)| (target.clone(), *level)).collect(),
            inventories: self.inventories.clone(),
        }
    }
}

/// Sends one answer; workers learn with theirs what operators want of them. Answers do not depend on each other.
pub(super) async fn answer(doors: &Doors, answer: Answer<ReplyTo>, told: &Told) {
    match answer {
        Answer::Outcome(reply, outcome) => reply.send(&doors.connection, outcome.id, outcome.to_json()).await,
        Answer::Recorded(reply, position) => report(doors, &reply, &told.with(position)).await,
        Answer::Refused(reply, refusal) => report(doors, &reply, &ReportReply::Refused(refusal.to_string())).await,
        Answer::Before(reply, position, commit) => {
            if let Some(outcome) = outcome_at(doors, position, commit).await {
                reply.send(&doors.connection, outcome.id, outcome.to_json()).await;
            }
        }
    }
}

async fn report(doors: &Doors, reply: &ReplyTo, what: &ReportReply) {
    let payload = serde_json::to_vec(what).unwrap_or_default();
    reply.send(&doors.connection, stele_core::id::CommandId(uuid::Uuid::nil()), payload).await;
}

/// A command that came again: its first outcome is read back from the log. Without an answer the sender asks again.
async fn outcome_at(doors: &Doors, position: Position, commit: usize) -> Option<Outcome> {
    match doors.log.get(position).await {
        Ok(None) => {
            warn!(%position, "a command came again whose first outcome left the log: name the archive with --archive");
            None
        }
        Ok(Some(entry)) => outcome_in(&entry, commit),
        Err(error) => {
            warn!(%error, "an outcome could not be read back");
            None
        }
    }
}

/// Gives tasks to the workers' queues, in the order in which they come, until the sender is gone.
///
/// Whatever happens here, the task's deadline in the log makes control look again.
pub(super) async fn dispatch(doors: Doors, mut queue: mpsc::Receiver<Vec<Task>>) {
    while let Some(mut tasks) = queue.recv().await {
        while let Ok(more) = queue.try_recv() {
            tasks.extend(more);
        }
        loop {
            match doors.dispatcher.dispatch(tasks.clone()).await {
                Ok(()) => break,
                Err(error) => {
                    warn!(%error, tasks = tasks.len(), "tasks could not be dispatched; trying again");
                    tokio::time::sleep(Duration::from_millis(250)).await;
                    tasks.retain(|task| task.deadline > now());
                    if tasks.is_empty() {
                        break;
                    }
                }
            }
        }
    }
}

/// Drops what the log has taken over from the inbox.
pub(super) async fn purge(doors: Doors, sequence: u64) {
    if let Err(error) = doors.inbox.purge_through(sequence).await {
        warn!(%error, "the inbox was not purged; trying again later");
    }
}
