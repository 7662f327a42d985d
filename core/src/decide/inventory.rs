//! A part of an inventory: what differs from what the log promises, what does so no longer, and what is restored at
//! once.
//!
//! Compared is only what is at rest: no flow is at work on the volume, and the last one ended before the worker looked.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::{Context, Decided, drift, retry};
use crate::event::Event;
use crate::id::{AttachmentId, SnapshotId, VolumeId};
use crate::inventory::{
    DRIFTS_MAX, Drift, DriftKind, INVENTORY_ITEMS_MAX, InventoryReport, Repair, Stored, StoredItem,
};
use crate::state::{Attachment, AttachmentStatus, Snapshot, SnapshotStatus, Volume, VolumeStatus};

/// A pool that was looked at without news is recorded again after this time, in milliseconds.
const RECORD_MS: u64 = 600_000;

/// The pause before a restore that failed is tried again, in milliseconds; it doubles with each try.
const RESTORE_PAUSE_MS: u64 = 30_000;

pub(super) fn decide(cx: &Context<'_>, report: &InventoryReport) -> Decided {
    if !cx.state.pools.contains_key(&report.pool) {
        return Decided::default();
    }
    let part = Part::new(cx, report);
    let differences = part.differences();
    let mut events = part.gone(&differences);
    let room = DRIFTS_MAX.saturating_sub(cx.state.drifts.len()).min(INVENTORY_ITEMS_MAX);
    let (mut new, mut left, mut restored) = (0, false, BTreeSet::new());
    for drift in differences.into_values() {
        let known = cx.state.drifts.get(&drift.key());
        if known.is_none_or(|known| known.kind != drift.kind) {
            if new >= room {
                left = true;
                continue;
            }
            new += 1;
            events.push(Event::DriftFound { drift: Box::new(drift.clone()) });
        }
        // How often its repair was tried counts as long as it is the same.
        let same = known.filter(|known| known.kind == drift.kind);
        events.extend(restore(cx, same.map_or(&drift, AsRef::as_ref), &mut restored));
    }
    events.extend(part.taken(!events.is_empty()));
    // One commit holds no more; the next look finds the next ones. Where nothing could be noted it would find the same.
    if left && new == INVENTORY_ITEMS_MAX {
        events.push(Event::InventoryAsked { backend: report.pool.backend() });
    }
    Decided::events(events)
}

/// What control does by itself, where the policy allows: an export is made again. `restored` are the attachments of
/// which that is under way.
fn restore(cx: &Context<'_>, drift: &Drift, restored: &mut BTreeSet<AttachmentId>) -> Vec<Event> {
    let due = drift.tried_at.is_none_or(|at| cx.now.ms_since(at) >= retry::doubled(RESTORE_PAUSE_MS, drift.tries));
    if drift.repair() != Repair::Restore || !cx.state.config.restore_exports || !due {
        return Vec::new();
    }
    // A target that is not whole is made whole with any of its hosts.
    let by = drift::promised_host(cx, &drift.what).map(|attachment| attachment.id);
    if by.is_none_or(|by| !restored.insert(by)) {
        return Vec::new();
    }
    drift::begin(cx, drift).map_or_else(|_| Vec::new(), |(_, events)| events)
}

/// A part of an inventory against the state.
struct Part<'a> {
    cx: &'a Context<'a>,
    report: &'a InventoryReport,
    /// The volumes that a flow is at work on.
    busy: BTreeSet<VolumeId>,
}

impl<'a> Part<'a> {
    fn new(cx: &'a Context<'a>, report: &'a InventoryReport) -> Self {
        Self { cx, report, busy: cx.state.flows.values().map(|flow| flow.volume).collect() }
    }

    /// Everything in the part's range that is not as it should be.
    fn differences(&self) -> BTreeMap<Stored, Drift> {
        let mut differences = BTreeMap::new();
        let mut found = BTreeSet::new();
        for item in &self.report.items {
            found.insert(&item.what);
            if self.is_at_rest(item.what.volume())
                && let Some((kind, reason)) = self.judge(item)
            {
                let drift = Drift { initiator: item.initiator.clone(), ..self.drift(item.what.clone(), kind, reason) };
                differences.insert(item.what.clone(), drift);
            }
        }
        for (what, reason) in self.promised() {
            if !found.contains(&what) && self.is_at_rest(what.volume()) {
                differences.insert(what.clone(), self.drift(what, DriftKind::Missing, reason));
            }
        }
        differences
    }

    /// The drifts of the part's range that are none any more.
    fn gone(&self, differences: &BTreeMap<Stored, Drift>) -> Vec<Event> {
        let first = (self.report.pool.clone(), Stored::Volume { volume: VolumeId(uuid::Uuid::nil()) });
        let of_pool = self.cx.state.drifts.range(first..).take_while(|((pool, _), _)| *pool == self.report.pool);
        let gone = of_pool.filter(|((_, what), _)| {
            self.is_in_range(what) && self.is_at_rest(what.volume()) && !differences.contains_key(what)
        });
        gone.map(|((pool, what), _)| Event::DriftGone { pool: pool.clone(), what: what.clone() }).collect()
    }

