//! Inventories: everything of ours in the pools, told to control part by part.

use stele_core::chap::attachment_of;
use stele_core::id::PoolName;
use stele_core::inventory::{INVENTORY_ITEMS_MAX, InventoryReport, Stored, StoredItem};
use stele_core::port::{Claimed, Reporter};
use stele_core::task::{Failure, Operation, ReportBody, ReportReply};
use stele_core::unit::{Position, Timestamp};

use super::Life;
use crate::clock::Clock;
use crate::driver::{Driver, Inventory};
use crate::object::{Item, Object, is_unfinished};
use crate::target::ExportItem;

/// When the next inventory is due.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// The time of the next one; at once when absent.
    next_at: Option<Timestamp>,
    /// The position of which this worker knew before the last one.
    last_as_of: Position,
    /// What was exported then, while hosts are kept out.
    exported: Option<Vec<ExportItem>>,
    /// They could not be let in; that is tried again at this time.
    let_in_at: Option<Timestamp>,
}

/// What came of a look.
#[derive(Debug, Default)]
struct Looked {
    /// What is exported.
    exports: Vec<ExportItem>,
    /// Where control asked for the next one: it found more than it could note at once.
    asked: Position,
}

/// How often in a row the pools are looked at, when each look finds more than control can note at once.
const ROUNDS_MAX: usize = 64;

impl Schedule {
    /// Whether it is time, or somebody asked since.
    fn is_due(&self, now: Timestamp, asked: Position) -> bool {
        asked > self.last_as_of || self.next_at.is_none_or(|next| next <= now)
    }

    fn taken(&mut self, as_of: Position, next_at: Timestamp) {
        (self.last_as_of, self.next_at) = (as_of, Some(next_at));
    }
}

impl<K: Claimed, R: Reporter, D: Driver, C: Clock> Life<K, R, D, C> {
    /// Looks at the pools when that is due; `asked` is where control was last asked for it. What goes wrong is tried
    /// again after the next heartbeat. True while hosts are kept out: then it is due with each heartbeat.
    pub(super) async fn take_inventory(&self, schedule: &mut Schedule, pools: &[PoolName], asked: Position) -> bool {
        let now = self.clock.now();
        // Without knowing the log nothing can be compared with it.
        if self.seen() == Position::default() || !self.driver.keeps_data() {
            return false;
        }
        let waits = schedule.let_in_at.is_some_and(|at| now < at);
        let kept_out = !waits && self.keeps_hosts_out().await;
        if !kept_out {
            schedule.exported = None;
            if !schedule.is_due(now, asked) {
                return false;
            }
        }
        let mut exported = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let as_of = self.seen();
            let Some(looked) = self.look_at_all(pools, as_of).await else { return kept_out };
            exported = looked.exports;
            schedule.taken(as_of, now.plus_ms(self.config.inventory_interval_ms));
            if looked.asked <= as_of {
                break;
            }
        }
        kept_out && !self.let_hosts_in(schedule, exported).await
    }

    /// `None` when a pool could not be looked at, or control could not be told.
    async fn look_at_all(&self, pools: &[PoolName], as_of: Position) -> Option<Looked> {
        let mut all = Looked::default();
        for pool in pools {
            match self.look_at(pool, as_of).await {
                Ok(looked) => {
                    let Looked { exports, asked } = looked?;
                    all.exports.extend(exports);
                    all.asked = all.asked.max(asked);
                }
                Err(failure) => {
                    tracing::warn!(%pool, %failure, stderr = failure.stderr, "no inventory could be taken");
                    return None;
                }
            }
        }
        Some(all)
    }

    async fn keeps_hosts_out(&self) -> bool {
        self.driver.keeps_hosts_out().await.unwrap_or_else(|failure| {
            tracing::warn!(%failure, stderr = failure.stderr, "it is not known whether hosts can reach their volumes");
            false
        })
    }

    /// Lets hosts in when everything that can be there is: control was told what is, and whatever it had made since
    /// was there by the inventory before this one. An export that cannot be made keeps nobody else's host out.
    async fn let_hosts_in(&self, schedule: &mut Schedule, exported: Vec<ExportItem>) -> bool {
        let connects = |claimed: &K| {
            claimed.task().as_ref().is_ok_and(|task| matches!(task.operation, Operation::ConnectVolume { .. }))
        };
        let settled = schedule.exported.as_ref() == Some(&exported) && !self.holding.any(connects);
        let count = exported.len();
        schedule.exported = Some(exported);
        if !settled {
            return false;
        }
        match self.driver.let_hosts_in().await {
            Ok(()) => {
                schedule.let_in_at = None;
                tracing::info!(exports = count, "the target was started; everything is back, and hosts are let in");
                true
            }
            Err(failure) => {
                tracing::warn!(%failure, stderr = failure.stderr, "hosts cannot be let in everywhere; that is tried again");
                schedule.let_in_at = Some(self.clock.now().plus_ms(self.config.inventory_interval_ms));
                false
            }
        }
    }

    /// `None` when control could not be told.
    async fn look_at(&self, pool: &PoolName, as_of: Position) -> Result<Option<Looked>, Failure> {
        let at = self.clock.now();
        let Inventory { items: objects, foreign } = self.driver.inventory(pool).await?;
        let exports = self.driver.exports(pool).await?;
        let report = InventoryReport {
            pool: pool.clone(),
            at,
            as_of,
            after: None,
            through: None,
            exports: exports.is_some(),
            items: Vec::new(),
            foreign: Some(foreign),
        };
        let mut asked = Position::default();
        for part in parts(&report, stored(&objects, exports.as_deref().unwrap_or_default())) {
            match self.reporter.report(&self.message(ReportBody::Inventory(part))).await {
                Ok(ReportReply::Recorded { position, inventories, .. }) => {
                    self.saw(position);
                    asked = inventories.iter().find(|(of, _)| of == pool).map_or(asked, |(_, at)| *at);
                }
                Ok(ReportReply::Refused(why)) => tracing::error!(why, "control refused a part of the inventory"),
                Err(unavailable) => {
                    tracing::warn!(%unavailable, "the inventory could not be delivered");
                    return Ok(None);
                }
            }
        }
        Ok(Some(Looked { exports: exports.unwrap_or_default(), asked }))
    }
}

