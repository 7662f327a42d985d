//! Rows as they are now, or as they were at a position.
//!
//! The past is a merge of two ordered things: the rows as they are now, and what [`past`] keeps of the table. It is made
//! while it is asked for, so that a page does not read the table. What came and went between the position and now costs
//! a step each, but a row that changed a million times costs two look-ups and not a million steps. A table whose rows tell
//! their past themselves ([`PastIn`]) has few images or none; its rows are cut to the position when they are given.

use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use redb::{AccessGuard, ReadOnlyTable, ReadableTableMetadata as _};
use stele_core::codec::{decode, encode};
use stele_core::unit::Position;

use crate::history;
use crate::store::StoreError;
use crate::table::{PastIn, Rows, past};

type Now = ReadOnlyTable<&'static [u8], &'static [u8]>;
type Images = ReadOnlyTable<past::Key, past::Value>;
type NowRange = redb::Range<'static, &'static [u8], &'static [u8]>;
type ImageRange = redb::Range<'static, past::Key, past::Value>;
type Image = AccessGuard<'static, past::Value>;
type Present = AccessGuard<'static, &'static [u8]>;
type NowRow = (Present, Present);

/// How many images of one row are stepped over before it is looked up instead: about what a look-up costs.
const STEPS_MAX: usize = 8;

/// The key or the value of a row.
pub(crate) enum Bytes {
    Row(Present),
    Image(Image),
    Own(Vec<u8>),
}

impl Bytes {
    pub(crate) fn value(&self) -> &[u8] {
        match self {
            Self::Row(row) => row.value(),
            Self::Image(image) => image.value().unwrap_or_default(),
            Self::Own(bytes) => bytes,
        }
    }
}

/// Up to where the past of a snapshot goes.
#[derive(Clone)]
pub(super) struct Past {
    images: Arc<Images>,
    position: u64,
}

impl Past {
    pub(super) fn new(images: Images, position: Position) -> Self {
        Self { images: Arc::new(images), position: position.0 }
    }

    /// The first image of a row behind the position: what the row was at it. `None` when it has not changed since.
    fn image(&self, number: u8, key: &[u8]) -> Result<Option<Image>, StoreError> {
        let behind = (Bound::Excluded((number, key, self.position)), Bound::Included((number, key, u64::MAX)));
        let mut found = self.images.range::<(u8, &[u8], u64)>(behind)?;
        Ok(found.next().transpose()?.map(|(_, image)| image))
    }

    /// As much of a row as was there at the position.
    fn cut(&self, rows: Rows, key: &[u8], value: Bytes) -> Result<Option<Bytes>, StoreError> {
        match rows.past() {
            PastIn::Images => Ok(Some(value)),
            PastIn::Key(at) => {
                let written = key.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| u64::from_be_bytes(*bytes));
                Ok(written.is_some_and(|written| written <= self.position).then_some(value))
            }
            PastIn::Story => {
                let story = history::until(decode(value.value())?, Position(self.position));
                Ok(story.map(|story| Bytes::Own(encode(&story))))
            }
        }
    }
}

/// A table that is open for reading.
pub(crate) struct OpenTable {
    now: Now,
    rows: Rows,
    past: Option<Past>,
}

impl OpenTable {
    pub(super) fn new(rows: Rows, now: Now, past: Option<Past>) -> Self {
        Self { now, rows, past }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let Some(past) = &self.past else { return Ok(self.now.get(key)?.map(Bytes::Row)) };
        let found = match past.image(self.rows.number(), key)? {
            Some(image) => image.value().is_some().then_some(Bytes::Image(image)),
            None => self.now.get(key)?.map(Bytes::Row),
        };
        found.map_or(Ok(None), |value| past.cut(self.rows, key, value))
    }

    pub(crate) fn range(self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<RowRange, StoreError> {
        let Some(past) = self.past else { return Ok(RowRange::Now(self.now.range::<&[u8]>((from, to))?)) };
        let (from, to) = (from.map(<[u8]>::to_vec), to.map(<[u8]>::to_vec));
        Ok(RowRange::Past(Box::new(Merge { now: self.now, rows: self.rows, past, from, to, ends: None })))
    }

    /// How many rows there are; of the past they are counted one by one.
    pub(crate) fn count(self) -> Result<u64, StoreError> {
        if self.past.is_none() {
            return Ok(self.now.len()?);
        }
        self.range(Bound::Unbounded, Bound::Unbounded)?.try_fold(0, |count, row| row.map(|_| count + 1))
    }
}

/// Rows in key order.
#[expect(clippy::large_enum_variant, reason = "the present, which nearly everybody asks, is not to cost an allocation")]
pub(crate) enum RowRange {
    Now(NowRange),
    Past(Box<Merge>),
}

/// A row, by its key and its value.
type Row = (Bytes, Bytes);

impl Iterator for RowRange {
    type Item = Result<Row, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Now(rows) => rows.next().map(present),
            Self::Past(merge) => merge.step(Way::Forward).transpose(),
        }
    }
}

impl DoubleEndedIterator for RowRange {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::Now(rows) => rows.next_back().map(present),
            Self::Past(merge) => merge.step(Way::Back).transpose(),
        }
    }
}