    /// That the pool was looked at, when it is the last part and that is news.
    fn taken(&self, has_news: bool) -> Option<Event> {
        let pool = self.cx.state.pools.get(&self.report.pool)?;
        let asked = pool.inventory_asked.is_some_and(|asked| asked <= self.report.as_of);
        let old = pool.inventoried.is_none_or(|last| self.cx.now.ms_since(last.at) >= RECORD_MS);
        let foreign = self.report.foreign.as_ref().filter(|foreign| **foreign != *pool.foreign);
        let is_news = self.report.through.is_none() && (has_news || asked || old || foreign.is_some());
        is_news.then(|| Event::InventoryTaken {
            pool: self.report.pool.clone(),
            as_of: self.report.as_of,
            foreign: foreign.cloned().map(Box::new),
        })
    }

    fn is_in_range(&self, what: &Stored) -> bool {
        self.report.after.as_ref().is_none_or(|after| after < what)
            && self.report.through.as_ref().is_none_or(|through| what <= through)
    }

    /// Whether what the worker saw of the volume can be compared with what the log says of it.
    fn is_at_rest(&self, volume: VolumeId) -> bool {
        let as_of = self.report.as_of;
        !self.busy.contains(&volume)
            && match self.cx.state.volumes.get(&volume) {
                Some(found) => found.settled_at <= as_of,
                // Where something was removed since, it may be what the worker saw.
                None => self.cx.state.pools.get(&self.report.pool).is_some_and(|pool| pool.removed_at <= as_of),
            }
    }

    fn judge(&self, item: &StoredItem) -> Option<(DriftKind, String)> {
        let state = self.cx.state;
        let unexpected = |why: String| Some((DriftKind::Unexpected, why));
        let asked_at = item.asked_at.map_or_else(String::new, |at| format!("; position {at} asked for it"));
        match &item.what {
            Stored::Volume { volume } => match state.volumes.get(volume) {
                None => unexpected(format!("no volume of that id exists{asked_at}")),
                Some(found) if found.pool.as_ref() != Some(&self.report.pool) => {
                    let place =
                        found.pool.as_ref().map_or_else(|| "on no pool".to_owned(), |pool| format!("on {pool}"));
                    unexpected(format!("the volume lies {place}{asked_at}"))
                }
                Some(found) => self.is_promised(found).then(|| differs(found, item)).flatten(),
            },
            Stored::Snapshot { volume, snapshot } => {
                let known = state.snapshots.get(snapshot);
                let ours = known.is_some_and(|known| known.volume == *volume && known.pool == self.report.pool);
                if ours { None } else { unexpected(format!("no snapshot of that id lies here{asked_at}")) }
            }
            Stored::Still { .. } => unexpected(format!("no copy is under way that needs it{asked_at}")),
            Stored::Successor { .. } => unexpected(format!("no revert is under way that needs it{asked_at}")),
            Stored::Target { .. } => match drift::promised_host(self.cx, &item.what) {
                Some(_) if item.whole => None,
                Some(_) => Some((DriftKind::NotWhole, "hosts are promised it and cannot log in".to_owned())),
                None => unexpected("no attachment needs it".to_owned()),
            },
            Stored::Host { volume, attachment } => {
                let known = state.volumes.get(volume).into_iter().flat_map(|volume| state.attachments_of(volume));
                let mut of_it = known.filter(|known| known.chap_owner() == *attachment && known.connector.is_some());
                let session = if item.logged_in == Some(true) { "; it is logged in" } else { "" };
                match of_it.next() {
                    Some(_) => None,
                    None => unexpected(format!("no attachment lets this host in{session}")),
                }
            }
        }
    }

    /// What must lie in the part's range, with what to say when it does not.
    fn promised(&self) -> Vec<(Stored, String)> {
        let mut promised = Vec::new();
        if let Some(range) = self.range(0, |what| what.volume(), VolumeId(uuid::Uuid::nil())) {
            let volumes = self.cx.state.volumes.range(range).map(|(_, volume)| volume);
            for volume in volumes.filter(|volume| self.is_promised(volume)) {
                let reason = format!(
                    "the volume is {} and its data are not there: bring them back (vgcfgrestore), or reset its status to \
                     error and delete it",
                    volume.status.name()
                );
                promised.push((Stored::Volume { volume: volume.id }, reason));
            }
        }
        let least = (VolumeId(uuid::Uuid::nil()), SnapshotId(uuid::Uuid::nil()));
        if let Some(range) = self.range(1, snapshot_key, least) {
            let ids = self.cx.state.snapshots_of.range(range);
            for snapshot in ids.filter_map(|(_, id)| self.cx.state.snapshots.get(id)).filter(|of| self.is_kept(of)) {
                let what = Stored::Snapshot { volume: snapshot.volume, snapshot: snapshot.id };
                let reason = "the snapshot is available and its data are not there: bring them back, or delete it";
                promised.push((what, reason.to_owned()));
            }
        }
        if self.report.exports
            && let Some((low, high)) = self.range(5, |what| what.volume(), VolumeId(uuid::Uuid::nil()))
        {
            // A volume's hosts may be told in two parts.
            let low = if let Bound::Excluded(volume) = low { Bound::Included(volume) } else { low };
            let volumes = self.cx.state.volumes.range((low, high)).map(|(_, volume)| volume);
            promised.extend(volumes.filter(|volume| self.lies_here(volume)).flat_map(|volume| self.hosts(volume)));
        }
        promised
    }