/// Everything that was found, in order.
fn stored(objects: &[Item], exports: &[ExportItem]) -> Vec<StoredItem> {
    let item =
        |what, whole| StoredItem { what, size_bytes: None, whole, asked_at: None, initiator: None, logged_in: None };
    let mut items: Vec<StoredItem> = objects
        .iter()
        .map(|found| {
            let what = match found.object {
                Object::Volume(volume) => Stored::Volume { volume },
                Object::Snapshot { snapshot, volume } => Stored::Snapshot { volume, snapshot },
                Object::Still(volume) => Stored::Still { volume },
                Object::Successor(volume) => Stored::Successor { volume },
            };
            let (size_bytes, asked_at) = (Some(found.size_bytes), found.asked_at);
            StoredItem { size_bytes, asked_at, ..item(what, !is_unfinished(&found.tags)) }
        })
        .collect();
    for found in exports {
        let volume = found.volume;
        // Hosts tell of their target, unless nobody can log in.
        if !found.ready || found.hosts.is_empty() {
            items.push(item(Stored::Target { volume }, found.ready));
        }
        items.extend(found.hosts.iter().map(|host| {
            let attachment = attachment_of(&host.username);
            let (initiator, logged_in) = (host.initiator.clone(), host.logged_in);
            StoredItem { initiator, logged_in, ..item(Stored::Host { volume, attachment }, true) }
        }));
    }
    items.sort_by(|a, b| a.what.cmp(&b.what));
    items.dedup_by(|a, b| a.what == b.what);
    items
}

