use super::*;
use crate::driver::contract::{Subject, run, run_faults};
use crate::testing::{GIB, config, pool, size, volume};

fn host(wipe: Option<Wipe>) -> MemoryHost {
    MemoryHost::new(config(), wipe, [(pool(), 8 * GIB)])
}

#[tokio::test]
async fn it_keeps_the_contract() {
    for wipe in [None, Some(Wipe::Zero), Some(Wipe::Discard)] {
        for host in [host(wipe), host(wipe).with_joined_snapshots(), host(wipe).with_targets()] {
            host.put(&pool(), Object::Volume(volume(9)), MemoryObject::foreign(GIB));
            let subject = Subject {
                driver: host.driver(),
                pool: pool(),
                foreign: Some(volume(9)),
                too_large: Some(size(9)),
                left_out: &[],
            };
            run(&subject).await;
            assert_eq!(host.objects(&pool()).len(), 1);
        }
    }
}

#[tokio::test]
async fn every_step_may_fail_or_be_the_last_of_a_worker() {
    for host in [host(None), host(Some(Wipe::Zero)).with_joined_snapshots(), host(None).with_targets()] {
        let subject = Subject { driver: host.driver(), pool: pool(), foreign: None, too_large: None, left_out: &[] };
        run_faults(&subject, &Fault::ALL).await;
    }
}

#[tokio::test]
async fn the_node_outlives_its_workers() {
    let host = host(None);
    host.plan_fault(1, Fault::CrashAfter);
    let task = crate::testing::create_task(1, 2);
    let on = Objects::of(&task).object;
    let step = Step { on, act: Act::Create { size_bytes: 2 * GIB, unfinished: false } };
    let meter = Meter::default();
    let worker = host.driver();
    tokio::select! {
        biased;
        done = worker.apply(&task, &step, &meter) => panic!("{done:?}"),
        () = async { while host.crashes() == 0 { tokio::task::yield_now().await } } => {}
    }
    let found = host.driver().inventory(&pool()).await.unwrap().items;
    assert_eq!((found.len(), found[0].object, found[0].asked_at), (1, on, Some(Position(42))));
    let pools = host.driver().pools().await.unwrap();
    assert_eq!(pools[0].stats.provisioned_capacity_gb, 2.0);
}