    /// The range of keys of one kind of things (their place in the order of [`Stored`]) that the part speaks of.
    fn range<K: Copy>(&self, kind: u8, key: impl Fn(&Stored) -> K, least: K) -> Option<(Bound<K>, Bound<K>)> {
        let low = match &self.report.after {
            None => Bound::Included(least),
            Some(after) if rank(after) < kind => Bound::Included(least),
            Some(after) if rank(after) == kind => Bound::Excluded(key(after)),
            Some(_) => return None,
        };
        let high = match &self.report.through {
            None => Bound::Unbounded,
            Some(through) if rank(through) > kind => Bound::Unbounded,
            Some(through) if rank(through) == kind => Bound::Included(key(through)),
            Some(_) => return None,
        };
        Some((low, high))
    }

    fn hosts(&self, volume: &'a Volume) -> impl Iterator<Item = (Stored, String)> {
        let attachments = self.cx.state.attachments_of(volume).filter(|attachment| is_exported(attachment));
        attachments
            .map(|attachment| {
                let host = attachment.host.as_deref().unwrap_or("a host");
                let what = Stored::Host { volume: volume.id, attachment: attachment.chap_owner() };
                (what, format!("attachment {} promises the volume to {host}, which cannot log in", attachment.id))
            })
            .filter(|(what, _)| self.is_in_range(what))
    }

    fn lies_here(&self, volume: &Volume) -> bool {
        volume.pool.as_ref() == Some(&self.report.pool)
    }

    /// Whether the volume's data must be here. Where a creation or a deletion failed they may be.
    fn is_promised(&self, volume: &Volume) -> bool {
        let underway = matches!(
            volume.status,
            VolumeStatus::Creating { .. } | VolumeStatus::Deleting { .. } | VolumeStatus::ErrorDeleting
        );
        self.lies_here(volume) && volume.launched_at.is_some() && !underway
    }

    fn is_kept(&self, snapshot: &Snapshot) -> bool {
        // A client may say that one is available of which not all was taken.
        snapshot.pool == self.report.pool && snapshot.status == SnapshotStatus::Available && snapshot.progress == 100
    }

    fn drift(&self, what: Stored, kind: DriftKind, reason: String) -> Drift {
        Drift {
            pool: self.report.pool.clone(),
            what,
            kind,
            reason,
            initiator: None,
            found_at: self.cx.now,
            found_position: self.cx.position,
            tries: 0,
            tried_at: None,
            flow: None,
        }
    }
}

/// Whether the attachment's host was told how to log in, and is to be able to.
pub(super) fn is_exported(attachment: &Attachment) -> bool {
    let by_iscsi = attachment.connection.as_ref().is_some_and(|how| how.driver_volume_type == "iscsi");
    let is_open = matches!(attachment.status, AttachmentStatus::Attaching | AttachmentStatus::Attached);
    by_iscsi && is_open && attachment.connector.is_some()
}

fn differs(volume: &Volume, item: &StoredItem) -> Option<(DriftKind, String)> {
    if !item.whole {
        let why = "data were still being copied into it when that stopped: delete it and make it again";
        return Some((DriftKind::NotWhole, why.to_owned()));
    }
    // Drivers round up, and what was taken over may be smaller than whole GiB.
    let found_bytes = item.size_bytes?;
    let size_gib = volume.size_gib;
    let why = format!("it has {found_bytes} bytes where {size_gib} were promised");
    (found_bytes.div_ceil(1 << 30) != u64::from(size_gib.gib()))
        .then_some((DriftKind::WrongSize { found_bytes, size_gib }, why))
}

fn snapshot_key(what: &Stored) -> (VolumeId, SnapshotId) {
    match what {
        Stored::Snapshot { volume, snapshot } => (*volume, *snapshot),
        other => (other.volume(), SnapshotId(uuid::Uuid::nil())),
    }
}

/// The place of a thing's kind in the order of [`Stored`].
fn rank(what: &Stored) -> u8 {
    match what {
        Stored::Volume { .. } => 0,
        Stored::Snapshot { .. } => 1,
        Stored::Still { .. } => 2,
        Stored::Successor { .. } => 3,
        Stored::Target { .. } => 4,
        Stored::Host { .. } => 5,
    }
}
