use std::sync::Arc;

use super::*;
use crate::scenario::Cell;

/// An attachment that is connecting, a transfer, and a group with a snapshot that is being taken.
const MORE: &str = r#"
    create c 1; report c ok; do attachment.create {"id":"<t>","volume":"<c>","connector":{"host":"h"}}
    create d 1; report d ok
    do transfer.create {"volume":"<d>","salt":"0011223344556677","key_hash":"abababababababababababababababababababababababababababababababab"}
    do group_type.create {"name":"kind"}
    do group.create {"id":"<g>","group_type":"kind","volume_types":["__DEFAULT__"]}
    do volume.create {"id":"<e>","size_gib":1,"type":"__DEFAULT__","group":"<g>"}; report e ok
    do group_snapshot.create {"group":"<g>"}"#;

type Break = fn(&mut State);

/// A rule, and what breaks it.
const BREAKS: &[(&str, Break)] = &[
    ("quota usage is the sum over live resources and open reservations", |state| {
        state.usage.clear();
    }),
    ("quota usage is the sum over live resources and open reservations", |state| {
        state.reservations.clear();
    }),
    ("quota is never negative", |state| {
        let project = state.usage.keys().next().cloned().unwrap();
        let usage = Arc::make_mut(state.usage.get_mut(&project).unwrap());
        usage.lines.values_mut().for_each(|line| line.in_use = -1);
    }),
    ("a volume in a transitional status has its flow", |state| state.flows.clear()),
    ("an open flow has one open task", |state| {
        let id = state.flows.keys().next().copied().unwrap();
        Arc::make_mut(state.flows.get_mut(&id).unwrap()).task = None;
    }),
    ("an open task has a deadline", |state| state.deadlines.clear()),
    ("an open flow is named by what it works on", |state| state.volumes.clear()),
    ("an open flow is named by what it works on", |state| state.snapshots.clear()),
    ("a snapshot in a transitional status has its flow", |state| state.flows.clear()),
    ("an attachment in a transitional status has its flow", |state| state.flows.clear()),
    ("a volume's attachments exist and are its", |state| state.attachments.clear()),
    ("a volume's attachments exist and are its", |state| {
        each(&mut state.volumes, |volume| volume.attachments.clear());
    }),
    ("a volume's attachments exist and are its", |state| {
        let project = crate::id::ProjectId::new("other").unwrap();
        each(&mut state.attachments, |attachment| attachment.project = project.clone());
    }),
    ("a volume without multiattach is connected for one server at most", |state| {
        let (_, one) = state.attachments.iter().next().unwrap();
        let id = crate::id::AttachmentId(uuid::Uuid::nil());
        let another = crate::state::Attachment { id, ..(**one).clone() };
        Arc::make_mut(state.volumes.get_mut(&another.volume).unwrap()).attachments.insert(id);
        state.attachments.insert(id, Arc::new(another));
    }),
    ("a transfer and its volume name each other", |state| state.transfers.clear()),
    ("a transfer and its volume name each other", |state| {
        each(&mut state.volumes, |volume| volume.status = VolumeStatus::Error);
    }),
    ("a group that is underway has a member that is", |state| {
        each(&mut state.groups, |group| group.status = GroupStatus::Creating);
    }),
    ("a group that is underway has a member that is", |state| {
        each(&mut state.group_snapshots, |group| group.status = GroupStatus::Deleting);
    }),
    ("a member's group exists", |state| state.groups.clear()),
    ("a member's group exists", |state| state.group_snapshots.clear()),
    ("a volume outlives its snapshots", |state| state.volumes.clear()),
    ("quota usage is the sum over live resources and open reservations", |state| state.snapshots.clear()),
    ("quota usage is the sum over live resources and open reservations", |state| state.groups.clear()),
    ("an index holds what its table holds", |state| state.snapshots_of.clear()),
    ("an index holds what its table holds", |state| state.volumes_of_group.clear()),
    ("an index holds what its table holds", |state| state.snapshots_of_group.clear()),
    ("an index holds what its table holds", |state| {
        state.message_ages.insert((crate::unit::Timestamp::default(), crate::id::MessageId(uuid::Uuid::nil())));
    }),
    ("an open reservation belongs to an open flow", |state| state.flows.clear()),
    ("a pool's allocation is the sum over its volumes", |state| state.volumes.clear()),
    ("a pool's claims add up", |state| state.claims.clear()),
    ("a pool's claims never exceed what its decisions allowed", |state| {
        let name = state.pools.keys().next().cloned().unwrap();
        let pool = Arc::make_mut(state.pools.get_mut(&name).unwrap());
        Arc::make_mut(&mut pool.stats).free_capacity_gb = Some(crate::schedule::Amount::Number(1.0));
    }),
    ("a claim is on a known pool", |state| state.pools.clear()),
    ("an index holds what its table holds", |state| state.deadlines.clear()),
    ("an index holds what its table holds", |state| state.type_names.clear()),
];

/// Whatever is wrong with a state is found and named.
#[test]
fn each_rule_finds_what_breaks_it() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=10 free=10; create a 2; report a ok; extend a 3; create b 1");
    cell.run(MORE);
    assert_eq!(audit(cell.state()), []);
    for (rule, break_it) in BREAKS {
        let mut state = cell.state().clone();
        break_it(&mut state);
        let found = audit(&state);
        assert!(found.iter().any(|violation| violation.rule == *rule), "{rule}: {found:#?}");
        assert!(found.iter().all(|violation| violation.to_string().contains(": ")), "{found:#?}");
    }
}

fn each<K: Ord + Clone, V: Clone>(table: &mut imbl::OrdMap<K, Arc<V>>, change: impl Fn(&mut V)) {
    for key in table.keys().cloned().collect::<Vec<K>>() {
        if let Some(value) = table.get_mut(&key) {
            change(Arc::make_mut(value));
        }
    }
}
