use stele_core::unit::SizeGib;

use super::*;
use crate::testing::{
    GIB, clone_task, connect_task, create_task, delete_snapshot_task, delete_task, disconnect_task, extend_task,
    manage_snapshot_task, manage_task, restore_task, revert_task, snapshot_task, unmanage_task,
};

/// On storage where each object stands for itself, as the tasks of the tests (which are of position 42) made it.
const OURS: Found = Found {
    size_bytes: 2 * GIB,
    owner: Owner::Ours,
    asked_at: Some(Position(42)),
    open: false,
    has_snapshots: false,
    joined: false,
    active: true,
    unfinished: false,
    clones: true,
    wipe: None,
};

/// On storage where snapshots hang on their volumes.
const THICK: Found = Found { clones: false, wipe: Some(Wipe::Zero), ..OURS };

fn reverted(task: Task) -> Task {
    Task { phase: Phase::Revert, ..task }
}

fn alone(object: Observed) -> Look {
    let absent = Observed::Absent;
    Look { object, source: absent.clone(), still: absent.clone(), successor: absent, export: Export::Direct }
}

/// What a plan comes to, in short: the steps, or the class of the failure. Steps on something else than what the task
/// is about say on what.
fn outcome(task: &Task, look: &Look) -> String {
    let shown = |step: &Step| {
        let on = match step.on {
            on if on == Objects::of(task).object => "",
            Object::Still(_) => "still.",
            Object::Successor(_) => "successor.",
            Object::Snapshot { .. } => "snapshot.",
            Object::Volume(_) => "volume.",
        };
        let more = match step.act {
            Act::Create { size_bytes, unfinished: false } | Act::Extend { size_bytes } => {
                format!(" {}", size_bytes / GIB)
            }
            Act::Create { size_bytes, unfinished: true } => format!(" {} marked", size_bytes / GIB),
            Act::Clone { from } | Act::Copy { from } | Act::Overwrite { from } => format!(" {:.9}", from.name()),
            Act::Replace { by, at } => {
                format!(" {:.7} {}", by.name(), at.map_or_else(|| "-".to_owned(), |at| at.to_string()))
            }
            Act::Snapshot { of, joined } => format!(" {:.9}{}", of.name(), if joined { " joined" } else { "" }),
            Act::Wipe { how } => format!(" {how:?}"),
            _ => String::new(),
        };
        format!("{on}{step}{more}")
    };
    match plan(task, look) {
        Ok(steps) => steps.iter().map(shown).collect::<Vec<_>>().join(", "),
        Err(failure) => {
            assert_eq!(failure.step, "plan");
            failure.kind.to_string()
        }
    }
}

#[test]
fn every_operation_meets_every_observation() {
    let present = Observed::Present;
    let observations = [
        Observed::Absent,
        Observed::Unknown,
        present(OURS),
        present(Found { size_bytes: GIB, ..OURS }),
        present(Found { owner: Owner::Foreign, wipe: Some(Wipe::Zero), ..OURS }),
        present(Found { open: true, ..OURS }),
        present(Found { size_bytes: GIB, has_snapshots: true, ..OURS }),
        present(Found { wipe: Some(Wipe::Zero), ..OURS }),
        present(Found { wipe: Some(Wipe::Discard), active: false, ..OURS }),
        present(Found { active: false, ..OURS }),
    ];
    let zero = "wipe Zero, remove";
    let discard = "activate, wipe Discard, remove";
    #[rustfmt::skip]
    let table = [
        (create_task(1, 2), ["create 2", "create 2", "", "extend 2", "conflict", "", "extend 2", "", "", ""]),
        (extend_task(1, 2), ["not_found", "extend 2", "", "extend 2", "conflict", "", "extend 2", "", "", ""]),
        (delete_task(1), ["", "remove", "remove", "remove", "conflict", "busy", "busy", zero, discard, "remove"]),
        (delete_snapshot_task(1, 1), ["", "remove", "remove", "remove", "conflict", "busy", "busy", zero, discard, "remove"]),
        (connect_task(1), ["not_found", "activate", "", "", "conflict", "", "", "", "activate", "activate"]),
        (disconnect_task(1), [""; 10]),
        (reverted(create_task(1, 2)), ["", "remove", "remove", "remove", "", "busy", "busy", "remove", "remove", "remove"]),
        (reverted(snapshot_task(1, 1)), ["", "remove", "remove", "remove", "", "busy", "busy", zero, discard, "remove"]),
        (reverted(clone_task(1, 2, 3)), ["", "remove", "remove", "remove", "", "busy", "busy", zero, discard, "remove"]),
        (reverted(extend_task(1, 2)), [""; 10]),
        (reverted(delete_task(1)), [""; 10]),
        (reverted(connect_task(1)), [""; 10]),
    ];
    for (task, expected) in table {
        for (observed, expected) in observations.iter().zip(expected) {
            let look = alone(observed.clone());
            assert_eq!(outcome(&task, &look), expected, "{:?} {:?} {observed:?}", task.operation, task.phase);
        }
    }
}

