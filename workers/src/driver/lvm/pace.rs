//! How fast copies and wipes go: all of a worker together write no more than its setting says.
//!
//! A token bucket that is never fuller than one chunk: each chunk is booked before it is written, and begins when what was
//! booked before it has had its time. What was not used is not saved up, so users of the storage never meet a burst.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const MIB: u64 = 1 << 20;

/// The pace of a worker; without a limit it never waits.
#[derive(Debug)]
pub(super) struct Pace(Option<Limit>);

#[derive(Debug)]
struct Limit {
    bytes_per_s: u64,
    epoch: Instant,
    bucket: Mutex<Bucket>,
}

/// What has been booked.
#[derive(Debug, Default)]
struct Bucket {
    /// When the next chunk may begin, in microseconds since an epoch.
    next_us: u64,
}

impl Bucket {
    /// Books a chunk at a moment, at so many bytes per second; how long to wait before it, in microseconds.
    fn book(&mut self, now_us: u64, bytes: u64, bytes_per_s: u64) -> u64 {
        let begins_us = self.next_us.max(now_us);
        let takes_us = u128::from(bytes) * 1_000_000 / u128::from(bytes_per_s.max(1));
        self.next_us = begins_us.saturating_add(u64::try_from(takes_us).unwrap_or(u64::MAX));
        begins_us - now_us
    }
}

impl Pace {
    /// So many MiB per second; 0 or nothing means no limit.
    pub(super) fn new(mib_per_s: Option<u32>) -> Self {
        let limit = |mib_per_s: u32| Limit {
            bytes_per_s: u64::from(mib_per_s) * MIB,
            epoch: Instant::now(),
            bucket: Mutex::default(),
        };
        Self(mib_per_s.filter(|mib_per_s| *mib_per_s > 0).map(limit))
    }

    /// How much to write at a time: as much as a second allows, and at most `bytes_max`. Whole MiB.
    pub(super) fn chunk_bytes(&self, bytes_max: u64) -> u64 {
        self.0.as_ref().map_or(bytes_max, |limit| limit.bytes_per_s.min(bytes_max))
    }

    /// Waits until so many bytes may be written.
    pub(super) async fn wait(&self, bytes: u64) {
        let Some(limit) = &self.0 else { return };
        let now_us = u64::try_from(limit.epoch.elapsed().as_micros()).unwrap_or(u64::MAX);
        let wait_us = {
            let mut bucket = limit.bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.book(now_us, bytes, limit.bytes_per_s)
        };
        if wait_us > 0 {
            tokio::time::sleep(Duration::from_micros(wait_us)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits of chunks that are booked one after the other, each when the one before it has been waited for and has
    /// taken so long to write.
    fn waits(chunks: &[(u64, u64)], bytes_per_s: u64) -> Vec<u64> {
        let (mut bucket, mut now_us) = (Bucket::default(), 5_000_000);
        let book = |(bytes, writing_us): &(u64, u64)| {
            let wait_us = bucket.book(now_us, *bytes, bytes_per_s);
            now_us += wait_us + writing_us;
            wait_us
        };
        chunks.iter().map(book).collect()
    }

    #[test]
    fn a_chunk_waits_for_the_time_of_the_one_before_it() {
        let mib = |mib: u64, writing_us| (mib * MIB, writing_us);
        // 8 MiB at 16 MiB/s are half a second, of which a tenth went by in writing.
        assert_eq!(waits(&[mib(8, 100_000); 3], 16 * MIB), [0, 400_000, 400_000]);
        // Storage that is slower than the limit is not held up.
        assert_eq!(waits(&[mib(8, 900_000); 3], 16 * MIB), [0, 0, 0]);
        // A pause is not saved up.
        assert_eq!(waits(&[mib(8, 60_000_000), mib(8, 0), mib(8, 0)], 16 * MIB), [0, 0, 500_000]);
        assert_eq!(waits(&[(1, 0), (1, 0)], 3), [0, 333_333]);
        assert_eq!(waits(&[(u64::MAX, 0), (1, 0)], 1), [0, u64::MAX - 5_000_000], "and no overflow");
    }

    #[test]
    fn those_who_share_it_come_one_after_the_other() {
        let mut bucket = Bucket::default();
        let booked: Vec<_> = (0..4).map(|_| bucket.book(0, MIB, 2 * MIB)).collect();
        assert_eq!(booked, [0, 500_000, 1_000_000, 1_500_000]);
    }

    #[test]
    fn a_chunk_is_never_more_than_a_second() {
        for (limit, expected) in [(None, 256), (Some(0), 256), (Some(1), 1), (Some(100), 100), (Some(1000), 256)] {
            assert_eq!(Pace::new(limit).chunk_bytes(256 * MIB), expected * MIB, "{limit:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_is_kept_over_time() {
        let pace = Pace::new(Some(4));
        let began = Instant::now();
        for _ in 0..10 {
            pace.wait(2 * MIB).await;
        }
        assert_eq!(began.elapsed().as_millis(), 4500, "the last one has only begun");
        let free = Pace::new(None);
        free.wait(u64::MAX).await;
        assert_eq!(began.elapsed().as_millis(), 4500);
    }
}
