//! Plans, and what they lead to in a cell.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stele_core::id::{ProjectId, VolumeId};
use stele_core::state::{QuotaResource, State};
use stele_core::task::{Operation, Transition};
use uuid::Uuid;

use super::super::plan::{Left, LeftCode, Plan, PlanOptions, plan};
use super::{ALPHA, BETA, Estate, GAMMA, estate};
use crate::testing::{Cell, golden, text};

const GIB: u64 = 1 << 30;

/// The estate, for pools that report nothing but their size.
fn without_specs() -> Estate {
    let mut estate = estate();
    estate.types.values_mut().for_each(|volume_type| volume_type.extra_specs.clear());
    estate
}

fn options() -> PlanOptions {
    PlanOptions { project: None, hosts: vec!["cinder1@lvm#cinder-volumes=n1@lvm#vg".parse().unwrap()] }
}

/// Sends a plan into a cell whose worker finds everything, as large as Cinder says.
fn adopt(estate: &Estate, plan: &Plan) -> Cell {
    adopt_in(Cell::with_pools(), estate, plan)
}

fn adopt_in(mut cell: Cell, estate: &Estate, plan: &Plan) -> Cell {
    let mut tasks = 0;
    for step in &plan.steps {
        let record = cell.send(&step.subject(), &step.body(0));
        let refused = record.to_string();
        assert!(!refused.contains("request_refused"), "{} {}: {refused}", step.subject(), step.content);
        while tasks < cell.tasks.len() {
            let task = cell.tasks[tasks].clone();
            tasks += 1;
            let size_bytes = match &task.operation {
                Operation::ManageVolume { volume, .. } => {
                    Some(u64::try_from(estate.volumes[&volume.to_string()].size_gib).unwrap() * GIB)
                }
                _ => None,
            };
            let (started_at, finished_at) = (cell.now, cell.now);
            let done =
                Transition::Succeeded { started_at, finished_at, steps: Vec::new(), connection: None, size_bytes };
            cell.transition(&task, done);
        }
    }
    cell
}

/// What a project uses, by Cinder's names; what is 0 is left out.
fn usage(state: &State, project: &str) -> BTreeMap<String, i64> {
    let lines = state.usage[&ProjectId::new(project).unwrap()].lines.clone();
    let name = |resource: &QuotaResource| resource.name(|id| state.types[&id].name.clone());
    let used = lines.iter().filter(|(_, line)| (line.in_use, line.reserved) != (0, 0));
    used.map(|(resource, line)| (name(resource), line.in_use)).collect()
}

#[test]
fn people_are_shown_what_is_adopted_and_what_is_not() {
    let plan = plan(&estate(), &options());
    golden("cinder/plan.txt", &text(|out| plan.render(out)));
    let codes: BTreeSet<LeftCode> = plan.left.iter().map(|left| left.code).collect();
    assert_eq!(codes.len(), 7, "{codes:?}");
    for (kind, count) in &plan.counts {
        let of_kind = plan.left.iter().filter(|left| left.kind == *kind).count();
        // Limits are listed by what they limit.
        assert!(*kind == "limit" || of_kind == count.rows - count.adopted, "{kind}: every row is adopted or listed");
    }
    assert_eq!(plan.counts["volume"].rows, 16);
}

#[test]
fn a_cell_holds_what_was_adopted_and_counts_it() {
    let estate = without_specs();
    let plan = plan(&estate, &options());
    let cell = adopt(&estate, &plan);
    let state = &cell.folded().state;
    assert_eq!(plan.usage.keys().map(String::as_str).collect::<Vec<_>>(), [ALPHA, BETA]);
    for (project, planned) in &plan.usage {
        assert_eq!(&usage(state, project), planned, "{project}");
    }
    assert_eq!(state.volumes.len(), plan.counts["volume"].adopted);
    let volume = |number: u128| state.volumes[&VolumeId(Uuid::from_u128((0xc1 << 96) + number))].clone();
    let first = volume(1);
    assert_eq!((first.name.as_str(), first.size_gib.gib(), first.bootable), ("O'Reilly \\ \"web\"\nfront", 2, true));
    assert_eq!((first.status.name(), first.user.len()), ("available", 32));
    assert_eq!(first.image_metadata["os_type"], "linux");
    assert_eq!(state.groups[&first.group.unwrap()].name, "db");
    assert_eq!((volume(2).status.name(), volume(3).readonly), ("reserved", Some(true)));
    let held = state.attachments.values().map(|held| (held.volume, held.service_owned)).collect::<Vec<_>>();
    // Of a type that is not for several here, the other is kept for the first alone.
    assert_eq!(held, [(volume(2).id, true), (volume(6).id, true)]);
    let sources: Vec<String> =
        cell.tasks.iter().filter_map(|task| task.operation.source_name()).map(ToString::to_string).collect();
    // The one whose migration is done has another name there.
    assert!(sources.contains(&"volume-000000c2-0000-0000-0000-000000000004".to_owned()), "{sources:?}");
    assert!(sources.contains(&"_snapshot-0000005a-0000-0000-0000-000000000001".to_owned()), "{sources:?}");
    let gold = state.find_type("gold").unwrap();
    assert_eq!((gold.id.to_string().as_str(), gold.qos.is_some()), ("0000007e-0000-0000-0000-000000000001", true));
    assert!(state.find_type("luks").unwrap().encryption.is_some());
    assert!(state.find_type("lab").unwrap().is_visible_to(&ProjectId::new(BETA).unwrap()));
    let limit = |project: &str, resource| state.limit(&ProjectId::new(project).unwrap(), resource);
    assert_eq!((limit(ALPHA, QuotaResource::Volumes), limit(ALPHA, QuotaResource::VolumesOf(gold.id))), (20, 8));
    assert_eq!((limit(BETA, QuotaResource::Snapshots), limit(GAMMA, QuotaResource::Volumes)), (12, 10));
    assert_eq!(stele_core::audit::audit(state), []);
}