#[test]
fn what_is_made_of_something_depends_on_what_that_is() {
    let present = Observed::Present;
    let sources = [
        Observed::Absent,
        Observed::Unknown,
        present(OURS),
        present(Found { size_bytes: GIB, ..OURS }),
        present(Found { owner: Owner::Foreign, ..OURS }),
        present(Found { asked_at: Some(Position(43)), ..OURS }),
        present(Found { unfinished: true, ..OURS }),
        present(Found { joined: true, ..THICK }),
        present(Found { joined: true, active: false, wipe: None, ..THICK }),
        present(THICK),
    ];
    let of_snapshot = "create 2 marked, copy _snapshot";
    let of_idle_snapshot = "create 2 marked, snapshot.activate, copy _snapshot";
    let of_volume = "still.snapshot volume-00 joined, create 2 marked, copy clone-sna, \
                     still.split, still.activate, still.wipe Zero, still.remove";
    let of_idle_volume = "still.snapshot volume-00 joined, create 2 marked, still.activate, copy clone-sna, \
                          still.remove";
    #[rustfmt::skip]
    let table = [
        (snapshot_task(1, 3), ["not_found", "snapshot volume-00", "snapshot volume-00", "snapshot volume-00",
            "conflict", "conflict", "conflict",
            "snapshot volume-00 joined", "snapshot volume-00 joined", "snapshot volume-00 joined"]),
        (restore_task(1, 2, (9, 3)), ["not_found", "clone _snapshot", "clone _snapshot", "clone _snapshot, extend 2",
            "conflict", "conflict", "conflict", of_snapshot, of_idle_snapshot, "not_found"]),
        (clone_task(1, 2, 3), ["not_found", "clone volume-00", "clone volume-00", "clone volume-00, extend 2",
            "conflict", "conflict", "conflict", of_volume, of_idle_volume, of_volume]),
    ];
    for (task, expected) in table {
        for (source, expected) in sources.iter().zip(expected) {
            for object in [Observed::Absent, Observed::Unknown] {
                let look = Look { source: source.clone(), ..alone(object) };
                assert_eq!(outcome(&task, &look), expected, "{:?} of {source:?}", task.operation);
            }
        }
        // What is there is not made again, whatever became of its source.
        for source in &sources {
            let look = Look { source: source.clone(), ..alone(Observed::Present(OURS)) };
            assert_eq!(outcome(&task, &look), "", "{:?} of {source:?}", task.operation);
        }
    }
}

