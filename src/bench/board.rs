//! Who waits for which volume, and which have come to their end already: an answer over HTTP may be slower than the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stele_core::id::VolumeId;
use stele_core::port::LogReader as _;
use tokio::sync::oneshot;

use super::tail::{End, Ends};
use crate::failure::Failure;
use crate::nats::JetStreamLogReader;

/// A volume that is not available after so long makes the benchmark fail.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// When a volume became available, or that it did not.
type Ended = Result<Instant, String>;

/// Tells when volumes have become available; a clone is the same board.
#[derive(Debug, Clone, Default)]
pub(super) struct Board(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    waiting: HashMap<VolumeId, oneshot::Sender<Ended>>,
    ended: HashMap<VolumeId, Ended>,
}

impl Board {
    /// The moment at which the volume is available, which may have passed.
    pub(super) async fn available(&self, id: VolumeId) -> Result<Instant, Failure> {
        let told = match self.look(id) {
            Ok(ended) => return ended.map_err(|why| not_available(&why)),
            Err(told) => told,
        };
        let late = || not_available(&format!("volume {id} is not available"));
        let ended = tokio::time::timeout(PATIENCE, told).await.map_err(|_| late())?.map_err(|_| late())?;
        ended.map_err(|why| not_available(&why))
    }

    /// Follows the log and notes every end.
    pub(super) async fn watch(self, mut reader: JetStreamLogReader) -> Result<(), Failure> {
        loop {
            for entry in reader.next_batch(1000).await? {
                let now = Instant::now();
                let Ok(ends) = serde_json::from_slice::<Ends>(&entry.payload) else { continue };
                for end in ends.iter() {
                    match end {
                        End::Created(id) => self.note(id, Ok(now)),
                        End::Failed(id) => self.note(id, Err(format!("volume {id} went to error"))),
                        End::Other => {}
                    }
                }
            }
        }
    }

    fn look(&self, id: VolumeId) -> Result<Ended, oneshot::Receiver<Ended>> {
        let mut notes = self.lock();
        if let Some(ended) = notes.ended.remove(&id) {
            return Ok(ended);
        }
        let (tell, told) = oneshot::channel();
        notes.waiting.insert(id, tell);
        Err(told)
    }

    fn note(&self, id: VolumeId, ended: Ended) {
        let mut notes = self.lock();
        match notes.waiting.remove(&id) {
            // Nobody is left to be told when the benchmark ended meanwhile.
            Some(tell) => drop(tell.send(ended)),
            None => drop(notes.ended.insert(id, ended)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        // Notes are whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_available(why: &str) -> Failure {
    Failure::new("NotAvailable", why, "see `stele replay show volume`")
}
