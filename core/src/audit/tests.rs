use std::sync::Arc;

use super::*;
use crate::scenario::Cell;

/// Whatever is wrong with a state is found and named.
#[test]
fn each_rule_finds_what_breaks_it() {
    type Break = fn(&mut State);
    let rows: &[(&str, Break)] = &[
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
        ("an open flow has its volume", |state| state.volumes.clear()),
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
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=10 free=10; create a 2; report a ok; extend a 3; create b 1");
    assert_eq!(audit(cell.state()), []);
    for (rule, break_it) in rows {
        let mut state = cell.state().clone();
        break_it(&mut state);
        let found = audit(&state);
        assert!(found.iter().any(|violation| violation.rule == *rule), "{rule}: {found:#?}");
        assert!(found.iter().all(|violation| violation.to_string().contains(": ")), "{found:#?}");
    }
}
