//! Two devices, open: one to read, and one to write that nobody else writes meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use rustix::fs::OFlags;
use stele_core::task::{Failure, FailureKind};

use crate::driver::failure;

/// What the buffer of an unbuffered read or write begins at a multiple of; no device has larger blocks.
pub(super) const ALIGN_BYTES: usize = 4096;

/// See the module.
pub(super) struct Pair {
    pub(super) from: File,
    pub(super) into: File,
    /// How much there is to read. What follows in a larger device is left as it is.
    pub(super) size_bytes: u64,
}

impl Pair {
    /// Opens them for a step of this name, the second for this process alone.
    pub(super) async fn open(step: &'static str, from: String, into: String) -> Result<Arc<Self>, Failure> {
        blocking(step, move || {
            let (from_name, into_name) = (from, into);
            let mut from = open(&from_name, OpenOptions::new().read(true), OFlags::empty())?;
            // Two open devices with this flag exclude each other, and a mounted one is refused.
            let mut into = open(&into_name, OpenOptions::new().read(true).write(true), OFlags::EXCL)?;
            let (size_bytes, room_bytes) = (from.seek(SeekFrom::End(0))?, into.seek(SeekFrom::End(0))?);
            if size_bytes > room_bytes {
                let message = format!("{from_name} has {size_bytes} bytes and {into_name} only {room_bytes}");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            Ok(Arc::new(Self { from, into, size_bytes }))
        })
        .await
    }
}

/// Room for so many bytes, wherever they may begin.
pub(super) fn buffer(bytes: usize) -> Vec<u8> {
    vec![0; bytes + ALIGN_BYTES]
}

/// So many bytes of a [`buffer`], from where an unbuffered read or write may begin.
pub(super) fn aligned(buffer: &mut [u8], bytes: usize) -> &mut [u8] {
    let skip = buffer.as_ptr().align_offset(ALIGN_BYTES).min(ALIGN_BYTES);
    &mut buffer[skip..skip + bytes]
}

/// Without the page cache, which belongs to others; through it where the storage cannot do without.
fn open(path: &str, options: &mut OpenOptions, flags: OFlags) -> io::Result<File> {
    let mut with = |flags: OFlags| options.custom_flags(flags.bits().cast_signed()).open(path);
    let opened = match with(flags | OFlags::DIRECT) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => with(flags),
        opened => opened,
    };
    opened.map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

/// Does a part of a step where it may wait for a device.
pub(super) async fn blocking<T: Send + 'static>(
    step: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
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
        failure(kind, step, error.to_string())
    })
}
