use std::borrow::Cow;
use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use grenad::{ChunkCreator, MergeFunction, MergerIter, Sorter};
use stele_core::unit::Position;

use crate::store::StoreError;
use crate::table::Rows;

/// How much is sorted in memory before it goes to a run, which is a file of its own.
const SORTED_BYTES: usize = 32 << 20;

/// How many runs there are before they are merged into one. All of them are read at once in the end, those of the rows and
/// those of the images: about 400 files, of the 1024 that a process usually may have open.
const RUNS_MAX: usize = 200;

/// Rows or images in any order, given back in the order of tables and keys; what does not fit into memory waits in files
/// without a name beside the projection.
pub(super) struct Runs {
    sorter: Sorter<Newest, Beside>,
    key: Vec<u8>,
    value: Vec<u8>,
    count: u64,
}

/// Sorted rows or images.
pub(super) type Sorted = MergerIter<File, Newest>;

impl Runs {
    pub(super) fn new(folder: &Path) -> Self {
        Self::of(folder, SORTED_BYTES, RUNS_MAX)
    }

    fn of(folder: &Path, sorted_bytes: usize, runs_max: usize) -> Self {
        let mut builder = Sorter::builder(Newest).chunk_creator(Beside(folder.to_owned()));
        builder.dump_threshold(sorted_bytes).max_nb_chunks(runs_max);
        Self { sorter: builder.build(), key: Vec::new(), value: Vec::new(), count: 0 }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn row(&mut self, rows: Rows, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        write_row_key(&mut self.key, rows, key);
        self.count += 1;
        self.sorter.insert(&self.key, value).map_err(failed)
    }

    /// What a row was before the message at a position.
    pub(super) fn image(
        &mut self,
        rows: Rows,
        key: &[u8],
        at: Position,
        before: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        write_row_key(&mut self.key, rows, key);
        self.key.extend_from_slice(&at.0.to_be_bytes());
        self.value.clear();
        if let Some(before) = before {
            self.value.push(WAS_THERE);
            self.value.extend_from_slice(before);
        }
        self.count += 1;
        self.sorter.insert(&self.key, &self.value).map_err(failed)
    }

    pub(super) fn sorted(self) -> Result<Sorted, StoreError> {
        self.sorter.into_stream_merger_iter().map_err(failed)
    }
}

/// Stands before an image of a row that was there.
const WAS_THERE: u8 = 1;

/// The key of a row among those of all tables.
pub(super) fn write_row_key(to: &mut Vec<u8>, rows: Rows, key: &[u8]) {
    to.clear();
    to.push(rows.number());
    to.extend_from_slice(key);
}

/// The table and the key that [`write_row_key`] wrote.
pub(super) fn read_row_key(bytes: &[u8]) -> Option<(u8, &[u8])> {
    bytes.split_first().map(|(table, key)| (*table, key))
}

/// The table, the key and the position of an image, and the row as it was.
type Image<'a> = ((u8, &'a [u8], u64), Option<&'a [u8]>);

pub(super) fn read_image<'a>(key: &'a [u8], value: &'a [u8]) -> Option<Image<'a>> {
    let (row, at) = key.split_last_chunk()?;
    let (table, key) = read_row_key(row)?;
    Some(((table, key, u64::from_be_bytes(*at)), value.split_first().map(|(_, before)| before)))
}

pub(super) fn failed(error: grenad::Error<Infallible>) -> StoreError {
    match error {
        grenad::Error::Io(error) => StoreError::Sorting(error),
        other => StoreError::Sorting(io::Error::other(other.to_string())),
    }
}

/// Of the values of one key the one that was given last counts: grenad keeps their order, within a run and among runs.
pub(super) struct Newest;

impl MergeFunction for Newest {
    type Error = Infallible;

    fn merge<'a>(&self, _key: &[u8], values: &[Cow<'a, [u8]>]) -> Result<Cow<'a, [u8]>, Infallible> {
        Ok(values.last().cloned().unwrap_or_default())
    }
}

/// Makes files without a name in a folder: where the projection will be there is room, and memory is not meant by it.
struct Beside(PathBuf);

impl ChunkCreator for Beside {
    type Chunk = File;
    type Error = io::Error;

    fn create(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::table::{flow_history, volumes};

    /// What grenad sorts in memory at least.
    const SORTED_BYTES_MIN: usize = 10 << 20;

    fn key(number: u64) -> [u8; 8] {
        // Every number once, in no order.
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()
    }

    #[test]
    fn many_runs_come_back_as_one_and_the_newest_value_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut runs = Runs::of(folder.path(), SORTED_BYTES_MIN, 2);
        let mut expected = BTreeMap::new();
        // About 60 MiB: runs are merged on the way, more than once.
        for number in 0..60_000 {
            for (table, times) in [(volumes::TABLE, 1), (flow_history::TABLE, 1 + number % 2)] {
                for time in 0..times {
                    let value = vec![u8::try_from((number + time) % 251).unwrap(); 700];
                    runs.row(table, &key(number), &value).unwrap();
                    expected.insert((table.number(), key(number)), value);
                }
            }
        }
        // Again, when what was said first is in a run that was written long ago.
        for number in (0..60_000).step_by(1000) {
            runs.row(volumes::TABLE, &key(number), b"last").unwrap();
            expected.insert((volumes::TABLE.number(), key(number)), b"last".to_vec());
        }
        assert!(runs.count() > 150_000);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "runs have no names");
        let (mut sorted, mut expected) = (runs.sorted().unwrap(), expected.into_iter());
        while let Some((key, value)) = sorted.next().unwrap() {
            let (table, key) = read_row_key(key).unwrap();
            let ((expected_table, expected_key), expected_value) = expected.next().unwrap();
            assert_eq!((table, key, value), (expected_table, expected_key.as_slice(), expected_value.as_slice()));
        }
        assert_eq!(expected.next(), None);
    }

    #[test]
    fn images_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut runs = Runs::new(folder.path());
        runs.image(volumes::TABLE, b"a", Position(300), Some(b"was")).unwrap();
        runs.image(volumes::TABLE, b"a", Position(7), None).unwrap();
        runs.image(volumes::TABLE, b"b", Position(1), Some(b"")).unwrap();
        let mut sorted = runs.sorted().unwrap();
        let number = volumes::TABLE.number();
        for (key, at, before) in [(b"a", 7, None), (b"a", 300, Some(b"was".as_slice())), (b"b", 1, Some(b""))] {
            let (found, value) = sorted.next().unwrap().unwrap();
            assert_eq!(read_image(found, value), Some(((number, key.as_slice(), at), before)));
        }
        assert!(sorted.next().unwrap().is_none());
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let mut runs = Runs::new(folder.path());
        runs.row(volumes::TABLE, b"a", b"b").unwrap();
        drop(folder);
        let Err(error) = runs.sorted() else { panic!("there is no folder") };
        assert!(matches!(&error, StoreError::Sorting(cause) if cause.kind() == io::ErrorKind::NotFound), "{error:?}");
    }
}
