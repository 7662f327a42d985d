//! Copies from device to device, by this process itself: a tool would go on writing when its worker was killed, into a
//! volume that may be somebody's by then. What this process holds open is let go when it ends, however it ends.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate};
use stele_core::task::Failure;

use super::device::{Pair, aligned, blocking, buffer};

/// What this step is called when it fails.
const STEP: &str = "copy";

/// Two devices, open.
pub(super) struct Devices(Arc<Pair>);

impl Devices {
    /// Opens the one to read and the other to write, the latter for this process alone.
    pub(super) async fn open(from: String, into: String) -> Result<Self, Failure> {
        Pair::open(STEP, from, into).await.map(Self)
    }

    /// How much there is to copy. What follows in a larger device is left as it is.
    pub(super) fn size_bytes(&self) -> u64 {
        self.0.size_bytes
    }

    /// Copies so many bytes at `offset`, both multiples of [`super::device::ALIGN_BYTES`] but at the end. When the future is dropped they
    /// are written all the same; the devices are let go only then.
    pub(super) async fn copy(&self, offset: u64, length: u64) -> Result<(), Failure> {
        let open = self.0.clone();
        blocking(STEP, move || copy(&open, offset, length)).await
    }

    /// Makes all that was copied safe.
    pub(super) async fn flush(&self) -> Result<(), Failure> {
        let open = self.0.clone();
        blocking(STEP, move || open.into.sync_all()).await
    }
}

fn copy(pair: &Pair, offset: u64, length: u64) -> io::Result<()> {
    let bytes = usize::try_from(length).map_err(io::Error::other)?;
    let mut buffer = buffer(bytes);
    let chunk = aligned(&mut buffer, bytes);
    pair.from.read_exact_at(chunk, offset)?;
    if chunk.iter().any(|byte| *byte != 0) || !zero(pair, offset, length) {
        pair.into.write_all_at(chunk, offset)?;
    }
    Ok(())
}

/// Whether the device could be told to read zeros there: many can without writing them.
fn zero(pair: &Pair, offset: u64, length: u64) -> bool {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    fallocate(&pair.into, flags, offset, length).is_ok()
}

#[cfg(test)]
mod tests {
    use stele_core::task::FailureKind;

    use super::super::device::ALIGN_BYTES;
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
