//! Copies of files: by sharing blocks where the file system can, else byte by byte with the holes left out.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Weak};

use rustix::fs::{SeekFrom, ioctl_ficlone, seek};
use rustix::io::Errno;

use crate::driver::Meter;

/// How much is copied between two looks at whether anybody still waits: 4 MiB is some milliseconds.
const CHUNK_BYTES: u64 = 4 << 20;

/// A copy that somebody waits for.
pub(super) struct Copying {
    meter: Meter,
    waiting: Weak<()>,
}

impl Copying {
    /// The copy is given up when the first value is dropped.
    pub(super) fn watched(meter: &Meter) -> (Arc<()>, Self) {
        let waiting = Arc::new(());
        let copying = Self { meter: meter.clone(), waiting: Arc::downgrade(&waiting) };
        (waiting, copying)
    }

    pub(super) fn copy(&self, from: &File, into: &File) -> io::Result<()> {
        let size_bytes = from.metadata()?.len();
        match ioctl_ficlone(into, from) {
            Ok(()) => return Ok(()),
            // What a file system says that shares no blocks.
            Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::XDEV | Errno::NOTTY) => {}
            Err(error) => return Err(error.into()),
        }
        into.set_len(size_bytes)?;
        let mut buffer = vec![0; usize::try_from(CHUNK_BYTES).unwrap_or(usize::MAX)];
        let mut offset = 0;
        while let Some((start, end)) = next_data(from, offset, size_bytes)? {
            self.copy_range(from, into, (start, end), &mut buffer)?;
            offset = end;
            self.meter.advance(end, size_bytes);
        }
        Ok(())
    }

    fn copy_range(&self, from: &File, into: &File, (mut start, end): (u64, u64), buffer: &mut [u8]) -> io::Result<()> {
        while start < end {
            if self.waiting.strong_count() == 0 {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "nobody waits for the copy any more"));
            }
            let length = usize::try_from(end - start).unwrap_or(usize::MAX).min(buffer.len());
            let part = &mut buffer[..length];
            from.read_exact_at(part, start)?;
            into.write_all_at(part, start)?;
            start += length as u64;
            // The whole is told elsewhere; this is only a sign that it goes on.
            self.meter.sign();
        }
        Ok(())
    }
}

/// The next range that is no hole.
fn next_data(file: &File, offset: u64, size_bytes: u64) -> io::Result<Option<(u64, u64)>> {
    match seek(file, SeekFrom::Data(offset)) {
        // It may grow while it is copied; what is beyond the size that it had does not count.
        Ok(start) if start < size_bytes => Ok(Some((start, seek(file, SeekFrom::Hole(start))?.min(size_bytes)))),
        Ok(_) | Err(Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