fn present(row: Result<NowRow, redb::StorageError>) -> Result<Row, StoreError> {
    let (key, value) = row?;
    Ok((Bytes::Row(key), Bytes::Row(value)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Forward,
    Back,
}

/// The rows of a range as they were at a position, that are not given yet.
pub(crate) struct Merge {
    now: Now,
    rows: Rows,
    past: Past,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    /// What is read at one end; made anew when the other end is asked.
    ends: Option<Ends>,
}

/// A key, its row now, and its first image behind the position.
type NextKey = (Vec<u8>, Option<Present>, Option<Image>);

/// The next row and the next image in one direction.
struct Ends {
    way: Way,
    rows: NowRange,
    row: Option<NowRow>,
    images: ImageRange,
    image: Option<(AccessGuard<'static, past::Key>, Image)>,
}

impl Ends {
    fn next_row(&mut self) -> Result<(), StoreError> {
        let row = if self.way == Way::Forward { self.rows.next() } else { self.rows.next_back() };
        self.row = row.transpose()?;
        Ok(())
    }

    fn next_image(&mut self) -> Result<(), StoreError> {
        let image = if self.way == Way::Forward { self.images.next() } else { self.images.next_back() };
        self.image = image.transpose()?;
        Ok(())
    }
}

impl Merge {
    /// The next row at one end.
    fn step(&mut self, way: Way) -> Result<Option<Row>, StoreError> {
        let mut ends = match self.ends.take() {
            Some(ends) if ends.way == way => ends,
            _ => self.begin(way)?,
        };
        while let Some((key, row, found)) = self.next_key(&mut ends)? {
            let value = match (found, row) {
                (Some(image), _) => image.value().is_some().then_some(Bytes::Image(image)),
                (None, row) => row.map(Bytes::Row),
            };
            if let Some(value) = value
                && let Some(value) = self.past.cut(self.rows, &key, value)?
            {
                self.ends = Some(ends);
                self.pass(way, &key);
                return Ok(Some((Bytes::Own(key), value)));
            }
        }
        self.ends = Some(ends);
        Ok(None)
    }

    /// The next key that has a row now or an image; with its row and with its first image behind the position.
    fn next_key(&self, ends: &mut Ends) -> Result<Option<NextKey>, StoreError> {
        let row = ends.row.as_ref().map(|(key, _)| key.value());
        let image = ends.image.as_ref().map(|(key, _)| key.value().1);
        let (key, order) = match (row, image) {
            (None, None) => return Ok(None),
            (Some(row), None) => (row.to_vec(), Ordering::Less),
            (None, Some(image)) => (image.to_vec(), Ordering::Greater),
            (Some(row), Some(image)) => {
                let order = if ends.way == Way::Forward { row.cmp(image) } else { image.cmp(row) };
                (if order == Ordering::Greater { image } else { row }.to_vec(), order)
            }
        };
        let row = if order == Ordering::Greater {
            None
        } else {
            let row = ends.row.take().map(|(_, value)| value);
            ends.next_row()?;
            row
        };
        let found = if order == Ordering::Less { None } else { self.images_of(&key, ends)? };
        Ok(Some((key, row, found)))
    }

    /// Passes all images of a key, and gives the first behind the position.
    fn images_of(&self, key: &[u8], ends: &mut Ends) -> Result<Option<Image>, StoreError> {
        let mut found = None;
        for _ in 0..STEPS_MAX {
            let Some((at, image)) = ends.image.take_if(|(image, _)| image.value().1 == key) else { return Ok(found) };
            let is_behind = at.value().2 > self.past.position;
            // From the other end the first one behind the position comes last.
            if is_behind && (found.is_none() || ends.way == Way::Back) {
                found = Some(image);
            }
            ends.next_image()?;
        }
        if ends.image.as_ref().is_some_and(|(image, _)| image.value().1 == key) {
            let (from, to) = match ends.way {
                Way::Forward => (Bound::Excluded(key), bound(&self.to)),
                Way::Back => (bound(&self.from), Bound::Excluded(key)),
            };
            ends.images = self.images(from, to)?;
            ends.next_image()?;
            return self.past.image(self.rows.number(), key);
        }
        Ok(found)
    }

    fn begin(&self, way: Way) -> Result<Ends, StoreError> {
        let (from, to) = (bound(&self.from), bound(&self.to));
        let rows = self.now.range::<&[u8]>((from, to))?;
        let mut ends = Ends { way, rows, row: None, images: self.images(from, to)?, image: None };
        ends.next_row()?;
        ends.next_image()?;
        Ok(ends)
    }

    /// The images of all keys between two.
    fn images(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<ImageRange, StoreError> {
        let number = self.rows.number();
        let from = match from {
            Bound::Included(key) => Bound::Included((number, key, 0)),
            Bound::Excluded(key) => Bound::Excluded((number, key, u64::MAX)),
            Bound::Unbounded => Bound::Included((number, [].as_slice(), 0)),
        };
        let to = match to {
            Bound::Included(key) => Bound::Included((number, key, u64::MAX)),
            Bound::Excluded(key) => Bound::Excluded((number, key, 0)),
            Bound::Unbounded => Bound::Excluded((number + 1, [].as_slice(), 0)),
        };
        Ok(self.past.images.range::<(u8, &[u8], u64)>((from, to))?)
    }

    /// Leaves a key behind, for whoever asks at the other end.
    fn pass(&mut self, way: Way, key: &[u8]) {
        let end = if way == Way::Forward { &mut self.from } else { &mut self.to };
        *end = Bound::Excluded(key.to_vec());
    }
}

fn bound(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}