#[test]
fn a_copy_that_was_cut_short_is_begun_anew_and_tidied_up() {
    let present = Observed::Present;
    let begun = Found { unfinished: true, ..THICK };
    let still = Found { joined: true, ..THICK };
    let (absent, source) = (Observed::Absent, present(Found { joined: true, has_snapshots: true, ..THICK }));
    let tidy = "still.split, still.activate, still.wipe Zero, still.remove";
    let copy = format!("copy clone-sna, {tidy}");
    let anew = format!("still.snapshot volume-00 joined, {copy}");
    let split = Found { joined: false, ..still };
    for (object, still, expected) in [
        (present(begun.clone()), present(still.clone()), copy.clone()),
        (absent.clone(), present(still.clone()), format!("create 2 marked, {copy}")),
        (present(begun.clone()), absent.clone(), anew.clone()),
        (present(Found { active: false, ..begun.clone() }), present(still.clone()), format!("activate, {copy}")),
        (present(Found { size_bytes: GIB, ..begun.clone() }), present(still.clone()), format!("extend 2, {copy}")),
        (present(begun.clone()), present(Found { active: false, ..still.clone() }), format!("still.activate, {copy}")),
        // Its removal had begun: it is of no use any more.
        (present(begun.clone()), present(split.clone()), format!("still.wipe Zero, still.remove, {anew}")),
        (present(Found { open: true, ..begun }), present(still.clone()), "busy".to_owned()),
        (present(THICK), present(still.clone()), tidy.to_owned()),
        (present(THICK), present(split), "still.wipe Zero, still.remove".to_owned()),
        (present(THICK), absent.clone(), String::new()),
        // Of an earlier task, of a later one, of somebody else.
        (
            absent.clone(),
            present(Found { asked_at: Some(Position(41)), ..still.clone() }),
            format!("{tidy}, still.snapshot volume-00 joined, create 2 marked, {copy}"),
        ),
        (absent.clone(), present(Found { asked_at: Some(Position(43)), ..still.clone() }), "conflict".to_owned()),
        (absent.clone(), present(Found { owner: Owner::Foreign, ..still }), "conflict".to_owned()),
    ] {
        let look = Look { source: source.clone(), still, ..alone(object) };
        assert_eq!(outcome(&clone_task(1, 2, 3), &look), expected, "{look:?}");
    }
    let removed = format!("{tidy}, wipe Zero, remove");
    for task in [delete_task(1), reverted(clone_task(1, 2, 3))] {
        let look = Look { source: source.clone(), still: present(still.clone()), ..alone(present(begun.clone())) };
        assert_eq!(outcome(&task, &look), removed);
        let look = Look { object: absent.clone(), ..look };
        assert_eq!(outcome(&task, &look), tidy);
        let foreign = Look { still: present(Found { owner: Owner::Foreign, ..still.clone() }), ..look };
        assert_eq!(outcome(&task, &foreign), "");
    }
    for (task, expected) in [(connect_task(1), "conflict"), (snapshot_task(9, 1), "conflict")] {
        let look = Look { source: present(begun.clone()), still: absent.clone(), ..alone(present(begun.clone())) };
        let look = if matches!(task.operation, Operation::CreateSnapshot { .. }) {
            Look { object: absent.clone(), ..look }
        } else {
            look
        };
        assert_eq!(outcome(&task, &look), expected);
    }
}

#[test]
fn a_volume_goes_back_to_its_snapshot_once() {
    let present = |found: &Found| Observed::Present(found.clone());
    let (absent, unknown) = (Observed::Absent, Observed::Unknown);
    // As the task itself made it, and as others did.
    let this = Found { asked_at: Some(Position(43)), ..OURS };
    let later = Found { asked_at: Some(Position(44)), ..OURS };
    let (foreign, untold) = (Found { owner: Owner::Foreign, ..OURS }, Found { asked_at: None, ..OURS });
    let (idle, open) = (Found { active: false, ..this }, Found { open: true, ..OURS });
    let marked = Found { unfinished: true, ..OURS };
    let thick = Found { joined: true, ..THICK };
    let (origin, asleep) = (Found { has_snapshots: true, ..thick.clone() }, Found { active: false, ..thick });
    let whole = "successor.clone _snapshot, replace revert- 42";
    #[rustfmt::skip]
    let table = [
        // The volume, its snapshot, the successor.
        (present(&OURS), present(&OURS), absent.clone(), whole),
        (present(&OURS), present(&OURS), present(&this), "replace revert- 42"),
        (present(&OURS), present(&OURS), present(&idle), "replace revert- 42, activate"),
        (present(&OURS), present(&OURS), present(&OURS), "successor.remove, successor.clone _snapshot, replace revert- 42"),
        (present(&OURS), present(&OURS), present(&later), "conflict"),
        (present(&OURS), present(&OURS), present(&foreign), "conflict"),
        (absent.clone(), present(&OURS), present(&this), "replace revert- -"),
        (absent.clone(), present(&OURS), absent.clone(), "successor.clone _snapshot, replace revert- -"),
        (absent.clone(), absent.clone(), absent.clone(), "not_found"),
        (unknown.clone(), unknown.clone(), unknown, "overwrite _snapshot"),
        // It was done already; a host may have written since.
        (present(&this), present(&OURS), absent.clone(), ""),
        (present(&this), absent.clone(), absent.clone(), ""),
        (present(&this), present(&OURS), present(&this), "successor.remove"),
        (present(&idle), present(&OURS), absent.clone(), "activate"),
        (present(&Found { open: true, ..this.clone() }), present(&OURS), absent.clone(), ""),
        (present(&later), present(&OURS), absent.clone(), "conflict"),
        (present(&open), present(&OURS), absent.clone(), "busy"),
        (present(&foreign), present(&OURS), absent.clone(), "conflict"),
        (present(&untold), present(&OURS), absent.clone(), "conflict"),
        (present(&marked), present(&OURS), absent.clone(), "conflict"),
        (present(&OURS), absent.clone(), absent.clone(), "not_found"),
        (present(&OURS), present(&foreign), absent.clone(), "conflict"),
        (present(&OURS), present(&later), absent.clone(), "conflict"),
        // Where snapshots hang on their volumes.
        (present(&origin), present(&thick), absent.clone(), "overwrite _snapshot"),
        (present(&Found { active: false, ..origin.clone() }), present(&asleep), absent.clone(), "activate, snapshot.activate, overwrite _snapshot"),
        (present(&Found { asked_at: Some(Position(43)), ..origin.clone() }), present(&thick), absent.clone(), ""),
        (present(&THICK), present(&THICK), absent.clone(), "not_found"),
        (absent.clone(), present(&THICK), absent, "not_found"),
    ];
    let task = revert_task(1, 9);
    for (object, source, successor, expected) in table {
        let look = Look { source, successor, ..alone(object) };
        assert_eq!(outcome(&task, &look), expected, "{look:?}");
    }
    // What a target holds open is free once the target is gone.
    let export = Export::Present(Exported { ready: true, host: true, others: false, asked_at: None, outgrown: false });
    let look = Look { source: present(&OURS), export, ..alone(present(&open)) };
    assert_eq!(outcome(&task, &look), format!("withdraw, {whole}"));
}

