//! The bytes of a snapshot over those of its volume, by this process itself, as copies are made. Only where they differ:
//! what is the same is not written, so storage has nothing more to keep for the volume's snapshots than it must.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use stele_core::task::Failure;

use super::device::{aligned, blocking, buffer};
use super::pace::Pace;
use crate::driver::Meter;

/// What this step is called when it fails.
const STEP: &str = "overwrite";

/// How much is compared at a time. Between two of them the work can be given up.
const CHUNK_BYTES: u64 = 4 << 20;

/// How much is written where anything of it differs.
const PIECE_BYTES: usize = 64 << 10;

/// A snapshot and its volume, open.
pub(super) struct Pair(Arc<super::device::Pair>);

impl Pair {
    /// Opens the snapshot to read and the volume to write, the latter for this process alone.
    pub(super) async fn open(from: String, into: String) -> Result<Self, Failure> {
        super::device::Pair::open(STEP, from, into).await.map(Self)
    }

    /// Makes the volume read as the snapshot, as far as that reaches, no faster than the worker's copies go.
    pub(super) async fn overwrite(&self, pace: &Pace, meter: &Meter) -> Result<(), Failure> {
        let mut offset = 0;
        while offset < self.0.size_bytes {
            let length = pace.chunk_bytes(CHUNK_BYTES).min(self.0.size_bytes - offset);
            pace.wait(length).await;
            let open = self.0.clone();
            offset = blocking(STEP, move || overwrite_chunk(&open, offset, length)).await?;
            meter.advance(offset, self.0.size_bytes);
        }
        let open = self.0.clone();
        blocking(STEP, move || open.into.sync_all()).await
    }
}

/// Does what is at `offset`; where to go on.
fn overwrite_chunk(pair: &super::device::Pair, offset: u64, length: u64) -> io::Result<u64> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let (mut wanted, mut found) = (buffer(length), buffer(length));
    let (wanted, found) = (aligned(&mut wanted, length), aligned(&mut found, length));
    pair.from.read_exact_at(wanted, offset)?;
    pair.into.read_exact_at(found, offset)?;
    let mut at = offset;
    for (wanted, found) in wanted.chunks(PIECE_BYTES).zip(found.chunks(PIECE_BYTES)) {
        if wanted != found {
            pair.into.write_all_at(wanted, at)?;
        }
        at += wanted.len() as u64;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use stele_core::task::FailureKind;

    use super::super::device::ALIGN_BYTES;
    use super::*;

    const CHUNK: usize = CHUNK_BYTES as usize;

    #[tokio::test(start_paused = true)]
    async fn it_goes_no_faster_than_copies_may() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
        for name in ["from", "into"] {
            std::fs::File::create(path(name)).unwrap().set_len(3 * CHUNK_BYTES).unwrap();
        }
        let pair = Pair::open(path("from"), path("into")).await.unwrap();
        let began = tokio::time::Instant::now();
        let meter = Meter::default();
        pair.overwrite(&Pace::new(Some(2)), &meter).await.unwrap();
        // 12 MiB, two at a time, the first of them at once.
        assert_eq!((began.elapsed().as_secs(), meter.read().signs), (5, 6));
    }

    #[tokio::test]
    async fn what_differs_is_written_and_what_does_not_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
        let size = 3 * CHUNK + 5 * ALIGN_BYTES;
        let sparse = |name: &str, size: usize, written: &[(usize, u8)]| {
            let file = std::fs::File::create(path(name)).unwrap();
            file.set_len(size as u64).unwrap();
            for (at, byte) in written {
                file.write_all_at(&[*byte; ALIGN_BYTES], *at as u64).unwrap();
            }
        };
        // The same in both, only in the snapshot, only in the volume, other bytes in each, and the last block.
        let (one, two, three, four) = (0, CHUNK, CHUNK + PIECE_BYTES, 2 * CHUNK - ALIGN_BYTES);
        let last = size - ALIGN_BYTES;
        sparse("from", size, &[(one, 1), (two, 2), (four, 4), (last, 9)]);
        sparse("into", size + ALIGN_BYTES, &[(one, 1), (three, 3), (four, 5), (size, 7)]);
        let meter = Meter::default();
        let pair = Pair::open(path("from"), path("into")).await.unwrap();
        pair.overwrite(&Pace::new(None), &meter).await.unwrap();
        let (wanted, found) = (std::fs::read(path("from")).unwrap(), std::fs::read(path("into")).unwrap());
        assert!(found[..size] == wanted && found[size..].iter().all(|byte| *byte == 7));
        assert_eq!((meter.read().percent, meter.read().signs), (100, 4));
        let stored_bytes = std::fs::metadata(path("into")).unwrap().blocks() * 512;
        assert!(stored_bytes < CHUNK_BYTES, "{stored_bytes}");

        let kind = async |from: &str, into: &str| Pair::open(path(from), path(into)).await.err().map(|it| it.kind);
        assert_eq!(kind("into", "from").await, Some(FailureKind::Conflict));
        assert_eq!(kind("nothing", "into").await, Some(FailureKind::NotFound));
        assert_eq!(kind("from", "nothing").await, Some(FailureKind::NotFound));
    }
}
