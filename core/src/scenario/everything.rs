//! One story in which every event and every command occurs: the golden records hold it, and other tests take events
//! from it.

use super::Cell;
use crate::event::Event;

const STORY: &str = r#"
    backend n1@lvm#vg total=30 free=30
    backend n2@lvm#vg total=20 free=20
    backend n3@lvm#vg total=10 free=10
    type create gold; type update gold to=silver
    type create tin; type delete tin
    quota demo volumes=9 gigabytes_silver=100
    create a 5 type=silver name=web cmd=7
    create a 5 type=silver name=web cmd=7
    create a 6 cmd=7
    report a started; report a progressed; report a ok
    update a metadata=v; extend a 7; report a ok; extend a 8; report a fail:no_space
    create b 5; report b fail:busy; report b ok; report b fail:other; report b fail:timeout
    report b ok; create c 500; delete c
    service disable n3@lvm repair; service enable n3@lvm; service freeze n3@lvm failover; service thaw n3@lvm
    delete b; report b fail:busy
    delete b; report b fail:other; wait 2; late; report b fail:other; wait 4; late; report b fail:other; delete b; delete b force; report b ok
    create d 1; wait 120; late
    crash
    backend n1@lvm#vg total=30 free=25 worker=w2
    noise hello
    inbox create e 1 project=other
    inbox delete z
    crash
"#;

/// A cell in which the story happened, with one record of several commits at its end.
pub(crate) fn told() -> Cell {
    let mut cell = Cell::new();
    cell.run(STORY);
    for line in ["create f 1", "update f name=f", "delete z", "inbox update a name=last"] {
        cell.say(line);
    }
    assert_eq!(cell.flush().len(), 1);
    cell
}

/// All events of the story, in order.
pub(crate) fn events() -> Vec<Event> {
    let cell = told();
    let records = cell.log.iter().map(|entry| serde_json::from_slice::<crate::record::Record>(&entry.payload).unwrap());
    records.flat_map(|record| record.commits).flat_map(|commit| commit.events).collect()
}
