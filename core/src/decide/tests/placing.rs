//! Space: what is given away is claimed until a report contains it.

use super::*;
use crate::id::PoolName;

fn claimed_gib(cell: &Cell) -> u64 {
    cell.state().claimed_gib(&PoolName::new("n1@lvm#vg").unwrap())
}

#[test]
fn two_creates_cannot_both_take_the_last_gib() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=10 free=5");
    // Both are decided before anything is acknowledged.
    cell.say("create a 5");
    cell.say("create b 1");
    cell.flush();
    assert_eq!((cell.status("a"), cell.status("b"), claimed_gib(&cell)), ("creating", "error", 5));
}

#[test]
fn a_claim_ends_with_a_report_that_contains_it() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=10 free=10; create a 6");
    // The volume is not there yet: figures that were taken now cannot contain it.
    cell.run("backend n1@lvm#vg total=10 free=9");
    assert_eq!(claimed_gib(&cell), 6);
    cell.run("report a ok");
    let made_at = cell.tail().0;
    // This worker looked before it knew of it.
    cell.run(&format!("backend n1@lvm#vg total=10 free=8 as_of={}", made_at - 1));
    assert_eq!(claimed_gib(&cell), 6);
    let events = cell.run("create b 3");
    assert!(cell.render(&events).join("\n").contains("free 2.00 GiB (reported 8 − claimed 6), needs 3 GiB"));
    cell.run(&format!("backend n1@lvm#vg total=10 free=4 as_of={made_at}"));
    assert_eq!(claimed_gib(&cell), 0);
    cell.run("create c 3");
    assert_eq!((cell.status("b"), cell.status("c"), claimed_gib(&cell)), ("error", "creating", 3));
}

#[test]
fn space_is_free_again_after_delete_and_report() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=10 free=10; create a 10; report a ok; backend n1@lvm#vg total=10 free=0");
    cell.run("create b 10");
    assert_eq!(cell.status("b"), "error");
    // Deleted, but no report has said yet that the space is back.
    cell.run("delete a; report a ok; create c 10");
    assert_eq!(cell.status("c"), "error");
    cell.run("backend n1@lvm#vg total=10 free=10; create d 10");
    assert_eq!((cell.status("d"), claimed_gib(&cell)), ("creating", 10));
}

#[test]
fn a_failed_attempt_or_extension_gives_its_claim_back() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=10 free=10; create a 6; report a fail:other");
    assert_eq!(claimed_gib(&cell), 6, "what is being reverted may still take space");
    cell.run("report a ok");
    assert_eq!((cell.status("a"), claimed_gib(&cell)), ("error", 0));
    cell.run("create b 4; report b ok; extend b 10");
    assert_eq!(claimed_gib(&cell), 10);
    cell.run("report b fail:no_space");
    assert_eq!((cell.status("b"), claimed_gib(&cell)), ("error_extending", 4));
    cell.run("delete b; report b ok");
    assert_eq!(claimed_gib(&cell), 4, "the report that is known does not contain the deletion");
    cell.run("backend n1@lvm#vg total=10 free=10");
    assert_eq!((claimed_gib(&cell), cell.state().claims.len()), (0, 0));
}

#[test]
fn a_worker_cannot_speak_for_the_pool_of_another_backend() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=10 free=10");
    let pool = PoolName::new("n1@lvm#vg").unwrap();
    let stats = cell.state().pools[&pool].stats.as_ref().clone();
    let pools = vec![crate::task::PoolReport { pool, stats }];
    let liar = crate::id::BackendName::new("n2@lvm").unwrap();
    let report = crate::scenario::script::backend_report(liar, "nova", cell.tail(), cell.now, pools);
    let body = crate::task::ReportBody::Backend(report);
    let worker = crate::id::WorkerName::new("liar").unwrap();
    cell.send_report(&crate::task::Report { v: crate::task::TASK_VERSION, worker, body });
    assert!(cell.flush().is_empty());
    assert_eq!(cell.state().backends.len(), 1);
}

#[test]
fn a_pool_above_its_mark_takes_nothing_new_until_it_is_below() {
    let above = "backend n1@lvm#vg total=10 free=5 data_percent=96.5";
    let below = "backend n1@lvm#vg total=10 free=9 data_percent=12.5";
    let refused = "rejected by watermark: data 96.50 % used, needs data at most 95 %";
    let take = r#"do snapshot.create {"id":"<s>","volume":"<a>"}"#;
    let refused = format!("no valid pool: n1@lvm#vg {refused}");
    let mut cell = Cell::new();
    cell.run(&format!("{below}; create a 1; report a ok; {above}"));
    for asked in ["create b 1", take] {
        let events = cell.run(asked);
        let told = cell.render(&events).join("\n");
        assert!(told.contains(&refused), "{asked}: {told}");
    }
    assert_eq!((cell.status("b"), cell.status("a")), ("error", "available"));
    check(
        &format!("{below}; create a 1; report a ok; {above}"),
        &[("", "extend a 2", &format!("refused NoValidPool: {refused}"))],
    );
    cell.run(&format!("{below}; create c 1; extend a 2"));
    assert_eq!((cell.status("c"), cell.status("a")), ("creating", "extending"));
}
