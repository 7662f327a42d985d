//! What goes wrong, how often, and how often it did.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $rate:literal),+ $(,)?) => {
        /// A kind of fault, with how often it happens in ten thousand chances of a seed that has it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Fault { $($(#[$doc])* $name),+ }

        impl Fault {
            pub(crate) const ALL: &'static [(Self, u32)] = &[$((Self::$name, $rate)),+];
        }
    };
}

kinds! {
    /// Foreign bytes take the place for which an append was meant.
    ForeignRecord 150,
    /// The very bytes of an append are there already when it arrives.
    TwinRecord 100,
    /// Foreign bytes come into the stream at any time.
    Stray 10,
    LostAck 300,
    LostAppend 300,
    /// An append arrives after its sender was told that nobody knows.
    LateAppend 300,
    LogFull 100,
    FailedRead 30,
    /// A control dies between two of its steps.
    ControlCrash 12,
    /// A control dies and its append goes on without it.
    OrphanedAppend 5000,
    /// A control stands still for a while and knows nothing of it.
    ControlStall 12,
    ControlClock 10,
    LostHeartbeat 2000,
    TaskTwice 1000,
    LostDispatch 500,
    LostDispatchAck 500,
    QueueLost 6,
    /// The queue takes a task for abandoned and gives it to another worker.
    Redelivery 20,
    FailedClaim 20,
    NoTask 10,
    ReportTwice 800,
    LostReport 800,
    LostReportReply 800,
    /// Senders of reports give up waiting; what they sent is still on its way.
    ReportTimeout 20,
    LostAsk 800,
    LostAnswer 800,
    FailedInbox 30,
    WorkerCrash 15,
    WorkerStall 15,
    WorkerEnd 8,
    WorkerClock 10,
    /// A target forgets whom it let in, as after a restart.
    TargetRestart 400,
    DriverFailBefore 60,
    DriverFailAfter 60,
    DriverCrashBefore 40,
    DriverCrashAfter 40,
    /// Nothing moves for a while, as when a machine was suspended.
    TimeLeap 6,
    // What is not made but comes of the others.
    /// Two controls believe that they lead.
    TwoLeaders 0,
    /// A record of a writer that does not lead stands in the stream.
    DeposedRecord 0,
    /// An append lost to another one.
    Conflict 0,
    /// A leader was told of a higher epoch.
    Overheard 0,
    /// A deadline passed.
    DeadlinePassed 0,
    /// A worker made something for a task that the log does not wait for any more.
    MadeTooLate 0,
}

/// The one source of chance of a run, and the count of what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Chance(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    rng: Rng,
    rates: Vec<u32>,
    counts: Vec<u64>,
    calm: bool,
}

impl Chance {
    /// A seed has some kinds of faults, each with an intensity of its own: all of them all the time would hide what
    /// only a few of them together can bring about.
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let share = [0, 30, 60, 90][rng.usize(..4)];
        let mut rate = |base: u32| if rng.u32(..100) < share { base * rng.u32(1..=6) / 3 } else { 0 };
        let rates = Fault::ALL.iter().map(|(_, base)| rate(*base)).collect();
        let counts = vec![0; Fault::ALL.len()];
        Self(Arc::new(Mutex::new(Inner { rng, rates, counts, calm: false })))
    }

    /// True when this fault happens now.
    pub(crate) fn strikes(&self, fault: Fault) -> bool {
        let strikes = self.happens(fault);
        if strikes {
            self.count(fault);
        }
        strikes
    }

    /// As [`Chance::strikes`], for a fault that is counted when it takes effect.
    pub(crate) fn happens(&self, fault: Fault) -> bool {
        let inner = &mut *self.lock();
        let rate = inner.rates[fault as usize];
        !inner.calm && rate > 0 && inner.rng.u32(..10_000) < rate
    }

    /// The first of these that happens now.
    pub(crate) fn one_of(&self, faults: &[Fault]) -> Option<Fault> {
        faults.iter().copied().find(|fault| self.strikes(*fault))
    }

    pub(crate) fn count(&self, fault: Fault) {
        self.lock().counts[fault as usize] += 1;
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn calm_down(&self) {
        self.lock().calm = true;
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.lock().calm
    }

    pub(crate) fn counts(&self) -> Vec<u64> {
        self.lock().counts.clone()
    }

    pub(crate) fn below(&self, end: usize) -> usize {
        self.lock().rng.usize(..end.max(1))
    }

    pub(crate) fn between(&self, from: u64, to: u64) -> u64 {
        self.lock().rng.u64(from..=to)
    }

    pub(crate) fn percent(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Clone>(&self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.below(from.len())].clone()) }
    }

    pub(crate) fn uuid(&self) -> uuid::Uuid {
        let bits = self.lock().rng.u128(..);
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
