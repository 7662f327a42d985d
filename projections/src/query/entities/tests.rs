use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use stele_core::id::{GroupId, GroupSnapshotId, ProjectId, SnapshotId};
use stele_core::state::{
    Attachment, Backend, Flow, Group, GroupSnapshot, GroupType, Message, Pool, Qos, Snapshot as VolumeSnapshot, State,
    Transfer, Usage, Volume, VolumeType,
};
use stele_core::unit::Position;

use super::*;
use crate::projection::Projection;
use crate::reader::Snapshot;
use crate::testing::{Story, id, story};

struct Told {
    _directory: tempfile::TempDir,
    story: Story,
    state: State,
    snapshot: Snapshot,
}

fn stored() -> Told {
    let story = story();
    let directory = tempfile::tempdir().unwrap();
    let mut projection = Projection::open(&directory.path().join("p.redb")).unwrap();
    projection.apply(&story.cell.entries).unwrap();
    let (snapshot, state) = (projection.reader().snapshot().unwrap(), projection.state().clone());
    Told { _directory: directory, story, state, snapshot }
}

#[test]
fn every_entity_is_found_as_it_is() {
    fn same<T, K>(stored: &Told, all: impl Iterator<Item = (K, Arc<T>)>)
    where
        T: super::Stored<Id = K> + PartialEq + Debug,
        K: Ord,
    {
        let all: BTreeMap<K, Arc<T>> = all.collect();
        assert!(!all.is_empty(), "the story has none: {}", std::any::type_name::<T>());
        let entities = stored.snapshot.entities::<T>().unwrap();
        assert_eq!(stored.snapshot.entities::<T>().unwrap().count().unwrap(), all.len() as u64);
        for (id, expected) in &all {
            assert_eq!(stored.snapshot.find::<T>(id).unwrap().as_ref(), Some(&**expected));
            assert_eq!(entities.get(id).unwrap().as_ref(), Some(&**expected));
        }
        let listed: Vec<T> = entities.iter().unwrap().map(Result::unwrap).collect();
        assert!(listed.iter().eq(all.values().map(|value| &**value)));
    }
    let stored = stored();
    let state = &stored.state;
    same::<Volume, _>(&stored, state.volumes.clone().into_iter());
    same::<VolumeSnapshot, _>(&stored, state.snapshots.clone().into_iter());
    same::<Attachment, _>(&stored, state.attachments.clone().into_iter());
    same::<Transfer, _>(&stored, state.transfers.clone().into_iter());
    same::<Group, _>(&stored, state.groups.clone().into_iter());
    same::<GroupSnapshot, _>(&stored, state.group_snapshots.clone().into_iter());
    same::<GroupType, _>(&stored, state.group_types.clone().into_iter());
    same::<VolumeType, _>(&stored, state.types.clone().into_iter());
    same::<Qos, _>(&stored, state.qos.clone().into_iter());
    same::<Message, _>(&stored, state.messages.clone().into_iter());
    same::<Flow, _>(&stored, state.flows.clone().into_iter());
    same::<Backend, _>(&stored, state.backends.clone().into_iter());
    same::<Pool, _>(&stored, state.pools.clone().into_iter());
    same::<Usage, _>(&stored, state.usage.clone().into_iter());
    assert_eq!(stored.snapshot.find::<VolumeSnapshot>(&SnapshotId(id(99))).unwrap(), None);
    let away: ProjectId = "away".parse().unwrap();
    assert_eq!(stored.snapshot.default_type_of(&away).unwrap(), state.default_types.get(&away).copied());
    assert!(stored.snapshot.default_types().unwrap().into_iter().eq(state.default_types.clone()));
    assert!(stored.snapshot.log_levels().unwrap().into_iter().eq(state.log_levels.clone()));
    assert_eq!(stored.snapshot.configuration().unwrap(), *state.config);
    let leader = stored.snapshot.leader().unwrap().unwrap();
    // The story's second leader claims behind the stray.
    assert_eq!((leader.host.as_str(), leader.position > Position(2)), ("test", true));
    assert_eq!(stored.snapshot.moved_at(), stored.snapshot.cursor().chain.at);
}

/// The lists are what looking at everything gives.
#[test]
fn lists_are_complete_and_in_order_within_every_scope() {
    fn check<T>(stored: &Told, all: &[&T], scope: Scope<'_>) -> usize
    where
        T: super::Stored + Listed + PartialEq + Debug + Clone,
    {
        let mut expected: Vec<T> =
            all.iter().filter(|found| found.scopes().contains(&scope)).map(|found| (*found).clone()).collect();
        expected.sort_by_key(|found| (found.created_at(), found.id()));
        let list = |order, after: Option<&T>| -> Vec<T> {
            stored.snapshot.list(scope, order, after).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!(list(Order::OldestFirst, None), expected);
        assert_eq!(stored.snapshot.count::<T>(scope).unwrap(), expected.len() as u64);
        for (index, after) in expected.iter().enumerate() {
            assert_eq!(list(Order::OldestFirst, Some(after)), expected[index + 1..]);
            let newer: Vec<T> = expected[..index].iter().rev().cloned().collect();
            assert_eq!(list(Order::NewestFirst, Some(after)), newer);
        }
        expected.reverse();
        assert_eq!(list(Order::NewestFirst, None), expected);
        expected.len()
    }
    let stored = stored();
    let (state, lab) = (&stored.state, &stored.story.lab);
    let projects: Vec<ProjectId> =
        ["demo", "lab", "away", "small", "nobody", "la"].into_iter().map(|p| p.parse().unwrap()).collect();
    let mut scopes = vec![Scope::All];
    scopes.extend(projects.iter().map(Scope::Project));
    scopes.extend(state.volumes.keys().map(|id| Scope::Volume(*id)));
    scopes.extend([Scope::Group(lab.group), Scope::Group(GroupId(id(99)))]);
    scopes.push(Scope::GroupSnapshot(GroupSnapshotId(id(22))));
    let mut counts = [0; 7];
    for scope in scopes {
        macro_rules! check_all {
            ($($index:literal $type:ty, $table:ident;)+) => {$(
                let all: Vec<&$type> = state.$table.values().map(|found| &**found).collect();
                counts[$index] += check(&stored, &all, scope);
            )+};
        }
        check_all! {
            0 Volume, volumes;
            1 VolumeSnapshot, snapshots;
            2 Attachment, attachments;
            3 Transfer, transfers;
            4 Group, groups;
            5 GroupSnapshot, group_snapshots;
            6 Message, messages;
        }
    }
    // All, project, and where they hang: nothing was compared in vain.
    let listed: [usize; 7] = [
        2 * state.volumes.len() + 1,
        3 * state.snapshots.len() + 1,
        3 * state.attachments.len(),
        3 * state.transfers.len(),
        2 * state.groups.len(),
        3 * state.group_snapshots.len(),
        2 * state.messages.len(),
    ];
    assert_eq!(counts, listed);
    assert!(listed.iter().all(|count| *count > 0));
}
