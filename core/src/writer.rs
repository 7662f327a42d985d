//! The commit loop, without its input and output: what the one active control does between a message and its outcome.
//!
//! ```text
//! offer(message) -> decided against the speculative state, commit joins the forming record
//! take_append()  -> the forming record, when none is in flight     (one in flight: never pipeline fenced appends)
//! appended()     -> answers, tasks to dispatch, inbox to purge      (only now does anybody outside learn of it)
//! into_folded()  -> on a lost compare-and-swap: the last acknowledged state; the speculation is dropped
//! ```
//!
//! While an append is in flight, messages are decided against the state that it will produce: an idle cell appends one
//! command per record, a busy one hundreds. Whoever drives this (the control process, the simulator) does the waiting.

use bytes::Bytes;

use crate::command::{Command, Incoming, Source, parse};
use crate::decide;
use crate::evolve::{Corrupt, evolve_head};
use crate::fold::Folded;
use crate::id::WriterId;
use crate::port::LogEntry;
use crate::record::{Claim, Commit, InboxMark, Outcome, RECORD_VERSION, Record, RecordHead, assemble};
use crate::state::TaskStatus;
use crate::task::{ReportBody, Task};
use crate::unit::{Hash, Position, Timestamp};

/// The most commits of one record.
pub const COMMITS_MAX: usize = 256;

/// A record takes no further commit when it has this many bytes. Together with the largest commit it stays well below
/// the 1 MiB that a NATS message may have.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;

/// The active writer of one epoch. `R` is how an answer finds its way back to the sender.
#[derive(Debug)]
pub struct Writer<R> {
    id: WriterId,
    epoch: u64,
    /// What the log holds: where everything goes back to when an append loses.
    acknowledged: Folded,
    /// What the log will hold once the record in flight and the forming one are in it.
    speculative: Folded,
    forming: Forming<R>,
    in_flight: Option<InFlight<R>>,
    /// The latest moment that it was told: time in the log never goes back, even when the clock does.
    clock: Timestamp,
    /// The stream's last position when leadership was claimed: strays may stand behind the last record.
    stream_tail: Position,
}

/// What is to be appended, and behind what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The record's bytes.
    pub payload: Bytes,
    /// The position that must be the last of the stream.
    pub expected: Position,
}

/// What the world has to be told, once a record is acknowledged.
#[derive(Debug)]
pub struct Acknowledged<R> {
    /// The record's position.
    pub position: Position,
    /// Answers to senders.
    pub answers: Vec<Answer<R>>,
    /// Tasks for workers.
    pub tasks: Vec<Task>,
    /// How many commits the record had.
    pub commits: usize,
}

/// An answer to a sender.
#[derive(Debug)]
pub enum Answer<R> {
    /// The outcome of its command, which was just recorded.
    Outcome(R, Box<Outcome>),
    /// Its command came before: the outcome stands in the log, in this commit of this record.
    Before(R, Position, usize),
    /// Its report is in the log at or before this position.
    Recorded(R, Position),
    /// Its report was refused.
    Refused(R, crate::refusal::Refusal),
}

/// What became of an offered message.
#[derive(Debug)]
pub enum Offered<R> {
    /// It will be answered when the record that it is in, or that it depends on, is acknowledged.
    Taken,
    /// Nothing has to be waited for.
    Answered(Answer<R>),
}

#[derive(Debug)]
struct Forming<R> {
    commits: Vec<Vec<u8>>,
    bytes: usize,
    answers: Vec<Answer<R>>,
    tasks: Vec<Task>,
    /// Set when a record is wanted even without a commit: the inbox mark moved, or leadership has to be proven.
    wanted: bool,
}

impl<R> Default for Forming<R> {
    fn default() -> Self {
        Self { commits: Vec::new(), bytes: 0, answers: Vec::new(), tasks: Vec::new(), wanted: false }
    }
}

#[derive(Debug)]
struct InFlight<R> {
    /// The state that the record leads to.
    folded: Folded,
    expected: Position,
    answers: Vec<Answer<R>>,
    tasks: Vec<Task>,
    commits: usize,
}