/// Cuts them into parts that fit into one message each; at least one, which says that nothing is there.
fn parts(whole: &InventoryReport, mut items: Vec<StoredItem>) -> Vec<InventoryReport> {
    let mut parts = Vec::with_capacity(items.len() / INVENTORY_ITEMS_MAX + 1);
    let mut after = None;
    loop {
        let rest = if items.len() > INVENTORY_ITEMS_MAX { items.split_off(INVENTORY_ITEMS_MAX) } else { Vec::new() };
        let through = items.last().filter(|_| !rest.is_empty()).map(|last| last.what.clone());
        let foreign = whole.foreign.clone().filter(|_| rest.is_empty());
        parts.push(InventoryReport { after, through: through.clone(), items, foreign, ..whole.clone() });
        if rest.is_empty() {
            return parts;
        }
        (after, items) = (through, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stele_core::inventory::ForeignList;

    use crate::target::ExportHost;
    use crate::testing::{pool, snapshot, volume};

    fn found(object: Object, size_bytes: u64) -> Item {
        let tags = object.tags(Position(9));
        Item { object, name: object.name(), size_bytes, tags, asked_at: Some(Position(9)) }
    }

    fn report() -> InventoryReport {
        let at = Timestamp::from_millis(0);
        InventoryReport {
            pool: pool(),
            at,
            as_of: Position(3),
            after: None,
            through: None,
            exports: true,
            items: Vec::new(),
            foreign: Some(ForeignList::default()),
        }
    }

    #[test]
    fn what_is_told_is_in_order_and_hosts_stand_for_their_targets() {
        let host =
            |username: &str| ExportHost { username: username.to_owned(), initiator: None, logged_in: Some(true) };
        let of = |n, ready, hosts: &[&str]| ExportItem {
            volume: volume(n),
            ready,
            hosts: hosts.iter().map(|name| host(name)).collect(),
        };
        let objects = [
            found(Object::Snapshot { snapshot: snapshot(7), volume: volume(1) }, 5),
            found(Object::Volume(volume(2)), 6),
            found(Object::Still(volume(3)), 7),
            found(Object::Volume(volume(1)), 8),
        ];
        let id = "stele-00000000000000000000000000000005";
        let exports = [of(2, true, &[id]), of(3, true, &[]), of(4, false, &["somebody", "else"])];
        let names: Vec<String> = stored(&objects, &exports).iter().map(|item| item.what.to_string()).collect();
        let short: Vec<String> =
            names.iter().map(|name| name.replace("00000000-0000-0000-0000-00000000000", "")).collect();
        assert_eq!(
            short,
            ["volume-1", "volume-2", "_snapshot-7", "clone-snap-3", "target-3", "target-4", "host-5", "host-0"]
        );
    }

    #[test]
    fn parts_follow_each_other_without_a_gap() {
        for (count, expected) in [(0, 1), (1, 1), (INVENTORY_ITEMS_MAX, 1), (INVENTORY_ITEMS_MAX + 1, 2), (300, 5)] {
            let objects: Vec<Item> = (0..count as u128).map(|n| found(Object::Volume(volume(n)), 1)).collect();
            let parts = parts(&report(), stored(&objects, &[]));
            assert_eq!(parts.len(), expected, "{count}");
            let foreign = parts.iter().map(|part| part.foreign.is_some());
            assert!(foreign.eq((1..=expected).map(|part| part == expected)), "the last part has it");
            assert!(parts.iter().all(|part| part.items.len() <= INVENTORY_ITEMS_MAX));
            assert_eq!(parts.iter().map(|part| part.items.len()).sum::<usize>(), count);
            assert_eq!((&parts[0].after, &parts[expected - 1].through), (&None, &None));
            assert!(parts.windows(2).all(|two| two[0].through.is_some() && two[0].through == two[1].after));
        }
    }

    #[test]
    fn it_is_due_at_once_by_the_clock_and_when_somebody_asks() {
        let at = Timestamp::from_millis;
        let mut schedule = Schedule::default();
        assert!(schedule.is_due(at(0), Position(0)));
        schedule.taken(Position(5), at(1000));
        for (now, asked, due) in [(0, 0, false), (999, 5, false), (1000, 0, true), (0, 6, true)] {
            assert_eq!(schedule.is_due(at(now), Position(asked)), due, "{now} {asked}");
        }
    }
}
