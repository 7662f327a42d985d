//! Copies from device to device, by this process itself: a tool would go on writing when its worker was killed, into a
//! volume that may be somebody's by then. What this process holds open is let go when it ends, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use stele_core::task::{Failure, FailureKind};

use crate::driver::failure;

/// What the buffer of an unbuffered read or write begins at a multiple of; no device has larger blocks.
const ALIGN_BYTES: usize = 4096;

/// Two devices, open.
pub(super) struct Devices(Arc<Open>);

struct Open {
    from: File,
    into: File,
    size_bytes: u64,
}

impl Devices {
    /// Opens the one to read and the other to write, the latter for this process alone.
    pub(super) async fn open(from: String, into: String) -> Result<Self, Failure> {
        blocking(move || {
            let (from_name, into_name) = (from, into);
            let mut from = open(&from_name, OpenOptions::new().read(true), OFlags::empty())?;
            // Two open devices with this flag exclude each other, and a mounted one is refused.
            let mut into = open(&into_name, OpenOptions::new().read(true).write(true), OFlags::EXCL)?;
            let (size_bytes, room_bytes) = (from.seek(SeekFrom::End(0))?, into.seek(SeekFrom::End(0))?);
            if size_bytes > room_bytes {
                let message = format!("{from_name} has {size_bytes} bytes and {into_name} only {room_bytes}");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            Ok(Self(Arc::new(Open { from, into, size_bytes })))
        })
        .await
    }

    /// How much there is to copy. What follows in a larger device is left as it is.
    pub(super) fn size_bytes(&self) -> u64 {
        self.0.size_bytes
    }

    /// Copies so many bytes at `offset`, both multiples of [`ALIGN_BYTES`] but at the end. When the future is dropped they
    /// are written all the same; the devices are let go only then.
    pub(super) async fn copy(&self, offset: u64, length: u64) -> Result<(), Failure> {
        let open = self.0.clone();
        blocking(move || open.copy(offset, length)).await
    }

    /// Makes all that was copied safe.
    pub(super) async fn flush(&self) -> Result<(), Failure> {
        let open = self.0.clone();
        blocking(move || open.into.sync_all()).await
    }
}

impl Open {
    fn copy(&self, offset: u64, length: u64) -> io::Result<()> {
        let bytes = usize::try_from(length).map_err(io::Error::other)?;
        let mut buffer = vec![0; bytes + ALIGN_BYTES];
        let skip = buffer.as_ptr().align_offset(ALIGN_BYTES).min(ALIGN_BYTES);
        let chunk = &mut buffer[skip..skip + bytes];
        self.from.read_exact_at(chunk, offset)?;
        if chunk.iter().any(|byte| *byte != 0) || !self.zero(offset, length) {
            self.into.write_all_at(chunk, offset)?;
        }
        Ok(())
    }

    /// Whether the device could be told to read zeros there: many can without writing them.
    fn zero(&self, offset: u64, length: u64) -> bool {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&self.into, flags, offset, length).is_ok()
    }
}

/// Without the page cache, which belongs to others; through it where the storage cannot do without.
fn open(path: impl AsRef<Path>, options: &mut OpenOptions, flags: OFlags) -> io::Result<File> {
    let path = path.as_ref();
    let mut with = |flags: OFlags| options.custom_flags(flags.bits().cast_signed()).open(path);
    let opened = match with(flags | OFlags::DIRECT) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => with(flags),
        opened => opened,
    };
    opened.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull => FailureKind::NoSpace,
            io::ErrorKind::ResourceBusy => FailureKind::Busy,
            io::ErrorKind::NotFound => FailureKind::NotFound,
            io::ErrorKind::InvalidInput => FailureKind::Conflict,
            io::ErrorKind::PermissionDenied => FailureKind::ToolUnavailable,
            _ => FailureKind::Other,
        };
        failure(kind, "copy", error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK_BYTES: usize = 1 << 20;

    #[tokio::test]
    async fn all_bytes_arrive_and_what_is_not_copied_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
        let size = 4 * CHUNK_BYTES + 3 * ALIGN_BYTES;
        // A chunk of zeros, which may be punched instead of written.
        let byte = |at: usize| if at / CHUNK_BYTES == 2 { 0 } else { (at / 512 % 251) as u8 };
        let data: Vec<u8> = (0..size).map(byte).collect();
        std::fs::write(path("from"), &data).unwrap();
        std::fs::write(path("into"), vec![7; size + ALIGN_BYTES]).unwrap();
        let devices = Devices::open(path("from"), path("into")).await.unwrap();
        assert_eq!(devices.size_bytes(), size as u64);
        // From the second chunk on, as after a mark of the first.
        let (mut offset, chunk) = (CHUNK_BYTES as u64, CHUNK_BYTES as u64);
        while offset < size as u64 {
            let length = chunk.min(size as u64 - offset);
            devices.copy(offset, length).await.unwrap();
            offset += length;
        }
        devices.flush().await.unwrap();
        let found = std::fs::read(path("into")).unwrap();
        assert!(found[CHUNK_BYTES..size] == data[CHUNK_BYTES..]);
        assert!(found[..CHUNK_BYTES].iter().chain(&found[size..]).all(|byte| *byte == 7));

        let kind = async |from: &str, into: &str| Devices::open(path(from), path(into)).await.err().map(|it| it.kind);
        assert_eq!(kind("into", "from").await, Some(FailureKind::Conflict));
        assert_eq!(kind("nothing", "into").await, Some(FailureKind::NotFound));
        assert_eq!(kind("from", "nothing").await, Some(FailureKind::NotFound));
    }
}