impl<R> Writer<R> {
    /// Prepares to lead: the record to append claims the next epoch behind `tail`.
    ///
    /// `folded` must hold everything up to `tail`; the success of the append proves that it does. Every open task is
    /// dispatched again with the claim's acknowledgement.
    #[must_use]
    pub fn claim(
        folded: Folded,
        id: WriterId,
        claim: Claim,
        tail: Position,
        inbox_created: Timestamp,
        now: Timestamp,
    ) -> (Self, Append) {
        let mut speculative = folded.clone();
        if speculative.inbox.created != inbox_created {
            speculative.inbox = InboxMark { created: inbox_created, sequence: 0 };
        }
        let mut writer = Self {
            id,
            epoch: folded.chain.epoch + 1,
            clock: folded.chain.at,
            forming: Forming { tasks: open_tasks(&folded), ..Forming::default() },
            acknowledged: folded,
            speculative,
            in_flight: None,
            stream_tail: tail,
        };
        let append = writer.seal(now, Some(claim));
        (writer, append)
    }

    /// The epoch that it leads or claims.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What the log holds, as far as it is acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> &Folded {
        &self.acknowledged
    }

    /// What the log will hold; nobody outside may see it.
    #[must_use]
    pub fn speculative(&self) -> &Folded {
        &self.speculative
    }

    /// True when the forming record is full: offer again after the next [`Writer::take_append`].
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.forming.commits.len() >= COMMITS_MAX || self.forming.bytes >= RECORD_BYTES_MAX
    }

    /// True while an append is in flight.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Decides a message and puts its commit into the forming record.
    ///
    /// # Errors
    /// [`Corrupt`] is a fault of this code; the process must stop before it appends anything more.
    pub fn offer(&mut self, incoming: &Incoming, reply: Option<R>, now: Timestamp) -> Result<Offered<R>, Corrupt> {
        if let Source::Inbox(sequence) = incoming.source {
            if sequence <= self.speculative.inbox.sequence {
                return Ok(Offered::Taken);
            }
            self.speculative.inbox.sequence = sequence;
            self.forming.wanted = true;
        }
        let parsed = parse(incoming);
        let before = parsed.project.as_ref().filter(|_| parsed.id_given);
        let before = before.and_then(|project| self.speculative.seen.get(project, parsed.id));
        if let Some(seen) = before.filter(|seen| seen.fingerprint == parsed.fingerprint) {
            return Ok(self.answer_when_acknowledged(
                seen.position,
                reply.map(|r| Answer::Before(r, seen.position, seen.commit)),
            ));
        }
        let is_task_report = matches!(
            &parsed.command,
            Ok(Command::Report(report)) if matches!(report.body, ReportBody::Tasks(_))
        );
        let now = self.tick(now);
        let position = self.next_position();
        let commit = decide::commit(
            &mut self.speculative.state,
            incoming,
            parsed,
            now,
            position,
            before.is_some(),
            &mut |_| {},
        )?;
        match commit {
            Some(commit) => self.take(&commit, position, reply),
            // A worker lets go of its task at our word. Only a record of ours proves that we still lead, and that this
            // dispatch is not simply one that a newer leader made.
            None if is_task_report => {
                self.forming.wanted = true;
                self.forming.answers.extend(reply.map(|r| Answer::Recorded(r, position)));
            }
            None => {
                let known = self.newest_position();
                return Ok(self.answer_when_acknowledged(known, reply.map(|r| Answer::Recorded(r, known))));
            }
        }
        Ok(Offered::Taken)
    }

    /// The next record, when there is something to append and nothing is in flight.
    #[must_use]
    pub fn take_append(&mut self, now: Timestamp) -> Option<Append> {
        let has_something = !self.forming.commits.is_empty() || self.forming.wanted;
        (self.in_flight.is_none() && has_something).then(|| self.seal(now, None))
    }

    /// The record in flight is in the log. Gives what the world has to be told; `None` when nothing was in flight.
    pub fn appended(&mut self) -> Option<Acknowledged<R>> {
        let landed = self.in_flight.take()?;
        self.acknowledged = landed.folded;
        Some(Acknowledged {
            position: landed.expected.next(),
            answers: landed.answers,
            tasks: landed.tasks,
            commits: landed.commits,
        })
    }

    /// An append was lost to another writer, or this one stops: what the log is known to hold. Everything that was
    /// decided and not acknowledged is gone; its senders were told nothing and ask again.
    #[must_use]
    pub fn into_folded(self) -> Folded {
        self.acknowledged
    }

    /// The flows whose deadline has passed, as messages to [`Writer::offer`], at most `max`.
    #[must_use]
    pub fn late(&self, now: Timestamp, max: usize) -> Vec<Bytes> {
        let state = &self.speculative.state;
        let late = state.deadlines.iter().take_while(|(deadline, _)| *deadline <= now).take(max);
        late.filter_map(|(_, flow)| {
            let dispatch = state.flows.get(flow)?.task.as_ref()?.task.dispatch;
            let passed = crate::command::DeadlinePassed { flow: *flow, dispatch };
            serde_json::to_vec(&passed).ok().map(Bytes::from)
        })
        .collect()
    }

    /// Makes the forming record the one in flight.
    fn seal(&mut self, now: Timestamp, claim: Option<Claim>) -> Append {
        let forming = std::mem::take(&mut self.forming);
        let expected = self.tail();
        let head = RecordHead {
            v: RECORD_VERSION,
            shard: 0,
            epoch: self.epoch,
            writer: self.id,
            index: self.speculative.chain.index + 1,
            prev_seq: self.speculative.chain.position,
            prev_hash: self.speculative.chain.hash,
            at: self.tick(now),
            inbox: self.speculative.inbox,
            claim,
        };
        evolve_head(&mut self.speculative.state, &head, &mut |_| {});
        let payload = assemble(&head, &forming.commits);
        self.speculative.chain.advance(&head, expected.next(), Hash::of(&payload));
        self.in_flight = Some(InFlight {
            folded: self.speculative.clone(),
            expected,
            answers: forming.answers,
            tasks: forming.tasks,
            commits: forming.commits.len(),
        });
        Append { payload: Bytes::from(payload), expected }
    }

    fn tick(&mut self, now: Timestamp) -> Timestamp {
        self.clock = self.clock.max(now);
        self.clock
    }

    fn take(&mut self, commit: &Commit, position: Position, reply: Option<R>) {
        let keep_ms = self.speculative.state.config.idempotency_ms;
        self.speculative.seen.apply(commit, position, self.forming.commits.len(), keep_ms);
        self.forming.tasks.extend(commit.events.iter().filter_map(|event| event.dispatches().cloned()));
        if let Some(reply) = reply {
            self.forming.answers.push(match (commit.source, commit.refusal()) {
                (Source::Report, None) => Answer::Recorded(reply, position),
                (Source::Report, Some(refusal)) => Answer::Refused(reply, refusal.clone()),
                _ => Answer::Outcome(reply, Box::new(Outcome::of(commit, position))),
            });
        }
        // A commit is made of texts, numbers and maps with text keys: serialising cannot fail.
        let bytes = serde_json::to_vec(commit).unwrap_or_default();
        self.forming.bytes += bytes.len();
        self.forming.commits.push(bytes);
    }

    /// An answer that must not leave before `position` is acknowledged.
    fn answer_when_acknowledged(&mut self, position: Position, answer: Option<Answer<R>>) -> Offered<R> {
        let Some(answer) = answer else { return Offered::Taken };
        if position <= self.acknowledged.chain.position {
            return Offered::Answered(answer);
        }
        match &mut self.in_flight {
            Some(in_flight) if position <= in_flight.expected.next() => in_flight.answers.push(answer),
            _ => self.forming.answers.push(answer),
        }
        Offered::Taken
    }

    /// Where the forming record will stand.
    fn next_position(&self) -> Position {
        self.tail().next()
    }

    /// The newest position on which anything decided so far depends.
    fn newest_position(&self) -> Position {
        if self.forming.commits.is_empty() { self.speculative.chain.position } else { self.next_position() }
    }

    /// The last position of the stream, once the record in flight is in it.
    fn tail(&self) -> Position {
        self.speculative.chain.position.max(self.stream_tail)
    }
}

/// Every task that is open, to be dispatched again: by a new leader, or when the queue lost its messages.
#[must_use]
pub fn open_tasks(folded: &Folded) -> Vec<Task> {
    let open = folded.state.flows.values().filter_map(|flow| flow.task.as_ref());
    let open = open.filter(|open| open.status != TaskStatus::Postponed);
    // Progress may have moved the deadline since the task was dispatched.
    open.map(|open| Task { deadline: open.deadline, ..open.task.clone() }).collect()
}

/// The outcome that a record holds for one of its commits.
///
/// `None` when the message is not a record or has no such commit.
#[must_use]
pub fn outcome_in(entry: &LogEntry, commit: usize) -> Option<Outcome> {
    let record: Record = serde_json::from_slice(&entry.payload).ok()?;
    record.commits.get(commit).map(|commit| Outcome::of(commit, entry.position))
}

#[cfg(test)]
mod tests;