#[test]
fn a_revert_that_was_given_up_leaves_the_volume_and_nothing_beside_it() {
    let present = Observed::Present;
    let of = |n| Found { asked_at: Some(Position(n)), ..OURS };
    for (object, successor, expected) in [
        (present(of(42)), Observed::Absent, ""),
        (present(of(42)), present(of(43)), "successor.remove"),
        (present(of(43)), present(of(43)), "successor.remove"),
        (present(of(42)), present(of(44)), ""),
        (present(of(42)), present(Found { owner: Owner::Foreign, ..OURS }), ""),
        (Observed::Absent, present(of(43)), "replace revert- -"),
        (Observed::Absent, present(Found { active: false, ..of(43) }), "replace revert- -, activate"),
        (Observed::Absent, present(of(44)), ""),
        (Observed::Absent, Observed::Absent, ""),
        (Observed::Unknown, Observed::Unknown, ""),
    ] {
        let look = Look { source: present(OURS), successor, ..alone(object) };
        assert_eq!(outcome(&reverted(revert_task(1, 9)), &look), expected, "{look:?}");
    }
    // A delete finds it, too.
    let look = Look { successor: present(of(42)), ..alone(present(of(42))) };
    assert_eq!(outcome(&delete_task(1), &look), "successor.remove, remove");
}

