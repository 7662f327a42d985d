use stele_core::id::{PoolName, ProjectId, VolumeId};
use stele_core::inventory::ForeignList;
use stele_core::unit::Timestamp;
use uuid::Uuid;

use super::*;
use crate::projection::Projection;
use crate::reader::Snapshot;
use crate::testing::{Story, pool_a, story};
use crate::view::{PoolView, QuotaLine, ServiceState, ServiceStatus, VolumeView};

struct Stored {
    _directory: tempfile::TempDir,
    story: Story,
    snapshot: Snapshot,
}

fn stored() -> Stored {
    let mut story = story();
    // Several volumes at one moment: the writer's time does not go back when the clock does.
    let now = story.cell.now;
    for name in ["tie", "tie", "other"] {
        story.cell.now = Timestamp::from_micros(now.micros() - 60_000_000);
        story.cell.accepted("demo.volume.create", &format!(r#"{{"volume":{{"size_gib":1,"name":"{name}"}}}}"#));
    }
    story.cell.now = now;
    let directory = tempfile::tempdir().unwrap();
    let mut projection = Projection::open(&directory.path().join("p.redb")).unwrap();
    projection.apply(&story.cell.entries).unwrap();
    let snapshot = projection.reader().snapshot().unwrap();
    Stored { _directory: directory, story, snapshot }
}

fn list(stored: &Stored, filter: VolumeFilter, sort: &str, limit: usize) -> Vec<VolumeView> {
    let mut request = VolumePageRequest { filter, sort: sort.parse().unwrap(), limit, marker: None };
    let mut all = Vec::new();
    loop {
        let page = volumes(&stored.snapshot, &request).unwrap();
        assert!(page.volumes.len() <= limit);
        all.extend(page.volumes);
        let Some(marker) = page.next_marker else { return all };
        assert_eq!(Some(marker), all.last().map(|volume| volume.id));
        request.marker = Some(marker);
    }
}

fn project(name: &str) -> VolumeFilter {
    VolumeFilter { project: Some(name.parse().unwrap()), ..VolumeFilter::default() }
}

fn ids(volumes: &[VolumeView]) -> Vec<VolumeId> {
    volumes.iter().map(|volume| volume.id).collect()
}

#[test]
fn the_pages_together_are_the_whole_list_in_every_order() {
    let stored = stored();
    for filter in [VolumeFilter::default(), project("demo"), project("small"), project("nobody")] {
        for key in ["created_at", "updated_at", "name", "size", "status", "id"] {
            for direction in ["asc", "desc"] {
                let sort = format!("{key}:{direction}");
                let whole = list(&stored, filter.clone(), &sort, LIMIT_MAX);
                for limit in [1, 2, 3, whole.len().max(1)] {
                    assert_eq!(list(&stored, filter.clone(), &sort, limit), whole, "{sort} by {limit}");
                }
                let mut sorted = whole.clone();
                sorted.sort_by(|a, b| {
                    let order = match key {
                        "created_at" => a.created_at.cmp(&b.created_at),
                        "updated_at" => a.updated_at.cmp(&b.updated_at),
                        "name" => a.name.cmp(&b.name),
                        "size" => a.size_gib.cmp(&b.size_gib),
                        "status" => a.status.cmp(&b.status),
                        _ => std::cmp::Ordering::Equal,
                    };
                    order.then(a.id.cmp(&b.id))
                });
                if direction == "desc" {
                    sorted.reverse();
                }
                assert_eq!(ids(&whole), ids(&sorted), "{sort}");
            }
        }
    }
    // The index gives what looking at everything gives.
    let everything = list(&stored, VolumeFilter::default(), "created_at", LIMIT_MAX);
    let of_demo: Vec<VolumeView> = everything.iter().filter(|v| v.project.as_str() == "demo").cloned().collect();
    assert_eq!(list(&stored, project("demo"), "created_at", LIMIT_MAX), of_demo);
    assert_eq!((everything.len(), of_demo.len()), (19, 12));
}

#[test]
fn filters_narrow_the_list() {
    let stored = stored();
    let all = list(&stored, VolumeFilter::default(), "id", LIMIT_MAX);
    let text = |text: &str| Some(text.to_owned());
    let metadata = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    type Test = fn(&VolumeView) -> bool;
    let rows: [(VolumeFilter, Test, usize); 9] = [
        (VolumeFilter { status: text("creating"), ..Default::default() }, |v| v.status == "creating", 4),
        (VolumeFilter { status: text("error"), ..Default::default() }, |v| v.status == "error", 1),
        (VolumeFilter { name: text("web"), ..Default::default() }, |v| v.name == "web", 2),
        (VolumeFilter { pool: Some(pool_a()), ..Default::default() }, |v| v.pool == Some(pool_a()), 17),
        (VolumeFilter { volume_type: text("gold"), ..Default::default() }, |v| v.volume_type == "gold", 1),
        (VolumeFilter { volume_type: text("lead"), ..Default::default() }, |_| false, 0),
        (VolumeFilter { availability_zone: text("mars"), ..Default::default() }, |_| false, 0),
        (VolumeFilter { metadata: metadata("tier", "hot"), ..Default::default() }, |v| v.metadata["tier"] == "hot", 2),
        (VolumeFilter { metadata: metadata("tier", "warm"), ..Default::default() }, |_| false, 0),
    ];
    for (filter, test, count) in rows {
        let found = list(&stored, filter.clone(), "id", LIMIT_MAX);
        assert!(found.iter().all(test), "{filter:?}");
        assert_eq!(found.len(), count, "{filter:?}");
        // The index is filtered alike.
        let both = VolumeFilter { project: Some("demo".parse().unwrap()), ..filter };
        let demo = found.iter().filter(|volume| volume.project.as_str() == "demo").count();
        assert_eq!(list(&stored, both, "created_at", 2).len(), demo);
    }
    let gold = all.iter().find(|volume| volume.volume_type == "gold").unwrap();
    let by_id = VolumeFilter { volume_type: Some(gold.volume_type_id.to_string()), ..Default::default() };
    assert_eq!(ids(&list(&stored, by_id, "id", 5)), [gold.id]);
}

#[test]
fn markers_and_limits_that_cannot_be_are_errors() {
    let stored = stored();
    let of = |filter: VolumeFilter, marker: VolumeId| VolumePageRequest {
        filter,
        marker: Some(marker),
        ..VolumePageRequest::default()
    };
    let unknown = VolumeId(Uuid::from_u128(99));
    let foreign = list(&stored, project("small"), "id", 10)[0].id;
    for (filter, marker) in [
        (VolumeFilter::default(), unknown),
        (VolumeFilter::default(), stored.story.deleted),
        (project("demo"), foreign),
    ] {
        let error = volumes(&stored.snapshot, &of(filter, marker)).unwrap_err();
        assert!(matches!(error, VolumePageError::UnknownMarker(found) if found == marker));
    }
    // A marker that does not match the filter (any more) still tells where to go on.
    let creating = VolumeFilter { status: Some("creating".to_owned()), ..Default::default() };
    let page = volumes(&stored.snapshot, &of(creating, stored.story.extended)).unwrap();
    assert_eq!(page.volumes.len(), 0, "those being made are newer, and the newest come first");
    for limit in [0, LIMIT_MAX + 1] {
        let request = VolumePageRequest { limit, ..VolumePageRequest::default() };
        assert!(matches!(volumes(&stored.snapshot, &request), Err(VolumePageError::InvalidLimit(_))));
    }
    assert_eq!("size".parse::<Sort>().unwrap().to_string(), "size:desc");
    assert!("colour".parse::<Sort>().is_err() && "size:up".parse::<Sort>().is_err());
}

#[test]
fn a_volume_is_shown_with_its_names() {
    let stored = stored();
    let shown = volume(&stored.snapshot, stored.story.extended).unwrap().unwrap();
    assert_eq!((shown.name.as_str(), shown.status.as_str()), ("new name", "error_extending"));
    assert_eq!((shown.size_gib, shown.volume_type.as_str()), (4, "__DEFAULT__"));
    assert!(shown.reason.unwrap().contains("no_space"));
    let homeless = volume(&stored.snapshot, stored.story.homeless).unwrap().unwrap();
    assert_eq!((homeless.pool, homeless.status.as_str()), (None, "error"));
    assert_eq!(volume(&stored.snapshot, VolumeId(Uuid::nil())).unwrap(), None);
}

#[test]
fn services_are_up_until_the_bound() {
    let stored = stored();
    let heartbeat = services(&stored.snapshot, Timestamp::default()).unwrap().services[0].last_heartbeat_at;
    for (age_ms, state) in [(0, ServiceState::Up), (60_000, ServiceState::Up), (60_001, ServiceState::Down)] {
        let now = heartbeat.plus_ms(age_ms);
        let found = services(&stored.snapshot, now).unwrap().services;
        assert_eq!((found[0].state, found[0].heartbeat_age_ms), (state, age_ms));
        assert_eq!(pool(&stored.snapshot, &pool_a(), now).unwrap().unwrap().state, state);
    }
    let found = services(&stored.snapshot, heartbeat).unwrap().services;
    assert_eq!(found.iter().map(|service| service.host.as_str()).collect::<Vec<_>>(), ["n1@lvm", "n2@lvm"]);
    assert_eq!((found[0].status, found[0].frozen), (ServiceStatus::Enabled, false));
    assert_eq!((found[1].status, found[1].frozen), (ServiceStatus::Disabled, true));
    assert_eq!(found[1].disabled_reason.as_deref(), Some("new disks"));
    assert_eq!(found[1].frozen_reason.as_deref(), Some("failed over"));
}

#[test]
fn pools_show_what_can_still_be_given() {
    let stored = stored();
    let list = pools(&stored.snapshot, stored.story.cell.now).unwrap().pools;
    assert_eq!(list.len(), 2);
    let a = &list[0];
    assert_eq!((a.name.as_str(), a.reported, a.driver.as_str()), ("n1@lvm#a", true, "lvm"));
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let expected = 390.0 - a.claimed_gib as f64;
    assert_eq!(a.virtual_free_gib, Some(expected));
    let one = PoolView { foreign: Some(ForeignList::default()), ..a.clone() };
    assert_eq!(pool(&stored.snapshot, &a.name, stored.story.cell.now).unwrap(), Some(one));
    let unknown = PoolName::new("x@y#z").unwrap();
    assert_eq!(pool(&stored.snapshot, &unknown, stored.story.cell.now).unwrap(), None);
}

#[test]
fn quotas_are_shown_by_the_names_of_types() {
    let stored = stored();
    let quotas = |project: &str| {
        let project: ProjectId = project.parse().unwrap();
        let lines = quotas_of_project(&stored.snapshot, &project).unwrap().resources;
        lines.into_iter().map(|line| (line.resource, (line.limit, line.in_use, line.reserved))).collect::<Vec<_>>()
    };
    let small = quotas("small");
    let names: Vec<&str> = small.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names[..7],
        ["volumes", "per_volume_gigabytes", "snapshots", "gigabytes", "backups", "backup_gigabytes", "groups"]
    );
    assert_eq!(names.len(), 7 + 3 * 5);
    let line = |name: &str| small.iter().find(|(found, _)| found == name).unwrap().1;
    assert_eq!(line("volumes"), (2, 2, 0));
    // The limit is that of the quota class.
    assert_eq!(line("gigabytes"), (2000, 4, 0));
    assert_eq!(line("gigabytes_gold"), (7, 3, 0));
    assert_eq!(line("volumes___DEFAULT__"), (-1, 1, 0));
    assert!(quotas("nobody").iter().all(|(_, (_, in_use, reserved))| (*in_use, *reserved) == (0, 0)));
}

#[test]
fn limits_come_from_the_project_the_class_and_the_configuration() {
    let stored = stored();
    let limit = |lines: Vec<QuotaLine>, name: &str| lines.into_iter().find(|line| line.resource == name).unwrap().limit;
    let snapshot = &stored.snapshot;
    for (name, default) in [("groups", 8), ("gigabytes", 2000), ("volumes", 10), ("volumes_gold", -1)] {
        assert_eq!(limit(quota_defaults(snapshot).unwrap(), name), default, "{name}");
        assert_eq!(limit(quota_class(snapshot, "default").unwrap(), name), default, "{name}");
        assert_eq!(limit(quota_class(snapshot, "unknown").unwrap(), name), default, "{name}");
        // What the query shows is what decides.
        let state = stored.story.state();
        let resource = stele_core::state::QuotaResource::from_name(name, |name| state.find_type(name).map(|t| t.id));
        for project in ["demo", "small", "away", "nobody"] {
            let project: ProjectId = project.parse().unwrap();
            let shown = limit(quotas_of_project(snapshot, &project).unwrap().resources, name);
            assert_eq!(shown, state.limit(&project, resource.unwrap()), "{name} of {project}");
        }
    }
}

#[test]
fn types_are_found_by_name_and_id() {
    let stored = stored();
    let list = volume_types(&stored.snapshot).unwrap().types;
    assert_eq!(
        list.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(),
        ["__DEFAULT__", "gold", "many", "moon", "secret"]
    );
    assert_eq!(list[3].description, "far away");
    assert_eq!(list[1].qos_id, Some(stele_core::id::QosId(Uuid::from_u128(0xf00d))));
    assert_eq!(list[2].access, ["lab".parse().unwrap()]);
    for found in &list {
        assert_eq!(volume_type(&stored.snapshot, &found.name).unwrap().as_ref(), Some(found));
        assert_eq!(volume_type(&stored.snapshot, &found.id.to_string()).unwrap().as_ref(), Some(found));
    }
    assert_eq!(volume_type(&stored.snapshot, "brief").unwrap(), None);
}
