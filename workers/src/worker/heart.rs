//! Heartbeats: the backend is alive, and this is what its pools look like.

use std::pin::pin;

use futures_util::future::select;
use stele_core::id::PoolName;
use stele_core::port::{Claimed, Reporter};
use stele_core::task::{BackendReport, ReportBody, ReportReply};
use stele_core::unit::Position;

use super::inventory::Schedule;
use super::{Life, PAUSE_MS, longer};
use crate::clock::Clock;
use crate::driver::Driver;

/// How long a heartbeat waits for more of the same when room has become free, in milliseconds; and at least how many times
/// as long as the last one took. A look at a large pool takes its time from all who work there, and while a hundred volumes
/// are removed room becomes free all the time.
const SOON_MS: u64 = 1000;
const SOON_TIMES: u64 = 8;

/// The pause between heartbeats while hosts are kept out, in milliseconds.
const KEPT_OUT_MS: u64 = 2000;

impl<K: Claimed, R: Reporter, D: Driver, C: Clock> Life<K, R, D, C> {
    pub(super) async fn beat(&self) {
        let mut pause_ms = PAUSE_MS.0;
        let mut inventories = Schedule::default();
        loop {
            let mut interval_ms = self.config.report_interval_ms;
            // Before the observation: whatever was fulfilled by this position had its effect before, so the figures
            // contain it. What is fulfilled while we look may or may not be in them, and is counted on top.
            let as_of = self.seen();
            let began = self.clock.now();
            match self.beat_once(as_of).await {
                Beat::Delivered { pools, asked } => {
                    pause_ms = PAUSE_MS.0;
                    if self.take_inventory(&mut inventories, &pools, asked).await {
                        interval_ms = interval_ms.min(KEPT_OUT_MS);
                    }
                }
                Beat::Undelivered => {
                    // Not the same again: by then the figures are old.
                    self.clock.sleep_ms(pause_ms).await;
                    pause_ms = longer(pause_ms);
                    continue;
                }
                Beat::Blind => {}
            }
            if as_of == Position::default() && self.seen() > as_of {
                // The first one could not say what its figures contain. Now it is known.
                continue;
            }
            let soon_ms = SOON_MS.max(SOON_TIMES * self.clock.now().ms_since(began));
            let soon = async {
                self.freed.notified().await;
                self.clock.sleep_ms(soon_ms).await;
            };
            select(pin!(self.clock.sleep_ms(interval_ms)), pin!(soon)).await;
        }
    }

    async fn beat_once(&self, as_of: Position) -> Beat {
        let at = self.clock.now();
        let pools = match self.driver.pools().await {
            Ok(pools) => pools,
            Err(failure) => {
                // Without figures no heartbeat: nothing is placed on a backend that cannot see its own storage.
                tracing::error!(%failure, stderr = failure.stderr, "the pools could not be looked at");
                return Beat::Blind;
            }
        };
        let names: Vec<PoolName> = pools.iter().map(|pool| pool.pool.clone()).collect();
        let report = BackendReport {
            backend: self.config.name.clone(),
            at,
            availability_zone: self.config.availability_zone.clone(),
            driver: self.driver.name().to_owned(),
            as_of,
            pools,
        };
        match self.reporter.report(&self.message(ReportBody::Backend(report))).await {
            Ok(ReportReply::Recorded { position, inventories, .. }) => {
                self.saw(position);
                let asked = inventories.iter().filter(|(pool, _)| names.contains(pool)).map(|(_, at)| *at).max();
                Beat::Delivered { pools: names, asked: asked.unwrap_or_default() }
            }
            Ok(ReportReply::Refused(why)) => {
                tracing::error!(why, "control refused the heartbeat");
                Beat::Blind
            }
            Err(unavailable) => {
                tracing::warn!(%unavailable, "the heartbeat could not be delivered");
                Beat::Undelivered
            }
        }
    }
}

enum Beat {
    /// Control has it.
    Delivered {
        /// The pools that there are.
        pools: Vec<PoolName>,
        /// Where an inventory of one of them was last asked for.
        asked: Position,
    },
    Undelivered,
    /// There was nothing to tell, or nobody who wants to know.
    Blind,
}