#[test]
fn what_is_somebody_elses_is_taken_over_and_given_back() {
    let present = |found: &Found| Observed::Present(found.clone());
    let absent = Observed::Absent;
    let foreign = Found { owner: Owner::Foreign, asked_at: None, ..OURS };
    let odd = Found { size_bytes: GIB + 512, active: false, ..foreign };
    let tagged = Found { owner: Owner::Ours, ..foreign };
    let earlier = Found { asked_at: Some(Position(41)), ..OURS };
    let (manage, take) = (manage_task(1, "old"), manage_snapshot_task(7, 1, "old"));
    let own_name = format!("volume-{}", crate::testing::volume(1));
    let (same, keep, back) = (manage_task(1, &own_name), unmanage_task(1, None), unmanage_task(1, Some("old")));
    let snapshot = Found { size_bytes: GIB, ..foreign };
    #[rustfmt::skip]
    let table = [
        // What has its name, what has the source name.
        (&manage, absent.clone(), present(&foreign), "adopt"),
        (&manage, absent.clone(), present(&odd), "adopt, extend 2, activate"),
        (&manage, absent.clone(), present(&tagged), "adopt"),
        (&manage, absent.clone(), present(&OURS), "adopt"),
        (&manage, absent.clone(), present(&earlier), "conflict"),
        (&manage, absent.clone(), absent.clone(), "not_found"),
        (&manage, absent.clone(), present(&Found { open: true, ..foreign.clone() }), "busy"),
        (&manage, absent.clone(), present(&Found { joined: true, has_snapshots: true, ..foreign.clone() }), "conflict"),
        (&manage, present(&OURS), absent.clone(), ""),
        (&manage, present(&Found { size_bytes: GIB / 2, ..OURS }), absent.clone(), "extend 1"),
        (&manage, present(&Found { active: false, ..OURS }), absent.clone(), "activate"),
        (&manage, present(&earlier), present(&foreign), "conflict"),
        (&manage, present(&foreign), present(&foreign), "conflict"),
        (&manage, Observed::Unknown, Observed::Unknown, "adopt"),
        (&same, present(&foreign), present(&foreign), "adopt"),
        (&take, absent.clone(), present(&snapshot), "adopt"),
        (&take, absent.clone(), present(&foreign), "conflict"),
        (&take, absent.clone(), present(&Found { clones: false, ..snapshot.clone() }), "unsupported"),
        (&take, present(&Found { size_bytes: GIB, ..OURS }), absent.clone(), ""),
        (&keep, present(&OURS), absent.clone(), "release"),
        (&keep, present(&foreign), absent.clone(), ""),
        (&keep, absent.clone(), absent.clone(), ""),
        (&keep, Observed::Unknown, absent.clone(), ""),
        (&back, present(&OURS), present(&foreign), "release"),
        (&back, absent.clone(), present(&OURS), "release"),
        (&back, absent.clone(), present(&foreign), ""),
        (&back, absent, present(&Found { asked_at: Some(Position(43)), ..OURS }), ""),
    ];
    for (task, object, source, expected) in table {
        let look = Look { source, ..alone(object) };
        assert_eq!(outcome(task, &look), expected, "{:?} {look:?}", task.operation);
        assert_eq!(outcome(&reverted(task.clone()), &look), "", "{:?}", task.operation);
    }
    let exported =
        Export::Present(Exported { ready: true, host: true, others: false, asked_at: None, outgrown: false });
    let look = Look { export: exported, ..alone(present(&OURS)) };
    assert_eq!(outcome(&keep, &look), "withdraw, release");
}

#[test]
fn what_hangs_together_is_taken_apart_or_stopped_first() {
    let volume = Found { joined: true, has_snapshots: true, size_bytes: GIB, ..THICK };
    let snapshot = Found { joined: true, ..THICK };
    for (task, found, expected) in [
        (extend_task(1, 2), volume.clone(), "deactivate, extend 2, activate"),
        // A worker died on the way.
        (extend_task(1, 2), Found { active: false, ..volume.clone() }, "extend 2, activate"),
        (extend_task(1, 1), Found { active: false, ..volume.clone() }, "activate"),
        (extend_task(1, 1), volume.clone(), ""),
        (extend_task(1, 2), Found { open: true, ..volume.clone() }, "busy"),
        (extend_task(1, 1), Found { open: true, ..volume.clone() }, ""),
        (delete_task(1), volume, "busy"),
        (delete_snapshot_task(1, 3), snapshot.clone(), "split, activate, wipe Zero, remove"),
        (delete_snapshot_task(1, 3), Found { wipe: None, ..snapshot.clone() }, "remove"),
        (delete_snapshot_task(1, 3), Found { open: true, ..snapshot.clone() }, "busy"),
        (delete_snapshot_task(1, 3), THICK, "wipe Zero, remove"),
        (reverted(snapshot_task(1, 3)), snapshot, "split, activate, wipe Zero, remove"),
    ] {
        assert_eq!(
            outcome(&task, &alone(Observed::Present(found.clone()))),
            expected,
            "{:?} {found:?}",
            task.operation
        );
    }
}

