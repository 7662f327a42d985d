//! A control process: stands by, claims, leads, is deposed, dies, and comes back with nothing but the log.

use std::collections::VecDeque;

use stele_core::fold::{Folded, Folding};
use stele_core::id::WriterId;
use stele_core::port::memory::MemoryLogReader;
use stele_core::port::{Inbox as _, Log as _, LogReader as _};
use stele_core::record::Claim;
use stele_core::state::Config;
use stele_core::unit::Position;
use stele_core::writer::Writer;
use stele_workers::clock::Clock as _;

use crate::fault::Fault;
use crate::leader::{Ended, Leader};
use crate::oracle::Oracle;
use crate::time::{SimClock, at_once};
use crate::wires::Wires;

/// A control process on a machine of its own.
pub(crate) struct Control {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) clock: SimClock,
    config: Config,
    role: Role,
    /// It stands still until then.
    stalled_until: i64,
}

enum Role {
    Down { until: i64 },
    Standby(Box<Standby>),
    Leading(Box<Leader>),
}

struct Standby {
    id: WriterId,
    folded: Folded,
    reader: Option<MemoryLogReader>,
    seen: Position,
    silent_since: i64,
    patience_ms: i64,
}

impl Control {
    pub(crate) fn new(index: usize, config: &Config, wires: &Wires) -> Self {
        let clock = wires.clock.of_another();
        let role = Role::Down { until: 0 };
        Self { index, name: format!("control{index}"), clock, config: config.clone(), role, stalled_until: 0 }
    }

    /// Something that it does, or that happens to it.
    pub(crate) fn turn(&mut self, wires: &Wires, oracle: &mut Oracle) {
        let now = wires.clock.since_start();
        if self.stalled_until > now && !wires.chance.is_calm() {
            return;
        }
        self.trouble(wires);
        match &mut self.role {
            Role::Down { until } => {
                if *until <= now || wires.chance.is_calm() {
                    self.start(wires);
                }
            }
            Role::Standby(standby) => {
                if standby.turn(self.index, &self.name, wires, oracle) {
                    self.claim(wires);
                }
            }
            Role::Leading(leader) => match leader.turn(&self.clock, wires, oracle) {
                Some(ended) => self.deposed(&ended, wires),
                None => oracle.compare(&self.name, leader.acknowledged()),
            },
        }
    }

    pub(crate) fn leads(&self) -> bool {
        matches!(&self.role, Role::Leading(leader) if leader.led)
    }

    /// What it knows of the log, when it is up.
    pub(crate) fn folded(&self) -> Option<&Folded> {
        match &self.role {
            Role::Down { .. } => None,
            Role::Standby(standby) => Some(&standby.folded),
            Role::Leading(leader) => Some(leader.acknowledged()),
        }
    }

    /// Nothing waits to be done.
    pub(crate) fn is_idle(&self) -> bool {
        match &self.role {
            Role::Down { .. } => false,
            Role::Standby(_) => true,
            Role::Leading(leader) => leader.is_idle(),
        }
    }

    fn trouble(&mut self, wires: &Wires) {
        let now = wires.clock.since_start();
        if wires.chance.strikes(Fault::ControlCrash) && !matches!(self.role, Role::Down { .. }) {
            self.crash(wires);
        } else if wires.chance.strikes(Fault::ControlStall) {
            let millis = wires.chance.between(100, 6000);
            wires.trace.note(&self.name, format_args!("stands still for {millis} ms"));
            self.stalled_until = now + i64::try_from(millis).unwrap_or(0) * 1000;
        } else if wires.chance.strikes(Fault::ControlClock) {
            let millis = i64::try_from(wires.chance.between(0, 8000)).unwrap_or(0) - 4000;
            wires.trace.note(&self.name, format_args!("its clock is wrong by {millis} ms"));
            self.clock.set_wrong_by_ms(millis);
        }
    }

