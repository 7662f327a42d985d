use super::*;
use crate::scenario::{Cell, event_names, everything};
use crate::task::Task;

fn apply_to(state: &mut State, event: &Event) -> Result<(), Corrupt> {
    let meta = Meta { position: Position(99), at: Timestamp::from_millis(1_800_000_000_000) };
    evolve(state, meta, event, &mut |_| {})
}

/// An event of each kind, on a state that nothing led to or a second time, is told as what it is: a broken log.
#[test]
fn each_kind_of_event_that_does_not_fit_is_corrupt() {
    // What somebody said, or a limit, fits every state.
    let always_fit = [
        "request_refused",
        "quota_set",
        "quota_used",
        "quota_cleared",
        "quota_class_set",
        "backend_reported",
        "log_level_set",
    ];
    let events = everything::events();
    for name in event_names() {
        let fits = |event: &&Event| match event {
            // A decision for no pool changes nothing.
            Event::PlacementDecided { decision, .. } => decision.chosen.is_some(),
            event => event.name() == name,
        };
        let event = events.iter().filter(|event| event.name() == name).find(fits).unwrap_or_else(|| panic!("{name}"));
        let mut state = State::default();
        let result = apply_to(&mut state, event).and_then(|()| apply_to(&mut state, event));
        match result {
            Ok(()) => assert!(always_fit.contains(&name), "{name} was accepted twice"),
            Err(corrupt) => {
                assert!(!always_fit.contains(&name), "{name}: {corrupt}");
                assert_eq!((corrupt.event, corrupt.position), (name, Position(99)));
                assert!(!corrupt.what.is_empty() && corrupt.to_string().contains("stele replay verify"), "{corrupt}");
            }
        }
    }
}

/// Events that fit in kind and not in what they name.
#[test]
fn an_event_of_another_task_or_dispatch_is_corrupt() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; create a 5");
    let task = cell.task("a", None);
    let other = crate::id::TaskId(uuid::Uuid::from_u128(1));
    let at = cell.now;
    let worker = crate::id::WorkerName::new("w").unwrap();
    let (flow, dispatch) = (task.flow, 1);
    let steps = Vec::new;
    let failure = match crate::scenario::script::transition("fail:other", at) {
        crate::task::Transition::Failed { failure, .. } => failure,
        other => panic!("{other:?}"),
    };
    let next = |dispatch| Box::new(Task { dispatch, ..task.clone() });
    let pool = || crate::id::PoolName::new("n9@lvm#vg").unwrap();
    let rows = [
        (Event::TaskSucceeded { flow, task: other, dispatch, worker, at, steps: steps() }, "while the flow waits for"),
        (
            Event::TaskFailed { flow, task: other, dispatch, worker: None, at, steps: steps(), failure },
            "while the flow waits for",
        ),
        (Event::TaskReverted { flow, task: other }, "does not wait for task"),
        (Event::TaskRetried { task: next(1) }, "does not follow"),
        (Event::TaskRetried { task: next(3) }, "does not follow"),
        (Event::TaskReverting { task: Box::new(Task { id: other, ..*next(2) }) }, "does not follow"),
        (Event::PlacementReleased { flow, volume: task.operation.volume(), pool: pool() }, "has no claim on"),
    ];
    for (event, what) in rows {
        let corrupt = apply_to(&mut cell.state().clone(), &event).unwrap_err();
        assert!(corrupt.what.contains(what), "{corrupt}");
    }
    apply_to(&mut cell.state().clone(), &Event::TaskRetried { task: next(2) }).unwrap();
}

/// Whoever keeps derived state is told of every entity that changed.
#[test]
fn every_change_is_told() {
    let cell = everything::told();
    let mut known = crate::fold::Folded::default();
    for entry in &cell.log {
        let before = known.state.clone();
        let mut touched = std::collections::BTreeSet::new();
        let crate::fold::Folding::Applied(record, _) = known.fold(entry).unwrap() else { panic!("a stray") };
        let mut again = before.clone();
        crate::fold::apply(&mut again, &record, entry.position, &mut |entity| {
            touched.insert(entity);
        })
        .unwrap();
        let changed = changed(&before, &known.state);
        assert!(changed.is_subset(&touched), "position {}: {changed:?} against {touched:?}", entry.position);
    }
}

fn changed(a: &State, b: &State) -> std::collections::BTreeSet<Entity> {
    fn differing<K: Ord + Clone, V: PartialEq>(
        a: &imbl::OrdMap<K, V>,
        b: &imbl::OrdMap<K, V>,
        entity: impl Fn(K) -> Entity,
    ) -> Vec<Entity> {
        let keys: std::collections::BTreeSet<&K> = a.keys().chain(b.keys()).collect();
        keys.into_iter().filter(|key| a.get(*key) != b.get(*key)).map(|key| entity(key.clone())).collect()
    }
    let config = (a.config != b.config).then_some(Entity::Config);
    [
        differing(&a.volumes, &b.volumes, Entity::Volume),
        differing(&a.flows, &b.flows, Entity::Flow),
        differing(&a.usage, &b.usage, Entity::Usage),
        differing(&a.reservations, &b.reservations, Entity::Reservation),
        differing(&a.quotas, &b.quotas, Entity::Quota),
        differing(&a.backends, &b.backends, Entity::Backend),
        differing(&a.pools, &b.pools, Entity::Pool),
        differing(&a.claims, &b.claims, |(pool, flow)| Entity::Claim(pool, flow)),
        differing(&a.types, &b.types, Entity::Type),
        differing(&a.snapshots, &b.snapshots, Entity::Snapshot),
        differing(&a.attachments, &b.attachments, Entity::Attachment),
        differing(&a.groups, &b.groups, Entity::Group),
        differing(&a.group_snapshots, &b.group_snapshots, Entity::GroupSnapshot),
        differing(&a.group_types, &b.group_types, Entity::GroupType),
        differing(&a.transfers, &b.transfers, Entity::Transfer),
        differing(&a.qos, &b.qos, Entity::Qos),
        differing(&a.default_types, &b.default_types, Entity::DefaultType),
        differing(&a.quota_classes, &b.quota_classes, Entity::QuotaClass),
        differing(&a.messages, &b.messages, Entity::Message),
        differing(&a.log_levels, &b.log_levels, Entity::LogLevel),
        differing(&a.drifts, &b.drifts, |(pool, what)| Entity::Drift(pool, what)),
        config.into_iter().collect(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
