//! What happened, as a hash of every line, and on the terminal when somebody asked for it.

use std::cell::RefCell;
use std::fmt;
use std::io::Write as _;
use std::rc::Rc;

use stele_core::unit::Hash;

use crate::time::SimClock;

/// Lines that are hashed at once.
const CHUNK: usize = 1 << 16;

/// The trace of one run.
#[derive(Debug, Clone)]
pub(crate) struct Trace(Rc<RefCell<Inner>>);

#[derive(Debug)]
struct Inner {
    clock: SimClock,
    shown: bool,
    step: u64,
    hash: Hash,
    text: Vec<u8>,
    /// The end of the trace, for a failure that nobody watched.
    last: std::collections::VecDeque<String>,
}

impl Trace {
    pub(crate) fn new(clock: SimClock, shown: bool) -> Self {
        let hash = Hash::default();
        let last = std::collections::VecDeque::new();
        Self(Rc::new(RefCell::new(Inner { clock, shown, step: 0, hash, text: Vec::new(), last })))
    }

    pub(crate) fn next_step(&self) {
        self.0.borrow_mut().step += 1;
    }

    pub(crate) fn step(&self) -> u64 {
        self.0.borrow().step
    }

    pub(crate) fn note(&self, actor: &str, what: fmt::Arguments<'_>) {
        let inner = &mut *self.0.borrow_mut();
        let line = format!("{:6} {:>9.3} s {actor:<10} {what}", inner.step, inner.clock.since_start() as f64 / 1e6);
        if inner.shown {
            // Straight to the terminal: the test runner would keep it back.
            writeln!(std::io::stderr(), "{line}").ok();
        }
        inner.text.extend_from_slice(line.as_bytes());
        inner.text.push(b'\n');
        if inner.text.len() > CHUNK {
            inner.fold();
        }
        if inner.last.len() == 30 {
            inner.last.pop_front();
        }
        inner.last.push_back(line);
    }

    /// The hash of everything so far.
    pub(crate) fn hash(&self) -> Hash {
        let inner = &mut *self.0.borrow_mut();
        inner.fold();
        inner.hash
    }

    pub(crate) fn last_lines(&self) -> String {
        self.0.borrow().last.iter().map(|line| format!("{line}\n")).collect()
    }
}

impl Inner {
    fn fold(&mut self) {
        let mut bytes = self.hash.0.to_vec();
        bytes.append(&mut self.text);
        self.hash = Hash::of(&bytes);
    }
}