    fn crash(&mut self, wires: &Wires) {
        let millis = wires.chance.between(10, 5000);
        wires.trace.note(&self.name, format_args!("dies, for {millis} ms"));
        let until = wires.clock.since_start() + i64::try_from(millis).unwrap_or(0) * 1000;
        if let Role::Leading(leader) = std::mem::replace(&mut self.role, Role::Down { until }) {
            leader.leave(wires, self.index);
        }
    }

    fn start(&mut self, wires: &Wires) {
        let id = WriterId(wires.chance.uuid());
        wires.trace.note(&self.name, format_args!("starts as writer {id}"));
        self.stand_by(id, Folded::default(), wires);
    }

    fn stand_by(&mut self, id: WriterId, folded: Folded, wires: &Wires) {
        let patience_ms = i64::try_from(wires.chance.between(400, 1500)).unwrap_or(0);
        let (seen, silent_since) = (folded.chain.position, wires.clock.since_start());
        // A new subscription: what was sent before it is not heard.
        wires.beats.borrow_mut()[self.index].clear();
        let standby = Standby { id, folded, reader: None, seen, silent_since, patience_ms };
        self.role = Role::Standby(Box::new(standby));
    }

    fn claim(&mut self, wires: &Wires) {
        let Role::Standby(standby) = &self.role else { return };
        let Some(Ok(inbox_created)) = at_once(wires.inbox.created()) else { return };
        let queue_lives = wires.queue_lives.get();
        wires.asks.borrow_mut()[self.index] = Some(VecDeque::new());
        let claim = Claim { config: self.config.clone(), host: self.name.clone() };
        let now = self.clock.now();
        let (writer, append) =
            Writer::claim(standby.folded.clone(), standby.id, claim, standby.seen, inbox_created, now);
        wires.trace.note(&self.name, format_args!("claims epoch {} behind {}", writer.epoch(), append.expected));
        let leader = Leader::new(self.index, standby.id, writer, append, queue_lives, wires);
        self.role = Role::Leading(Box::new(leader));
    }

    fn deposed(&mut self, ended: &Ended, wires: &Wires) {
        let Role::Leading(leader) = std::mem::replace(&mut self.role, Role::Down { until: 0 }) else { return };
        wires.trace.note(&self.name, format_args!("stands by: {ended}"));
        let id = leader.id;
        let folded = leader.leave(wires, self.index);
        self.stand_by(id, folded, wires);
    }
}

impl Standby {
    /// Reads on, and listens; true when it is time to claim.
    fn turn(&mut self, index: usize, name: &str, wires: &Wires, oracle: &mut Oracle) -> bool {
        let now = wires.clock.since_start();
        let beat = wires.beats.borrow_mut()[index].pop_front();
        if beat.is_some_and(|beat| beat.epoch >= self.folded.chain.epoch) {
            self.silent_since = now;
        }
        self.read(name, wires, oracle);
        let silent_us = now - self.silent_since;
        silent_us >= self.patience_ms * 1000 && matches!(at_once(wires.log.tail()), Some(Ok(tail)) if tail <= self.seen)
    }

    fn read(&mut self, name: &str, wires: &Wires, oracle: &mut Oracle) {
        if self.reader.is_none() {
            self.reader = at_once(wires.log.read_from(self.seen.next())).and_then(Result::ok);
        }
        let Some(reader) = &mut self.reader else { return };
        match at_once(reader.next_batch(wires.chance.below(50) + 1)) {
            None => {}
            Some(Err(_)) => self.reader = None,
            Some(Ok(entries)) => {
                for entry in entries {
                    self.seen = entry.position;
                    match self.folded.fold(&entry) {
                        Ok(Folding::Applied(..)) => oracle.compare(name, &self.folded),
                        Ok(Folding::Skipped(_)) => {}
                        Err(error) => panic!("{name} cannot fold position {}: {error}", entry.position),
                    }
                }
            }
        }
    }
}