#[test]
fn what_was_asked_for_later_is_not_touched() {
    let newer = alone(Observed::Present(Found { size_bytes: GIB, asked_at: Some(Position(43)), ..OURS }));
    let as_old = Task { asked_at: Position(42), ..revert_task(1, 9) };
    for task in
        [create_task(1, 2), extend_task(1, 2), clone_task(1, 2, 3), snapshot_task(1, 3), connect_task(1), as_old]
    {
        assert_eq!(outcome(&task, &newer), "conflict");
        assert_eq!(outcome(&reverted(task), &newer), "");
    }
    for task in [delete_task(1), delete_snapshot_task(1, 3), disconnect_task(1)] {
        assert_eq!(outcome(&task, &newer), "");
    }
    let older = alone(Observed::Present(Found { asked_at: Some(Position(41)), ..OURS }));
    for task in [create_task(1, 2), clone_task(1, 2, 3), snapshot_task(1, 3)] {
        assert_eq!(outcome(&task, &older), "conflict");
        assert_eq!(outcome(&reverted(task), &older), "remove");
    }
    let untold = alone(Observed::Present(Found { asked_at: None, ..OURS }));
    assert_eq!(outcome(&delete_task(1), &untold), "remove");
    // A delete leaves what lies beside a volume of a later life, too.
    let still = Observed::Present(Found { asked_at: Some(Position(43)), joined: true, ..THICK });
    assert_eq!(outcome(&delete_task(1), &Look { still, ..alone(Observed::Absent) }), "");
}

#[test]
fn the_largest_volume_is_planned_exactly() {
    let mut task = create_task(1, 1);
    let size_gib = SizeGib::new(i128::from(i32::MAX)).unwrap();
    task.operation = Operation::CreateVolume { volume: task.operation.volume(), size_gib, source: None };
    let create = Act::Create { size_bytes: 2_147_483_647 << 30, unfinished: false };
    let on = Objects::of(&task).object;
    assert_eq!(plan(&task, &alone(Observed::Absent)).unwrap(), [Step { on, act: create }]);
}

#[test]
fn a_refusal_names_the_object_and_the_pool() {
    let of = |task: &Task| plan(task, &alone(Observed::Absent)).unwrap_err().to_string();
    assert_eq!(
        of(&extend_task(7, 2)),
        "not_found at plan: volume-00000000-0000-0000-0000-000000000007 in n1@mem#pool does not exist, \
         so it cannot be extended"
    );
    assert_eq!(
        of(&restore_task(7, 2, (9, 3))),
        "not_found at plan: _snapshot-00000000-0000-0000-0000-000000000009 in n1@mem#pool does not exist, \
         so nothing can be made of it"
    );
}

#[test]
fn hosts_get_what_is_missing() {
    let whole = Exported { ready: true, host: true, others: false, asked_at: Some(Position(42)), outgrown: false };
    let exports = [
        Export::Direct,
        Export::Absent,
        Export::Present(whole),
        Export::Present(Exported { ready: false, ..whole }),
        Export::Present(Exported { ready: false, host: false, asked_at: None, ..whole }),
        Export::Present(Exported { ready: false, host: false, asked_at: None, others: true, ..whole }),
        // Asked for after the task.
        Export::Present(Exported { ready: false, asked_at: Some(Position(43)), ..whole }),
        Export::Present(Exported { outgrown: true, ..whole }),
    ];
    let mut shared = disconnect_task(1);
    if let Operation::DisconnectVolume { shared, .. } = &mut shared.operation {
        *shared = true;
    }
    for (task, expected) in [
        (connect_task(1), ["", "export", "", "export", "export", "export", "", ""]),
        (disconnect_task(1), ["", "", "unexport", "unexport", "unexport", "", "", "unexport"]),
        (shared, [""; 8]),
        (reverted(disconnect_task(1)), [""; 8]),
        (extend_task(1, 2), ["", "", "", "", "", "", "", "resize"]),
        (extend_task(1, 3), {
            let mut all = ["extend 3, resize"; 8];
            all[..2].fill("extend 3");
            all
        }),
    ] {
        for (export, expected) in exports.iter().zip(expected) {
            let look = Look { export: export.clone(), ..alone(Observed::Present(OURS)) };
            assert_eq!(outcome(&task, &look), expected, "{task:?} {export:?}");
        }
    }
    // What a target holds open is free once the target is gone.
    let open = Observed::Present(Found { open: true, ..THICK });
    let look = Look { export: Export::Present(whole), ..alone(open.clone()) };
    assert_eq!(outcome(&delete_task(1), &look), "withdraw, wipe Zero, remove");
    assert_eq!(outcome(&delete_task(1), &alone(open)), "busy");
    let look = Look { export: Export::Present(whole), ..alone(Observed::Absent) };
    assert_eq!(outcome(&delete_task(1), &look), "withdraw");
}