/// Volume 6, of a type for several servers, and what two of them have of it.
fn shared() -> (Estate, VolumeId) {
    let mut estate = estate();
    let for_several = |name: &String, _: &mut String| name == "multiattach";
    estate.types.values_mut().for_each(|volume_type| volume_type.extra_specs.retain(for_several));
    (estate, VolumeId(Uuid::from_u128((0xc1 << 96) + 6)))
}

/// What a cell keeps of a volume: each server's place and status.
fn kept(estate: &Estate, volume: VolumeId) -> (String, Vec<(String, &'static str)>, Vec<Left>) {
    let plan = plan(estate, &options());
    let mut cell = Cell::with_pools();
    cell.backend_that("n1@lvm#vg", 30.0, &["multiattach"]);
    let cell = adopt_in(cell, estate, &plan);
    let state = &cell.folded().state;
    assert_eq!(stele_core::audit::audit(state), []);
    let of_volume: Vec<_> = state.attachments.values().filter(|held| held.volume == volume).collect();
    assert!(of_volume.iter().all(|held| held.service_owned && held.connection.is_none()));
    let held = of_volume.iter().map(|held| (held.instance.clone().unwrap(), held.status.name())).collect();
    let left = plan.left.into_iter().filter(|left| left.kind == "attachment").collect();
    (state.volumes[&volume].status.name().to_owned(), held, left)
}

#[test]
fn a_volume_that_several_servers_have_is_kept_for_each() {
    let (mut estate, volume) = shared();
    let server = |number: u128| Uuid::from_u128((0x15 << 96) + number).to_string();
    let (status, held, left) = kept(&estate, volume);
    assert_eq!((status.as_str(), left), ("in-use", vec![]));
    assert_eq!(held, [(server(2), "attached"), (server(3), "reserved")]);
    // One that is underway comes behind one that uses it.
    let of = |number: u128| Uuid::from_u128((0xa7 << 96) + number).to_string();
    "attaching".clone_into(&mut estate.attachments.get_mut(&of(2)).unwrap().status);
    assert_eq!(kept(&estate, volume).1, [(server(2), "reserved"), (server(3), "attached")]);
    // Nobody uses it, and several are about to.
    "reserved".clone_into(&mut estate.attachments.get_mut(&of(3)).unwrap().status);
    let (status, held, left) = kept(&estate, volume);
    assert_eq!((status.as_str(), held), ("reserved", vec![(server(2), "reserved")]));
    let code = |left: Vec<Left>| left.into_iter().map(|left| (left.id, left.code)).collect::<Vec<_>>();
    assert_eq!(code(left), [(of(3), LeftCode::SeveralAttachments)]);
}

#[test]
fn of_a_type_for_one_server_a_volume_is_kept_for_one_and_twice_for_one_that_moves() {
    let (mut estate, volume) = shared();
    estate.types.values_mut().for_each(|volume_type| volume_type.extra_specs.clear());
    let (status, held, left) = kept(&estate, volume);
    assert_eq!((status.as_str(), held.len(), left.len()), ("reserved", 1, 1));
    assert_eq!(left[0].code, LeftCode::SeveralAttachments);
    // Both are one server's, on its way from a host to another.
    let of = |number: u128| Uuid::from_u128((0xa7 << 96) + number).to_string();
    let moving = estate.attachments[&of(2)].instance.clone();
    estate.attachments.get_mut(&of(3)).unwrap().instance = moving;
    let (status, held, left) = kept(&estate, volume);
    assert_eq!((status.as_str(), left), ("reserved", vec![]));
    assert_eq!(held.iter().map(|held| held.1).collect::<Vec<_>>(), ["reserved", "reserved"]);
}

/// A project that has more than it may: it keeps all of it, and its limits are what they were.
#[test]
fn what_exceeds_its_limit_is_adopted_and_limited_again() {
    let mut estate = without_specs();
    for limit in &mut estate.limits {
        limit.limit = Some(1);
    }
    // Nobody has a limit of his own there, and that of all is less than what he has.
    estate
        .class_limits
        .iter_mut()
        .filter(|limit| limit.resource == "gigabytes")
        .for_each(|limit| limit.limit = Some(2));
    let plan = plan(&estate, &options());
    let closing: Vec<&Value> =
        plan.steps.iter().rev().take_while(|step| step.verb != "create").map(|step| &step.content).collect();
    assert_eq!(closing.len(), 3, "both are cleared, one gets its own back: {closing:?}");
    let cell = adopt(&estate, &plan);
    let state = &cell.folded().state;
    for (project, planned) in &plan.usage {
        assert_eq!(&usage(state, project), planned, "{project}");
    }
    let limit = |project: &str, resource| state.limit(&ProjectId::new(project).unwrap(), resource);
    assert_eq!((limit(ALPHA, QuotaResource::Volumes), limit(ALPHA, QuotaResource::Gigabytes)), (1, 1));
    assert_eq!((limit(BETA, QuotaResource::Volumes), limit(BETA, QuotaResource::Gigabytes)), (10, 2));
}

#[test]
fn one_project_is_adopted_alone() {
    let only = PlanOptions { project: Some(BETA.to_owned()), ..options() };
    let plan = plan(&estate(), &only);
    assert_eq!(plan.usage.keys().collect::<Vec<_>>(), [BETA]);
    assert!(plan.left.iter().all(|left| left.project.is_empty() || left.project == BETA), "{:?}", plan.left);
    assert_eq!(plan.counts["volume type"].rows, 5, "types are everybody's");
}

#[test]
fn each_reason_has_its_code() {
    let id = "000000c1-0000-0000-0000-000000000003";
    let code = |change: fn(&mut super::super::estate::Volume)| {
        let mut estate = estate();
        change(estate.volumes.get_mut(id).unwrap());
        let left = plan(&estate, &options()).left;
        left.into_iter().find(|left| left.kind == "volume" && left.id == id).map(|left| left.code)
    };
    assert_eq!(code(|_| {}), None);
    assert_eq!(code(|v| "extending".clone_into(&mut v.status)), Some(LeftCode::Underway));
    assert_eq!(code(|v| "error_extending".clone_into(&mut v.status)), Some(LeftCode::InError));
    assert_eq!(code(|v| v.replication_status = Some("enabled".to_owned())), Some(LeftCode::Replicated));
    assert_eq!(code(|v| v.replication_status = Some("disabled".to_owned())), None);
    assert_eq!(code(|v| v.migration_status = Some("starting".to_owned())), Some(LeftCode::Migrating));
    assert_eq!(code(|v| v.host = Some("elsewhere".to_owned())), Some(LeftCode::NoPool));
    assert_eq!(code(|v| v.host = None), Some(LeftCode::NoHost));
    assert_eq!(code(|v| v.volume_type = None), Some(LeftCode::NoType));
    assert_eq!(code(|v| v.is_encrypted = true), Some(LeftCode::Encrypted));
    assert_eq!(code(|v| v.name.push('\u{7}')), Some(LeftCode::Invalid));
    assert_eq!(code(|v| "a project".clone_into(&mut v.project)), Some(LeftCode::Invalid));
}

#[test]
fn the_file_of_commands_is_the_same_every_time_and_names_each_once() {
    let plan = plan(&estate(), &options());
    let write = |plan: &Plan| text(|out| plan.write_workload(out));
    let written = write(&plan);
    assert_eq!(written, write(&super::super::plan::plan(&estate(), &options())));
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], json!({"stele_workload": 1}));
    let ids: BTreeSet<&str> = lines[1..].iter().map(|line| line["body"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), plan.steps.len());
    let subjects: BTreeSet<&str> = lines[1..].iter().map(|line| line["subject"].as_str().unwrap()).collect();
    assert!(subjects.contains("stele.ask.admin.volume.manage"), "{subjects:?}");
    assert!(subjects.contains(format!("stele.ask.{ALPHA}.group.create").as_str()), "{subjects:?}");
    assert!(plan.steps.iter().all(|step| step.body(0)["id"] != step.body(1)["id"]), "another try is another command");
}
