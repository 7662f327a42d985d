use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use redb::{Database, WriteTransaction};
use stele_core::state::State;
use tokio::sync::watch;

use super::rows::Made;
use super::runs::{Sorted, failed, read_image, read_row_key, write_row_key};
use crate::projection::{CACHE_BYTES, OpenError, open_error};
use crate::store::StoreError;
use crate::table::writer::OpenRows;
use crate::table::{self, meta, past};

/// How many bytes of rows go at a time from the thread that sorts to the one that writes, and how many such pieces may
/// wait.
const PIECE_BYTES: usize = 1 << 20;
const PIECES_MAX: usize = 4;

/// How many rows are written, and how many there are.
pub(super) type Told = watch::Sender<(u64, u64)>;

/// An empty file.
pub(super) fn create(path: &Path) -> Result<Database, OpenError> {
    Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(|error| open_error(path, error.into()))
}

/// Makes a projection of an empty file. The rows come in the order of the keys, so that those that share a page
/// come together.
///
/// `told` learns how many rows are written and how many there are; when nobody listens any more, this ends.
pub(super) fn write(database: &Database, made: Made, told: &Told) -> Result<(), StoreError> {
    let Made { known, kept, rows, images } = made;
    let transaction = database.begin_write()?;
    table::create_all(&transaction)?;
    meta::write_formats(&transaction)?;
    meta::write(&transaction, meta::CURSOR, &known.cursor)?;
    meta::write(&transaction, meta::PAST, &kept)?;
    if let Some(leader) = &known.leader {
        meta::write(&transaction, meta::LEADER, leader)?;
    }
    told.send_modify(|(_, of)| *of = table::row_count(&known.state) + rows.count() + images.count());
    let progress = Progress { told, has_failed: AtomicBool::new(false) };
    let written = thread::scope(|scope| {
        let rows_written = scope.spawn(|| {
            let mut target = RowTarget { transaction: &transaction, open: None };
            let sort = move |pieces: &SyncSender<Piece>| {
                let piece = state_rows(&known.state, pieces)?;
                drop(known);
                piece.extend(rows.sorted()?, pieces)
            };
            sorted_into(sort, |key, value| target.write(key, value), &progress)
        });
        let images_written = transaction.open_table(past::TABLE).map_err(StoreError::from).and_then(|mut past| {
            let sort = move |pieces: &SyncSender<Piece>| Piece::default().extend(images.sorted()?, pieces);
            let write = |key: &[u8], value: &[u8]| {
                let (key, before) = read_image(key, value).ok_or(StoreError::Inconsistent)?;
                past.insert(key, before)?;
                Ok(())
            };
            sorted_into(sort, write, &progress)
        });
        let rows_written = rows_written.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // One that was stopped because the other had failed has nothing to say.
        match (rows_written, images_written) {
            (Err(StoreError::Abandoned), Err(error)) | (Err(error), _) => Err(error),
            (Ok(()), images_written) => images_written,
        }
    });
    written?;
    transaction.commit()?;
    Ok(())
}

/// How far both halves are, and whether they are to go on.
struct Progress<'a> {
    told: &'a Told,
    has_failed: AtomicBool,
}

impl Progress<'_> {
    /// Some more rows are written; an error when nobody wants them any more.
    fn advance(&self, rows: usize) -> Result<(), StoreError> {
        self.told.send_modify(|(written, _)| *written += rows as u64);
        if self.told.is_closed() || self.has_failed.load(Ordering::Relaxed) {
            return Err(StoreError::Abandoned);
        }
        Ok(())
    }
}

/// Writes what another thread sorts meanwhile.
fn sorted_into(
    sort: impl FnOnce(&SyncSender<Piece>) -> Result<(), StoreError> + Send,
    mut write: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
    progress: &Progress<'_>,
) -> Result<(), StoreError> {
    thread::scope(|scope| {
        let (pieces, arriving) = sync_channel(PIECES_MAX);
        let sorting = scope.spawn(move || sort(&pieces));
        let mut write_all = |arriving: Receiver<Piece>| -> Result<(), StoreError> {
            for piece in arriving {
                piece.rows().try_for_each(|(key, value)| write(key, value))?;
                progress.advance(piece.ends.len())?;
            }
            Ok(())
        };
        let written = write_all(arriving);
        // When nobody takes its pieces any more it comes to its end.
        let sorted = sorting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let result = written.and(sorted);
        progress.has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
        result
    })
}

/// Gives the rows of the state in order; the last ones come back.
fn state_rows(state: &State, pieces: &SyncSender<Piece>) -> Result<Piece, StoreError> {
    let (mut piece, mut row_key) = (Piece::default(), Vec::new());
    table::each_row(state, |rows, key, value| {
        write_row_key(&mut row_key, rows, &key);
        piece.push(&row_key, &value, pieces)
    })?;
    Ok(piece)
}

/// Rows one behind the other.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    /// Where each key ends, and where its value does.
    ends: Vec<(usize, usize)>,
}

impl Piece {
    fn push(&mut self, key: &[u8], value: &[u8], full: &SyncSender<Self>) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((key_end, self.bytes.len()));
        if self.bytes.len() >= PIECE_BYTES { std::mem::take(self).send(full) } else { Ok(()) }
    }

    /// Adds all of them.
    fn extend(mut self, mut sorted: Sorted, full: &SyncSender<Self>) -> Result<(), StoreError> {
        while let Some((key, value)) = sorted.next().map_err(failed)? {
            self.push(key, value, full)?;
        }
        self.send(full)
    }

    fn send(self, to: &SyncSender<Self>) -> Result<(), StoreError> {
        to.send(self).map_err(|_| StoreError::Abandoned)
    }

    fn rows(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        starts.zip(&self.ends).map(|(start, (key, value))| (&self.bytes[start..*key], &self.bytes[*key..*value]))
    }
}

/// The tables, of which the one is open that was written to last.
struct RowTarget<'t> {
    transaction: &'t WriteTransaction,
    open: Option<(u8, OpenRows<'t>)>,
}

impl RowTarget<'_> {
    fn write(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let (number, key) = read_row_key(key).ok_or(StoreError::Inconsistent)?;
        let mut rows = match self.open.take() {
            Some((open, rows)) if open == number => rows,
            _ => {
                let table = table::numbered(number).ok_or(StoreError::Inconsistent)?;
                self.transaction.open_table(table.definition())?
            }
        };
        rows.insert(key, value)?;
        self.open = Some((number, rows));
        Ok(())
    }
}
